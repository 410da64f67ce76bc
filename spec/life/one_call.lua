-- One call in a state of its own; returns the inbox that is gone.
local base_url, ca_file, inbox = ...
local ninedig = require("ninedig")
local client = ninedig.client {
  base_url = base_url, ca_file = ca_file, access_token = "mock-token/4f9a0c27d1e8+b35a6c=",
}
local gone = client:delete_inbox { accountID = 7, inboxID = tonumber(inbox) }
client:close()
return ("%d"):format(gone.inboxID)
