--- ninedig's side of the benchmark of many deletions at once: those that many.c makes.
--
--   lua5.4 many.lua BASE_URL CA_FILE TOKEN [CALLS]
--
-- With CALLS it makes so many; without, it reads such numbers from standard input and answers each
-- as calls.lua does.
local base_url, ca_file, token, calls = ...

local ninedig = require("ninedig")

local IN_FLIGHT = 64

-- Long times, as 64 handshakes under callgrind take a while; many.c has the same.
local client = ninedig.client {
  base_url = base_url,
  ca_file = ca_file,
  access_token = token,
  proxy = "",
  timeout = 300,
  max_idle = 300,
  connect_timeout = 200,
}

local function make(count)
  local list = {}
  for inbox = 1, count do
    list[inbox] = { accountID = 1, inboxID = inbox }
  end
  local report = client:delete_inboxes(list, { concurrency = IN_FLIGHT })
  assert(report.deleted == count, "a deletion failed")
end

local function memory()
  local file = assert(io.open("/proc/self/status"))
  local status = file:read("a")
  file:close()
  return status:match("VmRSS:%s*(%d+)"), status:match("VmHWM:%s*(%d+)")
end

if calls then
  make(tonumber(calls))
else
  for line in io.lines() do
    local start = os.clock()
    make(tonumber(line))
    local spent = os.clock() - start
    print(("%.6f %s %s"):format(spent, memory()))
    io.stdout:flush()
  end
end
