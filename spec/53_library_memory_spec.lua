-- Memory that runs out inside libcurl and its TLS library: each n-th allocation of a call is made
-- to fail, alone and with all after it. Nothing false is said, and nothing of ninedig crashes.
if os.getenv("NINEDIG_LUA_VERSION") ~= "5.4" then
  return pending("libcurl's memory: it is the same for each Lua, and the run on 5.4 tests it",
    function() end)
end

local cjson = require("cjson").new()
local child = require("spec.life.child")
local mock = require("spec.support.mock")

local LENGTHS = { ["0"] = "all from the n-th on", ["1"] = "only the n-th" }
-- More than a call on a connection that is kept needs; of a process's first call, a sample.
local EACH, SAMPLE = 1000, 60

-- How many deletions were asked for of each inbox.
local function count_requests(world)
  local seen = {}
  for _, record in ipairs(world:requests()) do
    local inbox = cjson.decode(record.body).inboxID
    seen[inbox] = (seen[inbox] or 0) + 1
  end
  return seen
end

-- The attempts, and where those that crashed did so, from the innermost call outwards.
local function attempts_of(lines)
  local attempts, crash = {}, nil
  for _, line in ipairs(lines) do
    if line:sub(1, 1) == "{" then
      local attempt = cjson.decode(line)
      attempt.crash, crash = crash, nil
      attempts[#attempts + 1] = attempt
    else
      crash = assert(line:match("^crash %d+: (.*)$"), line)
    end
  end
  return attempts
end

-- The library of the innermost call that is neither the harness's nor the C library's or Linux's.
local function culprit_of(crash)
  for library in crash:gmatch("(%S+)%+%x+") do
    local is_of_system = library:find("^libc%.") or library:find("^linux%-")
    if library ~= "harness" and not is_of_system then
      return library
    end
  end
end

-- libcurl 7.88 divides by zero where it cannot note a connection, and OpenSSL 3.0 locks what it has
-- not made: both while they connect, so that nothing was sent.
local function assert_crashed_in_library(attempt, seen, entry)
  assert.is_truthy(attempt.crash, "ended with " .. attempt.status)
  local culprit = culprit_of(attempt.crash)
  assert.is_truthy(culprit:find("^libcurl") or culprit:find("^libcrypto")
    or culprit:find("^libssl"), attempt.crash)
  assert.is_truthy(entry:find("^cold"), attempt.crash)
  assert.is_nil(seen)
end

-- libcurl has the same word for a ca_file that OpenSSL had no memory for and one that is none.
local function assert_honest(attempt, seen)
  local caller = attempt.caller
  if caller.is_error then
    local kind = caller.name == "CA_FILE_UNREADABLE" and "argument" or "network"
    assert.equal(kind, caller.kind, caller.text)
    assert.equal(seen and "unknown" or "not_sent", caller.outcome, caller.text)
  else
    assert.equal("OK", caller.status)
    assert.equal(1, seen)
  end
end

-- What OpenSSL could not make when it was first used, it has not afterwards: then the next call of
-- the process is not sent, and says so.
local function assert_goes_on(attempt, seen_later, entry, scheme)
  local later = attempt.caller.later
  if later == "deleted" then
    assert.equal(1, seen_later)
  else
    assert.is_nil(seen_later)
    assert.equal("cold https", entry:match("^%a+") .. " " .. scheme, later)
    assert.matches("was not sent", later, 1, true)
  end
end

local function check(length, entry, scheme, most)
  local world, later = mock.world(), mock.world()
  local attempts = attempts_of(child.run("torture_libraries.lua", child.directory, most, length,
    entry, world:base_url("ok", mock[scheme]), later:base_url("ok", mock[scheme]), mock.ca_file))
  local seen, seen_later = count_requests(world), count_requests(later)
  local failed = 0
  for _, attempt in ipairs(attempts) do
    if attempt.status then
      assert_crashed_in_library(attempt, seen[attempt.inbox], entry)
    else
      assert_honest(attempt, seen[attempt.inbox])
      assert_goes_on(attempt, seen_later[attempt.inbox + 1000000], entry, scheme)
      assert.same({ 0, 0, 0 }, { attempt.caller.alive, attempt.blocks, attempt.sockets })
      failed = failed + (attempt.caller.is_error and 1 or 0)
    end
  end
  assert.equal("OK", attempts[1].caller.status) -- the one in which nothing failed
  assert.is_true(failed > 0)
end

describe("the memory of libcurl and its TLS library runs out in a call", function()
  for _, scheme in ipairs { "http", "https" } do
    for length, name in pairs(LENGTHS) do
      local which = (" over %s: %s #novalgrind #nosanitize"):format(scheme, name)

      it("on a connection that is kept" .. which, function()
        check(length, "warm safe", scheme, EACH)
      end)

      it("that is the first of its process" .. which, function()
        check(length, "cold module", scheme, SAMPLE)
      end)
    end
  end
end)
