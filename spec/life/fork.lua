-- A fork while the parent has a pooled connection and transfers in flight; both sides call again.
local base_url, slow_url, ca_file = ...
local core = require("ninedig.core")
local harness = require("harness")
local ninedig = require("ninedig")

local options = {
  base_url = base_url, ca_file = ca_file, access_token = "mock-token/4f9a0c27d1e8+b35a6c=",
}
local client = ninedig.client(options)

local function delete(inbox)
  return client:delete_inbox({ accountID = 7, inboxID = inbox }).inboxID == inbox
end

local function count_sockets()
  local sockets = 0
  for _, target in pairs(harness.files()) do
    sockets = sockets + (target:find("^socket:") and 1 or 0)
  end
  return sockets
end

assert(delete(1))
local idle = count_sockets()

options.base_url = slow_url
local settings = assert(core.settings(options))
local flying = {}
for i = 1, 3 do
  flying[i] = assert(core.prepare(settings, "delete_inbox",
    { accountID = 7, inboxID = 100 + i }, nil, {}))
  core.submit(flying[i])
end
repeat -- until one has the pooled connection, and the others their own
  core.step()
until count_sockets() == idle + 2
core.step()

local pid = harness.fork()
if pid == 0 then
  -- They are the parent's, which alone will know what became of them.
  core.step()
  assert(core.is_done(flying[1]))
  local _, err = core.finish(flying[1])
  assert(err.name == "CANCELLED" and err.outcome == "unknown")
  flying = nil -- luacheck: ignore
  collectgarbage()
  collectgarbage()
  assert(delete(2))
  if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then
    os.exit(0) -- it cannot close the state
  end
  os.exit(true, true)
end
print("child", harness.wait(pid))
for i, transfer in ipairs(flying) do
  while not core.is_done(transfer) do
    core.wait(1)
  end
  local result, err = core.finish(transfer)
  assert(result and result.inboxID == 100 + i, tostring(err))
end
assert(delete(3))
print("parent", 0)
