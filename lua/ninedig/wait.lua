--- How a call waits for its answer. A way to wait is a table:
--
-- `carry_out(transfer)` hands a prepared transfer over and waits until it has ended;
-- `pause(seconds)` waits for nothing; `protected` is the pcall that fits;
-- `idle(seconds)` starts what was submitted and waits, no longer than that, until something may
-- have ended; it returns what `core.step` does;
-- `in_threads(count, work)`, where there is one, runs `work` in so many threads at once, with a
-- function that tells whether this is still awaited;
-- `detach(f)`, where there is one, runs `f` where nobody can end it, and is false where it cannot.
local core = require("ninedig.core")
local nginx = require("ninedig.nginx")
local protect = require("ninedig.protect")

local wait = {}

-- ----- blocking -----

local blocking = { protected = pcall, carry_out = core.carry_out }

function blocking.pause(seconds)
  local now = core.monotonic()
  local till = now + seconds
  while now < till do
    core.wait(till - now)
    now = core.monotonic()
  end
end

function blocking.idle(seconds)
  return core.wait(seconds)
end

-- ----- in the caller's event loop -----

-- Seconds between two steps where the caller's loop sleeps: at first, and at most. In between they
-- are a tenth of the time that the call has taken, so that this is what waiting adds to it.
local FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.001, 0.010, 1.1

--- The way to wait of a caller whose event loop sleeps.
-- @tparam function sleep of seconds
-- @treturn table
function wait.hosted(sleep)
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

-- ----- the choice -----

--- The way to wait where we are.
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] string why nothing can wait here
function wait.here()
  local phase = nginx.phase()
  if not phase or phase == "init" then -- nobody is being served
    return blocking
  end
  local refusal = nginx.refusal(phase)
  if refusal then
    return nil, refusal
  end
  return nginx
end

--- The way of every call, where that is no question of the phase: outside of nginx.
wait.everywhere = not nginx.phase() and blocking or nil

return wait
