--- How the command waits for answers: so that whoever is at the terminal can end it at any time.
local core = require("ninedig.core")
local protect = require("ninedig.wait.protect")
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

--- Run the command, so that an interrupt ends what waits in it, by raising a reason to stop.
--
-- It runs in a coroutine, and gives way to the main one wherever it waits: only there does luaposix
-- call a handler of signals, and on Lua 5.1 the library waits in coroutines of its own.
-- @tparam function f
-- @treturn boolean it raised nothing
-- @return what it returned, or raised
-- @treturn thread
function waiting.host(f)
  local thread = coroutine.create(f)
  system.on_interrupt(function()
    interrupts = interrupts + 1
  end)
  while true do
    local ok, result = coroutine.resume(thread)
    if not ok or coroutine.status(thread) == "dead" then
      return ok, result, thread
    end
  end
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

--- Read a line that somebody types.
-- @treturn ?string nil where the input has ended, or was interrupted
function waiting.read_line()
  -- An interrupt that comes just before a read would not end it.
  while not system.has_input(SHORT) do
    coroutine.yield()
    if interrupts > 0 then
      return nil
    end
  end
  return io.stdin:read("*l")
end

--- The way to wait, see `ninedig.wait`.
-- @treturn table
function waiting.way()
  local blocking = wait.here()
  local way = { protected = protect.call }

  function way.idle(seconds)
    local in_flight, ended = blocking.idle(math.min(seconds, SHORT))
    coroutine.yield()
    check_under_way()
    return in_flight, ended
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
      blocking.pause(math.max(math.min(till - core.monotonic(), SHORT), 0))
      coroutine.yield()
      waiting.check()
    until core.monotonic() >= till
  end

  return way
end

return waiting
