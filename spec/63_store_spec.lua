-- The system's certificates, which are some hundred kilobytes: an engine reads them once, and not
-- for each connection, as a worker of nginx or a loop would stand still that long.
local mock = require("spec.support.mock")

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
    -- The mock's authority is not among them.
    assert.equal(("TLS_UNTRUSTED "):rep(5), said)
    assert.equal(1, opened)
    assert.equal(0, world:count())
  end)
end)
