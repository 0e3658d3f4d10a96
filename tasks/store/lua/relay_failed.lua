-- Counts a failure to open a session; from the third in a row the breaker is open, with growing pauses.
--
-- ARGV: prefix, relay, failures that open it, first pause in us, longest pause in us, kind, text
-- Returns the pause in us (0: still closed).

local key, opens, first, longest = K.relay .. ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local now = now_us()
local before = redis.call('HMGET', key, 'failures', 'open_until', 'probing')
local open = before[2] and tonumber(before[2]) > now
-- Sessions that fail together tell one thing: while it is open, only the probe's failure counts.
if open and before[3] ~= '1' then return tonumber(before[2]) - now end
local failures = redis.call('HINCRBY', key, 'failures', 1)
local pause = 0
redis.call('HSET', key, 'kind', ARGV[6], 'text', ARGV[7], 'failed_at', int(now))
if failures >= opens then
  pause = math.min(first * 2 ^ math.min(failures - opens, 20), longest)
  redis.call('HSET', key, 'open_until', int(now + pause))
  redis.call('HDEL', key, 'probing')
end
redis.call('EXPIRE', key, 86400)
redis.call('INCR', K.revision)
return pause
