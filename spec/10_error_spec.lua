local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local ninedig, safe = caller.ninedig, caller.safe

-- An error of each kind: what brings it, and what it is like.
local KINDS = {
  argument = {
    scenario = "ok", params = { inboxID = "x" }, requests = 0,
    fields = { name = "BAD_VALUE", outcome = "not_sent" },
  },
  network = {
    scenario = "close", requests = 1, fields = { outcome = "unknown" },
  },
  http = {
    scenario = "status-404", requests = 1,
    fields = { name = "NOT_FOUND", outcome = "rejected", http_status = 404 },
  },
  protocol = {
    requests = 1, body = "garbage",
    fields = { outcome = "unknown", http_status = 200, response = "garbage" },
  },
  api = {
    scenario = "reason-47", requests = 1,
    fields = { name = "INBOX_ID_INVALID", outcome = "rejected", reason = 47, http_status = 200 },
  },
}

describe("an error", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local function call(module, case)
    if case.body then
      world:script { body = case.body }
    end
    return module.delete_inbox(caller.params(case.params),
      caller.options(world, case.body and "body" or case.scenario))
  end

  for kind, case in pairs(KINDS) do
    describe("of kind " .. kind, function()
      it("is returned by ninedig.safe, with nil", function()
        local results = { n = select("#", call(safe, case)), call(safe, case) }
        assert.equal(2, results.n)
        assert.is_nil(results[1])
        caller.check_error(results[2], case.fields)
        assert.equal(kind, results[2].kind)
        assert.equal(2 * case.requests, world:count())
      end)

      it("is raised by ninedig as it is", function()
        local ok, err = pcall(call, ninedig, case)
        assert.is_false(ok)
        caller.check_error(err, case.fields)
        assert.equal(kind, err.kind)
        assert.equal(case.requests, world:count())
      end)

      it("is a table of one class, whose text is one line", function()
        local _, err = call(safe, case)
        local _, raised = pcall(call, ninedig, case)
        assert.equal("table", type(err))
        assert.is_true(ninedig.is_error(err))
        assert.is_true(safe.is_error(raised))
        assert.is_not_nil(getmetatable(err))
        assert.equal(getmetatable(err), getmetatable(raised))
        assert.equal(tostring(err), tostring(raised))
        assert.equal("ninedig: " .. err.message, tostring(err))
        assert.matches("^ninedig: [^%c]+$", tostring(err))
        if err.reason then
          assert.is_truthy(tostring(err):find(tostring(err.reason), 1, true))
        end
      end)

      it("names the call and the inbox as far as they are known", function()
        local _, err = call(safe, case)
        assert.equal("delete_inbox", err.call)
        assert.equal("1", tostring(err.accountID))
        assert.equal(kind == "argument" and "nil" or "10", tostring(err.inboxID))
      end)

      it("is not shared with the next one", function()
        local _, first = call(safe, case)
        first.message, first.kind = "changed", "changed"
        local _, second = call(safe, case)
        assert.not_equal(first, second)
        assert.equal(kind, second.kind)
        assert.not_equal("changed", second.message)
      end)
    end)
  end

  it("passes through pcall, coroutines and error again", function()
    local thread = coroutine.create(function()
      call(ninedig, KINDS.api)
    end)
    local ok, err = coroutine.resume(thread)
    assert.is_false(ok)
    assert.is_true(ninedig.is_error(err))
    local _, again = pcall(error, err)
    assert.equal(err, again)
    assert.equal(1, world:count())
  end)

  it("says what to do where the outcome is unknown", function()
    local _, err = call(safe, KINDS.network)
    assert.matches("before asking again", err.message)
    _, err = call(safe, KINDS.api)
    assert.matches("this request deleted nothing", err.message)
  end)
end)

describe("is_error", function()
  it("is false for anything else", function()
    local values = {
      false, true, 0, "ninedig: no", {}, print, coroutine.create(function() end), io.stdout,
      { kind = "api", message = "no" }, setmetatable({}, { __tostring = function() end }),
    }
    for _, module in ipairs { ninedig, safe } do
      assert.is_false(module.is_error(nil))
      assert.is_false(module.is_error())
      for _, value in ipairs(values) do
        assert.is_false(module.is_error(value))
      end
    end
  end)

  it("is false where a metatable only looks like it", function()
    local hostile = setmetatable({}, {
      __index = function()
        error("a metamethod was called")
      end,
      __metatable = "locked",
    })
    assert.is_false(ninedig.is_error(hostile))
  end)
end)
