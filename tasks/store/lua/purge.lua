-- Removes final jobs whose retention is over, with their indexes.
--
-- ARGV: prefix, how many at most
-- Returns how many went.

local now = now_us()
local ids = redis.call('ZRANGEBYSCORE', K.purge, '-inf', int(now), 'LIMIT', 0, tonumber(ARGV[2]))
for _, id in ipairs(ids) do
  local record = redis.call('HMGET', K.job .. id, 'head', 'place')
  if record[1] then
    local state = parse_head(record[1]).state
    zrem(K.state .. state, id)
    if state == 'dead' then unbury(id) end
    for mark in string.gmatch(string.match(record[2], '^%a+ %d+(.*)$'), '%S+') do
      zrem(K.index .. mark, id)
    end
  end
  redis.call('DEL', K.job .. id, K.content .. id)
  zrem(K.purge, id)
end
if #ids > 0 then finish(now) end
return #ids
