local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local ninedig, safe = caller.ninedig, caller.safe

-- The document's table of reasons.
local REASONS = {
  [1] = "OK", [2] = "CREDENTIALS_OR_JSON_INVALID", [3] = "ACCESS_TOKEN_INVALID",
  [13] = "METHOD_NOT_DELETE", [33] = "ACCOUNT_ID_INVALID", [34] = "SERVER_INVALID",
  [47] = "INBOX_ID_INVALID",
}

describe("the module", function()
  it("has a version", function()
    assert.equal("ninedig 0.1.0", ninedig._VERSION)
    assert.equal("ninedig 0.1.0", safe._VERSION)
  end)

  it("has the reasons of delete_inbox, both ways", function()
    local count = 0
    for key, value in pairs(ninedig.reasons) do
      count = count + 1
      if type(key) == "number" then
        assert.equal(REASONS[key], value.name)
        assert.equal(tostring(key), tostring(value.code))
        assert.is_true(#value.message > 0)
        assert.is_nil(value.assumed) -- each is in the document
      else
        assert.equal(key, REASONS[value])
      end
    end
    assert.equal(14, count)
    assert.equal("47", tostring(ninedig.reasons.INBOX_ID_INVALID))
    assert.same(ninedig.reasons, safe.reasons)
  end)

  it("has an entry for each call", function()
    local call = ninedig.calls.delete_inbox
    assert.equal("DELETE", call.method)
    assert.equal("/online/deleteInbox", call.path)
    assert.same(ninedig.reasons, call.reasons)
    assert.equal("table", type(call.params))
    for name, one in pairs(ninedig.calls) do
      assert.matches("^[a-z_]+$", name)
      assert.matches("^%u+$", one.method)
      assert.matches("^/%a+/%a+$", one.path)
      assert.equal("table", type(one.params))
      assert.equal("table", type(one.reasons))
    end
  end)

  it("does nothing when it is loaded, and makes no global", function()
    local output = caller.child({}, [[
      require("cjson")
      -- Its open files and its threads.
      local function look()
        local status = io.open("/proc/self/status")
        local seen = { status:read("*a"):match("Threads:%s+%d+") }
        status:close()
        for number = 0, 255 do
          local file = io.open("/proc/self/fdinfo/" .. number)
          if file then
            file:close()
            seen[#seen + 1] = number
          end
        end
        return table.concat(seen, " ")
      end
      local before, globals = look(), {}
      for name in pairs(_G) do
        globals[name] = true
      end
      require("ninedig")
      require("ninedig.safe")
      for name in pairs(_G) do
        if not globals[name] then
          print("a global: " .. tostring(name))
        end
      end
      io.write(look() == before and "same" or "more")
    ]])
    assert.equal("same", output)
  end)
end)

describe("a client", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local function new(module, scenario, more)
    local options = caller.options(world, scenario or "ok", more)
    options.access_token = options.access_token or mock.token
    return module.client(options)
  end

  local INBOX = { accountID = 1, inboxID = 10 }

  for name, module in pairs { ninedig = ninedig, ["ninedig.safe"] = safe } do
    describe("of " .. name, function()
      it("deletes with its own options", function()
        local client = new(module, "ok", { user_agent = "mine" })
        local result = client:delete_inbox(INBOX)
        assert.equal("972501234567", result.whatsapp_number)
        assert.matches("^mine ", world:requests()[1].headers["user-agent"])
        assert.equal("Bearer " .. mock.token, world:requests()[1].headers.authorization)
        assert.equal(1, world:count())
      end)

      it("can be closed twice, and does nothing after", function()
        local client = new(module)
        client:delete_inbox(INBOX)
        client:close()
        client:close()
        local _, result, err = pcall(client.delete_inbox, client, INBOX)
        caller.check_error(err or result, {
          kind = "argument", name = "CLIENT_CLOSED", outcome = "not_sent", retryable = false,
          call = "delete_inbox",
        })
        client:close()
        assert.equal(1, world:count())
      end)

      it("says what to write where a method is called with a dot", function()
        local client = new(module)
        for _, method in ipairs {
          "delete_inbox", "delete_inboxes", "get_accounts", "get_inboxes", "get_whatsapp_numbers",
          "get_access_token", "find_inbox", "verify_deletion", "close",
        } do
          for _, self in ipairs { false, "client" } do
            local ok, result, err = pcall(client[method], self or nil)
            assert.equal(module == safe, ok)
            caller.check_error(err or result, {
              kind = "argument", name = "CLIENT_CLOSED", outcome = "not_sent", call = method,
            })
            assert.matches(":" .. method .. "(...)", tostring(err or result), 1, true)
          end
        end
        assert.equal("OK", client:delete_inbox(INBOX).status)
        assert.equal(1, world:count())
      end)

      it("can be closed before it has done anything", function()
        new(module):close()
        assert.equal(0, world:count())
      end)

      it("says closed also to bad params", function()
        local client = new(module)
        client:close()
        local _, result, err = pcall(client.delete_inbox, client, nil)
        caller.check_error(err or result, { kind = "argument", outcome = "not_sent" })
      end)

      it("says so where a dot stands for the colon", function()
        local client = new(module)
        local _, result, err = pcall(client.delete_inbox, caller.params())
        err = err or result
        caller.check_error(err, { kind = "argument", outcome = "not_sent" })
        assert.is_truthy(err.message:find("client:delete_inbox(", 1, true))
        assert.equal(0, world:count())
      end)

      it("is no harm to others when it is closed", function()
        world.origin = mock.spare()
        local one, other = new(module), new(module)
        one:delete_inbox(INBOX)
        one:close()
        assert.equal("OK", other:delete_inbox(INBOX).status)
        other:close()
        assert.equal(2, world:count())
        assert.equal(world:requests()[1].connection, world:requests()[2].connection)
      end)

      it("lives on after errors", function()
        local client = new(module, "live")
        assert.equal("OK", client:delete_inbox(INBOX).status)
        for _ = 1, 3 do
          local _, result, err = pcall(client.delete_inbox, client, INBOX)
          caller.check_error(err or result, { kind = "api", reason = 47 })
          _, result, err = pcall(client.delete_inbox, client, { accountID = 1 })
          caller.check_error(err or result, { kind = "argument", name = "MISSING_KEY" })
        end
        assert.equal("OK", client:delete_inbox({ accountID = 1, inboxID = 11 }).status)
        assert.equal(5, world:count())
      end)

      it("keeps its options when the caller's table changes", function()
        local options = caller.options(world, "ok", { access_token = "one" })
        local client = module.client(options)
        options.access_token, options.base_url, options.timeout = "two", "https://x", 0
        assert.equal("OK", client:delete_inbox(INBOX).status)
        assert.equal("Bearer one", world:requests()[1].headers.authorization)
        assert.equal(1, world:count())
      end)
    end)
  end

  it("shows no secret", function()
    local client = new(ninedig)
    assert.is_nil(tostring(client):find(mock.token, 1, true))
    assert.is_nil(tostring(rawget(client, "settings")):find(mock.token, 1, true))
    client:close()
  end)

  if _VERSION == "Lua 5.4" then
    it("is closed at the end of its block", function()
      local run = assert(load([[
        local make, inbox = ...
        local kept
        do
          local client <close> = make()
          kept = client
          assert(client:delete_inbox(inbox).status == "OK")
        end
        return kept
      ]]))
      for _, module in ipairs { ninedig, safe } do
        local client = run(function()
          return new(module)
        end, INBOX)
        local _, result, err = pcall(client.delete_inbox, client, INBOX)
        caller.check_error(err or result, { kind = "argument", name = "CLIENT_CLOSED" })
      end
      assert.equal(2, world:count())
    end)

    it("is closed when an error leaves its block", function()
      local run = assert(load([[
        local client <close> = ...
        client:delete_inbox({ accountID = 1, inboxID = 10 })
      ]]))
      local client = new(ninedig, "reason-47")
      local ok, err = pcall(run, client)
      assert.is_false(ok)
      caller.check_error(err, { kind = "api", reason = 47 })
      ok, err = pcall(client.delete_inbox, client, INBOX)
      assert.is_false(ok)
      caller.check_error(err, { kind = "argument", name = "CLIENT_CLOSED" })
      assert.equal(1, world:count())
    end)
  end

  it("can be collected without being closed", function()
    for _ = 1, 50 do
      new(ninedig)
    end
    local client = new(ninedig)
    client:delete_inbox(INBOX)
    assert.equal(1, world:count())
  end)

  describe("with a call that is never finished", function()
    local function start(scenario)
      local client = new(safe, scenario, { sleep = coroutine.yield })
      local thread = coroutine.create(function()
        return client:delete_inbox(INBOX)
      end)
      repeat
        assert(coroutine.resume(thread))
        assert.equal("suspended", coroutine.status(thread))
      until world:count() > 0
      return thread, client
    end

    it("is collected with it", function()
      start("never")
      collectgarbage()
      collectgarbage()
      assert.equal("OK", new(safe):delete_inbox(INBOX).status)
      assert.equal(2, world:count())
    end)

    it("may be closed, and the call goes on", function()
      local thread, client = start("delay-50")
      client:close()
      local ok, result, err
      repeat
        ok, result, err = coroutine.resume(thread)
        assert.is_true(ok)
      until coroutine.status(thread) == "dead"
      assert.is_nil(err)
      assert.equal("OK", result.status)
      assert.equal(1, world:count())
    end)
  end)

  it("is an error's owner where sleep raises, and the call is given up", function()
    local client = new(safe, "never", {
      sleep = function()
        if world:count() > 0 then
          error("the caller's own", 0)
        end
      end,
    })
    local ok, err = pcall(client.delete_inbox, client, INBOX)
    assert.is_false(ok)
    assert.equal("the caller's own", err)
    assert.equal(1, world:count())
  end)
end)
