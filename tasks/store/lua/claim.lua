-- Gives a worker due jobs, under a lease and with a new token each.
--
-- ARGV: prefix, how many at most, how many of them are begun at once, lease in us, relay, probe in us,
--       which ("shared": those that need not be alone; "alone": one that must be), result seconds,
--       the largest content that comes along, lanes in order ...
-- Returns {now_us, entries, passed over (1: one that must be alone is due, and was not given)};
--   an entry is {verdict, id, head, card, round, content (or nil: see below)}, where the verdict is
--   "claimed": yours, under the head given;
--   "lapsed":  somebody's lease lapsed after its intent: settle it from this head (nothing was changed here);
--   "poison":  it lapsed DEATHS times while begun and alone: settle it as dead from this head;
--   "damaged": its head or place cannot be read. It is put off for an hour, so that nothing waits behind it.
-- A lane that an operator paused is passed over.
-- A job that lapsed while begun (or twice in any way) is claimed alone from then on.

local DEATHS = 3
local PUT_OFF = 3600000000
local LOOKS = 5 -- of a lane, so that jobs which are passed over do not hide those behind them
local want, begun, lease = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local relay, probe, wants_alone, expires = K.relay .. ARGV[5], tonumber(ARGV[6]), ARGV[7] == 'alone', ARGV[8]
local largest = tonumber(ARGV[9])
local now = now_us()
local entries, claimed, passed_over = {}, 0, 0

local hold = redis.call('HGET', K.recovery, 'hold_until')
if hold and tonumber(hold) > now then return {int(now), entries, 0} end

local breaker = redis.call('HMGET', relay, 'open_until', 'probing')
if breaker[1] then
  if tonumber(breaker[1]) > now then return {int(now), entries, 0} end
  want, begun = 1, 1
end

local function lapse(id, head, lapses)
  local count, deaths, alone = string.match(lapses or '0 0 0', '^(%d+) (%d+) (%d)$')
  count = count + 1
  if head.phase == 'b' then
    if alone == '1' then deaths = deaths + 1 end
    alone = '1'
  elseif count >= 2 then
    alone = '1'
  end
  return string.format('%d %d %s', count, tonumber(deaths), alone), alone == '1', tonumber(deaths)
end

local function take(id, head, accepted)
  local from = head.state
  head.token = math.max(head.token + 1, now)
  head.state, head.revision = 'sending', head.revision + 1
  head.phase = claimed < begun and 'b' or 'c'
  claimed = claimed + 1
  move(id, accepted, from, 'sending')
  redis.call('SET', CELERY_RESULT .. id,
    '{"status":"STARTED","result":null,"traceback":null,"children":[],"date_done":null,"task_id":"' .. id .. '"}',
    'EX', expires)
  return format_head(head)
end

-- A job that comes by itself brings its message along, and is sent a round trip sooner. Copying it through here costs
-- more than reading it directly, so that large ones, and those of many jobs, are left to be read. nil may mean gone, too.
local function content(id, among)
  if among > 1 then return false end
  local size = redis.call('STRLEN', K.content .. id)
  return size > 0 and size <= largest and redis.call('GET', K.content .. id)
end

-- What becomes of one that is due, found among so many.
local function consider(due, id, among)
  local job = K.job .. id
  local record = redis.call('HMGET', job, 'head', 'place', 'lapses', 'card', 'round')
  if not record[1] then
    redis.call('ZREM', due, id)
    return
  end
  local head = parse_head(record[1])
  local _, accepted = parse_place(record[2] or '')
  if not (head.state and accepted) then
    redis.call('ZADD', due, int(now + PUT_OFF), id)
    entries[#entries + 1] = {'damaged', id, record[1], '', ''}
    return
  end
  local round = string.match(record[5] or '', '^%d+ %d+$') or '0 ' .. accepted
  local lapses, alone, deaths = record[3], record[3] and string.sub(record[3], -1) == '1', 0
  local lapsed = head.state == 'sending'
  if lapsed and head.phase == 'i' then
    entries[#entries + 1] = {'lapsed', id, record[1], record[4], round}
    return
  end
  if lapsed then lapses, alone, deaths = lapse(id, head, lapses) end
  if deaths >= DEATHS then
    entries[#entries + 1] = {'poison', id, record[1], record[4], round}
  elseif alone ~= wants_alone then
    if alone then passed_over = 1 end
  else
    local new = take(id, head, accepted)
    redis.call('HSET', job, 'head', new)
    if lapsed then
      redis.call('HSET', job, 'lapses', lapses, 'log', append(redis.call('HGET', job, 'log'), now, 'lapsed {}'))
    end
    zadd(due, int(now + lease), id)
    entries[#entries + 1] = {'claimed', id, new, record[4], round, content(id, among)}
  end
end

local function room()
  return wants_alone and claimed > 0 and 0 or want - claimed
end

local paused = {}
for _, lane in ipairs(redis.call('SMEMBERS', K.paused)) do paused[lane] = true end

for lane = 10, #ARGV do
  local due, from = K.due .. ARGV[lane], 0
  for _ = 1, paused[ARGV[lane]] and 0 or LOOKS do
    local most = room()
    if most <= 0 then break end
    local ids = redis.call('ZRANGEBYSCORE', due, '-inf', int(now), 'LIMIT', from, most)
    for _, id in ipairs(ids) do
      if room() > 0 then consider(due, id, #ids) end
    end
    if #ids < most then break end
    from = from + #ids
  end
end
if breaker[1] and claimed > 0 then
  -- The pause is over: one job goes as the probe, the others wait for what it finds.
  redis.call('HSET', relay, 'open_until', int(now + probe), 'probing', '1')
end
if claimed > 0 then finish(now) end
return {int(now), entries, passed_over}
