--- How the command waits for answers: so that whoever is at the terminal can end it at any time.
local core = require("ninedig.core")
local stop = require("ninedig.cli.stop")
local system = require("ninedig.cli.system")
local wait = require("ninedig.wait")

local waiting = {}

-- Seconds in which an interrupt is noticed.
local SHORT = 0.1

local interrupts = 0
local patient -- the function that is told of the first interrupt, which then ends nothing
local told = false

local function leave(under_way)
  local reason = stop.reason(stop.INTERRUPTED, "interrupted")
  reason.under_way = under_way
  error(reason, 0)
end

-- While an answer is awaited.
local function check_under_way()
  if interrupts == 0 then
    return
  elseif not patient or interrupts > 1 then
    leave(true)
  elseif not told then
    told = true
    patient()
  end
end

--- From now on an interrupt ends what waits, by raising a reason to stop.
function waiting.begin()
  system.on_interrupt(function()
    interrupts = interrupts + 1
  end)
end

--- From now on the first interrupt only keeps new calls from being started: those that are under
-- way may change something, and their answers are worth waiting for. The second one ends all.
-- @tparam function f is called at the first one
function waiting.be_patient(f)
  patient = f
end

--- From now on each interrupt ends what waits.
function waiting.be_impatient()
  patient = nil
end

--- Whether the user wants to end the command.
-- @treturn boolean
function waiting.is_interrupted()
  return interrupts > 0
end

--- End the command where the user wants that.
function waiting.check()
  if interrupts > 0 then
    leave(false)
  end
end

--- The way to wait, see `ninedig.wait`.
-- @treturn table
function waiting.way()
  local blocking = wait.here()
  local way = { protected = blocking.protected }

  function way.idle(seconds)
    blocking.idle(math.min(seconds, SHORT))
    check_under_way()
  end

  function way.carry_out(transfer)
    waiting.check()
    core.submit(transfer)
    while not core.is_done(transfer) do
      way.idle(SHORT)
    end
  end

  function way.pause(seconds)
    local till = core.monotonic() + seconds
    repeat
      waiting.check()
      blocking.pause(math.max(math.min(till - core.monotonic(), SHORT), 0))
    until core.monotonic() >= till
  end

  return way
end

return waiting
