-- Many states one after the other, each with a call, and what they leave in the process.
local base_url, ca_file, count = ...
local harness = require("harness")

local SETTLED = 200 -- states after which the allocators have what they keep

local function count_files()
  local files = 0
  for _ in pairs(harness.files()) do
    files = files + 1
  end
  return files
end

-- Resident memory in KiB.
local function resident()
  local file = assert(io.open("/proc/self/smaps_rollup"))
  local text = file:read("*a")
  file:close()
  return tonumber(text:match("\nRss:%s*(%d+)"))
end

local function is_mapped()
  local file = assert(io.open("/proc/self/maps"))
  local text = file:read("*a")
  file:close()
  return text:find("/ninedig/core.so", 1, true) ~= nil
end

local files_before = count_files()
print("mapped before", is_mapped())
local settled
local blocks
for i = 1, tonumber(count) do
  assert(harness.state("spec/life/one_call.lua", base_url, ca_file, tostring(i)) == tostring(i))
  blocks = blocks or harness.blocks() -- counts from now on
  if i == math.min(SETTLED, count / 2) then
    settled = resident()
  end
end
print("files more", count_files() - files_before)
print("mapped after", is_mapped())
print("grown", resident() - settled)
print("blocks more", harness.blocks() - blocks)
