-- The commands that the command prints for its user to run. They are run here as they stand, in a
-- shell without the environment of the first run, with names of files that a shell would mangle.
local cjson = require("cjson").new()
local cli = require("spec.support.cli")
local mock = require("spec.support.mock")

local quote = mock.shared.quote
local LUA = os.getenv("NINEDIG_LUA") or "lua" .. cli.version

describe("a command that is printed #novalgrind", function()
  local world, folder

  before_each(function()
    world = mock.world()
    folder = cli.file() .. " it's $(touch mangled) `touch mangled` \"*\" & ;"
    os.execute("mkdir -p " .. quote(folder))
  end)

  local function file(name, content)
    local path = folder .. "/" .. name
    if content then
      mock.shared.write_file(path, content)
    end
    return path
  end

  -- Runs the command where only the environment tells it where to go.
  local function run(scenario, arguments)
    return cli.run(nil, arguments, { environment = {
      NINEDIG_BASE_URL = world:base_url(scenario),
      NINEDIG_CA_FILE = file("it's a ca.pem", cli.read(mock.ca_file)),
    } })
  end

  -- Runs a line that was printed, from the folder.
  local function paste(line)
    local script = cli.file(([[
      cd %s
      unset NINEDIG_BASE_URL NINEDIG_CA_FILE
      export NINEDIG_ACCESS_TOKEN=%s
      ninedig() { %s %s "$@"; }
      %s
    ]]):format(quote(folder), quote(mock.token), LUA, quote(cli.install() .. "/bin/ninedig"), line))
    local started = cli.start_line("sh " .. script)
    local status = started:wait()
    assert.is_nil(cli.read(file("mangled")))
    return status, started
  end

  it("finds out what became of an inbox", function()
    for _, more in ipairs { {}, { "--number", "972501234567" } } do
      local arguments = {
        "delete-inbox", "--account", "1", "--inbox", "10", "--confirm", "10", "--timeout", "2",
        more[1], more[2],
      }
      local ended = run("live+only-deleteInbox+lost_before", arguments)
      assert.equal(5, ended.status, ended.err)
      local line = ended.err:match("run: (ninedig verify [^\n]+)\n")
      assert.equal(more[1] ~= nil, line:find("--number 972501234567", 1, true) ~= nil)
      assert.is_nil(line:find("--timeout", 1, true)) -- which is too short for a proof
      local status, started = paste(line)
      assert.equal(1, status, started:err())
      assert.matches("inbox 10 of account 1 on online: still listed", started:err())
    end
    assert.same({ ["1/online/10"] = 2 }, cli.deletions(world))
  end)

  it("keeps a time-out that is long enough for a proof", function()
    local ended = run("live+only-deleteInbox+status-500", {
      "delete-inbox", "--account", "1", "--inbox", "10", "--confirm", "10", "--timeout", "31",
    })
    assert.equal(5, ended.status, ended.err)
    assert.matches("run: ninedig verify [^\n]*%-%-timeout 31\n", ended.err)
    assert.same({ ["1/online/10"] = 1 }, cli.deletions(world))
  end)

  it("goes on with a list, and asks again for what is in doubt", function()
    local list = file("the list's.csv", "accountID,inboxID\n4,101\n4,102\n4,103\n")
    local ended = run("live+only-deleteInbox+first-1+lost_before", {
      "delete-inboxes", list, "--journal", file("a journal"), "--confirm", "3",
      "--concurrency", "1", "--timeout", "1",
    })
    assert.equal(5, ended.status, ended.err)
    assert.same({ ["4/online/101"] = 1 }, cli.deletions(world))
    local status, started = paste(ended.err:match("to go on, run: (ninedig [^\n]+)\n"))
    assert.equal(5, status, started:err())
    assert.same({ ["4/online/101"] = 1, ["4/online/102"] = 1, ["4/online/103"] = 1 },
      cli.deletions(world))
    -- It is asked for again once the time-out of its last request has passed.
    local again = started:err():match("run: (ninedig [^\n]+%-%-ask%-again[^\n]*)\n")
    local patience = os.time() + 20
    repeat
      status, started = paste(again .. " --json")
    until status ~= 5 or os.time() > patience
    assert.equal(0, status, started:err())
    assert.equal(3, cjson.decode(started:out()).deleted)
    assert.same({ ["4/online/101"] = 2, ["4/online/102"] = 1, ["4/online/103"] = 1 },
      cli.deletions(world))
  end)
end)
