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
    core.start()
    sleep(math.min(seconds, FIRST_PAUSE))
    return core.step()
  end

  return way
end

return loop
