local cli = require("spec.support.cli")
local mock = require("spec.support.mock")
local posix = require("ninedig.posix")
local process = require("spec.support.process")
local system = require("ninedig.cli.system")

local SIGHUP, SIGINT, SIGPIPE, SIGTERM = 1, 2, 13, 15
local ENOENT = 2

local quote, capture = mock.shared.quote, mock.shared.capture

local PATIENCE = 20

local function self_id()
  return tonumber((mock.shared.self_id()))
end

-- How many open files this process has whose name has this in it.
local function count_files(name)
  collectgarbage()
  collectgarbage()
  return tonumber(capture(("ls -l /proc/%d/fd | grep -cF %s"):format(self_id(), quote(name))))
end

-- All that a file has from where it is.
local function read_on(file)
  return system.read_to_end(function()
    return file:read()
  end, math.huge)
end

-- ----- terminals and time -----

describe("ninedig.posix", function()
  it("tells what is no terminal, and knows no window of it", function()
    assert.is_false(posix.is_terminal(-1))
    assert.is_nil(posix.columns(-1))
    assert.equal(capture("test -t 0 && echo yes") ~= "", posix.is_terminal(0))
  end)

  it("has the time of day, and what is below a second", function()
    local before = os.time()
    local now = posix.now()
    assert.is_true(now >= before and now < os.time() + 1)
    assert.is_true(now % 1 ~= 0 or posix.now() % 1 ~= 0)
  end)
end)

-- ----- signals -----

-- Those that were ignored when this process began, as under nohup: they stay so.
local IGNORED = {}
do
  local facts = mock.shared.read_file("/proc/self/status")
  local mask = tonumber(facts:match("SigIgn:%s*%x*(%x%x%x%x)"), 16)
  for _, number in ipairs { SIGHUP, SIGINT, SIGTERM } do
    IGNORED[number] = mask % 2 ^ number >= 2 ^ (number - 1)
  end
end

describe("signals", function()
  local signals

  before_each(function()
    signals = assert(posix.catch_signals())
  end)

  after_each(function()
    signals:close()
  end)

  it("are counted, each of those that end a process", function()
    local count = 0
    for _, number in ipairs { SIGINT, SIGTERM, SIGHUP, SIGINT } do
      count = count + (IGNORED[number] and 0 or 1)
      process.kill(self_id(), number)
      assert.equal(count, signals:count())
    end
    process.kill(self_id(), SIGPIPE) -- does nothing
    assert.equal(count, signals:count())
  end)

  it("end a wait that begins after them at once, and no later one", function()
    local began = os.time()
    process.kill(self_id(), SIGTERM)
    signals:wait(PATIENCE)
    assert.is_true(os.time() - began < PATIENCE / 2)
    assert.equal(1, signals:count())
    began = posix.now()
    signals:wait(0.05)
    signals:wait(0)
    signals:wait(-1)
    assert.is_true(posix.now() - began >= 0.05)
  end)

  it("end a wait that is under way", function()
    local began = os.time()
    local sender = io.popen(("sleep 0.05; kill -TERM %d"):format(self_id()))
    signals:wait(PATIENCE)
    assert.is_true(os.time() - began < PATIENCE / 2)
    assert.equal(1, signals:count())
    sender:close()
  end)

  it("end a wait of the library that begins after them at once", function()
    local core = require("ninedig.core")
    local transfer = core.prepare(core.settings(), "delete_inbox",
      { access_token = mock.token, accountID = 1, inboxID = 10 }, nil, {}) -- it can wait then
    local began = os.time()
    process.kill(self_id(), SIGTERM)
    core.wait(PATIENCE, signals:fd())
    assert.is_true(os.time() - began < PATIENCE / 2)
    assert.equal(1, signals:count())
    began = posix.now()
    core.wait(0.05, signals:fd())
    assert.is_true(posix.now() - began >= 0.05)
    core.wait(0) -- the descriptor is not looked at any more
    assert.is_not_nil(transfer)
  end)

  it("come before what could be read", function()
    process.kill(self_id(), SIGINT)
    assert.is_nil((signals:read(0)))
    assert.equal(1, signals:count())
    assert.equal("", signals:read(0)) -- which is empty in a run of the specs
  end)

  it("are caught once in a process", function()
    local again, why = posix.catch_signals()
    assert.is_nil(again)
    assert.matches("busy", why)
    process.kill(self_id(), SIGINT)
    collectgarbage()
    assert.equal(1, signals:count()) -- what was refused has ended nothing
    signals:close()
    signals:close()
    signals = assert(posix.catch_signals())
    assert.equal(0, signals:count())
  end)

  it("have no open file once they are closed", function()
    local pipe = capture(("readlink /proc/%d/fd/%d"):format(self_id(), signals:fd())):match("%S+")
    assert.equal(2, count_files(pipe))
    signals:close()
    assert.equal(0, count_files(pipe))
  end)
end)

-- Runs a script on this Lua, to its end.
local LUA = os.getenv("NINEDIG_LUA") or "lua" .. cli.version

local function start(script, before)
  local path = cli.file(script)
  return cli.start_line(("sh -c %s"):format(quote((before or "") .. "exec " .. LUA .. " " .. path)))
end

local PRELUDE = [[
  local posix = require("ninedig.posix")
  local process = require("spec.support.process")
local system = require("ninedig.cli.system")
  local own = tonumber(io.open("/proc/self/stat"):read("*l"):match("^%d+"))
]]

describe("signals of a process of its own #novalgrind", function()
  it("do what they did before once they are closed", function()
    local endings = { "signals:close()", "signals = nil collectgarbage() collectgarbage()" }
    for _, ending in ipairs(endings) do
      local started = start(PRELUDE .. [[
        local signals = posix.catch_signals()
        process.kill(own, 15)
        ]] .. ending .. [[
        io.stderr:write("still here\n")
        process.kill(own, 15)
      ]])
      local status, signal = started:wait()
      assert.equal("still here\n", started:err())
      assert.is_nil(status)
      assert.equal(SIGTERM, signal)
    end
  end)

  it("stay ignored where they were, as under nohup", function()
    local started = start(PRELUDE .. [[
      local signals = posix.catch_signals()
      process.kill(own, 1)
      process.kill(own, 2)
      os.exit(signals:count())
    ]], "trap '' HUP; ")
    assert.equal(1, started:wait())
  end)

  it("do not end it where nobody reads what it writes", function()
    local status = cli.file("")
    local script = cli.file(PRELUDE .. [[
      local signals = posix.catch_signals()
      repeat until not io.stdout:write(("x"):rep(65536))
      os.exit(signals:count() + 7)
    ]])
    os.execute(("{ %s %s; echo $? >%s; } | true"):format(LUA, script, status))
    assert.equal("7\n", cli.read(status))
  end)

  it("leave what is read whole", function()
    local path = cli.file(PRELUDE .. [[
      local signals = posix.catch_signals()
      local parts = {}
      repeat
        local part = assert(signals:read(0))
        parts[#parts + 1] = part
      until part == ""
      os.exit(#table.concat(parts) == 200000 and #parts > 2 and 0 or 1)
    ]])
    local status = os.execute(("head -c 200000 /dev/zero | %s %s"):format(LUA, path))
    assert.is_true(status == true or status == 0)
  end)
end)

-- ----- files -----

describe("files", function()
  it("are made for their owner alone, and read as they were written", function()
    local path = cli.file()
    local missing, why, number = posix.open(path, "write")
    assert.is_nil(missing)
    assert.is_not_nil(why:find(path, 1, true))
    assert.equal(ENOENT, number)
    local file = assert(posix.open(path, "create"))
    assert.equal("600\n", capture("stat -c %a " .. path))
    local long = ("0123456789"):rep(20000)
    assert.equal(#long, file:write_at(3, long))
    assert.equal(3, (file:write_at(0, "abc")))
    assert.is_true(file:sync())
    assert.equal(65536, #file:read())
    assert.equal(#long + 3 - 65536, #read_on(file))
    assert.equal("", file:read())
    file:close()
    file:close()
    assert.equal("abc" .. long, read_on(assert(posix.open(path, "read"))))
    assert.equal("abc" .. long, read_on(assert(posix.open(path, "create"))))
  end)

  it("that are closed, or opened for reading, are not written", function()
    local path = cli.file("abc")
    local file = assert(posix.open(path, "read"))
    local count, why = file:write_at(0, "x")
    assert.equal(0, count)
    assert.is_string(why)
    file:close()
    for _, method in ipairs { "lock", "read", "write_at", "sync" } do
      assert.error_matches(function()
        file[method](file, 0, "x")
      end, "the file is closed")
    end
    assert.error(function()
      file.read(io.stdout)
    end)
    assert.error_matches(function()
      posix.open(path, "append")
    end, "append")
    assert.equal("abc", cli.read(path))
  end)

  it("are regular: all else is refused at once", function()
    local fifo = cli.file()
    os.execute("mkfifo " .. fifo)
    for _, mode in ipairs { "read", "write", "create" } do
      for _, path in ipairs { "/dev/full", "/dev/zero", "/dev/null", fifo } do
        local file, why, number = posix.open(path, mode)
        assert.is_nil(file)
        assert.equal(path .. ": is no regular file", why)
        assert.equal(0, number)
      end
      local file, why = posix.open(cli.install(), mode)
      assert.is_nil(file)
      assert.is_not_nil(why:find(cli.install(), 1, true))
    end
  end)

  it("are no more than there are", function()
    local path = cli.file("abc")
    for _ = 1, 50 do
      assert(posix.open(path, "read"))
      posix.open("/dev/zero", "read")
    end
    assert.equal(0, count_files(path))
    assert.equal(0, count_files("/dev/zero"))
  end)

  it("can be had by one process at a time, until it ends #novalgrind", function()
    local path = cli.file("")
    local file = assert(posix.open(path, "write"))
    local other = start(PRELUDE .. ([[
      local file = posix.open(%q, "write")
      assert(file:lock())
      io.stderr:write("locked\n")
      process.pause(60)
    ]]):format(path))
    other:expect_error("locked")
    assert.is_false(file:lock())
    other:kill(9)
    other:wait()
    assert.is_true(file:lock())
    assert.is_true(file:lock())
    file:close()
  end)

  it("have names that reach the disk", function()
    assert.is_true(posix.sync_folder("."))
    assert.is_true(posix.sync_folder("/proc")) -- which has no disk
    for _, path in ipairs { "/nowhere", cli.file("") } do
      local ok, why, number = posix.sync_folder(path)
      assert.is_nil(ok)
      assert.is_not_nil(why:find(path, 1, true))
      assert.is_true(number > 0)
    end
  end)
end)
