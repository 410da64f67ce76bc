-- The library opened twice in one state: what one has made, the other goes on with.
local base_url, ca_file = ...
local ninedig = require("ninedig")
local core = require("ninedig.core")

local options = {
  base_url = base_url, ca_file = ca_file, access_token = "mock-token/4f9a0c27d1e8+b35a6c=",
}
local client = ninedig.client(options)
local settings = assert(core.settings(options))
local params = { accountID = 7, inboxID = 1 }
local transfer = assert(core.prepare(settings, "delete_inbox", params, nil, {}))
core.submit(transfer)
core.step()

for name in pairs(package.loaded) do
  if name:find("^ninedig") then
    package.loaded[name] = nil
  end
end
local again = require("ninedig")
local core_again = require("ninedig.core")
assert(core_again ~= core)
while not core_again.is_done(transfer) do
  core_again.wait(1)
end
local result = assert(core_again.finish(transfer))
assert(result.inboxID == 1)
assert(client:delete_inbox({ accountID = 7, inboxID = 2 }).inboxID == 2)
assert(again.delete_inbox({ accountID = 7, inboxID = 3 }, options).inboxID == 3)
local ok, err = pcall(client.delete_inbox, client, { accountID = 7 })
assert(not ok and ninedig.is_error(err) and again.is_error(err))
settings, transfer, client = nil, nil, nil -- luacheck: ignore
collectgarbage()
collectgarbage()
print("alive", core.alive() + core_again.alive())
