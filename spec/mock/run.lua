--- Runs the mock in the foreground, to rehearse against: `make mock`. It ends, with all that it has
-- started, by Ctrl-C or any other signal, or when what started it has ended.
local root = (arg[0]:match("^(.*)spec/mock/run%.lua$") or "./")
package.path = (root == "" and "./" or root) .. "?.lua;" .. package.path

local signals = assert(require("ninedig.posix").catch_signals())
local mock = require("spec.support.mock")
local quote = require("ninedig.cli.text").quote

-- Seconds between two looks at whether the parent is still there.
local PERIOD = 0.5

local GREETING = [[
The mock of the service is running. Nothing here reaches the real one.
Paste this into another shell; the command and each sample of the manual then go to the mock:

  export NINEDIG_BASE_URL=%(base_url)
  export NINEDIG_CA_FILE=%(ca_file)
  export NINEDIG_ACCESS_TOKEN=%(token)
  export NINEDIG_CLIENT_ID=%(client_id)
  export NINEDIG_CLIENT_SECRET=%(client_secret)

  ninedig numbers
  ninedig delete-inbox --account 1 --inbox 10

  account          server  inboxes
  1                online  10, 11 (WhatsApp), 12 (web chat), 13 (no number)
  2                online  20, 21
  2                west    20, 22
  3                online  none, suspended
  4                online  101 to 140
  900000000000001  online  123456789012345

With curl:

  curl --cacert "$NINEDIG_CA_FILE" -X DELETE \
    -H "Authorization: Bearer $NINEDIG_ACCESS_TOKEN" -H 'Content-Type: application/json' \
    -d '{"accountID":1,"server":"online","inboxID":10}' \
    "$NINEDIG_BASE_URL/online/deleteInbox"

Put another scenario for `live` in the address to see it fail: reason-47, close, live+lost_after,
live+busy-2-5, delay-3000, never, status-503 and others: docs/testing.md, Make it fail.
Each request is written down in
  %(records)
Ctrl-C ends it.
]]

local function parent_id()
  return mock.shared.read_file("/proc/self/stat"):match("^%d+ %b() %S (%d+)")
end

local function greet()
  local world = mock.world("rehearsal")
  local values = {
    base_url = quote(world:base_url("live")),
    ca_file = quote(mock.ca_file),
    token = quote(mock.token),
    client_id = quote(mock.client_id),
    client_secret = quote(mock.client_secret),
    records = quote(world:path("jsonl")),
  }
  io.stdout:write((GREETING:gsub("%%%((%w+_?%w*)%)", values)))
  io.stdout:flush()
end

local parent = parent_id()
local ok, err = pcall(mock.start)
if not ok then
  io.stderr:write(tostring(err), "\n")
  os.exit(1)
end
greet()
while signals:count() == 0 and parent_id() == parent do
  signals:wait(PERIOD)
end
mock.stop()
print("\nstopped")
