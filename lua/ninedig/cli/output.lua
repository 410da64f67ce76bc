--- What the command writes: what was asked for to standard output, all else to standard error.
local json = require("ninedig.cli.json")
local system = require("ninedig.cli.system")

local output = {}

local CODES = { red = "31", yellow = "33", bold = "1" }

--- A text in a colour, where there may be colours.
-- @tparam string colour red, yellow or bold
-- @tparam string shown
-- @treturn string
function output.colour(colour, shown)
  if not system.has_colours() then
    return shown
  end
  return "\27[" .. CODES[colour] .. "m" .. shown .. "\27[0m"
end

--- Write to standard error.
-- @tparam string shown
function output.write(shown)
  io.stderr:write(shown)
end

--- Write a line to standard error.
-- @tparam string line
-- @param ... what goes into it, as in `string.format`
function output.say(line, ...)
  output.write((select("#", ...) > 0 and line:format(...) or line) .. "\n")
end

--- Write what was asked for to standard output.
-- @tparam string shown
-- @treturn boolean it could be written
function output.data(shown)
  local ok, why = io.stdout:write(shown)
  if ok then
    ok, why = io.stdout:flush()
  end
  if not ok then
    output.say("ninedig: standard output could not be written: %s", tostring(why))
  end
  return ok and true or false
end

--- Write a value as one line of JSON to standard output.
-- @tparam table value
-- @treturn boolean it could be written
function output.json(value)
  return output.data(json.encode(value) .. "\n")
end

return output
