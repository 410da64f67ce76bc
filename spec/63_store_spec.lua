-- The system's certificates, which are some hundred kilobytes: they are read once, and not for each
-- connection, as a worker of nginx or a loop would stand still that long. Where libcurl can do that:
-- from 7.87 on, and with GnuTLS below 8.21.
local mock = require("spec.support.mock")

-- What the child says of its libcurl, "7.88.1 OpenSSL".
local function reads_once(libcurl)
  local major, minor, tls = libcurl:match("^(%d+)%.(%d+)%S* (%S+)$")
  local version = major * 1000 + minor
  return version >= 7087 and (version < 8021 or tls == "OpenSSL")
end

local function read_file(path)
  local file = io.open(path)
  local text = file and file:read("*a")
  if file then
    file:close()
  end
  return text
end

describe("the system's store", function()
  -- The leak sanitizer does not work in a process that strace traces.
  it("is trusted in place of a ca_file, and read once for all connections #nosanitize", function()
    local world = mock.world()
    local program, trace = os.tmpname(), os.tmpname()
    local file = assert(io.open(program, "w"))
    file:write(([[
      local client = require("ninedig.safe").client {
        base_url = %q, access_token = %q, proxy = "", max_idle = 0,
      }
      for inbox = 1, 5 do
        local result, err = client:delete_inbox { accountID = 1, inboxID = inbox }
        io.write(result and "deleted" or err.name, " ")
      end
      local tls = "another"
      for line in io.lines("/proc/self/maps") do
        tls = line:find("/libssl%%.so") and "OpenSSL" or tls
      end
      local request = require("ninedig.core").show(require("ninedig.core").prepare(
        client.settings, "get_accounts", {}, {}))
      io.write("\n", request:match("libcurl/(%%S+)"), " ", tls)
    ]]):format(world:base_url("ok"), mock.token))
    file:close()
    local pipe = assert(io.popen(("strace -f -e trace=openat -o %s %s %s 2>&1")
      :format(trace, os.getenv("NINEDIG_LUA") or "lua5.4", program)))
    local said = pipe:read("*a")
    pipe:close()
    local opened = 0
    for line in read_file(trace):gmatch("[^\n]+") do
      opened = opened + (line:match('/certs?/[^"]*%.crt".*= %d') and 1 or 0)
    end
    os.remove(program)
    os.remove(trace)
    local outcomes, libcurl = said:match("^(.*)\n(.*)$")
    -- The mock's authority is not among them.
    assert.equal(("TLS_UNTRUSTED "):rep(5), outcomes)
    assert.equal(reads_once(libcurl) and 1 or 5, opened)
    assert.equal(0, world:count())
  end)
end)
