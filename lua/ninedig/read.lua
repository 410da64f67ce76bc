--- Calls that only read, which may be repeated.
local session = require("ninedig.session")
local task = require("ninedig.task")

local read = {}

local TRIES = 3

-- Seconds before the second try, at most; twice that before the third.
local FIRST_PAUSE = 0.5

--- Make a call that only reads, at most three times within the time of the task.
-- @tparam table current the task
-- @tparam string name of the call
-- @tparam[opt] table params
-- @treturn[1] table the result
-- @treturn[1] nil
-- @treturn[1] integer HTTP status
-- @treturn[2] nil
-- @treturn[2] table the last error
function read.perform(current, name, params)
  local pause = FIRST_PAUSE
  local renewed = false
  local result, err, status, renewed_now
  if current.watcher then
    current.watcher:begin(name)
  end
  for left = TRIES, 1, -1 do
    -- Half of the time that is left, so that a try which gets no answer leaves some for the next.
    local seconds = current:remaining() / math.min(left, 2)
    result, err, status, renewed_now =
      session.perform(current, name, params or {}, seconds, not renewed)
    if result or left == 1 or not err.retryable or err.call ~= name then
      return result, err, status
    end
    renewed = renewed or renewed_now
    local at_most = math.min(pause, current:remaining() / 4) -- most of it is for the next try
    if not current:pause(err.retry_after or at_most * task.jitter(), err) then
      return nil, err
    end
    pause = pause * 2
  end
end

return read
