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

local function is_late(kind, now_head, seen_text)
  local seen = parse_head(seen_text)
  return kind == 'settle' and now_head.token == seen.token
    and (now_head.state == 'unknown' or now_head.state == 'retrying')
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
  local kind, id, seen, new, due, line, result, reason =
    ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], ARGV[at + 7]
  local job = K.job .. id
  local record = redis.call('HMGET', job, 'head', 'place', 'log')
  local current, ok = record[1], 0
  if current == new then
    ok = parse_head(new).revision
  elseif current then
    local was = parse_head(current)
    local to = parse_head(new)
    local fits = current == seen
    if not fits and is_late(kind, was, seen) then
      to.revision = was.revision
      if format_head(to) == current then
        ok = was.revision -- done already: the caller asks again since the answer was lost
      else
        to.revision = was.revision + 1
        new = format_head(to)
        fits = true
      end
    end
    if fits and (was.state == to.state or GOES_TO[was.state][to.state]) then
      ok, any = to.revision, true
      local accepted = put(id, record, was, to, now, due, line, retention, reason)
      if kind == 'settle' or kind == 'lost' then
        redis.call('HDEL', job, 'lapses')
        count_outcome(to.state, accepted, now)
        if reason ~= '' then
          local day = K.refusals .. int(math.floor(now / 86400000000))
          redis.call('ZINCRBY', day, 1, reason)
          redis.call('EXPIRE', day, 777600)
        end
      end
      tell_celery(id, to, result, expires)
    end
  end
  results[#results + 1] = ok
end
if any then finish(now) end
return results
