-- Where the command goes, and the mock that one rehearses against. In a network without a route, so
-- that a command which goes where it should not reaches nobody.
local cjson = require("cjson").new()
local cli = require("spec.support.cli")
local mock = require("spec.support.mock")
local process = require("spec.support.process")

if not cli.can_be_alone() then
  return pending("rehearsing: this machine allows no network of one's own", function() end)
end

local quote, capture = mock.shared.quote, mock.shared.capture

local LUA = os.getenv("NINEDIG_LUA") or "lua" .. cli.version
local SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGTERM = 1, 2, 3, 9, 15

-- What is printed last.
local LAST_LINE = "Ctrl-C ends it."

local PATIENCE = 20

local function wait_until(what, is_so)
  local till = os.time() + PATIENCE
  while not is_so() do
    assert(os.time() < till, what)
    process.pause(0.01)
  end
end

-- The network of a process, and all that are in it.
local function network_of(pid)
  return capture(("readlink /proc/%d/ns/net"):format(pid)):match("%S+")
end

local function count_in(network)
  return tonumber(capture("readlink /proc/[0-9]*/ns/net 2>/dev/null | grep -cxF "
    .. quote(network)))
end

describe("rehearsing #novalgrind", function()
  -- A script that begins with `prelude`, alone, from which ninedig is the installed command.
  local function start_script(script)
    local path = cli.file(([[
      unset NINEDIG_BASE_URL NINEDIG_CA_FILE NINEDIG_CLIENT_ID NINEDIG_CLIENT_SECRET
      ninedig() { %s %s "$@"; }
      mock=%s
      lua=%s
    ]]):format(LUA, quote(cli.install() .. "/bin/ninedig"), quote(cli.file("")), quote(LUA))
      .. script)
    return cli.start_line("sh " .. path, { alone = true })
  end

  -- Starts the mock as `make mock` does, and pastes the lines that it prints.
  local WITH_MOCK = [[
    $lua spec/mock/run.lua >$mock 2>&1 &
    until grep -q 'Ctrl-C ends it' $mock; do
      kill -0 $! || { cat $mock; exit 99; }
      sleep 0.02
    done
    eval "$(grep '^  export ' $mock)"
  ]]

  -- ----- where it goes -----

  it("goes to the service itself where nothing else is said, and says so first", function()
    local started = start_script([[
      export NINEDIG_ACCESS_TOKEN=token
      ninedig delete-inbox --account 1 --inbox 10 --confirm 10 --timeout 5
    ]])
    assert.equal(3, started:wait())
    assert.matches("^service  https://partners%.99digital%.co%.il/api\n", started:err())
  end)

  it("goes to the mock once the lines are pasted that it prints", function()
    local started = start_script(WITH_MOCK .. [[
      echo "variables" $(env | sed -nE 's/^NINEDIG_([AC].*|BASE.*)=..*/\1/p' | sort)
      grep '^  ninedig ' $mock | while read -r line; do
        case $line in
        *delete*) line="$line --confirm 10" ;;
        esac
        eval "$line" || echo "status $?: $line"
      done
      cat "$(grep -A1 'written down' $mock | tail -1 | tr -d ' ')"
      kill $!
      wait
    ]])
    assert.equal(0, started:wait(), started:err())
    local out, err = started:out(), started:err()
    assert.is_nil(out:find("status", 1, true), out .. err)
    assert.matches("^variables ACCESS_TOKEN BASE_URL CA_FILE CLIENT_ID CLIENT_SECRET\n", out)
    assert.matches("972501234567  Reception", out)
    assert.matches("service  https://127%.0%.0%.1:%d+/rehearsal/live/api\n", err)
    assert.matches("inbox 10 of account 1 on online is deleted", err)
    local deletions = 0
    for line in out:gmatch("[^\n]+") do
      if line:sub(1, 1) == "{" and cjson.decode(line).method == "DELETE" then
        deletions = deletions + 1
      end
    end
    assert.equal(1, deletions)
  end)

  it("goes where a flag says, whatever the environment says", function()
    local started = start_script(WITH_MOCK .. [[
      url=$NINEDIG_BASE_URL ca=$NINEDIG_CA_FILE
      export NINEDIG_BASE_URL=https://127.0.0.1:1/api NINEDIG_CA_FILE=/nowhere/ca.pem
      ninedig numbers --base-url "$url" --ca-file "$ca"
      echo "flags $?"
      ninedig numbers --base-url "$url"
      echo "no ca $?"
      NINEDIG_CA_FILE=$ca ninedig numbers
      echo "no url $?"
      NINEDIG_CA_FILE= NINEDIG_BASE_URL= ninedig numbers --base-url "$url" --ca-file "$ca"
      echo "empty $?"
      kill $!
      wait
    ]])
    assert.equal(0, started:wait(), started:err())
    local statuses = {}
    for name, status in started:out():gmatch("\n?([%l ]+) (%d)\n") do
      statuses[name] = tonumber(status)
    end
    assert.same({ flags = 0, ["no ca"] = 2, ["no url"] = 3, empty = 0 }, statuses)
  end)

  it("goes nowhere where a variable that says where is empty", function()
    local started = start_script([[
      export NINEDIG_ACCESS_TOKEN=token
      printf 'accountID,inboxID\n1,10\n' >$mock
      for name in NINEDIG_BASE_URL NINEDIG_CA_FILE; do
        export $name=
        ninedig delete-inbox --account 1 --inbox 10 --confirm 10 --timeout 5
        echo "$?"
        ninedig delete-inboxes $mock --journal $mock.journal --confirm 1 --timeout 5
        echo "$?"
        ninedig numbers --timeout 5
        echo "$?"
        unset $name
      done
      test -e $mock.journal && echo journal
      ninedig delete-inbox --account 1 --inbox 10 --confirm 10 --base-url ''
      echo "$?"
    ]])
    started:wait()
    assert.equal(("2\n"):rep(7), started:out(), started:err())
    assert.is_nil(started:err():find("service", 1, true), started:err())
    for _, name in ipairs { "NINEDIG_BASE_URL", "NINEDIG_CA_FILE" } do
      local refusal = "ninedig: " .. name .. " is set, but empty: give it a value, or unset it\n"
      assert.equal(3, select(2, started:err():gsub(refusal, "")), started:err())
    end
  end)

  -- ----- the end of the mock -----

  local function start_mock(line)
    local started = cli.start_line(line, { alone = true })
    wait_until("the mock did not start", function()
      return started:out():find(LAST_LINE, 1, true)
    end)
    return started, network_of(started.pid), started:out():match("NINEDIG_CA_FILE=(%S+)/ca%.pem")
  end

  local function assert_all_ended(network, folder)
    wait_until("something goes on", function()
      return count_in(network) == 0
    end)
    assert.equal("", capture("ls -d " .. quote(folder) .. " 2>/dev/null"))
  end

  for name, signal in pairs {
    SIGHUP = SIGHUP, SIGINT = SIGINT, SIGQUIT = SIGQUIT, SIGKILL = SIGKILL, SIGTERM = SIGTERM,
  } do
    it("ends with all that it has started by " .. name, function()
      local started, network, folder = start_mock(LUA .. " spec/mock/run.lua")
      wait_until("nginx has no worker", function()
        return count_in(network) >= 3
      end)
      started:kill(signal)
      started:wait()
      assert_all_ended(network, folder)
    end)
  end

  it("ends where what has started it is killed", function()
    local line = quote(LUA .. " spec/mock/run.lua; true")
    local started, network, folder = start_mock("sh -c " .. line)
    started:kill(SIGKILL)
    started:wait()
    assert_all_ended(network, folder)
  end)
end)
