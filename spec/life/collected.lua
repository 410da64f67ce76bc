-- Calls that are never finished lose their last reference, again and again.
local base_url, ok_url, ca_file, count = ...
local core = require("ninedig.core")
local harness = require("harness")
local ninedig = require("ninedig")

local options = {
  base_url = base_url, ca_file = ca_file, access_token = "mock-token/4f9a0c27d1e8+b35a6c=",
}
local ok_options = {
  base_url = ok_url, ca_file = ca_file, access_token = options.access_token, max_idle = 0,
}

local function count_sockets()
  local sockets = 0
  for _, target in pairs(harness.files()) do
    sockets = sockets + (target:find("^socket:") and 1 or 0)
  end
  return sockets
end

local function collect()
  collectgarbage()
  collectgarbage()
end

ninedig.delete_inbox({ accountID = 7, inboxID = 999 }, ok_options)
collect()
harness.blocks() -- counts from now on
local alive, idle = core.alive(), count_sockets()

-- One that is queued, one that is running, one that was sent.
local function start(i)
  local settings = assert(core.settings(options))
  local transfers = {}
  for j = 1, 3 do
    transfers[j] = assert(core.prepare(settings, "delete_inbox",
      { accountID = 7, inboxID = i * 10 + j }, nil, {}))
  end
  core.submit(transfers[1])
  repeat
    core.step()
  until count_sockets() > idle
  core.wait(0.1) -- until it is connected, and sent
  core.submit(transfers[2])
  core.step()
  core.submit(transfers[3])
  return #transfers
end

local blocks
for i = 1, tonumber(count) do
  start(i)
  collect()
  assert(core.alive() == alive, "something is alive")
  assert(core.step() == 0, "something is in flight")
  assert(count_sockets() == idle, "a connection is open")
  if i == 10 then
    blocks = harness.blocks()
  end
end
print("blocks more", harness.blocks() - blocks)
print("later", ninedig.delete_inbox({ accountID = 7, inboxID = 998 }, ok_options).status)
