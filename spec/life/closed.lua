-- Closes states with calls under way, and tells what is left of them.
local base_url, ca_file, order = ...
local harness = require("harness")

local function count_sockets()
  local sockets = 0
  for _, target in pairs(harness.files()) do
    sockets = sockets + (target:find("^socket:") and 1 or 0)
  end
  return sockets
end

local before = count_sockets()
local blocks
for i = 1, 20 do
  harness.state("spec/life/unfinished.lua", base_url, ca_file, order, tostring(100 * i))
  blocks = blocks or harness.blocks() -- counts from now on
end
print("sockets more", count_sockets() - before)
print("blocks more", harness.blocks() - blocks)
