-- The first call on every new connection: is this still the Redis that we knew? A Redis that was started anew may have
-- forgotten its last second (appendfsync everysec), so claims are held until all who remember it have replayed.
--
-- ARGV: prefix, grace in us
-- Returns the server's run_id.

local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local known = redis.call('HGET', K.recovery, 'run_id')
if known ~= run_id then
  redis.call('HSET', K.recovery, 'run_id', run_id)
  if known then redis.call('HSET', K.recovery, 'hold_until', int(now_us() + tonumber(ARGV[2]))) end
end
return run_id
