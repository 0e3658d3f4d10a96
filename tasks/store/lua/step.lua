-- Changes jobs, each only where its head is still the one that the caller saw: settles, intents, gives back,
-- and an operator's verbs. The one place where a job's state moves after its claim.
--
-- ARGV: prefix, retention in us, result seconds, then eight for each entry:
--       kind ("settle" may come late, see below; any other word, "lost" among them, may not), id, head seen, new head,
--       due ("+us" from now; "-" none, the job is final; "=" as it is),
--       log line without its time ("" none), Celery's result (JSON; "" as it is; "-" none),
--       reason (of a dead letter or a refusal; "" none)
-- Returns for each entry the job's revision (done, or was done already) or 0 (fenced: somebody else changed it);
--         or the error TRYAGAIN.
--
-- Late: a worker whose lease lapsed after its intent was taken for lost, and the job marked unknown under the same
-- token. Its settle is still the truth, so it is let in while nobody has claimed or resolved the job since.

local retention, expires = tonumber(ARGV[2]), ARGV[3]
local now = now_us()
local results, any = {}, false

-- An intent stands in the head alone.
local function intend(id, seen, new)
  local current = redis.call('HGET', K.job .. id, 'head')
  if current == seen then
    redis.call('HSET', K.job .. id, 'head', new)
    any = true
  end
  return (current == seen or current == new) and revision_of(new) or 0
end

-- What a late settle writes; nil where it comes too late, or is no settle. Then also the revision, where it is done.
local function late(kind, current, seen, new)
  local was, to = parse_head(current), parse_head(new)
  if kind ~= 'settle' or was.token ~= parse_head(seen).token
      or not (was.state == 'unknown' or was.state == 'retrying') then
    return nil
  end
  to.revision = was.revision
  if format_head(to) == current then return nil, was.revision end -- asked again, since the answer was lost
  to.revision = was.revision + 1
  return format_head(to)
end

local function change(kind, id, seen, new, due, line, result, reason)
  local job = K.job .. id
  local record = redis.call('HMGET', job, 'head', 'place', 'log', 'lapses', 'round')
  local current, done = record[1], nil
  if current == new then return revision_of(new) end
  if not current then return 0 end
  if current ~= seen then new, done = late(kind, current, seen, new) end
  if not new then return done or 0 end
  local from, to = state_of(current), state_of(new)
  if from ~= to and not GOES_TO[from][to] then return 0 end
  any = true
  local accepted = put(id, record, from, to, new, now, due, line, retention, reason)
  if kind == 'settle' or kind == 'lost' then
    if record[4] then redis.call('HDEL', job, 'lapses') end
    count_outcome(to, record[5] and string.match(record[5], ' (%d+)$') or accepted, now)
    if reason ~= '' then
      local day = K.refusals .. int(math.floor(now / 86400000000))
      redis.call('ZINCRBY', day, 1, reason)
      redis.call('EXPIRE', day, 777600)
    end
  end
  tell_celery(id, to, result, expires)
  return revision_of(new)
end

-- A Redis that was started anew may have forgotten what others are about to replay (recover.lua). Until they have, an
-- operator's verb or an intent could contradict it: nothing of this call is done.
local hold = redis.call('HGET', K.recovery, 'hold_until')
if hold and tonumber(hold) > now then
  for at = 4, #ARGV, 8 do
    if ARGV[at] == 'verb' or ARGV[at] == 'intent' then
      return redis.error_reply('TRYAGAIN Redis was started anew, and is being told what it forgot')
    end
  end
end

for at = 4, #ARGV, 8 do
  local kind, id, seen, new = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  results[#results + 1] = kind == 'intent' and intend(id, seen, new)
    or change(kind, id, seen, new, ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], ARGV[at + 7])
end
if any then finish(now) end
return results
