local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")
local partner = require("spec.support.partner")

local ninedig = caller.ninedig
local has_integers = math.type ~= nil

-- Each call: how it is made, what it looks like on the wire, and a success.
local calls = {
  get_access_token = {
    path = "/settings/accessToken",
    method = "POST",
    body = ('{"client_id":"%s","client_secret":"%s"}'):format(mock.client_id, mock.client_secret),
    params = { client_id = mock.client_id, client_secret = mock.client_secret },
    success = '{"access_token":"abc/def","expiration_time":"1731842931","token_type":"Bearer",'
      .. '"reason":1}',
    result = '{access_token="abc/def" expiration_time=1731842931 reason=1 status="OK"'
      .. ' token_type="Bearer"}',
    reasons = { [2] = "CREDENTIALS_OR_JSON_INVALID", [3] = "ADDRESS_BLOCKED" },
  },
  get_accounts = {
    path = "/online/getAccounts",
    method = "GET",
    success = '{"status":"OK","reason":1,"totalOnline":1,"list":[{"create_time":1700000001,'
      .. '"account_name":"Alpha","account_id":"1","server":"online","account_status":"active",'
      .. '"reference":"CRM-1"}]}',
    result = '{list={1={account_id=1 account_name="Alpha" account_status="active"'
      .. ' create_time=1700000001 reference="CRM-1" server="online"}} reason=1 status="OK"'
      .. " totalOnline=1}",
    reasons = {
      [2] = "CREDENTIALS_INVALID", [3] = "ACCESS_TOKEN_INVALID", [13] = "METHOD_NOT_GET",
    },
  },
  get_inboxes = {
    path = "/online/getInboxes",
    method = "POST",
    body = '{"accountID":1,"server":"online"}',
    params = { accountID = 1 },
    success = '{"status":"OK","reason":1,"accountID":1,"server":1,"totalInboxes":1,'
      .. '"list":[{"id":10,"name":"Reception","channel_type":"Channel::Api","api_type":"wa_v2"}]}',
    result = '{accountID=1 list={1={api_type="wa_v2" channel_type="Channel::Api" id=10'
      .. ' name="Reception"}} reason=1 server="online" status="OK" totalInboxes=1}',
    reasons = {
      [2] = "CREDENTIALS_INVALID", [3] = "ACCESS_TOKEN_INVALID", [13] = "METHOD_NOT_POST",
      [33] = "ACCOUNT_ID_INVALID", [34] = "SERVER_INVALID",
    },
  },
  get_whatsapp_numbers = {
    path = "/whatsapp/getWhatsApp",
    method = "GET",
    success = '{"status":"OK","reason":1,"totalWhatsApp":1,"totalConversationsThisMonth":5,'
      .. '"list":[{"create_time":1700000000,"whatsapp":"972501234567","apiKey":"k","isOnline":1,'
      .. '"onlineAccount":1,"onlineInbox":10,"coexistence":0}]}',
    result = '{list={1={apiKey="k" coexistence=0 create_time=1700000000 isOnline=1 onlineAccount=1'
      .. ' onlineInbox=10 whatsapp="972501234567"}} reason=1 status="OK"'
      .. " totalConversationsThisMonth=5 totalWhatsApp=1}",
    reasons = {
      [2] = "CREDENTIALS_INVALID", [3] = "ACCESS_TOKEN_INVALID", [13] = "METHOD_NOT_GET",
    },
  },
}

local names = {}
for name in pairs(calls) do
  names[#names + 1] = name
end
table.sort(names)

describe("a call around a deletion:", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local function client_for(name, scenario, more)
    if name == "get_access_token" then
      return assert(caller.safe.client(caller.options(world, scenario, more)))
    end
    return partner.with_token(world, scenario, more)
  end

  local function make(name, scenario, params)
    local client = client_for(name, scenario)
    return client[name](client, params or calls[name].params)
  end

  -- What comes of this body, after one request.
  local function answered(name, body, params)
    world:script(type(body) == "table" and body or { body = body })
    local result, err = make(name, "body", params)
    assert.equal(1, world:count())
    assert.equal(1, world:count(calls[name].path))
    return result, err
  end

  for _, name in ipairs(names) do
    local expected = calls[name]

    describe(name, function()
      it("is one request with the documented method, path, headers and body", function()
        assert(answered(name, expected.success))
        local record = world:requests()[1]
        local headers = record.headers
        assert.equal(expected.method, record.method)
        assert.equal(("/%s/body/api%s"):format(world.name, expected.path), record.path)
        assert.equal(expected.body or "", record.body)
        assert.equal("application/json", headers.accept)
        assert.equal(expected.body and "application/json" or nil, headers["content-type"])
        if name == "get_access_token" then
          assert.is_nil(headers.authorization)
        else
          assert.equal("Bearer " .. mock.token, headers.authorization)
        end
        assert.is_nil(headers.expect)
        assert.matches("^ninedig/", headers["user-agent"])
      end)

      it("has the documented fields, as their types", function()
        local result = assert(answered(name, expected.success))
        assert.equal(expected.result, caller.render(result))
        assert.is_nil(getmetatable(result))
      end)

      it("can be made with the raising module", function()
        world:script { body = expected.success }
        local options = caller.options(world, "body")
        options.access_token = name ~= "get_access_token" and mock.token or nil
        local client = ninedig.client(options)
        assert.equal(expected.result, caller.render(client[name](client, expected.params)))
        world:script { body = '{"status":"Fail","reason":2}' }
        local ok, err = pcall(client[name], client, expected.params)
        assert.is_false(ok)
        caller.check_error(err, { kind = "api", reason = 2, outcome = "none", call = name })
        assert.equal(2, world:count())
      end)

      it("keeps unknown fields, and takes null for nil", function()
        local result = assert(answered(name,
          (expected.success:gsub("}$", ',"extra":{"a":[1,null,3.0]},"nothing":null}'))))
        assert.equal('{a={1=1 3=3}}', caller.render(result.extra))
        assert.is_nil(result.nothing)
      end)

      for code, reason in pairs(expected.reasons) do
        it("has a name for reason " .. code, function()
          local result, err = answered(name, ('{"status":"Fail","reason":%d}'):format(code))
          assert.is_nil(result)
          caller.check_error(err, {
            kind = "api", name = reason, reason = code, outcome = "none", call = name,
            retryable = false, http_status = 200,
          })
          assert.matches("%f[%d]" .. code .. "%f[%D]", tostring(err))
          local entry = ninedig.calls[name].reasons
          assert.equal(code, entry[reason])
          assert.equal(reason, entry[code].name)
          assert.equal(code, entry[code].code)
        end)
      end

      it("tells which reasons are assumed, and not the provider's", function()
        for code, reason in pairs(ninedig.calls[name].reasons) do
          if type(code) == "number" then
            local assumed = name == "get_whatsapp_numbers" and code ~= 1
            assert.equal(assumed or nil, reason.assumed)
          end
        end
      end)

      it("passes other reasons through", function()
        for code in pairs { [99] = true, [47] = true, [12345] = true } do
          world = mock.world()
          local _, err = answered(name, ('{"status":"FAIL","reason":"%d"}'):format(code))
          caller.check_error(err, {
            kind = "api", name = "UNDOCUMENTED_REASON", reason = code, outcome = "none",
          })
        end
      end)

      it("has no other reasons in its table", function()
        local codes = { [1] = "OK" }
        for code, reason in pairs(expected.reasons) do
          codes[code] = reason
        end
        for code, entry in pairs(ninedig.calls[name].reasons) do
          if type(code) == "number" then
            assert.equal(codes[code], entry.name)
          else
            assert.equal(code, codes[entry])
          end
        end
      end)

      local head = expected.success:gsub("}$", "")
      local bad = {
        ["nothing"] = "",
        ["a page"] = "<html></html>",
        ["an array"] = "[" .. expected.success .. "]",
        ["text after it"] = expected.success .. "x",
        ["two objects"] = expected.success .. expected.success,
        ["no status and no reason"] = expected.success:gsub('"status":"OK",', "")
          :gsub('"reason":1,?', ""):gsub(",}$", "}"),
        ["another status"] = expected.success:gsub('"status":"OK",', "")
          :gsub("^{", '{"status":"MAYBE",'),
        ["FAIL without a reason"] = '{"status":"FAIL"}',
        ["FAIL with reason 1"] = '{"status":"FAIL","reason":1}',
        ["OK with reason 3"] = '{"status":"OK","reason":3}',
        ["a reason twice"] = head .. ',"reason":1}',
        ["OK and nothing else"] = '{"status":"OK","reason":1}',
      }
      if name == "get_access_token" then
        for what, change in pairs {
          ["no token"] = { '"access_token":"abc/def",', "" },
          ["null for the token"] = { '"abc/def"', "null" },
          ["false for the token"] = { '"abc/def"', "false" },
          ["an empty token"] = { '"abc/def"', '""' },
          ["a token of two lines"] = { '"abc/def"', '"abc\\r\\nX-Other: def"' },
          ["a token with a NUL"] = { '"abc/def"', '"abc\\u0000def"' },
          ["a token that is too long"] = { '"abc/def"', '"' .. ("x"):rep(8193) .. '"' },
          ["no end"] = { '"expiration_time":"1731842931",', "" },
          ["null for the end"] = { '"1731842931"', "null" },
          ["a word for the end"] = { '"1731842931"', '"soon"' },
          ["a table for the end"] = { '"1731842931"', "{}" },
        } do
          bad[what] = expected.success:gsub(change[1], (change[2]:gsub("%%", "%%%%")))
        end
      else
        local list = '"list":%b[]'
        for what, value in pairs {
          ["null"] = "null", ["a string"] = '"none"', ["a number"] = "0", ["true"] = "true",
          ["an object of rows"] = '{"1":{"id":10}}', ["rows of null"] = "[null]",
          ["a null among the rows"] = '[{"id":11},null]', ["rows of numbers"] = "[10,11]",
          ["rows of strings"] = '["10"]',
        } do
          bad[what .. " for a list"] = expected.success:gsub(list, (('"list":' .. value)
            :gsub("%%", "%%%%")))
        end
      end
      if name == "get_inboxes" then
        bad["another account"] = expected.success:gsub('"accountID":1', '"accountID":2')
        bad["another server"] = expected.success:gsub('"server":1', '"server":"west"')
        bad["two accounts"] = head .. ',"accountID":1}'
      end
      for what, body in pairs(bad) do
        it("does not understand " .. what, function()
          local result, err = answered(name, body)
          assert.is_nil(result, caller.render(result))
          caller.check_error(err, {
            kind = "protocol", outcome = "none", call = name, retryable = false, http_status =
              err.http_status,
          })
          assert.is_nil(caller.render(err):find("abc/def", 1, true), "the token is shown")
        end)
      end

      it("refuses unknown params, and sends nothing", function()
        local _, err = make(name, "live", { acountID = 1 })
        caller.check_error(err, { kind = "argument", outcome = "not_sent", call = name })
        assert.equal(0, world:count())
      end)

      it("refuses what is missing, and sends nothing", function()
        local client = assert(caller.safe.client(caller.options(world, "live")))
        local _, err = client[name](client)
        caller.check_error(err, {
          kind = "argument", name = "MISSING_KEY", outcome = "not_sent", call = name,
        })
        local by_credentials = err.message:match(
          "^access_token is missing: .*; or give the client client_id and client_secret$")
        assert.equal(name ~= "get_access_token" and name ~= "delete_inbox",
          by_credentials ~= nil, err.message)
        assert.equal(0, world:count())
      end)

      it("is in ninedig.calls", function()
        local entry = ninedig.calls[name]
        assert.equal(expected.method, entry.method)
        assert.equal(expected.path, entry.path)
        assert.equal("table", type(entry.params))
        assert.equal("OK", entry.reasons[1].name)
      end)
    end)
  end

  it("is of five that there are, and the paths are constants", function()
    local found = {}
    for name, entry in pairs(ninedig.calls) do
      found[#found + 1] = name .. " " .. entry.method .. " " .. entry.path
    end
    table.sort(found)
    assert.same({
      "delete_inbox DELETE /online/deleteInbox",
      "get_access_token POST /settings/accessToken",
      "get_accounts GET /online/getAccounts",
      "get_inboxes POST /online/getInboxes",
      "get_whatsapp_numbers GET /whatsapp/getWhatsApp",
    }, found)
  end)

  describe("results", function()
    local function integer(value, text)
      assert.equal("number", type(value))
      if has_integers then
        assert.equal("integer", math.type(value))
      end
      assert.equal(text, ("%.0f"):format(value))
    end

    it("have integers for ids that come as strings, and for floats", function()
      local result = assert(answered("get_whatsapp_numbers",
        '{"status":"ok","totalWhatsApp":"2","list":[{"whatsapp":972501234567,"isOnline":"1",'
        .. '"onlineAccount":"900000000000001","onlineInbox":"123456789012345"},'
        .. '{"whatsapp":"972","isOnline":"0","onlineAccount":"0","onlineInbox":0.0}]}'))
      integer(result.totalWhatsApp, "2")
      integer(result.list[1].isOnline, "1")
      integer(result.list[1].onlineAccount, "900000000000001")
      integer(result.list[1].onlineInbox, "123456789012345")
      assert.equal("972501234567", result.list[1].whatsapp)
      integer(result.list[2].isOnline, "0")
      integer(result.list[2].onlineAccount, "0")
      integer(result.list[2].onlineInbox, "0")
    end)

    it("have large ids that come as strings in full", function()
      local result = assert(answered("get_inboxes",
        '{"status":"OK","accountID":"1","list":[{"id":"9007199254740993"}]}'))
      local id = result.list[1].id
      assert.equal("9007199254740993", has_integers and ("%d"):format(id) or id)
    end)

    it("have numbers that are none as they came", function()
      local result = assert(answered("get_inboxes",
        '{"status":"OK","list":[{"id":"ten","name":null},{"id":{"a":1}},{"id":true},{}]}'))
      assert.equal('{1={id="ten"} 2={id={a=1}} 3={id=true} 4={}}', caller.render(result.list))
    end)

    it("have empty lists", function()
      local result = assert(answered("get_accounts", '{"status":"OK","totalOnline":0,"list":[]}'))
      assert.equal('{list={} reason=1 status="OK" totalOnline=0}', caller.render(result))
    end)

    it("have the server that was asked for, where the service has the number 1", function()
      local result = assert(answered("get_inboxes", calls.get_inboxes.success,
        { accountID = "1", server = "west" }))
      assert.equal("west", result.server)
      assert.equal('{"accountID":1,"server":"west"}', world:requests()[1].body)
    end)

    it("have the token's end as a number, string or not", function()
      for _, text in ipairs { '"1731842931"', "1731842931", "1731842931.0" } do
        world = mock.world()
        local result = assert(answered("get_access_token",
          (calls.get_access_token.success:gsub('"1731842931"', text))))
        integer(result.expiration_time, "1731842931")
      end
    end)

    it("that are none show no key of a number", function()
      for _, answer in ipairs {
        { status = 500 }, { status = 404 }, { cut = true },
      } do
        world = mock.world()
        local body = calls.get_whatsapp_numbers.success:gsub('"k"', '"an-api/key"')
        local _, err = answered("get_whatsapp_numbers",
          { status = answer.status, body = answer.cut and body:sub(1, -2) or body })
        assert.is_nil(caller.render(err):find("an-api", 1, true), err.response)
        assert.matches("972501234567", err.response)
      end
    end)

    it("are the same where the token's answer has a status", function()
      local result = assert(answered("get_access_token",
        (calls.get_access_token.success:gsub("^{", '{"status":"OK",'))))
      assert.equal(calls.get_access_token.result, caller.render(result))
    end)
  end)

  describe("the service of the mock", function()
    it("is read with a session, and with a token", function()
      for _, make_client in ipairs { partner.client, partner.with_token } do
        local client = make_client(world, "live")
        local accounts = assert(client:get_accounts())
        local last = accounts.list[accounts.totalOnline]
        assert.equal("900000000000001", ("%.0f"):format(last.account_id))
        local inboxes = assert(client:get_inboxes { accountID = last.account_id })
        assert.equal("123456789012345", ("%.0f"):format(inboxes.list[1].id))
        assert.equal(48, #assert(client:get_whatsapp_numbers()).list)
      end
      assert.equal("accessToken getAccounts getInboxes getWhatsApp getAccounts getInboxes"
        .. " getWhatsApp", partner.seen(world))
    end)

    it("is read with another token where a call has one", function()
      local client = partner.client(world, "live")
      assert(client:get_accounts { access_token = mock.token })
      assert(client:get_inboxes { accountID = 1, access_token = mock.token })
      assert.equal("getAccounts getInboxes", partner.seen(world))
      assert.same({ mock.token, mock.token }, partner.tokens(world))
    end)

    it("is asked for what was checked, though the caller's table changes", function()
      local client = partner.client(world, "live", { sleep = partner.loop.sleep })
      local params = { accountID = 1 }
      local result
      partner.loop.run {
        function()
          result = assert(client:get_inboxes(params))
        end,
        function()
          params.accountID = 2
        end,
      }
      assert.equal(1, result.accountID)
      assert.equal('{"accountID":1,"server":"online"}', world:requests()[2].body)
    end)
  end)
end)
