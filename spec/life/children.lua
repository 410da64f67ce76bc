-- What a child process inherits after a call.
local base_url, ca_file = ...
local ninedig = require("ninedig")

local function inherited()
  local pipe = assert(io.popen("for fd in /proc/self/fd/*; do readlink $fd; done", "r"))
  local sockets = 0
  for line in pipe:lines() do
    sockets = sockets + (line:find("^socket:") and 1 or 0)
  end
  pipe:close()
  return sockets
end

local before = inherited()
local client = ninedig.client {
  base_url = base_url, ca_file = ca_file, access_token = "mock-token/4f9a0c27d1e8+b35a6c=",
}
client:delete_inbox { accountID = 7, inboxID = 1 }
local own = 0
for _, target in pairs(require("harness").files()) do
  own = own + (target:find("^socket:") and 1 or 0)
end
print("own more", own - before)
print("inherited more", inherited() - before)
