-- Whom a connection trusts: a ca_file alone, or the system's store. That is some hundred kilobytes,
-- which are read once, and not for each connection, as a worker of nginx or a loop would stand
-- still that long; where libcurl can do that: from 7.87 on, and with GnuTLS below 8.21.
local mock = require("spec.support.mock")

local function read_file(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

-- Makes five deletions, each on a connection of its own; then says which libcurl it has.
local PROGRAM = [[
  local core = require("ninedig.core")
  local client = require("ninedig.safe").client {
    base_url = %q, access_token = %q, proxy = "", max_idle = 0, ca_file = %s,
  }
  for inbox = 1, 5 do
    local result, err = client:delete_inbox { accountID = 1, inboxID = inbox }
    io.write(result and "deleted" or err.name, " ")
  end
  local tls = "another"
  for line in io.lines("/proc/self/maps") do
    tls = line:find("/libssl%%.so") and "OpenSSL" or tls
  end
  local request = core.show(core.prepare(client.settings, "get_accounts", {}, nil, {}))
  io.write("\n", request:match("libcurl/(%%S+)"), " ", tls)
]]

-- What became of the deletions, the libcurl, such as "7.88.1 OpenSSL", the certificate files and
-- folders that were looked for, and how many bundles were opened.
local function run(world, ca_file)
  local program, trace = os.tmpname(), os.tmpname()
  local file = assert(io.open(program, "w"))
  local trusted = ca_file and ("%q"):format(ca_file) or "nil"
  file:write(PROGRAM:format(world:base_url("ok"), mock.token, trusted))
  file:close()
  local pipe = assert(io.popen(("strace -f -e trace=%%file -o %s %s %s 2>&1")
    :format(trace, os.getenv("NINEDIG_LUA") or "lua5.4", program)))
  local outcomes, libcurl = pipe:read("*a"):match("^(.*)\n(.*)$")
  pipe:close()
  local looked_for, opened = {}, 0
  for line in read_file(trace):gmatch("[^\n]+") do
    local path = line:match('"(/[^"]*)"') or ""
    if path:find("/certs?/?") or path:find("%.pem$") or path:find("%.crt$") then
      looked_for[path] = true
    end
    opened = opened + (line:match('openat.*%.crt".*= %d') and 1 or 0)
  end
  os.remove(program)
  os.remove(trace)
  return outcomes, libcurl, looked_for, opened
end

local function reads_once(libcurl)
  local major, minor, tls = libcurl:match("^(%d+)%.(%d+)%S* (%S+)$")
  local version = major * 1000 + minor
  return version >= 7087 and (version < 8021 or tls == "OpenSSL")
end

-- The leak sanitizer does not work in a process that strace traces.
describe("the system's store #nosanitize", function()
  it("is trusted in place of a ca_file, and read once for all connections", function()
    local world = mock.world()
    local outcomes, libcurl, _, opened = run(world, nil)
    -- The mock's authority is not among them.
    assert.equal(("TLS_UNTRUSTED "):rep(5), outcomes)
    assert.equal(0, world:count())
    assert.equal(reads_once(libcurl) and 1 or 5, opened)
  end)
end)

describe("a ca_file #nosanitize", function()
  -- From 8.21 on, libcurl would look into the folder that was built into it, too.
  it("is trusted alone: nothing else is looked for", function()
    local world = mock.world()
    local outcomes, _, looked_for = run(world, mock.ca_file)
    assert.equal(("deleted "):rep(5), outcomes)
    assert.equal(5, world:count())
    assert.is_truthy(looked_for[mock.ca_file])
    looked_for[mock.ca_file] = nil
    assert.same({}, looked_for)
  end)

  it("trusts nobody whom it does not name", function()
    local world = mock.world()
    local untrusted = os.tmpname() .. ".pem"
    os.execute(("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=another"
      .. " -keyout /dev/null -out %s 2>/dev/null"):format(untrusted))
    local outcomes, _, looked_for = run(world, untrusted)
    assert.equal(("TLS_UNTRUSTED "):rep(5), outcomes)
    assert.equal(0, world:count())
    looked_for[untrusted] = nil
    for path in pairs(looked_for) do
      assert.matches("^/dev/null/", path)
    end
    os.remove(untrusted)
  end)
end)
