-- In front of every script, after the table of keys (keys.py) and of states (states.py): what they share.
-- ARGV[1] is the key prefix in all of them.

local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function int(number)
  return string.format('%.0f', number)
end

-- "state phase attempt token revision outcomes", see domain/job.py
local function parse_head(text)
  local state, phase, attempt, token, revision, outcomes =
    string.match(text, '^(%a+) (.) (%d+) (%d+) (%d+) (%a*)$')
  return {state = state, phase = phase, attempt = attempt, token = tonumber(token),
          revision = tonumber(revision), outcomes = outcomes}
end

-- Of a head as text: where that is all that is asked, it need not be parsed.
local function state_of(text)
  return string.match(text, '^%a+')
end

local function revision_of(text)
  return tonumber(string.match(text, ' (%d+) %a*$'))
end

local function format_head(head)
  return head.state .. ' ' .. head.phase .. ' ' .. head.attempt .. ' ' .. int(head.token) .. ' ' ..
    int(head.revision) .. ' ' .. head.outcomes
end

-- "lane accepted_us marks ...": the lane and the instant; the marks are the suffixes of its filter indexes.
local function parse_place(text)
  return string.match(text, '^(%a+) (%d+)')
end

-- Writes to sorted sets and counters are gathered over a call and made at its end, one command a key.
local adds, removes, counts = {}, {}, {}

local function zadd(key, score, id)
  local list = adds[key]
  if list then
    list[#list + 1], list[#list + 2] = score, id
  else
    adds[key] = {score, id}
  end
end

local function zrem(key, id)
  local list = removes[key]
  if list then list[#list + 1] = id else removes[key] = {id} end
end

local function count(field, by)
  counts[field] = (counts[field] or 0) + by
end

-- The counts of this minute and this hour: what the charts are drawn from.
local function flush_counts(now)
  if next(counts) == nil then return end
  local minute = K.minute .. int(math.floor(now / 60000000))
  local hour = K.hour .. int(math.floor(now / 3600000000))
  local new = false
  for field, by in pairs(counts) do
    new = redis.call('HINCRBY', minute, field, by) == by or new
    redis.call('HINCRBY', hour, field, by)
  end
  if new then -- what is new in its hour is new in its minute, too
    redis.call('EXPIRE', minute, 7800)
    redis.call('EXPIRE', hour, 2764800)
  end
end

-- Makes the gathered writes. Whatever changes a job raises the revision of the whole system once.
local function finish(now)
  for key, list in pairs(removes) do redis.call('ZREM', key, unpack(list)) end
  for key, list in pairs(adds) do redis.call('ZADD', key, unpack(list)) end
  flush_counts(now)
  redis.call('INCR', K.revision)
end

-- Moves a job between the indexes of two states.
local function move(id, accepted, from, to)
  if from == to then return end
  zrem(K.state .. from, id)
  zadd(K.state .. to, accepted, id)
end

local LOG_LIMIT = 60000

-- Adds a line to a job's log; an overlong log loses its oldest lines after the first.
local function append(log, now, line)
  log = log .. '\n' .. int(now) .. ' ' .. line
  while #log > LOG_LIMIT do
    local first = string.find(log, '\n', 1, true)
    local second = string.find(log, '\n', first + 1, true)
    if not second then break end
    log = string.sub(log, 1, first) .. string.sub(log, second + 1)
  end
  return log
end

-- Waits are counted in eighths of an octave of milliseconds, so that quantiles are right to about 9 %. They start when
-- the job's round began: with its acceptance, its send time, or when an operator reopened it.
local function count_outcome(state, began, now)
  count(state, 1)
  if state == 'sent' then
    local waited = now - tonumber(began)
    count('w' .. int(math.floor(8 * math.log(math.max(waited / 1000, 1)) / math.log(2))), 1)
  end
end

-- Dead letters are grouped by reason: a set of ids a reason, and what each reason is.
local function bury(id, accepted, reason, now)
  local digest = string.sub(redis.sha1hex(reason), 1, 16)
  redis.call('HSET', K.job .. id, 'why', digest)
  zadd(K.dead .. digest, accepted, id)
  redis.call('HSET', K.reasons, digest, reason)
end

local function unbury(id)
  local digest = redis.call('HGET', K.job .. id, 'why')
  if not digest then return end
  redis.call('HDEL', K.job .. id, 'why')
  redis.call('ZREM', K.dead .. digest, id)
  if redis.call('EXISTS', K.dead .. digest) == 0 then redis.call('HDEL', K.reasons, digest) end
end

-- Writes a job's new head and its place in the indexes and the due set. ``record`` is its head, place and log;
-- ``from`` and ``to`` are its states.
local function put(id, record, from, to, new, now, due, line, retention, reason)
  local job = K.job .. id
  local lane, accepted = parse_place(record[2])
  if line ~= '' then
    redis.call('HSET', job, 'head', new, 'log', append(record[3], now, line))
  else
    redis.call('HSET', job, 'head', new)
  end
  if from ~= to then
    move(id, accepted, from, to)
    if from == 'dead' then unbury(id) end
    if to == 'dead' then bury(id, accepted, reason, now) end
  end
  if FINAL[to] then
    zrem(K.due .. lane, id)
    zadd(K.purge, int(now + retention), id)
  else
    if FINAL[from] then -- reopened: its attempts and its time are counted from here
      zrem(K.purge, id)
      redis.call('HSET', job, 'round', parse_head(new).attempt .. ' ' .. int(now))
    end
    if string.sub(due, 1, 1) == '+' then
      zadd(K.due .. lane, int(now + tonumber(string.sub(due, 2))), id)
    end
  end
  return accepted
end

-- Celery's own record of a job: JSON; "" leaves it as it is, "-" removes it.
local function tell_celery(id, state, result, expires)
  if result == '-' then
    redis.call('DEL', CELERY_RESULT .. id)
  elseif result ~= '' then
    redis.call('SET', CELERY_RESULT .. id, result, 'EX', expires)
    if FINAL[state] then redis.call('PUBLISH', CELERY_RESULT .. id, result) end
  end
end
