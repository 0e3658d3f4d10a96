-- Counts what became of a chunk of a bulk, and goes on to the next one, once: by the turn.
--
-- ARGV: prefix, id, turn seen, done, skipped, failed, cursor, is that all (1 or 0)
-- Returns 1, or 0 where somebody else has counted it.

local id, key = ARGV[2], K.bulk .. ARGV[2]
local record = redis.call('HMGET', key, 'turn', 'state')
if record[1] ~= ARGV[3] then return 0 end
redis.call('HINCRBY', key, 'done', ARGV[4])
redis.call('HINCRBY', key, 'skipped', ARGV[5])
redis.call('HINCRBY', key, 'failed', ARGV[6])
redis.call('HSET', key, 'cursor', ARGV[7])
redis.call('HDEL', key, 'chunk')
redis.call('HINCRBY', key, 'turn', 1)
if record[2] ~= 'running' then
  redis.call('ZREM', K.bulks, id)
elseif ARGV[8] == '1' then
  redis.call('HSET', key, 'state', 'finished', 'finished_us', int(now_us()))
  redis.call('ZREM', K.bulks, id)
end
redis.call('INCR', K.revision)
return 1
