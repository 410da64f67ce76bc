--- ninedig's side of the benchmark: the calls that bare.c makes, by a script of a few lines.
--
--   lua5.4 calls.lua BASE_URL CA_FILE TOKEN [CALLS]
--
-- With CALLS it makes so many; without, it is ordered to, see serve.lua.
local base_url, ca_file, token, calls = ...

local ninedig = require("ninedig")

-- A pause, be it the others' turn, costs no side its connection.
local client = ninedig.client {
  base_url = base_url,
  ca_file = ca_file,
  access_token = token,
  proxy = "",
  max_idle = 300,
}
local made = 0

local function make(count)
  for inbox = made + 1, made + count do
    client:delete_inbox { accountID = 1, inboxID = inbox }
  end
  made = made + count
end

if calls then
  make(tonumber(calls))
else
  require("spec.bench.serve")(make)
end
