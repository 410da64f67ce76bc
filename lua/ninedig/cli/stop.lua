--- Ends the command with an exit status and a message, from wherever it is.
local stop = {}

-- The exit statuses of the command: scripts rely on them. See docs/command.md.
stop.DONE = 0
stop.REJECTED = 1
stop.USAGE = 2 -- or no confirmation, a precondition that does not hold, a journal in use
stop.NOT_SENT = 3
stop.CREDENTIALS = 4
stop.UNKNOWN = 5 -- or all is deleted, and that could not be written down
stop.INCOMPLETE = 6 -- some of many were not deleted
stop.INTERNAL = 70 -- an error of the command itself, before anything was asked for
stop.INTERRUPTED = 130

local metatable = {
  __tostring = function(reason)
    return reason.message
  end,
}

--- A reason to end the command. It may get `err`, the error that it comes from, or `told`, what a
-- program is told that asked for JSON.
-- @tparam integer status
-- @tparam string message
-- @treturn table
function stop.reason(status, message)
  return setmetatable({ status = status, message = message }, metatable)
end

--- End the command.
-- @tparam integer status
-- @tparam string message
-- @param ... what goes into the message, as in `string.format`
function stop.with(status, message, ...)
  error(stop.reason(status, select("#", ...) > 0 and message:format(...) or message), 0)
end

--- Whether what was raised is a reason of ours.
-- @param raised
-- @treturn boolean
function stop.is_reason(raised)
  return type(raised) == "table" and getmetatable(raised) == metatable
end

return stop
