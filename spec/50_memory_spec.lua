-- Memory that runs out: each n-th allocation of a call is made to fail, and all after it. Whatever
-- the mock saw must not be hidden from the caller.
local cjson = require("cjson").new()
local child = require("spec.life.child")
local mock = require("spec.support.mock")

local HIDDEN = "not enough memory"

local jit = rawget(_G, "jit")
local is_32_bit_luajit = jit and jit.arch == "x86"

-- What each scenario brings where memory is enough.
local SCENARIOS = {
  ok = { status = "OK" },
  sample = { outcome = "unknown", name = "ANSWER_CONTRADICTORY" }, -- it is about another inbox
  ["reason-47"] = { outcome = "rejected", name = "INBOX_ID_INVALID" },
  ["status-500"] = { outcome = "unknown", name = "SERVER_ERROR" },
  echo_token = { outcome = "unknown", name = "UNDOCUMENTED_REASON" },
  close = { outcome = "unknown" },
  refused = { outcome = "not_sent", name = "CONNECT_FAILED" },
}

-- How many deletions were asked for of each inbox.
local function count_requests(world)
  local seen = {}
  for _, record in ipairs(world:requests()) do
    if record.method == "DELETE" then
      local inbox = cjson.decode(record.body).inboxID
      seen[inbox] = (seen[inbox] or 0) + 1
    end
  end
  return seen
end

local function torture(kind, length, entry, scenario)
  local world, later = mock.world(), mock.world()
  local url = scenario == "refused" and world:base_url("ok", mock.refused)
    or world:base_url(scenario, mock.http)
  local attempts = {}
  for i, line in ipairs(child.run("torture.lua", child.directory, kind, length, entry, url,
    later:base_url("ok", mock.http), mock.ca_file)) do
    if line:sub(1, 1) ~= "{" then
      return nil, line
    end
    attempts[i] = cjson.decode(line)
  end
  return attempts, count_requests(world), count_requests(later)
end

local function assert_names_the_call(attempt)
  local caller = attempt.caller
  assert.same({ "delete_inbox", 7, "east", attempt.inbox },
    { caller.call, caller.accountID, caller.server, caller.inboxID })
end

-- A call that the mock saw: nothing hides that it may have been carried out.
local function assert_honest(attempt, scenario)
  local caller, natural = attempt.caller, SCENARIOS[scenario]
  if caller.is_error then
    assert_names_the_call(attempt)
    assert.is_true(caller.outcome == "unknown" or caller.outcome == natural.outcome)
  else
    assert.equal("table", caller.type, caller.text)
    assert.equal("OK", natural.status)
    assert.same({ "OK", 7, "east", attempt.inbox },
      { caller.status, caller.accountID, caller.server, caller.inboxID })
  end
end

-- A call that the mock did not see.
local function assert_harmless(attempt, kind, entry)
  local caller = attempt.caller
  if not caller.is_error then
    assert.equal("string", caller.type)
    assert.equal(HIDDEN, caller.text:sub(-#HIDDEN))
    assert.equal("lua", kind)
  elseif kind == "lua" and caller.outcome == "unknown" then
    -- In a coroutine there may be no memory for the one call that tells whether it was sent, nor,
    -- where LuaJIT has 32 bits, in one that is deep in others.
    assert.equal("OUT_OF_MEMORY", caller.name)
    assert.is_truthy(entry:find("coroutine") or is_32_bit_luajit and entry:find("deep"), entry)
  else
    assert.equal("not_sent", caller.outcome)
  end
end

local function assert_natural(attempt, scenario)
  local caller, natural = attempt.caller, SCENARIOS[scenario]
  assert.equal(natural.status, caller.status)
  assert.equal(natural.outcome, caller.outcome)
  if natural.name then
    assert.equal(natural.name, caller.name)
  end
end

-- Memcheck and the sanitizer count what ninedig has of the C library's memory themselves.
local function assert_no_blocks(attempt)
  if child.under == "" then
    assert.equal(0, attempt.blocks)
  end
end

local function check(kind, length, entry, scenario)
  local attempts, seen, seen_later = torture(kind, length, entry, scenario)
  if not attempts then
    return pending(seen)
  end
  for _, attempt in ipairs(attempts) do
    local count = seen[attempt.inbox] or 0
    assert.is_true(count <= 1, "it was sent twice")
    if count == 1 then
      assert_honest(attempt, scenario)
    else
      assert_harmless(attempt, kind, entry)
    end
    assert.equal("deleted", attempt.caller.later)
    assert.equal(1, seen_later[attempt.inbox + 1000000])
    assert.same({ 0, 0 }, { attempt.caller.alive, attempt.bytes })
    assert_no_blocks(attempt)
  end
  local last = attempts[#attempts]
  assert.equal(0, last.failed)
  assert_natural(last, scenario)
  assert.is_true(#attempts > 3)
  return attempts, seen
end

-- How often something is so.
local function count_of(attempts, is_so)
  local count = 0
  for _, attempt in ipairs(attempts or {}) do
    count = count + (is_so(attempt) and 1 or 0)
  end
  return count
end

local LENGTHS = { ["0"] = "all from the n-th on", ["1"] = "only the n-th", ["2"] = "two in a row" }

-- Memcheck is slow, and finds nothing new where the same code runs out of memory in another way.
local MEMCHECKED = { ok = true, ["reason-47"] = true, close = true }

local function tag(length, entry, scenario)
  local is_checked = length == "0" and entry == "cold module" and MEMCHECKED[scenario]
  return is_checked and "" or " #novalgrind"
end

local function each_scenario(action)
  for scenario in pairs(SCENARIOS) do
    action(scenario)
  end
end

describe("Lua's memory runs out in a call", function()
  for _, length in ipairs { "0", "2" } do
    for _, entry in ipairs { "cold module", "warm safe" } do
      each_scenario(function(scenario)
        local name = ("(%s; %s; %s)"):format(scenario, entry, LENGTHS[length])
        it(name .. tag(length, entry, scenario), function()
          check("lua", length, entry, scenario)
        end)
      end)
    end
  end

  for _, scenario in ipairs { "ok", "reason-47", "close" } do
    it(("(%s; warm module; only the n-th) #novalgrind"):format(scenario), function()
      check("lua", "1", "warm module", scenario)
    end)
  end

  for _, how in ipairs {
    "cold client", "warm client", "warm deep", "warm coroutine", "cold client collecting",
    "warm client collecting", "warm safe collecting", "warm deep collecting",
    "cold coroutine collecting",
  } do
    for _, scenario in ipairs { "ok", "reason-47" } do
      it(("(%s; %s) #novalgrind"):format(scenario, how), function()
        check("lua", "0", how, scenario)
      end)
    end
  end

  it("(close; cold proving) #novalgrind", function()
    check("lua", "0", "cold proving", "close")
  end)

  it("and the error in reserve says so, before and after the send #novalgrind", function()
    local attempts, seen = check("lua", "0", "warm module", "ok")
    local function ran_out(outcome)
      return function(attempt)
        return attempt.caller.name == "OUT_OF_MEMORY" and attempt.caller.outcome == outcome
          and (seen[attempt.inbox] or 0) == (outcome == "unknown" and 1 or 0)
      end
    end
    assert.is_true(count_of(attempts, ran_out("unknown")) >= 3)
  end)
end)

-- Only where ninedig itself asks for it. Inside libcurl and OpenSSL: spec/53.
describe("the C library's memory runs out in a call", function()
  for _, length in ipairs { "0", "1" } do
    for _, entry in ipairs { "cold module", "warm safe" } do
      each_scenario(function(scenario)
        local name = ("for ninedig (%s; %s; %s)"):format(scenario, entry, LENGTHS[length])
        it(name .. " #novalgrind", function() -- which has a malloc of its own
          check("", length, entry, scenario)
        end)
      end)
    end
  end
end)

describe("a finalizer that the VM cannot call for want of memory", function()
  it("leaves nothing behind when the state is closed", function()
    local world, later = mock.world(), mock.world()
    for _, line in ipairs(child.run("torture.lua", child.directory, "lua", "0", "lost",
      world:base_url("never", mock.http), later:base_url("ok", mock.http), mock.ca_file)) do
      local attempt = line:sub(1, 1) == "{" and cjson.decode(line) or nil
      if attempt then
        assert.same({ "deleted", 0 }, { attempt.caller.later, attempt.bytes })
        assert_no_blocks(attempt)
      end
    end
    for _, count in pairs(count_requests(world)) do
      assert.equal(1, count)
    end
  end)
end)
