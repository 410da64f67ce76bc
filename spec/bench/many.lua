--- ninedig's side of the benchmark of many deletions at once: those that many.c makes.
--
--   lua5.4 many.lua BASE_URL CA_FILE TOKEN [CALLS]
--
-- With CALLS it makes so many; without, it is ordered to, see serve.lua.
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

if calls then
  make(tonumber(calls))
else
  require("spec.bench.serve")(make)
end
