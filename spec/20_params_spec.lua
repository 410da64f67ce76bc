local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local NONE = caller.NONE
local HUGE = 2^53
local has_integers = math.type ~= nil

-- A call whose params are bad; its base_url is where any connection would be counted.
local function refused(params, name, key)
  local result, err
  local connections = caller.connections(function()
    result, err = caller.safe.delete_inbox(params, { base_url = mock.closed .. "/api" })
  end)
  assert.is_nil(result)
  assert.equal(0, connections, "a connection was opened")
  caller.check_error(err, {
    kind = "argument", name = name, outcome = "not_sent", retryable = false,
    reason = NONE, http_status = NONE, curl_code = NONE, response = NONE,
    call = "delete_inbox",
  })
  if key then
    assert.is_truthy(err.message:find(key, 1, true), "the message names no " .. key)
  end
  return err
end

local function show(value)
  return type(value) == "string" and ("%q"):format(value):sub(1, 40) or tostring(value)
end

local function copy(from)
  local to = {}
  for key, value in pairs(from) do
    to[key] = value
  end
  return to
end

describe("params", function()
  before_each(leaks.before)
  after_each(leaks.after)

  describe("of the wrong type", function()
    for _, params in ipairs { true, 1, "accountID=1", print, coroutine.create(function() end) } do
      it("refuses a " .. type(params), function()
        refused(params, "WRONG_TYPE", type(params))
      end)
    end

    it("refuses nil", function()
      refused(nil, "WRONG_TYPE", "nil")
    end)
  end)

  for _, key in ipairs { "accountID", "inboxID" } do
    describe(key, function()
      local wrong_types = { true, false, {}, print, coroutine.create(function() end), io.stdout }
      for _, value in ipairs(wrong_types) do
        it("refuses " .. type(value) .. " " .. tostring(value):gsub("0x.*", ""), function()
          refused(caller.params { [key] = value }, "WRONG_TYPE", key)
        end)
      end

      it("must be there", function()
        refused(caller.params { [key] = NONE }, "MISSING_KEY", key)
      end)

      local bad = {
        0, -1, -10, 1.5, 0.5, -0.0, 10.000001, 0 / 0, 1 / 0, -1 / 0, HUGE, HUGE * 2, 1e18, 1e300,
        -HUGE, "", " ", " 1", "1 ", "1\n", "\t1", "0x10", "0xA", "1e3", "+1", "-1", "007", "01",
        "0",
        "00", "1.0", "1,000", "10\0", "\0", "1\00010", "1234567890123456789",
        "1000000000000000000", "9999999999999999999999", ("1"):rep(5000), "ten", "1a",
        "\239\188\145", "nan", "inf", "1_0",
      }
      for _, value in ipairs(bad) do
        it("refuses " .. show(value), function()
          refused(caller.params { [key] = value }, "BAD_VALUE", key)
        end)
      end

      it("refuses integers of 19 digits and below 1, where the VM has them", function()
        for _, digits in ipairs { "1000000000000000000", "9223372036854775807", "-1",
          "-9223372036854775807" } do
          refused(caller.params { [key] = tonumber(digits) }, "BAD_VALUE", key)
        end
        if has_integers then
          refused(caller.params { [key] = math.mininteger }, "BAD_VALUE", key)
        end
      end)

      it("says how to write an id that a float cannot tell apart", function()
        local err = refused(caller.params { [key] = HUGE + 2.0 }, "BAD_VALUE", key)
        assert.matches("string", err.message)
      end)

      local good = {
        { 1, "1" }, { 10, "10" }, { 10.0, "10" }, { "10", "10" }, { 4294967296, "4294967296" },
        { 123456789012345, "123456789012345" }, { "123456789012345", "123456789012345" },
        { 2^53 - 1, "9007199254740991" }, { "9007199254740993", "9007199254740993" },
        { "999999999999999999", "999999999999999999" }, { 1e15, "1000000000000000" },
      }
      if has_integers then
        good[#good + 1] = { math.tointeger(HUGE) + 1, "9007199254740993" }
        good[#good + 1] = { math.tointeger(10^18) - 1, "999999999999999999" }
      end
      for _, case in ipairs(good) do
        it("accepts " .. type(case[1]) .. " " .. case[2], function()
          local world = mock.world()
          local result, err = caller.delete(world, "ok", { [key] = case[1] })
          assert.is_nil(err)
          assert.equal(1, world:count())
          assert.is_truthy(world:requests()[1].body:find(('"%s":%s[,}]'):format(key, case[2])))
          local is_number = has_integers or tonumber(case[2]) < HUGE
          assert.equal(is_number and case[2] or ("%q"):format(case[2]),
            caller.render(result[key]))
        end)
      end
    end)
  end

  describe("server", function()
    for _, value in ipairs { 1, true, {}, print } do
      it("refuses a " .. type(value), function()
        refused(caller.params { server = value }, "WRONG_TYPE", "server")
      end)
    end

    for _, value in ipairs {
      "", " ", "-", "-a", "a-", "a b", "a.b", "online.99digital.co.il", "a_b", "a/b", "a\0", "\0",
      "online\n", "online\0", "a\"b", "caf\195\169", ("a"):rep(64), "https://a", "a:1", "*", "@",
    } do
      it("refuses " .. show(value), function()
        refused(caller.params { server = value }, "BAD_VALUE", "server")
      end)
    end

    for _, value in ipairs {
      "a", "0", "online", "ONLINE", "west-2", "a--b", "9", ("a"):rep(63), "xn--caf-dma",
    } do
      it("accepts " .. value, function()
        local world = mock.world()
        local result = assert(caller.delete(world, "ok", { server = value }))
        assert.equal(value, result.server)
        assert.equal('{"accountID":1,"server":"' .. value .. '","inboxID":10}',
          world:requests()[1].body)
      end)
    end

    it("is \"online\" if left out", function()
      local world = mock.world()
      assert.equal("online", assert(caller.delete(world, "ok")).server)
      assert.equal('{"accountID":1,"server":"online","inboxID":10}', world:requests()[1].body)
    end)
  end)

  describe("access_token", function()
    local secret = "s3cr3t-part-of-it"

    it("must be there, with the call or the client", function()
      refused(caller.params { access_token = NONE }, "MISSING_KEY", "access_token")
    end)

    for _, value in ipairs { 1, true, {}, print } do
      it("refuses a " .. type(value), function()
        refused(caller.params { access_token = value }, "WRONG_TYPE", "access_token")
      end)
    end

    local bad = {
      empty = "", CR = secret .. "\r", LF = secret .. "\n", CRLF = secret .. "\r\n",
      NUL = secret .. "\0", ["NUL inside"] = secret .. "\0" .. secret, space = secret .. " x",
      ["leading space"] = " " .. secret, tab = secret .. "\t", DEL = secret .. "\127",
      ["non-ASCII"] = secret .. "\195\169", ["header injection"] = secret .. "\r\nX-Evil: 1",
      ["8193 characters"] = secret:rep(482):sub(1, 8193), ["a megabyte"] = ("s"):rep(1048576),
    }
    for what, value in pairs(bad) do
      it("refuses, and never shows, one with " .. what, function()
        local err = refused(caller.params { access_token = value }, "BAD_VALUE", "access_token")
        for _, text in ipairs { err.message, tostring(err) } do
          assert.is_nil(text:find("s3cr3t", 1, true))
          assert.is_nil(text:find("X-Evil", 1, true))
          assert.is_nil(text:find("sssss", 1, true))
        end
        if what:find("LF") or what == "CR" then
          assert.matches("newline", err.message)
          assert.matches("file", err.message)
        end
      end)
    end

    local every = {}
    for code = 33, 126 do
      every[#every + 1] = string.char(code)
    end
    every = table.concat(every)
    for what, value in pairs {
      ["one character"] = "x", ["each printable character"] = every,
      ["8192 characters"] = every:rep(88):sub(1, 8192),
    } do
      it("accepts " .. what, function()
        local world = mock.world()
        assert(caller.delete(world, "ok", { access_token = value }))
        assert.equal("Bearer " .. value, world:requests()[1].headers.authorization)
      end)
    end
  end)

  describe("with other keys", function()
    for written, nearest in pairs {
      accountId = "accountID", account_id = "accountID", acountID = "accountID",
      inboxId = "inboxID", inbox_id = "inboxID", inboxid = "inboxID", Server = "server",
      servers = "server", accesstoken = "access_token", accessToken = "access_token",
      acces_token = "access_token",
    } do
      it("names the nearest of " .. written, function()
        local err = refused(caller.params { [written] = 1 }, "UNKNOWN_KEY", written)
        assert.is_truthy(err.message:find('"' .. nearest .. '"', 1, true), err.message)
      end)
    end

    for _, written in ipairs {
      "verify_ssl", "id", "timeout", "base_url", "", ("k"):rep(10000), "a\nb", "accountID\0",
      "inboxID\0x", "caf\195\169", "%s%n",
    } do
      it("refuses " .. show(written), function()
        refused(caller.params { [written] = 1 }, "UNKNOWN_KEY", written:match("^[%w_]+$") and
          written:sub(1, 60))
      end)
    end

    it("names the nearest of what is near to none", function()
      for _, written in ipairs { "xyzzyplugh", "", "---", ("k"):rep(10000) } do
        local err = refused(caller.params { [written] = 1 }, "UNKNOWN_KEY", written:sub(1, 60))
        assert.matches('; the nearest is "[%a_]+"$', err.message)
      end
    end)

    it("names what is behind a NUL", function()
      local err = refused(caller.params { ["accountID\0"] = 1 }, "UNKNOWN_KEY")
      assert.matches([[has no key "accountID\0"; did you mean "accountID"?]], err.message, 1, true)
      refused(caller.params { [("\0"):rep(100)] = 1 }, "UNKNOWN_KEY", ("\\0"):rep(31))
    end)

    it("refuses keys that are not names", function()
      for _, key in ipairs { 1, 1.5, true, print, {} } do
        local err = refused(caller.params { [key] = 1 }, "UNKNOWN_KEY", type(key))
        if type(key) ~= "table" and key ~= print then
          assert.matches(", " .. tostring(key) .. ": ", err.message, 1, true)
        end
        assert.matches('such as "access_token"', err.message, 1, true)
      end
    end)

    it("never shows their values", function()
      refused(caller.params { token = mock.token }, "UNKNOWN_KEY", "token")
    end)
  end)

  describe("as a table", function()
    local function raise()
      error("a metamethod was called")
    end
    local hostile = {
      __index = raise, __newindex = raise, __pairs = raise, __ipairs = raise, __len = raise,
      __eq = raise, __tostring = raise, __call = raise, __metatable = "locked", __gc = nil,
    }

    it("may have a metatable that raises", function()
      local world = mock.world()
      local params = setmetatable(caller.params(), hostile)
      assert(caller.safe.delete_inbox(params, caller.options(world, "ok")))
      local options = setmetatable(caller.options(world, "ok"), hostile)
      assert(caller.safe.client(options)):close()
      assert.equal(1, world:count())
    end)

    it("finds no value through a metatable", function()
      refused(setmetatable(caller.params { inboxID = NONE }, { __index = { inboxID = 10 } }),
        "MISSING_KEY", "inboxID")
      refused(setmetatable(caller.params { inboxID = NONE }, hostile), "MISSING_KEY", "inboxID")
    end)

    it("is never changed", function()
      local world = mock.world()
      for _, more in ipairs { {}, { accountID = "1" }, { inboxID = 10.0 }, { inboxID = "x" },
        { nonsense = 1 } } do
        local params = setmetatable(caller.params(more), { __newindex = raise })
        local options = setmetatable(caller.options(world, "ok"), { __newindex = raise })
        local before, options_before = copy(params), copy(options)
        pcall(caller.ninedig.delete_inbox, params, options)
        assert.equal(caller.render(before), caller.render(copy(params)))
        assert.equal(caller.render(options_before), caller.render(copy(options)))
      end
      assert.equal(3, world:count())
    end)

    -- In a process of its own, whose heap is so small that a step of the collector is all of it.
    it("is read whole before a finalizer of the caller's can change it", function()
      assert.equal("finalized, whole\n", caller.child({}, [[
        local core = require("ninedig.core")
        local settings = assert(core.settings())
        local finalized, broken, armed = false, false, false
        local litter = {}

        local function interfere(params)
          if armed then
            armed, finalized = false, true
            params.server = nil
            collectgarbage()
            for j = 1, 20 do
              litter[j] = ("Z"):rep(40) .. j
            end
          end
        end

        local function params_of(i)
          local params = { access_token = "t", accountID = 1, inboxID = 10 }
          params.server = ("s"):rep(40) .. i -- nobody else has this string
          local function finalize()
            interfere(params)
          end
          if newproxy then
            getmetatable(newproxy(true)).__gc = finalize
          else
            setmetatable({}, { __gc = finalize })
          end
          return params
        end

        local function tune(name, value)
          if not pcall(collectgarbage, "set" .. name, value) then
            collectgarbage("param", name, value) -- Lua 5.5
          end
        end

        for i = 1, 100 do
          collectgarbage()
          collectgarbage("stop")
          local params, reserve = params_of(i), {}
          tune("pause", 0)
          tune("stepmul", 100000)
          armed = true
          collectgarbage("restart")
          local transfer = core.prepare(settings, "delete_inbox", params, nil, reserve)
          armed = false
          local server = core.show(transfer):match('"server":"(.-)"')
          broken = broken or server ~= ("s"):rep(40) .. i
        end
        print((finalized and "finalized, " or "") .. (broken and "broken" or "whole"))
      ]]))
    end)
  end)

  it("tells what was asked for as far as it was understood", function()
    caller.check_error(refused(caller.params { inboxID = "x", accountID = "7" }, "BAD_VALUE"),
      { accountID = 7, inboxID = NONE })
    caller.check_error(refused(caller.params { access_token = "", accountID = 7.0 }, "BAD_VALUE"),
      { accountID = 7, inboxID = 10 })
  end)
end)
