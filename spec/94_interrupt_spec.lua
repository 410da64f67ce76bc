-- That an interrupt is heeded in the moment in which it comes, whatever the command is doing.
local cli = require("spec.support.cli")
local mock = require("spec.support.mock")
local process = require("spec.support.process")

local SIGHUP, SIGINT, SIGTERM = 1, 2, 15
local SIGNALS = { SIGHUP = SIGHUP, SIGINT = SIGINT, SIGTERM = SIGTERM }

local PATIENCE = 20

-- Waits until the command has taken over: it catches SIGTERM then, as Lua does not.
local function wait_until_caught(started)
  local till, is_caught = os.time() + PATIENCE, false
  while not is_caught do
    assert(os.time() < till, "no signals are caught")
    process.pause(0.005)
    local status = cli.read(("/proc/%d/status"):format(started.pid))
    local caught = tonumber(status:match("SigCgt:%s*%x+(%x%x%x%x)\n"), 16)
    is_caught = math.floor(caught / 2 ^ (SIGTERM - 1)) % 2 == 1
  end
end

describe("an interrupt #novalgrind", function()
  local world

  before_each(function()
    world = mock.world()
  end)

  local function start(arguments, options)
    arguments[#arguments + 1] = "--timeout"
    arguments[#arguments + 1] = "600" -- what is not heeded lasts longer than the specs wait
    return cli.start(world, arguments, options)
  end

  -- Before the command has taken over a signal ends it as it ends any process.
  local function assert_ended(started, number)
    local status, signal = started:wait()
    assert.is_true(status == 130 or signal == number, tostring(status) .. started:err())
    assert.is_nil(started:err():find("traceback", 1, true), started:err())
    assert.is_true(status == nil or started:err():find("interrupted", 1, true) ~= nil)
  end

  for name, number in pairs(SIGNALS) do
    it("is heeded at any moment of its first 50 ms: " .. name, function()
      for milliseconds = 0, 50, 5 do
        local started = start({ "accounts" }, { scenario = "never" })
        process.pause(milliseconds / 1000)
        started:kill(number)
        assert_ended(started, number)
      end
    end)

    it("is heeded while an answer is awaited: " .. name, function()
      local started = start({ "inboxes", "--account", "1" }, { scenario = "never" })
      assert.is_true(world:wait_for(1))
      started:kill(number)
      assert.equal(130, started:wait())
      assert.equal("ninedig: interrupted\n", started:err())
      assert.equal(1, world:count())
    end)

    it("waits for the answer of a deletion, and a second one does not: " .. name, function()
      local started = start({
        "delete-inbox", "--account", "1", "--inbox", "10", "--confirm", "10",
      }, { scenario = "never" })
      assert.is_true(world:wait_for(1))
      started:kill(number)
      started:expect_error("waiting for the answer")
      started:kill(SIGTERM)
      assert.equal(130, started:wait())
      assert.matches("the outcome is unknown; to find out, run: ninedig verify", started:err())
      assert.same({ ["1/online/10"] = 1 }, cli.deletions(world))
    end)
  end

  it("is heeded while Lua itself still loads the command", function()
    local started = cli.start(world, { "accounts" }, {
      lua = "-e 'package.preload[\"ninedig.cli\"] = function()"
        .. " io.stderr:write(\"loading\\n\") while true do os.getenv(\"X\") end end'",
    })
    started:expect_error("loading")
    started:kill(SIGINT)
    assert.equal(130, started:wait())
    assert.equal("loading\nninedig: interrupted\n", started:err())
  end)

  it("is heeded in the pause before a read is tried again", function()
    local started = start({ "accounts", "--verbose" },
      { scenario = "live+status-503+retry_after-300" })
    started:expect_error("* waiting for 300")
    started:kill(SIGINT)
    assert.equal(130, started:wait())
    assert.equal(1, world:count())
  end)

  it("is heeded where a name is being resolved or a connection made", function()
    local started = start({ "accounts", "--verbose" }, { base_url = mock.stalled .. "/api" })
    started:expect_error("> GET ")
    started:kill(SIGINT)
    assert.equal(130, started:wait())
    assert.matches("\n< get_accounts: none, CANCELLED, in ", started:err())
    assert.equal(0, world:count())
  end)

  for name, words in pairs {
    ["list; nothing was deleted"] = {
      "delete-inboxes", "-", "--journal", "/nowhere", "--confirm", "1",
    },
    token = { "accounts", "--token-file", "-" },
  } do
    it("is heeded where standard input never ends: the " .. name, function()
      local fifo = cli.file()
      os.execute("mkfifo " .. fifo)
      local writer = cli.start_line("sleep 600 >" .. fifo)
      finally(function()
        writer:kill(SIGTERM)
        writer:wait()
      end)
      local started = cli.start_line(cli.line(world, words), { stdin = fifo })
      wait_until_caught(started)
      started:kill(SIGINT)
      assert.equal(130, started:wait())
      assert.equal("ninedig: interrupted" .. name:match("^%l+(.*)") .. "\n", started:err())
      assert.equal(0, world:count())
    end)
  end

  it("by which nohup protects is none", function()
    local started = start({ "accounts" }, { scenario = "never", through = "nohup" })
    assert.is_true(world:wait_for(1))
    started:kill(SIGHUP)
    started:kill(SIGINT)
    assert.equal(130, started:wait())
    started = start({ "accounts" }, { scenario = "live+delay-200", through = "nohup" })
    assert.is_true(world:wait_for(2))
    started:kill(SIGHUP)
    assert.equal(0, started:wait())
  end)
end)
