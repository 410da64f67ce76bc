-- A call that is under way loses its last reference, and memory runs out while it is collected: a
-- VM that cannot call a finalizer then frees the object all the same. Run by `harness.attempt`.
local _, base_url, ok_url, ca_file, inbox = ...
local cjson = require("cjson").new()
local core = require("ninedig.core")
local safe = require("ninedig.safe")

local TOKEN = "mock-token/4f9a0c27d1e8+b35a6c="
local LATER = 1000000
local MANY = 20

local inbox_id = tonumber(inbox)

local function start()
  local settings = assert(core.settings({
    base_url = base_url, ca_file = ca_file, access_token = TOKEN,
  }))
  local transfer = assert(core.prepare(settings, "delete_inbox", {
    accountID = 7, inboxID = inbox_id,
  }, nil, {}))
  core.submit(transfer)
  core.step()
end


local function collect()
  collectgarbage()
  return pcall(collectgarbage)
end

start()

local function judge()
  local reused = {}
  for i = 1, MANY do -- what was freed is used again
    reused[i] = ("x"):rep(1000) .. i
  end
  core.step()
  local later, err = safe.delete_inbox({ accountID = 7, inboxID = inbox_id + LATER },
    { base_url = ok_url, ca_file = ca_file, access_token = TOKEN })
  collectgarbage()
  collectgarbage()
  return cjson.encode({
    later = later and "deleted" or tostring(err), alive = core.alive(), reused = #reused,
  })
end

return collect, judge
