-- Ends the process with calls queued and under way, by os.exit, which closes the state or does not.
local base_url, ca_file, how = ...
local core = require("ninedig.core")

local settings = assert(core.settings {
  base_url = base_url, ca_file = ca_file, max_in_flight = 2,
  access_token = "mock-token/4f9a0c27d1e8+b35a6c=",
})
local flying = {}
for i = 1, 4 do
  local params = { accountID = 7, inboxID = i }
  flying[i] = assert(core.prepare(settings, "delete_inbox", params, nil, {}))
  core.submit(flying[i])
end
for _ = 1, 20 do
  core.wait(0.02)
end
print("left", how)
io.flush()
coroutine.wrap(function() -- from within a coroutine, whose stack is left as it is
  os.exit(0, how == "closing")
end)()
