--- A call whose path dies: run by spec/life/two_hosts.sh, on the host of the client.
--
--   lua ended.lua BASE_URL CA_FILE HOW
--
-- Deletes inbox 10, says so, and waits for a line; then the path is dead, and it deletes inbox 11.
-- HOW: "time_out", or "killed", where it is to be killed before the time is over.
local base_url, ca_file, how = ...
local ninedig = require("ninedig.safe")

local client = assert(ninedig.client {
  base_url = base_url, ca_file = ca_file, access_token = "t", proxy = "", max_idle = 60,
  timeout = how == "killed" and 60 or 1,
})

local function say(...)
  print(...)
  io.stdout:flush()
end

local result, err = client:delete_inbox { accountID = 1, inboxID = 10 }
say(result and "deleted" or tostring(err))
io.read()
result, err = client:delete_inbox { accountID = 1, inboxID = 11 }
say(result and "deleted" or err.name .. " " .. err.outcome)
io.read()
