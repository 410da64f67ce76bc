-- A state that is closed with calls queued and running, and with an object whose finalizer calls
-- ninedig: made before ninedig is loaded, it is finalized after ninedig has cleaned up.
local base_url, ca_file, order, first_inbox = ...

local options = {
  base_url = base_url, ca_file = ca_file, access_token = "mock-token/4f9a0c27d1e8+b35a6c=",
  max_in_flight = 2,
}

local call_late -- set below

local function make_finalizer()
  local newproxy = rawget(_G, "newproxy")
  local finalize = function()
    call_late()
  end
  if not newproxy then
    return setmetatable({}, { __gc = finalize })
  end
  local proxy = newproxy(true)
  getmetatable(proxy).__gc = finalize
  return proxy
end

local finalizer = order == "before" and make_finalizer()
local core = require("ninedig.core")
local safe = require("ninedig.safe")
finalizer = finalizer or make_finalizer()

local client = assert(safe.client(options))
local settings = assert(core.settings(options))
local flying = {}
for i = 1, 5 do
  flying[i] = assert(core.prepare(settings, "delete_inbox",
    { accountID = 7, inboxID = first_inbox + i }, nil, {}))
end
for i = 5, 1, -1 do
  core.submit(flying[i])
end
core.step()
core.wait(0.05) -- the first two are connected by then, and mostly sent

-- Neither call may be sent, as nobody would hear of its end.
function call_late()
  local late_client, late = safe.client(options)
  if order == "before" then
    assert(not late_client and late.name == "STATE_CLOSED" and late.outcome == "not_sent")
    local _, err = client:delete_inbox { accountID = 7, inboxID = 99 }
    assert(err.name == "STATE_CLOSED" and err.outcome == "not_sent")
    assert(not pcall(core.is_done, flying[1]))
  end
  io.write("finalized\n")
end

-- Until the state is closed.
debug.getregistry().left = { finalizer, flying, client, settings }
return "left"
