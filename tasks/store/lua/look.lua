-- What the dispatcher needs to know: how many jobs are due (counted up to a limit), how long Celery's list is.
--
-- ARGV: prefix, relay, limit, Celery's list ("" where the broker is elsewhere), us for which a job must have been due,
--       lanes ...
-- Returns {due, length of the list}; due leaves paused lanes out, and is 0 while the relay's breaker
-- is open.

local now, limit, since = now_us(), tonumber(ARGV[3]), tonumber(ARGV[5])
local length = ARGV[4] ~= '' and redis.call('LLEN', ARGV[4]) or 0
local open_until = redis.call('HGET', K.relay .. ARGV[2], 'open_until')
if open_until and tonumber(open_until) > now then return {0, length} end
local due = 0
for lane = 6, #ARGV do
  if redis.call('SISMEMBER', K.paused, ARGV[lane]) == 0 then
    due = due + #redis.call('ZRANGEBYSCORE', K.due .. ARGV[lane], '-inf', int(now - since), 'LIMIT', 0, limit)
  end
end
return {due, length}
