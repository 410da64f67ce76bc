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
        assert.equal(err.outcome, raised.outcome)
        assert.equal("ninedig: " .. err.message, (tostring(err):gsub(" %([^()]*:%d+%)$", "")))
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

describe("an error and `..`", function()
  local world

  before_each(function()
    world = mock.world()
  end)

  it("make a text, from both sides and with anything", function()
    local _, err = caller.delete(world, "reason-47")
    local text = tostring(err)
    assert.equal("failed: " .. text, "failed: " .. err)
    assert.equal(text .. "!", err .. "!")
    assert.equal("a" .. text .. "b", "a" .. err .. "b")
    assert.equal(text .. text, err .. err)
    assert.equal("1" .. text .. "2", 1 .. err .. 2)
    assert.equal(text .. "nil", err .. nil)
    assert.equal("false" .. text, false .. err)
    assert.equal(1, world:count())
  end)
end)

-- The text of `err.where` is tested in chunks of their own, called as `script.lua`.
describe("the place of a bad argument", function()
  local load_text = loadstring or load
  local jit = rawget(_G, "jit")

  -- What the last line of a chunk returns, called by a name and with what it may use.
  local function run(name, lines)
    local chunk = assert(load_text("local safe, ninedig, client, raising = ...\n"
      .. table.concat(lines, "\n"), name))
    local options = { base_url = mock.https, access_token = mock.token }
    return chunk(safe, ninedig, assert(safe.client(options)), ninedig.client(options))
  end

  local function where(lines)
    local err = run("@script.lua", lines)
    assert.is_true(safe.is_error(err))
    assert.equal("argument", err.kind)
    if err.where then
      assert.equal("ninedig: " .. err.message .. " (" .. err.where .. ")", tostring(err))
    else
      assert.equal("ninedig: " .. err.message, tostring(err))
    end
    return err.where
  end

  it("is that of a call", function()
    assert.equal("script.lua:3", where {
      "local nothing",
      "local _, err = client:delete_inbox { accountID = 0 }",
      "return err, nothing",
    })
  end)

  local calls = {
    'client:delete_inbox { inboxID = "x" }', "client:delete_inbox()", "client.delete_inbox {}",
    "client:delete_inboxes(1)", "client:delete_inboxes { 1 }",
    "client:delete_inboxes({}, { x = 1 })",
    "client:find_inbox {}", "client:verify_deletion { x = 1 }", "client:get_inboxes { x = 1 }",
    "client:get_accounts { x = 1 }", "client:get_access_token()", "client:get_whatsapp_numbers(1)",
  }
  for _, call in ipairs(calls) do
    it("is that of " .. call, function()
      assert.equal("script.lua:2", where { "local _, err = " .. call, "return err" })
    end)

    it("is that of raising " .. call, function()
      assert.equal("script.lua:3", where {
        "local function f()",
        "  " .. call:gsub("client", "raising"),
        "end",
        "local _, err = pcall(f)",
        "return err",
      })
    end)
  end

  -- In a process of its own, as spec/support/guard.lua stands before these here.
  it("is that of a function", function()
    assert.equal("2 3 4 5 6", caller.child({}, [[
      local ninedig, safe, seen = require("ninedig"), require("ninedig.safe"), {}
      local _, err = safe.client(1) seen[1] = err.where
      _, err = safe.client { timeout = 0 } seen[2] = err.where
      _, err = safe.delete_inbox { inboxID = 0 } seen[3] = err.where
      _, err = safe.delete_inbox({}, { timeout = 0 }) seen[4] = err.where
      _, err = pcall(ninedig.delete_inbox, {}, {}) seen[5] = err.where
      io.write((table.concat(seen, " "):gsub("%(command line%):", "")))
    ]]))
  end)

  it("is that of a pcall of a method", function()
    assert.equal("script.lua:2", where {
      "local _, err = pcall(raising.delete_inbox, raising, {})", "return err",
    })
  end)

  it("is that of a finished client", function()
    assert.equal("script.lua:3", where {
      "client:close()", "local _, err = client:delete_inbox { accountID = 1, inboxID = 1 }",
      "return err",
    })
  end)

  it("is nil where a caller has called in its own place", function()
    local found = where {
      "local function f() return client:delete_inbox {} end",
      "local _, err = f()",
      "return err",
    }
    assert.equal(jit and "script.lua:3" or nil, found)
  end)

  it("is nil where there is nobody but ninedig", function()
    assert.is_nil(where {
      "local thread = coroutine.create(client.delete_inbox)",
      "local _, _, err = coroutine.resume(thread, client, {})",
      "return err",
    })
  end)

  it("does not show a chunk without a name, nor more than one line", function()
    local lines = { "local _, err = client:delete_inbox { access_token = 'no'", "}", "return err" }
    local err = run(table.concat(lines, "\n"), lines)
    assert.matches("^%[string%]:[23]$", err.where)
    err = run("=a\nb", lines)
    assert.matches("^a%?b:[23]$", err.where)
  end)

  it("is only for arguments", function()
    local world = mock.world()
    for _, scenario in ipairs { "reason-47", "status-404", "close" } do
      local _, err = caller.delete(world, scenario)
      assert.is_nil(err.where)
    end
    assert.equal(3, world:count())
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
