--- Runs nginx with ninedig in it, for the specs and the benchmark that look at its worker.
--
--   local nginx = require("spec.support.nginx")
--   local server = nginx.start { servers = "server { listen unix:{{socket}}; ... }" }
--   assert.equal("pong", server:get("/ping"))
--   server:stop()
--
-- nginx embeds LuaJIT, so that its specs run with those of jit. It listens on a socket of its own
-- directory, and ends with this process at the latest.
local cjson = require("cjson").new()
local mock = require("spec.support.mock")

local nginx = {}

--- Whether this is the Lua that nginx has.
nginx.is_here = os.getenv("NINEDIG_LUA_VERSION") == "jit"

local POLL = 0.01
local PATIENCE = 20

local shared = mock.shared
local quote, read_file, pause = shared.quote, shared.read_file, shared.pause

--- Waits until `condition` returns something true, and returns that; raises after 20 seconds.
function nginx.wait_until(what, condition)
  local left = PATIENCE
  while true do
    local value = condition()
    if value then
      return value
    elseif left <= 0 then
      error("waited in vain until " .. what, 2)
    end
    pause(POLL)
    left = left - POLL
  end
end

local Server = {}
Server.__index = Server

-- The pattern by which this Lua finds its modules in C, for nginx.
local function cpath(root)
  local core = assert(package.searchpath("ninedig.core", package.cpath))
  local pattern = core:gsub("ninedig/core%.so$", "?.so")
  return (pattern:sub(1, 1) == "/" and pattern or root .. "/" .. pattern) .. ";;"
end

local function values_for(server, options, load_modules)
  local pid, started = shared.self_id()
  local values = {
    dir = server.dir,
    root = server.root,
    socket = server.socket,
    load_modules = load_modules,
    user = server.uid == "0" and "user root;" or "",
    parent_pid = pid,
    parent_started = started,
    cpath = cpath(server.root),
    ca_file = mock.ca_file,
    mock_dir = mock.dir,
    handlers = options.handlers or "nginx",
    code_cache = options.code_cache or "on",
    worker_affinity = options.worker_affinity or "",
    port = options.port or "",
    init = options.init or "",
  }
  for _, name in ipairs { "main", "http", "init_worker", "servers" } do
    local text = options[name] or name == "servers" and read_file("spec/nginx/servers.conf") or ""
    values[name] = shared.fill(text, values)
  end
  return values
end

--- Starts nginx; what is put into its configuration may have `{{...}}` of its own.
-- @tparam[opt] table options parts of the configuration: `servers` (spec/nginx/servers.conf if left
-- out), `http`, `init`, `init_worker`, `main`, `code_cache`, `worker_affinity`, `port`; `handlers`,
-- the folder of its Lua files below spec; `environment`, words for `env`; `files`, texts by name
-- @treturn table the server
function nginx.start(options)
  options = options or {}
  local output = shared.capture("cd " .. quote(shared.project_root()) .. " && pwd && id -u"
    .. " && umask 077 && mktemp -d \"${TMPDIR:-/tmp}/ninedig-nginx.XXXXXX\"")
  local root, uid, dir = output:match("^([^\n]+)\n(%d+)\n([^\n]+)\n$")
  assert(dir, "nginx needs a temporary directory")
  local server = setmetatable({ dir = dir, root = root, uid = uid }, Server)
  server.socket = dir .. "/nginx.sock"
  local program, load_modules = shared.find_nginx()
  shared.write_file(dir .. "/nginx.conf", shared.fill(
    read_file(root .. "/spec/nginx/nginx.conf"), values_for(server, options, load_modules)))
  for name, text in pairs(options.files or {}) do
    shared.write_file(dir .. "/" .. name, text)
  end
  local failed = shared.capture(("cd %s && { env -u LUA_PATH -u LUA_CPATH -u LUA_INIT %s %s -p %s"
    .. " -c %s/nginx.conf -e error.log || echo failed; } 2>&1")
    :format(quote(dir), options.environment or "", program, quote(dir), quote(dir)))
  if failed:find("failed", 1, true) then
    os.execute("rm -rf " .. quote(dir))
    error("nginx did not start: " .. failed, 0)
  end
  server.master = nginx.wait_until("nginx has started", function()
    return (read_file(dir .. "/nginx.pid") or ""):match("%d+")
  end)
  return server
end

--- Starts curl with these arguments; `read` of the result gives what it prints.
function Server:start_curl(arguments)
  return assert(io.popen(("curl -sS --unix-socket %s %s 2>&1")
    :format(quote(self.socket), arguments)))
end

--- Runs curl to its end.
-- @treturn string what it has printed
function Server:curl(arguments)
  local pipe = self:start_curl(arguments)
  local output = pipe:read("*a")
  pipe:close()
  return output
end

--- A path as an argument of curl.
function nginx.url(path)
  return quote("http://nginx" .. path)
end

--- A path with arguments, as an argument of curl.
function nginx.url_with(path, arguments)
  local words = {}
  for name, value in pairs(arguments) do
    words[#words + 1] = name .. "=" .. tostring(value):gsub("[^%w]", function(byte)
      return ("%%%02X"):format(byte:byte())
    end)
  end
  return nginx.url(path .. "?" .. table.concat(words, "&"))
end

--- Gets a path.
-- @treturn string the body
function Server:get(path)
  return self:curl(nginx.url(path))
end

--- Reads an answer in JSON; where it is none, shows it, with what nginx has logged.
function Server:decode(text)
  local ok, answer = pcall(cjson.decode, text)
  return ok and answer or error(text .. "\n" .. self:error_log(), 2)
end

--- Gets a path with arguments, whose answer is JSON.
function Server:ask(path, arguments)
  return self:decode(self:curl(nginx.url_with(path, arguments)))
end

--- Asks for /ping again and again.
-- @tparam integer count
-- @treturn table for each how many jobs were under way, and how many seconds it took
function Server:ping(count)
  local pings = {}
  local output = self:curl(("-w '%%{time_total}\\n' 'http://nginx/ping?[1-%d]'"):format(count))
  for in_flight, seconds in output:gmatch("(%d+)\n([%d.]+)\n") do
    pings[#pings + 1] = { in_flight = tonumber(in_flight), seconds = tonumber(seconds) }
  end
  assert(#pings == count, output)
  return pings
end

--- Sends a signal to the master, or to another process.
function Server:signal(name, pid)
  os.execute(("kill -%s %s"):format(name, pid or self.master))
end

--- Whether a process is still there, and not only waited for by its parent.
function nginx.is_running(pid)
  local stat = read_file("/proc/" .. pid .. "/stat")
  local state = stat and stat:match("^.*%)%s+(%a)")
  return state ~= nil and state ~= "Z" and state ~= "X"
end

--- Waits until a process is gone.
function nginx.wait_until_gone(pid)
  nginx.wait_until("process " .. pid .. " is gone", function()
    return not nginx.is_running(pid)
  end)
end

--- What nginx has logged.
function Server:error_log()
  return read_file(self.dir .. "/error.log") or ""
end

--- The lines of the log that have this text in them.
function Server:logged(text)
  local lines = {}
  for line in self:error_log():gmatch("[^\n]+") do
    if line:find(text, 1, true) then
      lines[#lines + 1] = line
    end
  end
  return lines
end

--- Stops nginx and removes its directory; doing it twice is no error.
function Server:stop()
  if self.dir and read_file(self.dir .. "/nginx.pid") then
    self:signal("TERM")
    nginx.wait_until_gone(self.master)
  end
  os.execute("rm -rf " .. quote(self.dir))
end

return nginx
