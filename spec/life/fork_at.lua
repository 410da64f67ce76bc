-- Forks after each step of a call in flight, from the queue to its answer; both sides go on.
local base_url, ok_url, ca_file, most = ...
local core = require("ninedig.core")
local harness = require("harness")
local ninedig = require("ninedig")

local TOKEN = "mock-token/4f9a0c27d1e8+b35a6c="
local settings = assert(core.settings { base_url = base_url, ca_file = ca_file, max_idle = 0,
  access_token = TOKEN })
local client = ninedig.client { base_url = ok_url, ca_file = ca_file, access_token = TOKEN }

-- The call is the parent's, which alone will know what became of it.
local function go_on_in_child(transfer, n)
  local was_done = core.is_done(transfer)
  core.step()
  assert(core.is_done(transfer))
  local result, err = core.finish(transfer)
  assert(was_done and result or err.name == "CANCELLED" and err.outcome == "unknown")
  assert(client:delete_inbox { accountID = 7, inboxID = 1000 + n })
  if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then
    os.exit(0) -- it cannot close the state
  end
  os.exit(true, true)
end

local function go_on_in_parent(transfer, n)
  while not core.is_done(transfer) do
    core.wait(1)
  end
  local result, err = core.finish(transfer)
  assert(result and result.inboxID == n, tostring(err))
end

local n, was_done = 0, false
while not was_done and n < tonumber(most) do
  n = n + 1
  local params = { accountID = 7, inboxID = n }
  local transfer = assert(core.prepare(settings, "delete_inbox", params, nil, {}))
  core.submit(transfer)
  for i = 2, n do
    core.wait(i == n and 0 or 0.02)
  end
  was_done = core.is_done(transfer)
  local pid = harness.fork()
  if pid == 0 then
    go_on_in_child(transfer, n)
  end
  print("child " .. n, harness.wait(pid))
  go_on_in_parent(transfer, n)
end
print("count", n)
print("done", tostring(was_done))
