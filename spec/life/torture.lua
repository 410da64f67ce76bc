-- Repeats `attempt.lua` with the first allocation failing, then the second, and so on, until the
-- call is through before the failing one. Prints what came of each as a line of JSON.
--
--   harness torture.lua DIRECTORY KIND LENGTH ENTRY BASE_URL OK_URL CA_FILE
--
-- KIND is what fails (see harness.attempt); LENGTH how many allocations in a row, 0 for all; ENTRY
-- how the call is made (see attempt.lua), or "lost" for lost.lua.
local harness = require("harness")

local directory, kind, length, entry, base_url, ok_url, ca_file = ...

local script = directory .. (entry == "lost" and "/lost.lua" or "/attempt.lua")

local FIRST_INBOX = 5000000
local MOST = 6000

local n = 0
repeat
  n = n + 1
  local last = length == "0" and 2 ^ 30 or n + tonumber(length) - 1
  local inbox = ("%d"):format(FIRST_INBOX + n)
  local facts, failed, bytes, blocks = harness.attempt(kind, n, last, script, entry,
    base_url, ok_url, ca_file, inbox)
  if not facts then
    print("no allocator of this kind can be put in here")
    return
  end
  print(('{"n":%d,"inbox":%s,"failed":%d,"bytes":%d,"blocks":%d,"caller":%s}')
    :format(n, inbox, failed, bytes, blocks, facts))
  io.flush()
until failed == 0 or n == MOST
