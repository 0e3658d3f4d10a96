-- Removes final jobs whose retention is over, with their indexes.
--
-- ARGV: prefix, how many at most
-- Returns how many went.

local ids = redis.call('ZRANGEBYSCORE', K.purge, '-inf', int(now_us()), 'LIMIT', 0, tonumber(ARGV[2]))
for _, id in ipairs(ids) do
  local head = redis.call('HGET', K.job .. id, 'head')
  if head then redis.call('ZREM', K.state .. parse_head(head).state, id) end
  redis.call('DEL', K.job .. id, K.content .. id)
  redis.call('ZREM', K.purge, id)
end
if #ids > 0 then changed() end
return #ids
