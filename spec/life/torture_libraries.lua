-- Repeats `attempt.lua` with an allocation of libcurl, of its TLS library or of ninedig failing,
-- each time in a process of its own, which may crash. Prints what came of each as a line of JSON.
--
--   harness torture_libraries.lua DIRECTORY MOST LENGTH ENTRY BASE_URL OK_URL CA_FILE
--
-- LENGTH is how many allocations in a row fail, 0 for all; ENTRY how the call is made (see
-- attempt.lua). Where a call has more than MOST allocations, so many of them are tried, evenly
-- spread.
local harness = require("harness")
require("ninedig.core") -- which loads the libraries, and begins nothing

local directory, most, length, entry, base_url, ok_url, ca_file = ...

local LIBRARIES = "libcurl libssl libcrypto"
local FIRST_INBOX = 5000000

local function count_sockets()
  local count = 0
  for _, what in pairs(harness.files()) do
    count = count + (what:find("^socket:") and 1 or 0)
  end
  return count
end

-- One attempt, in this process.
local function attempt(n)
  local before = count_sockets()
  local last = length == "0" and 2 ^ 30 or n + tonumber(length) - 1
  local inbox = ("%d"):format(FIRST_INBOX + n)
  local facts, failed, _, blocks, count = harness.attempt(LIBRARIES, n, last,
    directory .. "/attempt.lua", entry, base_url, ok_url, ca_file, inbox)
  if not facts then
    print("no allocator of this kind can be put in here")
    return 0
  end
  print(('{"n":%d,"inbox":%s,"failed":%d,"blocks":%d,"sockets":%d,"caller":%s}')
    :format(n, inbox, failed, blocks, count_sockets() - before, facts))
  return count
end

-- The same in a child.
local function attempt_apart(n)
  io.flush()
  local pid = harness.fork()
  if pid == 0 then
    harness.tell_crashes()
    attempt(n)
    io.flush()
    os.exit(0)
  end
  local status = harness.wait(pid)
  if status ~= 0 then
    print(('{"n":%d,"inbox":%d,"status":%d}'):format(n, FIRST_INBOX + n, status))
  end
end

-- The count of allocations, from one call that succeeds in a child.
local function count_allocations()
  io.flush()
  local pipe = io.tmpfile()
  local pid = harness.fork()
  if pid == 0 then
    pipe:write(attempt(2 ^ 30 - 1))
    pipe:close()
    io.flush()
    os.exit(0)
  end
  assert(harness.wait(pid) == 0)
  pipe:seek("set")
  return pipe:read("*n")
end

local count = count_allocations()
local tried = math.min(count, tonumber(most))
for i = 1, tried do
  attempt_apart(math.floor((i - 1) * count / tried) + 1)
end
