--- Starts and stops the mock of the service, and reads what it has recorded.
--
--   local mock = require("spec.support.mock")
--   mock.start()
--   local world = mock.world()
--   call(world:base_url("reason-47"))
--   assert.equal(1, world:count())
--
-- The mock runs until this process ends, or `mock.stop()`. With NINEDIG_MOCK naming the
-- `mock.state_file` of a running mock, that one is used and left running.
local cjson = require("cjson").new()

local mock = {}

--- What the mock takes for right.
mock.token = "mock-token/4f9a0c27d1e8+b35a6c="
mock.client_id = "mock-client"
mock.client_secret = "mock-secret/9b1d+07e4="

-- The listeners: a field of `mock` each, with the scheme of its origin.
local LISTENERS = {
  https = "https", http = "http", brief = "https", untrusted = "https", wrong_host = "https",
  tls11 = "https", http2 = "https", client_cert = "https", stalled = "https",
  closed = "http", closed_tls = "https",
  proxy = "http", proxy_403 = "http", proxy_407 = "http", proxy_close = "http",
  refused = "http",
}

-- How many origins there are besides, for each of https and http, see `mock.spare`.
local SPARE = 40

local MODULES = { "ndk_http_module.so", "ngx_http_lua_module.so", "ngx_stream_module.so" }
local FIRST_PORT, LAST_PORT = 12000, 32000
local START_TRIES = 5
local POLL = 0.01

-- busted forgets loaded modules between spec files; the mock is for the whole process.
local KEY = "ninedig.spec.mock"
local WORLDS = "ninedig.spec.worlds" -- how many were made
local SPARE_TAKEN = "ninedig.spec.spare" -- how many of them, by scheme
local registry = debug.getregistry()

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function read_file(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local text = file:read("*a")
  file:close()
  return text
end

local function write_file(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

local function capture(command)
  local pipe = assert(io.popen(command, "r"))
  local output = pipe:read("*a")
  pipe:close()
  return output
end

-- All that a command says, and its exit status.
local function output_of(command)
  local said = capture("{ " .. command .. "; } 2>&1; echo status=$?")
  local text, status = said:match("^(.*)status=(%d+)\n$")
  return text, tonumber(status)
end

local function succeeds(command)
  local status = os.execute(command)
  return status == true or status == 0
end

-- The id of this process and when it started.
local function self_id()
  local stat = assert(read_file("/proc/self/stat"), "the mock needs Linux's /proc")
  local pid, rest = stat:match("^(%d+).*%)%s+(.*)$")
  local fields = {}
  for field in rest:gmatch("%S+") do
    fields[#fields + 1] = field
  end
  return pid, fields[20]
end

local function pause(seconds)
  require("spec.support.process").pause(seconds)
end

-- Where this file's project is.
local function project_root()
  local source = debug.getinfo(1, "S").source:match("^@(.*)spec/support/mock%.lua$")
  assert(source, "spec/support/mock.lua must be loaded from its file")
  return source == "" and "." or source
end

-- Ports that nobody uses now, in no order.
local function free_ports(count)
  local used = {}
  for _, name in ipairs { "/proc/net/tcp", "/proc/net/tcp6" } do
    for port in (read_file(name) or ""):gmatch("\n%s*%d+: %x+:(%x+)") do
      used[tonumber(port, 16)] = true
    end
  end
  local random = assert(io.open("/dev/urandom", "rb"))
  local ports = {}
  while #ports < count do
    local high, low = random:read(2):byte(1, 2)
    local port = FIRST_PORT + (high * 256 + low) % (LAST_PORT - FIRST_PORT)
    if not used[port] then
      used[port] = true
      ports[#ports + 1] = port
    end
  end
  random:close()
  return ports
end

-- nginx, and the directory of its modules.
local function find_nginx()
  local nginx = capture("PATH=$PATH:/usr/sbin:/usr/local/sbin command -v nginx"):match("%S+")
  if not nginx then
    error("the mock needs nginx, with the Lua and stream modules", 0)
  end
  local built_in = capture(nginx .. " -V 2>&1"):match("%-%-modules%-path=(%S+)")
  local directories = {
    built_in or "/usr/lib/nginx/modules", "/usr/lib/nginx/modules", "/usr/share/nginx/modules",
    "/usr/lib64/nginx/modules",
  }
  local lines = {}
  for _, module in ipairs(MODULES) do
    for _, directory in ipairs(directories) do
      local path = directory .. "/" .. module
      local file = io.open(path, "rb")
      if file then
        file:close()
        lines[#lines + 1] = ("load_module \"%s\";"):format(path)
        break
      end
    end
  end
  return nginx, table.concat(lines, "\n")
end

local function fill(template, values)
  return (template:gsub("{{([%w_]+)}}", function(name)
    return assert(values[name], name)
  end))
end

local function adopt(state)
  for key, value in pairs(state) do
    mock[key] = value
  end
end

-- The lines that listen on the SPARE ports after the first, and their origins.
local function spare_listeners(scheme, ports, first)
  local lines, origins = {}, {}
  for i = 1, SPARE do
    local port = ports[first + i]
    lines[i] = ("listen 127.0.0.1:%d %s;"):format(port, scheme == "https" and "ssl" or "")
    origins[i] = ("%s://127.0.0.1:%d"):format(scheme, port)
  end
  return table.concat(lines, " "), origins
end

local function configuration(state, place)
  local pid, started = self_id()
  local nginx, load_modules = find_nginx()
  local values = {
    dir = state.dir, root = place.root, load_modules = load_modules,
    user = place.uid == "0" and "user root;" or "",
    token = mock.token, client_id = mock.client_id, client_secret = mock.client_secret,
    parent_pid = pid, parent_started = started,
  }
  local names = {}
  for name in pairs(LISTENERS) do
    names[#names + 1] = name
  end
  local ports = free_ports(#names + 2 * SPARE)
  for i, name in ipairs(names) do
    values[name .. "_port"] = tostring(ports[i])
    state[name] = ("%s://127.0.0.1:%d"):format(LISTENERS[name], ports[i])
  end
  -- Another mock may listen on that port by now, but none on that address.
  state.refused = state.refused:gsub("127.0.0.1", "127.0.0.2", 1)
  values.listen_spare_https, state.spare_https = spare_listeners("https", ports, #names)
  values.listen_spare_http, state.spare_http = spare_listeners("http", ports, #names + SPARE)
  local has_ipv6 = (read_file("/proc/net/if_inet6") or ""):find("^0*1 ")
    or (read_file("/proc/net/if_inet6") or ""):find("\n0*1 ")
  values.listen_https6 = has_ipv6 and ("listen [::1]:%s ssl;"):format(values.https_port) or ""
  state.https6 = has_ipv6 and ("https://[::1]:%s"):format(values.https_port) or nil
  write_file(state.dir .. "/nginx.conf",
    fill(read_file(place.root .. "/spec/mock/nginx.conf"), values))
  return nginx
end

local function fail(state, what)
  local log = read_file(state.dir .. "/start.log") or ""
  os.execute("rm -rf " .. quote(state.dir))
  error(("the mock did not start: %s\n%s"):format(what, log), 0)
end

-- Workers of another user, such as those of nginx, may read ca.pem, and nothing else.
local function open_to_others(dir)
  assert(succeeds(("cd %s && chmod go-rwx -- * && chmod 644 ca.pem && chmod 711 .")
    :format(quote(dir))))
end

local function launch()
  local output = capture("cd " .. quote(project_root()) .. " && pwd && id -u"
    .. " && umask 077 && mktemp -d \"${TMPDIR:-/tmp}/ninedig-mock.XXXXXX\"")
  local root, uid, dir = output:match("^([^\n]+)\n(%d+)\n([^\n]+)\n$")
  assert(dir, "the mock needs a temporary directory")
  local state = { dir = dir, ca_file = dir .. "/ca.pem", state_file = dir .. "/state.json" }
  local log = " >" .. quote(dir .. "/start.log") .. " 2>&1"
  if not succeeds(("mkdir -p %s/worlds && sh %s/spec/mock/certificates.sh %s")
      :format(quote(dir), quote(root), quote(dir)) .. log) then
    fail(state, "openssl made no certificates")
  end
  for try = 1, START_TRIES do
    local nginx = configuration(state, { root = root, uid = uid })
    local command = ("ulimit -n 8192 2>/dev/null; exec env -u LUA_PATH -u LUA_CPATH -u LUA_INIT"
      .. " %s -p %s -c %s -e %s"):format(nginx, quote(dir), quote(dir .. "/nginx.conf"),
      quote(dir .. "/error.log"))
    if succeeds("( " .. command .. " )" .. log) then
      break
    elseif try == START_TRIES
        or not (read_file(dir .. "/start.log") or ""):find("Address already in use", 1, true) then
      fail(state, "nginx refused its configuration")
    end
  end
  state.token, state.client_id = mock.token, mock.client_id
  state.client_secret = mock.client_secret
  write_file(state.state_file, cjson.encode(state))
  open_to_others(state.dir)
  return state
end

local function halt(owned)
  -- A fork has a copy of this state, and must not stop what is not its own.
  if self_id() ~= owned.pid then
    return
  end
  -- nginx removes its pid file last.
  os.execute(("cd %s 2>/dev/null || exit; n=0; kill -TERM \"$(cat nginx.pid)\" 2>/dev/null &&"
    .. " while [ -f nginx.pid ] && [ $n -lt 300 ]; do sleep 0.01; n=$((n + 1)); done; rm -rf %s")
    :format(quote(owned.state.dir), quote(owned.state.dir)))
end

-- Reading one of these fields starts the mock.
local STARTED = { dir = true, ca_file = true, state_file = true, https6 = true }
for name in pairs(LISTENERS) do
  STARTED[name] = true
end
setmetatable(mock, {
  __index = function(_, key)
    return STARTED[key] and rawget(mock.start(), key) or nil
  end,
})

-- Calls `action` when the Lua state ends.
local function at_exit(action)
  local newproxy = rawget(_G, "newproxy")
  if not newproxy then
    return setmetatable({}, { __gc = action })
  end
  local guard = newproxy(true)
  getmetatable(guard).__gc = action
  return guard
end

--- Starts the mock, or attaches to the one that NINEDIG_MOCK names; once per process.
-- @treturn table the module
function mock.start()
  if rawget(mock, "dir") then
    return mock
  end
  local owned = registry[KEY]
  local attached = os.getenv("NINEDIG_MOCK")
  if owned and owned.state then
    adopt(owned.state)
  elseif attached and attached ~= "" then
    local text = read_file(attached)
    adopt(cjson.decode(text or error("NINEDIG_MOCK names no state file: " .. attached, 0)))
  else
    owned = { state = launch(), pid = self_id() }
    owned.guard = at_exit(function()
      if owned.state then
        halt(owned)
      end
    end)
    registry[KEY] = owned
    adopt(owned.state)
  end
  return mock
end

--- Stops a mock that this process started, and removes its directory.
function mock.stop()
  local owned = registry[KEY]
  if owned and owned.state then
    halt(owned)
    owned.state = nil
  end
  for name in pairs(STARTED) do
    mock[name] = nil
  end
end

--- Does something while the mock stands still: it accepts connections and answers nothing.
function mock.while_halted(action)
  local signal = "kill -%s $(cat /proc/$(cat " .. quote(mock.start().dir .. "/nginx.pid")
    .. ")/task/*/children)"
  assert(succeeds(signal:format("STOP")))
  local ok, raised = pcall(action)
  assert(succeeds(signal:format("CONT")))
  if not ok then
    error(raised, 0)
  end
end

--- What nginx complained about.
function mock.error_log()
  return read_file(mock.start().dir .. "/error.log") or ""
end

--- What the other files of this folder, and the specs, use besides.
mock.shared = {
  at_exit = at_exit, quote = quote, read_file = read_file, write_file = write_file,
  capture = capture, output_of = output_of, fill = fill, pause = pause, self_id = self_id,
  project_root = project_root, free_ports = free_ports, find_nginx = find_nginx,
}

local World = {}
World.__index = World

local function tidy(value)
  if value == cjson.null then
    return nil
  elseif type(value) == "number" and value % 1 == 0 and math.abs(value) < 2^53 then
    return math.floor(value)
  end
  return value
end

local function read_records(path)
  local records = {}
  for line in (read_file(path) or ""):gmatch("([^\n]+)\n") do
    local record = {}
    for key, value in pairs(cjson.decode(line)) do
      record[key] = tidy(value)
    end
    records[#records + 1] = record
  end
  return records
end

--- A world: a set of requests of its own, and a `live` service of its own.
-- @tparam[opt] string name of an existing world: "_stray" for requests without one, and "_proxy"
-- for those to a proxy without one
function mock.world(name)
  mock.start()
  if not name then
    local made = (registry[WORLDS] or 0) + 1
    registry[WORLDS] = made
    name = ("w%s-%d-%d"):format(self_id(), made, os.time() % 100000)
  end
  return setmetatable({ name = name }, World)
end

--- The base address of a scenario in this world.
-- @tparam[opt="ok"] string scenario
-- @tparam[opt] string origin such as `mock.http`; if left out, the world's own `origin`, which a
-- spec that counts connections sets to a `mock.spare()`, and else `mock.https`
function World:base_url(scenario, origin)
  origin = origin or rawget(self, "origin") or mock.https
  return ("%s/%s/%s/api"):format(origin, self.name, scenario or "ok")
end

--- An origin that nothing has connected to yet: no connection is kept to it, and ninedig remembers
-- nothing of it, such as that it has closed one unasked.
-- @tparam[opt="https"] string scheme
function mock.spare(scheme)
  scheme = scheme or "https"
  local taken = registry[SPARE_TAKEN] or { https = 0, http = 0 }
  registry[SPARE_TAKEN] = taken
  taken[scheme] = taken[scheme] + 1
  local origins = mock.start()["spare_" .. scheme]
  return (assert(origins[taken[scheme]], "no spare origin is left; raise SPARE"))
end

--- A proxy's address that makes it record for this world.
-- @tparam[opt="proxy"] string listener proxy, proxy_403, proxy_407 or proxy_close
function World:proxy(listener)
  return (mock[listener or "proxy"]:gsub("//", "//" .. self.name .. ":password@"))
end

function World:path(suffix)
  return ("%s/worlds/%s.%s"):format(mock.dir, self.name, suffix)
end

--- The requests so far, in order: method, path, headers (lower-case names), head (the raw
-- header block), body, http, tls, connection, connection_requests, listener, port, time,
-- scenario, answer_length and answer_head_length (of the whole answer, as `cut-N` counts).
function World:requests()
  return read_records(self:path("jsonl"))
end

--- What came to a proxy whose address is `world:proxy()`: the same fields; for a CONNECT, path is
-- the host and port.
function World:proxy_requests()
  return read_records(self:path("proxy.jsonl"))
end

--- How many requests, or how many whose path ends so.
function World:count(path_suffix)
  local count = 0
  for _, record in ipairs(self:requests()) do
    local path = record.path:match("^[^?]*")
    if not path_suffix or path:sub(-#path_suffix) == path_suffix then
      count = count + 1
    end
  end
  return count
end

--- Waits until `n` requests are recorded.
-- @treturn boolean whether they are
function World:wait_for(n, seconds)
  local left = seconds or 5
  while self:count() < n do
    if left <= 0 then
      return false
    end
    pause(POLL)
    left = left - POLL
  end
  return true
end

--- What the scenarios `body` (status, headers, body) and `raw` (raw, close, reset) answer. For
-- `body`, `calls` may have such a script for some calls, by the end of their path, or a list of
-- them for one request after the other; the other calls are then answered by `live`.
function World:script(script)
  local path = self:path("script")
  write_file(path .. ".new", cjson.encode(script))
  assert(os.rename(path .. ".new", path))
  return self
end

return mock
