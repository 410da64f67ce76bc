-- Many calls in the state of one thread.
local base_url, ca_file, count = ...
local ninedig = require("ninedig")
local client = ninedig.client {
  base_url = base_url, ca_file = ca_file, access_token = "mock-token/4f9a0c27d1e8+b35a6c=",
}
for i = 1, tonumber(count) do
  local inbox = thread * 1000 + i -- luacheck: ignore
  assert(client:delete_inbox({ accountID = 7, inboxID = inbox }).inboxID == inbox)
end
return "done"
