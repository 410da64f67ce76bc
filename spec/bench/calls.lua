--- ninedig's side of the benchmark: the calls that bare.c makes, by a script of a few lines.
--
--   lua5.4 calls.lua BASE_URL CA_FILE TOKEN CALLS
--   lua5.4 calls.lua BASE_URL CA_FILE TOKEN
--
-- The first makes that many calls. The second reads such numbers from standard input, and answers
-- each with a line, once the calls are made: seconds of CPU that they took, VmRSS and VmHWM in kB.
local base_url, ca_file, token, calls = ...

local ninedig = require("ninedig")

local client = ninedig.client {
  base_url = base_url,
  ca_file = ca_file,
  access_token = token,
  proxy = "",
}
local made = 0

local function make(count)
  for inbox = made + 1, made + count do
    client:delete_inbox { accountID = 1, inboxID = inbox }
  end
  made = made + count
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
