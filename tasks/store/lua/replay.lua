-- Does again what a Redis that was started anew may have forgotten: changes that were made, by token and revision.
-- A change that is older than what the job shows is left; one of a job that is not there (yet) is counted.
--
-- ARGV: prefix, retention in us, result seconds, then six for each: id, head, due, log line, result, reason (as step.lua)
-- Returns how many were of jobs that are not there.

local retention, expires = tonumber(ARGV[2]), ARGV[3]
local now, missing, any = now_us(), 0, false

local function is_newer(to, was)
  return to.token > was.token or (to.token == was.token and to.revision > was.revision)
end

for at = 4, #ARGV, 6 do
  local id, new, due, line, result, reason =
    ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
  local job = K.job .. id
  local record = redis.call('HMGET', job, 'head', 'place', 'log')
  if not record[1] then
    missing = missing + 1
  else
    local was, to = parse_head(record[1]), parse_head(new)
    if is_newer(to, was) then
      any = true
      put(id, record, was.state, to.state, new, now, due, line, retention, reason)
      tell_celery(id, to.state, result, expires)
    end
  end
end
if any then finish(now) end
return missing
