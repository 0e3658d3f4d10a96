-- Takes a job: idempotency, record, indexes, due and wake-up in one atomic step.
--
-- ARGV: prefix, id, card (JSON), content (wire form), outcomes (one "p" a recipient), lane, send_at_us (0: now),
--       idempotency key's rest ("" for none), fingerprint, idempotency seconds,
--       wake-up (a Celery message; "" where the broker is elsewhere), Celery's list, how long that list may be,
--       marks ... (the suffixes of its filter indexes: "r:address", "d:domain", "t:tag", "b:batch")
-- Returns {"accepted", id, accepted_us};
--         {"replayed", first id} for the same key and fingerprint, or a job that is there already;
--         {"conflict", first id} for the same key with another fingerprint.

local id, card, content, outcomes, lane = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local send_at, key, fingerprint, seconds = tonumber(ARGV[7]), ARGV[8], ARGV[9], ARGV[10]
local wakeup, queue, shallow = ARGV[11], ARGV[12], tonumber(ARGV[13])

if key ~= '' then
  local held = redis.call('GET', K.idempotency .. key)
  if held then
    local theirs, first = string.match(held, '^(%S+) (%S+)$')
    return {theirs == fingerprint and 'replayed' or 'conflict', first}
  end
end
if redis.call('EXISTS', K.job .. id) == 1 then
  return {'replayed', id}
end

local now = now_us()
local waits = send_at > now
local state = waits and 'scheduled' or 'queued'
local due = int(waits and send_at or now)
local accepted = int(now)

local marks = #ARGV > 13 and table.concat(ARGV, ' ', 14) or nil
for at = 14, #ARGV do
  redis.call('ZADD', K.index .. ARGV[at], accepted, id)
end

redis.call('HSET', K.job .. id,
  'head', state .. ' - 0 0 1 ' .. outcomes, 'card', card, 'log', accepted .. ' accepted {}',
  'place', lane .. ' ' .. accepted .. (marks and ' ' .. marks or ''))
if waits then redis.call('HSET', K.job .. id, 'round', '0 ' .. due) end -- else it is as accepted
redis.call('SET', K.content .. id, content)
redis.call('ZADD', K.state .. state, accepted, id)
redis.call('ZADD', K.due .. lane, due, id)
if key ~= '' then
  redis.call('SET', K.idempotency .. key, fingerprint .. ' ' .. id, 'EX', seconds)
end
if not waits and wakeup ~= '' and redis.call('LLEN', queue) < shallow then
  redis.call('LPUSH', queue, wakeup)
end
count('accepted', 1)
finish(now)
return {'accepted', id, accepted}
