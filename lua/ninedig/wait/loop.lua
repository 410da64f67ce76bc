--- Waiting in the caller's event loop, whose `sleep` lets others go on.
local core = require("ninedig.core")
local protect = require("ninedig.wait.protect")

local loop = {}

-- Seconds between two steps where the caller's loop sleeps: at first, and at most. In between they
-- are a tenth of the time that the call has taken, so that this is what waiting adds to it.
local FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.001, 0.010, 1.1

--- The way to wait of a caller whose event loop sleeps, see `ninedig.wait`.
-- @tparam function sleep of seconds
-- @treturn table
function loop.new(sleep)
  local way = { protected = protect.call, pause = sleep }
  local ended -- how many transfers had, when that was looked at last

  function way.carry_out(transfer)
    local pause = FIRST_PAUSE
    core.submit(transfer)
    core.step()
    while not core.is_done(transfer) do
      sleep(pause)
      core.step()
      pause = math.min(pause * GROWTH, LONGEST_PAUSE)
    end
  end

  function way.idle(seconds)
    local in_flight, ended_by_now = core.start()
    local nothing_to_see = in_flight == 0 and ended_by_now == ended
    sleep(nothing_to_see and seconds or math.min(seconds, FIRST_PAUSE))
    in_flight, ended = core.step()
    return in_flight, ended
  end

  return way
end

return loop
