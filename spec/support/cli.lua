--- Installs the command and runs it, against the mock.
--
--   local cli = require("spec.support.cli")
--   local ended = cli.run(world, { "numbers" }, { scenario = "live" })
--   assert.equal(0, ended.status)
--
-- It is installed once in a process, by `make install`, for the Lua that the specs run on.
local mock = require("spec.support.mock")
local process = require("spec.support.process")

local cli = {}

local quote = mock.shared.quote
local read_file, write_file = mock.shared.read_file, mock.shared.write_file
local output_of = mock.shared.output_of

local KEY = "ninedig.spec.cli" -- busted forgets modules, and installing takes a while
local registry = debug.getregistry()

--- The Lua that the specs run on.
cli.version = os.getenv("NINEDIG_LUA_VERSION") or _VERSION:match("%d.%d")

local PATIENCE = 20

--- Runs `make install` into a folder, on the build that the specs test.
-- @tparam string words more for the command line of make
function cli.make_install(prefix, words)
  local core = assert(package.searchpath("ninedig.core", package.cpath), "ninedig is not built")
  local build = core:match("^%./(.*)/[^/]+/ninedig/core%.so$") or "build"
  local output, status = output_of(("env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s DEPS=true"
    .. " BUILD=%s PREFIX=%s %s install"):format(quote(build), quote(prefix), words))
  assert(status == 0, output)
end

--- A folder with the installed command; it is removed when the specs end.
function cli.install()
  local kept = registry[KEY]
  if not kept then
    local folder = output_of("mktemp -d \"${TMPDIR:-/tmp}/ninedig-cli.XXXXXX\"")
    kept = { prefix = folder:match("[^\n]+"), files = 0, pid = mock.shared.self_id() }
    cli.make_install(kept.prefix, ("LUA_VERSION=%s VERSIONS=%s"):format(cli.version, cli.version))
    kept.guard = mock.shared.at_exit(function()
      if mock.shared.self_id() == kept.pid then
        os.execute("rm -rf " .. quote(kept.prefix))
      end
    end)
    registry[KEY] = kept
  end
  return kept.prefix
end

--- The name of a file that is not there yet.
function cli.file(content)
  local prefix, kept = cli.install(), registry[KEY]
  kept.files = kept.files + 1
  local path = ("%s/file-%d"):format(prefix, kept.files)
  if content then
    write_file(path, content)
  end
  return path
end

cli.read = read_file

-- ----- one run -----

local LUA = os.getenv("NINEDIG_LUA") or "lua" .. cli.version

local function environment_of(options)
  local environment = {
    NINEDIG_ACCESS_TOKEN = mock.token, NINEDIG_CLIENT_ID = false, NINEDIG_CLIENT_SECRET = false,
    NINEDIG_BASE_URL = false, NINEDIG_CA_FILE = false, NO_COLOR = "", TERM = "xterm", COLUMNS = "",
  }
  for name, value in pairs(options.environment or {}) do
    environment[name] = value
  end
  local unset, set = { "env" }, {}
  for name, value in pairs(environment) do
    if value then
      set[#set + 1] = quote(name .. "=" .. value)
    else
      unset[#unset + 1] = "-u " .. name
    end
  end
  return table.concat(unset, " ") .. " " .. table.concat(set, " ")
end

--- The command line for a shell: of `arguments` the first is the command.
-- @tparam ?table world nil, where no service is needed
-- @tparam table arguments
-- @tparam[opt] table options `scenario` (`live` if left out), `base_url`, `environment` (a
-- variable that is false is not set), `lua` (words for Lua itself), `through` (what it is run by)
function cli.line(world, arguments, options)
  options = options or {}
  local words = {
    options.through or "", environment_of(options), LUA, options.lua or "",
    quote(cli.install() .. "/bin/ninedig"),
  }
  for i, word in ipairs(arguments) do
    words[#words + 1] = quote(word)
    if i == 1 and world then
      words[#words + 1] = "--base-url "
        .. quote(options.base_url or world:base_url(options.scenario or "live"))
      words[#words + 1] = "--ca-file " .. quote(mock.ca_file)
    end
  end
  return table.concat(words, " ")
end

--- Runs the command without a terminal, to its end.
-- @tparam ?table world
-- @tparam table arguments
-- @tparam[opt] table options as of `cli.line`, and `stdin` (a text), `before` (shell, before it)
-- @treturn table `status`, `out`, `err`
function cli.run(world, arguments, options)
  options = options or {}
  local base = cli.file(options.stdin or "")
  local before = options.before and options.before .. "; " or ""
  local line = cli.line(world, arguments, options)
  local _, status = output_of(
    ("%s%s <%s >%s.out 2>%s.err"):format(before, line, base, base, base)
  )
  return { status = status, out = read_file(base .. ".out"), err = read_file(base .. ".err") }
end

-- ----- processes that are watched -----

local Process = {}
Process.__index = Process

--- Starts a line of the shell.
-- @tparam string line
-- @tparam[opt] table options `columns`: it has a terminal of its own, so wide, but for its standard
-- output, which goes to a file; `alone`: it is in a network of its own, with nothing but a
-- loopback; `stdin`: a path, in place of an empty file
-- @treturn table a process: `kill`, `wait`, `out`, `err`, and on a terminal `expect` and `type`
function cli.start_line(line, options)
  options = options or {}
  local base = cli.file("")
  local has_terminal = options.columns ~= nil
  local pid, terminal = process.start {
    line = "exec " .. line,
    stdin = not has_terminal and (options.stdin or base) or nil,
    stdout = base .. ".out",
    stderr = not has_terminal and base .. ".err" or nil,
    columns = options.columns,
    alone = options.alone,
  }
  return setmetatable({
    pid = pid, base = base, terminal = has_terminal and terminal or nil, seen = "",
  }, Process)
end

--- Starts the command without a terminal.
-- @treturn table a process
function cli.start(world, arguments, options)
  return cli.start_line(cli.line(world, arguments, options))
end

--- Starts the command on a terminal of its own; its standard output goes to a file.
-- @tparam[opt] table options as of `cli.line`, and `columns` (80)
-- @treturn table a process
function cli.start_on_terminal(world, arguments, options)
  local columns = options and options.columns or 80
  return cli.start_line(cli.line(world, arguments, options), { columns = columns })
end

--- Whether a process can have a network of its own here.
function cli.can_be_alone()
  return cli.start_line("true", { alone = true }):wait() == 0
end

--- Sets the width of the window.
function Process:resize(columns)
  process.resize(self.terminal, columns)
end

-- What the terminal shows within so many milliseconds is added to `seen`; false where it ended.
local function read_terminal(self, milliseconds)
  local bytes = process.read(self.terminal, milliseconds)
  self.seen = self.seen .. (bytes or "")
  return bytes ~= nil
end

--- Waits until the terminal shows a text.
-- @treturn string all that it has shown
function Process:expect(text)
  local till = os.time() + PATIENCE
  while not self.seen:find(text, 1, true) do
    local goes_on = os.time() < till and read_terminal(self, 100)
    assert(goes_on, "not shown: " .. text .. "\n" .. self.seen)
  end
  return self.seen
end

--- Waits until standard error, where that is no terminal, shows a text.
function Process:expect_error(text)
  local till = os.time() + PATIENCE
  while not self:err():find(text, 1, true) do
    assert(os.time() < till, "not shown: " .. text .. "\n" .. self:err())
    process.pause(0.01)
  end
end

--- Types at the terminal.
function Process:type(text)
  process.write(self.terminal, text)
end

--- Sends a signal, by number.
function Process:kill(signal)
  process.kill(self.pid, signal)
end

--- Waits until it has ended; it is killed, and that is an error, where it does not.
-- @treturn integer its exit status; where a signal ended it, nil and the number of that
function Process:wait()
  local till = os.time() + PATIENCE
  local has_ended, status, signal = false, nil, nil
  while not has_ended do
    if not (self.terminal and read_terminal(self, 10)) then
      process.pause(0.002)
    end
    if os.time() > till then
      self:kill(9)
      process.wait(self.pid, true)
      error("it does not end\n" .. self.seen .. self:err())
    end
    has_ended, status, signal = process.wait(self.pid)
  end
  while self.terminal and os.time() <= till and read_terminal(self, 10) do end
  if self.terminal then
    process.close(self.terminal)
  end
  return status, signal
end

--- What went to standard output.
function Process:out()
  return read_file(self.base .. ".out") or ""
end

--- What went to standard error, where that is no terminal.
function Process:err()
  return read_file(self.base .. ".err") or ""
end

-- ----- what the service saw -----

--- How often each inbox was asked for, by "account/server/inbox".
function cli.deletions(world)
  local counts = {}
  for _, request in ipairs(world:requests()) do
    if request.method == "DELETE" then
      local account, server, inbox =
        request.body:match('^{"accountID":(%d+),"server":"([^"]*)","inboxID":(%d+)}$')
      local key = ("%s/%s/%s"):format(account, server, inbox)
      counts[key] = (counts[key] or 0) + 1
    end
  end
  return counts
end

return cli
