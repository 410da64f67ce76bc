--- How a call waits for its answer.
local core = require("ninedig.core")
local nginx = require("ninedig.nginx")

local wait = {}

local function block(transfer)
  core.submit(transfer)
  core.wait_for(transfer)
end

-- Seconds between two steps where the caller's loop sleeps: at first, and at most. In between they
-- are a tenth of the time that the call has taken, so that this is what waiting adds to it.
local FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.001, 0.010, 1.1

local function step_and_sleep(transfer, sleep)
  local pause = FIRST_PAUSE
  core.submit(transfer)
  core.step()
  while not core.is_done(transfer) do
    sleep(pause)
    core.step()
    pause = math.min(pause * GROWTH, LONGEST_PAUSE)
  end
end

--- Choose how to wait here.
-- @tparam[opt] function sleep of the caller's event loop
-- @treturn[1] function that carries a prepared transfer out: `carry_out(transfer, sleep)`
-- @treturn[2] nil
-- @treturn[2] string why nothing can wait here
function wait.choose(sleep)
  if sleep then
    return step_and_sleep
  end
  local phase = nginx.phase()
  if not phase or phase == "init" then -- nobody is being served
    return block
  end
  local refusal = nginx.refusal(phase)
  if refusal then
    return nil, refusal
  end
  return nginx.carry_out
end

return wait
