--- Ends the mock when the process it works for is gone, or its directory is.
local ffi = require("ffi")
local process = require("ngx.process")
local settings = require("mock_settings")

ffi.cdef("int kill(int pid, int sig); int access(const char *path, int mode);")

local PERIOD = 0.2
local SIGTERM = 15

local watch = {}

-- A process is known by its id and the time it started; a zombie is gone.
local function is_alive(pid, started)
  local file = io.open("/proc/" .. pid .. "/stat")
  if not file then
    return false
  end
  local stat = file:read("*a") or ""
  file:close()
  local fields = {}
  for field in (stat:match("^.*%)%s+(.*)$") or ""):gmatch("%S+") do
    fields[#fields + 1] = field
  end
  return fields[1] ~= "Z" and fields[1] ~= "X" and fields[20] == started
end

local function has_directory()
  return ffi.C.access(settings.dir, 0) == 0
end

local function check(premature, pid, started)
  if premature then
    return
  end
  if is_alive(pid, started) and has_directory() then
    return
  end
  if has_directory() then
    os.execute("rm -rf '" .. settings.dir:gsub("'", "'\\''") .. "'")
  end
  ffi.C.kill(process.get_master_pid(), SIGTERM)
end

function watch.start(pid, started)
  assert(ngx.timer.every(PERIOD, check, pid, started))
end

return watch
