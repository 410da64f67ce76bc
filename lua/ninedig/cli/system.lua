--- What the command needs of the system: terminals, signals, files that reach the disk. Beside what
-- is here it has what `ninedig.posix` has: see `src/posix`.
local posix = require("ninedig.posix")
local stop = require("ninedig.cli.stop")

local system = setmetatable({}, { __index = posix })

system.STDIN, system.STDERR = 0, 2

-- ----- terminals -----

--- Whether somebody can be asked: what is shown is seen, and what is typed is read.
-- @treturn boolean
function system.can_ask()
  return system.is_terminal(system.STDIN) and system.is_terminal(system.STDERR)
end

--- A variable of the environment; one that is empty counts as not set.
-- @tparam string name
-- @treturn ?string
function system.variable(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

--- A variable of the environment that says where a request goes, or who asks. One that is empty is
-- a slip, such as a script's own variable that was not set: what stands in for it could be another
-- service, or somebody else's account.
-- @tparam string name
-- @treturn ?string nil where it is not set
-- @raise a reason to stop, where it is empty
function system.setting(name)
  local value = os.getenv(name)
  if value == "" then
    stop.with(stop.USAGE, "%s is set, but empty: give it a value, or unset it", name)
  end
  return value
end

--- Whether the terminal of standard error understands escape codes.
-- @treturn boolean
function system.is_capable()
  return system.is_terminal(system.STDERR) and system.variable("TERM") ~= "dumb"
end

--- Whether there may be colours on standard error.
-- @treturn boolean
function system.has_colours()
  return system.is_capable() and not system.variable("NO_COLOR")
end

--- How wide the window of standard error is.
-- @treturn integer
function system.columns()
  return posix.columns(system.STDERR) or tonumber(system.variable("COLUMNS")) or 80
end

-- ----- files -----

--- Open a regular file for reading and writing; what is made is for nobody else but its owner.
-- @tparam string path
-- @tparam boolean create it, where it is not there
-- @treturn[1] userdata with `lock()`, `read()`, `write_at(offset, bytes)`, `sync()` and
-- `close()`
-- @treturn[2] nil
-- @treturn[2] string why not
-- @treturn[2] integer error number; 0 where it is a folder, a device or a FIFO
function system.open(path, create)
  return posix.open(path, create and "create" or "write")
end

--- Read to the end.
-- @tparam function read returns what comes next, "" at the end; or nil, and why not
-- @tparam integer most bytes
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string why not
function system.read_to_end(read, most)
  local parts, size = {}, 0
  repeat
    local part, why = read()
    if not part then
      return nil, why
    end
    parts[#parts + 1], size = part, size + #part
    if size > most then
      return nil, ("it has more than %d bytes"):format(most)
    end
  until part == ""
  return table.concat(parts)
end

--- Open a regular file for reading.
-- @tparam string path
-- @treturn[1] userdata with `read()` ("" at its end) and `close()`
-- @treturn[2] nil
-- @treturn[2] string why not
function system.open_to_read(path)
  return posix.open(path, "read")
end

--- Have the name of a new file reach the disk, where the system can do that.
-- @tparam string path
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string why not
function system.sync_name(path)
  local folder = path:match("^(.*)/[^/]*$") or "."
  return posix.sync_folder(folder == "" and "/" or folder)
end

return system
