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

local function format_head(head)
  return table.concat({head.state, head.phase, head.attempt, int(head.token), int(head.revision), head.outcomes}, ' ')
end

-- "lane accepted_us"
local function parse_place(text)
  return string.match(text, '^(%a+) (%d+)$')
end

-- Moves a job between the indexes of two states; a move outside the table is a bug, and stops the script before it.
local function move(id, accepted, from, to)
  if from == to then return end
  redis.call('ZREM', K.state .. from, id)
  redis.call('ZADD', K.state .. to, accepted, id)
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

local function changed()
  redis.call('INCR', K.revision)
end
