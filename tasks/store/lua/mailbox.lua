-- Keeps one captured mail (when one is given) or lets the given ones go, then the oldest that are beyond the bounds.
--
-- KEYS[1] PREFIX mails      zset   id -> received, in microseconds
-- KEYS[2] PREFIX sizes      hash   id -> bytes of the source
-- KEYS[3] PREFIX bytes      string the sum of those
-- KEYS[4] PREFIX revision   string raised by every change
-- KEYS[5] PREFIX unread     zset   id -> received, for those that nobody has opened
-- and, named from ARGV[1]:
--         PREFIX mail:ID    hash   the mail; expires with the retention
--         PREFIX to:ADDRESS zset   id -> received, for each recipient (lower case); expires with the retention
-- ARGV[1] PREFIX
-- ARGV[2] retention in seconds
-- ARGV[3] most mails kept
-- ARGV[4] most bytes kept
-- ARGV[5] most mails let go in this call
-- ARGV[6] JSON list of ids to let go
-- ARGV[7] JSON list of the recipients, lower case, each once (only with a mail)
-- ARGV[8] the mail's id; then its fields and values, `source` first
-- Returns {received in microseconds, how many it let go, how many there are}.

local mails, sizes, bytes, revision, unread = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local prefix, retention = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local oldest = now - retention * 1000000
local lasts = math.ceil(retention)

if ARGV[8] then
  local id, mail = ARGV[8], prefix .. 'mail:' .. ARGV[8]
  redis.call('HSET', mail, 'received_us', string.format('%d', now), 'indexed', ARGV[7], unpack(ARGV, 9))
  redis.call('EXPIRE', mail, lasts)
  redis.call('ZADD', mails, now, id)
  redis.call('ZADD', unread, now, id)
  redis.call('HSET', sizes, id, #ARGV[10])
  redis.call('INCRBY', bytes, #ARGV[10])
  for _, address in ipairs(cjson.decode(ARGV[7])) do
    local index = prefix .. 'to:' .. address
    redis.call('ZREMRANGEBYSCORE', index, '-inf', oldest)
    redis.call('ZADD', index, now, id)
    redis.call('EXPIRE', index, lasts)
  end
end

local function let_go(id)
  local mail = prefix .. 'mail:' .. id
  local indexed = redis.call('HGET', mail, 'indexed')
  if indexed then -- else it expired, and its place in its recipients' indexes goes by their own bounds
    for _, address in ipairs(cjson.decode(indexed)) do redis.call('ZREM', prefix .. 'to:' .. address, id) end
  end
  redis.call('DEL', mail)
  redis.call('ZREM', unread, id)
  redis.call('DECRBY', bytes, redis.call('HGET', sizes, id) or '0')
  redis.call('HDEL', sizes, id)
  return redis.call('ZREM', mails, id)
end

local gone = 0
for _, id in ipairs(cjson.decode(ARGV[6])) do gone = gone + let_go(id) end
while gone < tonumber(ARGV[5]) do
  local first = redis.call('ZRANGE', mails, 0, 0, 'WITHSCORES')
  local over = redis.call('ZCARD', mails) > tonumber(ARGV[3])
    or tonumber(redis.call('GET', bytes) or '0') > tonumber(ARGV[4])
  if not first[1] or not (over or tonumber(first[2]) < oldest) then break end
  gone = gone + let_go(first[1])
end

if ARGV[8] or gone > 0 then redis.call('INCR', revision) end
return {string.format('%d', now), gone, redis.call('ZCARD', mails)}
