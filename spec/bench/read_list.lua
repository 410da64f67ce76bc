--- Reads a list of LINES inboxes and binds it to a journal, as `ninedig delete-inboxes` does before
-- its first request, which is refused by the machine itself:
--
--   lua5.4 read_list.lua FOLDER LINES
--
-- It prints the processor's seconds and the KiB that it took at most.
local folder, lines = arg[1], tonumber(arg[2])

local function write_list(path)
  local file = assert(io.open(path, "w"))
  file:write("accountID,server,inboxID,name\n")
  for inbox = 1, lines do
    file:write("4,online,", 500000 + inbox, ",Store ", inbox, "\n")
  end
  file:close()
end

local function peak()
  local file = assert(io.open("/proc/self/status"))
  local kilobytes = file:read("*a"):match("VmHWM:%s*(%d+)")
  file:close()
  return kilobytes
end

lines = math.floor(lines)
local list, journal = folder .. "/big.csv", folder .. "/big.journal"
write_list(list)
os.remove(journal)
collectgarbage()
local began = os.clock()
local status = require("ninedig.cli").main {
  "delete-inboxes", list, "--journal", journal, "--confirm", tostring(lines), "--base-url",
  "http://127.0.0.1:1/api",
}
local spent = os.clock() - began
os.remove(list)
os.remove(journal)
assert(status == 6, "it ended with " .. status)
print(("%.4f %s"):format(spent, peak()))
