-- Repeats `attempt_many.lua` with the first allocation failing, then the second, and so on, until
-- the call is through before the failing one. Prints what came of each as a line of JSON.
--
--   harness torture_many.lua DIRECTORY KIND LENGTH BASE_URL CA_FILE COUNT
--
-- KIND is what fails (see harness.attempt), LENGTH how many allocations in a row, COUNT how many
-- inboxes there are to delete.
local harness = require("harness")

local directory, kind, length, base_url, ca_file, count = ...

local FIRST_INBOX = 5000000
local MOST = 4000

local n = 0
repeat
  n = n + 1
  local first = ("%d"):format(FIRST_INBOX + n * 10)
  local facts, failed = harness.attempt(kind, n, n + tonumber(length) - 1,
    directory .. "/attempt_many.lua", base_url, ca_file, first, count)
  if not facts then
    print("no allocator of this kind can be put in here")
    return
  end
  print(('{"n":%d,"first":%s,"failed":%d,%s'):format(n, first, failed, facts:sub(2)))
  io.flush()
until failed == 0 or n == MOST
