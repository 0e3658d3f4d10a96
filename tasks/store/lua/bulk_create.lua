-- Keeps a bulk that was asked for; a worker begins it soon. Asked again, since Redis may have forgotten it: nothing.
--
-- ARGV: prefix, id, when it was asked for in us, seconds that it is kept, then a field of its record and its value ...
-- Returns 1, or 0 where it is there.

local id, created, seconds = ARGV[2], ARGV[3], tonumber(ARGV[4])
local key = K.bulk .. id
if redis.call('EXISTS', key) == 1 then return 0 end
redis.call('HSET', key, unpack(ARGV, 5))
redis.call('EXPIRE', key, seconds)
redis.call('ZADD', K.bulks, created, id)
redis.call('ZADD', K.recent_bulks, created, id)
redis.call('ZREMRANGEBYSCORE', K.recent_bulks, '-inf', int(tonumber(created) - seconds * 1000000))
redis.call('EXPIRE', K.recent_bulks, seconds)
redis.call('INCR', K.revision)
return 1
