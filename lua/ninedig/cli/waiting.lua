--- How the command waits, so that whoever is at the terminal can end it at any time.
local stop = require("ninedig.cli.stop")
local system = require("ninedig.cli.system")

local waiting = {}

assert(system.hold_standard()) -- before anything else is opened, such as the pipe of the signals

-- Counted from here on.
local signals = assert(system.catch_signals())
local has_begun = false -- to ask for what changes something
local patient -- the function that is told of the first interrupt, which then ends nothing
local told = false

local function leave(under_way, message)
  local reason = stop.reason(stop.INTERRUPTED, message or "interrupted")
  reason.under_way = under_way
  error(reason, 0)
end

--- Whether the user wants to end the command.
-- @treturn boolean
function waiting.is_interrupted()
  return signals:count() > 0
end

--- End the command where the user wants that.
function waiting.check()
  if waiting.is_interrupted() then
    leave(false)
  end
end

--- From now on the first interrupt only keeps new calls from being started: those that are under
-- way may change something, and their answers are worth waiting for. The second one ends all.
-- @tparam function f is called at the first one
function waiting.be_patient(f)
  patient, has_begun = f, true
end

--- Whether something may have been asked for that changes something.
-- @treturn boolean
function waiting.may_have_acted()
  return has_begun
end

--- From now on each interrupt ends what waits.
function waiting.be_impatient()
  patient = nil
end

-- ----- input -----

--- Read the line that somebody types, before anything is deleted.
-- @treturn ?string nil where the input ends
-- @raise a reason to stop, where it is interrupted
function waiting.read_line()
  local typed = ""
  while not typed:find("\n", 1, true) do
    local part = signals:read(system.STDIN)
    if waiting.is_interrupted() then
      io.stderr:write("\n")
      leave(false, "interrupted; nothing was deleted")
    elseif not part or part == "" then
      return nil
    end
    typed = typed .. part
  end
  return typed:match("^[^\n]*")
end

--- Read what comes next on standard input.
-- @treturn[1] string "" at its end
-- @treturn[2] nil
-- @treturn[2] string why it could not be read
-- @raise a reason to stop, where it is interrupted
function waiting.read_part()
  local part, why = signals:read(system.STDIN)
  waiting.check()
  return part, why
end

-- ----- answers -----

-- While an answer is awaited.
local function check_under_way()
  local interrupts = signals:count()
  if interrupts == 0 then
    return
  elseif not patient or interrupts > 1 then
    leave(true)
  elseif not told then
    told = true
    patient()
  end
end

-- Seconds; what has to be done earlier ends a wait.
local LONG = 60

--- The way to wait, see `ninedig.wait`. An interrupt ends each wait at once, also one that comes
-- just before it.
-- @treturn table
function waiting.way()
  local core = require("ninedig.core")
  local way = { protected = pcall }

  function way.idle(seconds)
    local in_flight, ended = core.wait(seconds, signals:fd())
    check_under_way()
    return in_flight, ended
  end

  function way.carry_out(transfer)
    waiting.check()
    core.submit(transfer)
    while not core.is_done(transfer) do
      way.idle(LONG)
    end
  end

  function way.pause(seconds)
    signals:wait(seconds)
    waiting.check()
  end

  return way
end

return waiting
