--- Runs the mock in the foreground, to rehearse against: `make mock`. Ctrl-C ends it.
local root = (arg[0]:match("^(.*)spec/mock/run%.lua$") or "./")
package.path = (root == "" and "./" or root) .. "?.lua;" .. package.path

local mock = require("spec.support.mock")

local GREETING = [[
The mock of the service is running. Nothing here reaches the real one.

  base_url      %(base_url)
  ca_file       %(ca_file)
  access_token  %(token)
  client_id     %(client_id)
  client_secret %(client_secret)
  recorded in   %(records)

  account          server  inboxes
  1                online  10, 11 (WhatsApp), 12 (web chat), 13 (no number)
  2                online  20, 21
  2                west    20, 22
  3                online  none, suspended
  4                online  101 to 140
  900000000000001  online  123456789012345

In Lua:

  local ninedig = require("ninedig")
  local client = ninedig.client {
    base_url = "%(base_url)",
    ca_file = "%(ca_file)",
    access_token = "%(token)",
  }
  print(client:delete_inbox({ accountID = 1, server = "online", inboxID = 10 }).whatsapp_number)

With curl:

  curl --cacert %(ca_file) -X DELETE \
    -H 'Authorization: Bearer %(token)' -H 'Content-Type: application/json' \
    -d '{"accountID":1,"server":"online","inboxID":10}' \
    %(base_url)/online/deleteInbox

Put another scenario for `live` in base_url to see it fail: reason-47, close, live+lost_after,
delay-3000, never, status-503 and others, in faults.lua, fixed.lua and partner_api.lua.
Ctrl-C ends it.
]]

local ok, err = pcall(mock.start)
if not ok then
  io.stderr:write(tostring(err), "\n")
  os.exit(1)
end
local world = mock.world("rehearsal")
local values = {
  base_url = world:base_url("live"),
  ca_file = mock.ca_file,
  token = mock.token,
  client_id = mock.client_id,
  client_secret = mock.client_secret,
  records = world:path("jsonl"),
}
io.stdout:write((GREETING:gsub("%%%((%w+_?%w*)%)", values)))
io.stdout:flush()

-- Until a signal; the interrupt may come in the wait or just outside of it.
pcall(os.execute, "exec sleep 604800")
mock.stop()
print("\nstopped")
