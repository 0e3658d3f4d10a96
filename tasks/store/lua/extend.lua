-- The heartbeat: moves the leases' end of jobs that the caller knows it is working on.
--
-- ARGV: prefix, lease in us, then two for each: id, token
-- Returns the ids whose lease is no longer the caller's.

local lease, now, lost = tonumber(ARGV[2]), now_us(), {}
for at = 3, #ARGV, 2 do
  local id, token = ARGV[at], tonumber(ARGV[at + 1])
  local record = redis.call('HMGET', K.job .. id, 'head', 'place')
  local head = record[1] and parse_head(record[1])
  if head and head.state == 'sending' and head.token == token then
    redis.call('ZADD', K.due .. (parse_place(record[2])), 'XX', int(now + lease), id)
  else
    lost[#lost + 1] = id
  end
end
return lost
