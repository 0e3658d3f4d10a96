-- Notes which jobs of a bulk are changed next, before any of them is.
--
-- ARGV: prefix, id, turn seen, chunk (JSON)
-- Returns 1, or 0 where somebody else has gone on with it, or it was canceled.

local key = K.bulk .. ARGV[2]
local record = redis.call('HMGET', key, 'turn', 'state')
if record[1] ~= ARGV[3] or record[2] ~= 'running' then return 0 end
redis.call('HSET', key, 'chunk', ARGV[4])
return 1
