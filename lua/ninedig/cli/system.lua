--- What the command needs of the system: terminals, signals, files that reach the disk.
local fcntl = require("posix.fcntl")
local poll = require("posix.poll")
local posix_time = require("posix.time")
local signal = require("posix.signal")
local unistd = require("posix.unistd")

local system = {}

system.STDIN, system.STDERR = 0, 2

-- ----- time -----

--- Seconds since 1970, with what is below a second.
-- @treturn number
function system.now()
  local now = posix_time.clock_gettime(posix_time.CLOCK_REALTIME)
  return now.tv_sec + now.tv_nsec / 1e9
end

-- ----- terminals -----

--- Whether a file descriptor is a terminal.
-- @tparam integer fd
-- @treturn boolean
function system.is_terminal(fd)
  return unistd.isatty(fd) == 1
end

--- Whether somebody can be asked: what is shown is seen, and what is typed is read.
-- @treturn boolean
function system.can_ask()
  return system.is_terminal(system.STDIN) and system.is_terminal(system.STDERR)
end

--- Wait until there is something to read at standard input, or its end.
-- @tparam number seconds at most
-- @treturn boolean whether there is
function system.has_input(seconds)
  return poll.rpoll(system.STDIN, math.floor(seconds * 1000)) == 1
end

local function variable(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

--- Whether the terminal of standard error understands escape codes.
-- @treturn boolean
function system.is_capable()
  return system.is_terminal(system.STDERR) and variable("TERM") ~= "dumb"
end

--- Whether there may be colours on standard error.
-- @treturn boolean
function system.has_colours()
  return system.is_capable() and not variable("NO_COLOR")
end

--- How wide the window of standard error is. luaposix cannot tell.
-- @treturn integer
function system.columns()
  local pipe = io.popen("stty size <&2 2>/dev/null")
  local answer = pipe and pipe:read("*a") or ""
  if pipe then
    pipe:close()
  end
  local columns = tonumber(answer:match("^%d+ (%d+)")) or 0
  if columns == 0 then
    columns = tonumber(variable("COLUMNS")) or 80
  end
  return columns
end

-- ----- signals -----

local ENDS = { signal.SIGINT, signal.SIGTERM, signal.SIGHUP }

--- Have a function called where the user wants to end the command. Nobody reading what we write
-- is no reason to end it.
-- @tparam function f
function system.on_interrupt(f)
  for _, number in ipairs(ENDS) do
    signal.signal(number, f)
  end
  signal.signal(signal.SIGPIPE, signal.SIG_IGN)
end

-- ----- files -----

local File = {}
File.__index = File

--- Open a file for reading and writing, for nobody else but its owner.
-- @tparam string path
-- @tparam boolean create it, where it is not there
-- @treturn[1] table file
-- @treturn[2] nil
-- @treturn[2] string why not
-- @treturn[2] integer error number
function system.open(path, create)
  local flags = fcntl.O_RDWR + (create and fcntl.O_CREAT or 0) + (fcntl.O_CLOEXEC or 0)
  local fd, why, number = fcntl.open(path, flags, 384) -- 0600
  if not fd then
    return nil, why, number
  end
  return setmetatable({ fd = fd }, File)
end

--- Lock it for this process; false where another process has it. The lock ends with the process.
-- @treturn boolean
function File:lock()
  return fcntl.fcntl(self.fd, fcntl.F_SETLK, {
    l_type = fcntl.F_WRLCK,
    l_whence = unistd.SEEK_SET,
    l_start = 0,
    l_len = 0,
  }) ~= nil
end

--- Read all of it.
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string why not
function File:read_all()
  local parts = {}
  unistd.lseek(self.fd, 0, unistd.SEEK_SET)
  while true do
    local part, why = unistd.read(self.fd, 65536)
    if not part then
      return nil, why
    elseif part == "" then
      return table.concat(parts)
    end
    parts[#parts + 1] = part
  end
end

--- Write a text at an offset.
-- @tparam integer offset
-- @tparam string bytes
-- @treturn integer how many bytes were written
-- @treturn ?string why not all of them
function File:write_at(offset, bytes)
  local done = 0
  unistd.lseek(self.fd, offset, unistd.SEEK_SET)
  while done < #bytes do
    local count, why = unistd.write(self.fd, bytes:sub(done + 1))
    if not count then
      return done, why
    end
    done = done + count
  end
  return done
end

--- Have what was written reach the disk.
-- @treturn boolean
-- @treturn ?string why not
function File:sync()
  local ok, why = unistd.fsync(self.fd)
  return ok ~= nil, why
end

--- Close it, which ends its lock.
function File:close()
  unistd.close(self.fd)
end

--- Have the name of a new file reach the disk, where the system can do that.
-- @tparam string path
function system.sync_name(path)
  local folder = path:match("^(.*)/[^/]*$") or "."
  local fd = fcntl.open(folder == "" and "/" or folder, fcntl.O_RDONLY)
  if fd then
    unistd.fsync(fd)
    unistd.close(fd)
  end
end

return system
