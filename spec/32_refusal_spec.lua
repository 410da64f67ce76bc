local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local NONE = caller.NONE

local REASONS = {
  [2] = "CREDENTIALS_OR_JSON_INVALID", [3] = "ACCESS_TOKEN_INVALID", [13] = "METHOD_NOT_DELETE",
  [33] = "ACCOUNT_ID_INVALID", [34] = "SERVER_INVALID", [47] = "INBOX_ID_INVALID",
}

local STATUSES = {
  200, 201, 299, 300, 302, 400, 401, 403, 404, 405, 408, 409, 410, 422, 429, 451, 499, 500, 501,
  502, 503, 504, 599,
}

describe("a refusal", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  -- Checks the error that this answer brings; one request was sent.
  local function refused(answer, expected)
    local result, err = caller.answered(world, answer)
    assert.is_nil(result)
    caller.check_error(err, expected)
    assert.equal(1, world:count())
    return err
  end

  it("with reason 47 does not say that nothing was ever deleted", function()
    local lost = caller.safe.client(caller.options(world, "live+lazy_delete-60000+lost_after",
      { access_token = mock.token }))
    local _, err = lost:delete_inbox { accountID = 1, inboxID = 10 }
    caller.check_error(err, { kind = "network", outcome = "unknown" })
    for _, inbox in ipairs { 10, 12, 9999 } do -- gone by the lost request, a web chat, never there
      _, err = caller.delete(world, "live", { inboxID = inbox })
      caller.check_error(err, { kind = "api", reason = 47, outcome = "rejected" })
      assert.matches("no such WhatsApp inbox in this account: it never was, it is of another",
        err.message, 1, true)
      assert.matches("earlier request whose answer was lost; this request deleted nothing$",
        err.message)
      assert.is_nil(err.message:find("nothing was deleted", 1, true))
    end
    assert.equal(4, world:count("deleteInbox"))
  end)

  for reason, name in pairs(REASONS) do
    it("with reason " .. reason .. " is " .. name, function()
      for _, scenario in ipairs { "reason-", "reason_fail-", "reason_text-" } do
        world = mock.world()
        local result, err = caller.delete(world, scenario .. reason)
        assert.is_nil(result)
        caller.check_error(err, {
          kind = "api", name = name, outcome = "rejected", reason = reason, http_status = 200,
          retryable = false, retry_after = NONE, curl_code = NONE, call = "delete_inbox",
          accountID = 1, server = "online", inboxID = 10,
        })
        assert.matches("%f[%d]" .. reason .. "%f[%D]", err.message)
        assert.matches(tostring(reason), err.response)
        assert.equal(1, world:count())
      end
    end)

    it("with reason " .. reason .. " counts under every HTTP status", function()
      for _, status in ipairs(STATUSES) do
        world = mock.world()
        refused({ body = ('{"status":"FAIL","reason":%d}'):format(reason), status = status }, {
          kind = "api", name = name, outcome = "rejected", reason = reason,
          http_status = status, retryable = false,
        })
      end
    end)
  end

  for _, reason in ipairs { 4, 12, 14, 46, 48, 99, 1000, 999999999, 4294967296, 10000000000 } do
    it("with the undocumented reason " .. reason .. " leaves the outcome unknown", function()
      refused(('{"status":"FAIL","reason":%.0f}'):format(reason), {
        kind = "api", name = "UNDOCUMENTED_REASON", outcome = "unknown", reason = reason,
        http_status = 200, retryable = false,
      })
    end)
  end

  it("with an undocumented reason is rejected under 429 alone", function()
    for _, status in ipairs(STATUSES) do
      world = mock.world()
      refused({ body = '{"status":"Fail","reason":"99"}', status = status }, {
        kind = "api", name = "UNDOCUMENTED_REASON", reason = 99, http_status = status,
        outcome = status == 429 and "rejected" or "unknown", retryable = status == 429,
      })
    end
  end)

  describe("may be spelt", function()
    for what, body in pairs {
      ["FAIL"] = '{"status":"FAIL","reason":47}', ["Fail"] = '{"status":"Fail","reason":47}',
      ["fail"] = '{"status":"fail","reason":47}', ["fAiL"] = '{"status":"fAiL","reason":47}',
      ["as a string"] = '{"status":"FAIL","reason":"47"}',
      ["as a float"] = '{"status":"FAIL","reason":47.0}',
      ["with escapes"] = '{"st\\u0061tus":"F\\u0041IL","re\\u0061son":"4\\u0037"}',
      ["with a BOM"] = '\239\187\191{"status":"FAIL","reason":47}',
      ["over lines"] = '\n{\r\n"status" : "FAIL" ,\r\n"reason":\t47\r\n}\r\n',
      ["without its comma"] = '{\n"status": "FAIL"\n"reason": 47\n}',
      ["with its echoes"] = '{"status":"FAIL","reason":47,"inboxID":"10","server":"ONLINE"}',
      ["with echoes that are null"] = '{"status":"FAIL","reason":47,"inboxID":null,"server":1}',
      ["with more fields"] = '{"message":"no such inbox","status":"FAIL","more":[1],"reason":47}',
    } do
      it(what, function()
        refused(body, {
          kind = "api", name = "INBOX_ID_INVALID", outcome = "rejected", reason = 47,
          response = body,
        })
      end)
    end
  end)

  it("has an integer for its reason where the VM has them", function()
    local err = refused('{"status":"FAIL","reason":47.0}', { reason = 47 })
    assert.equal("47", tostring(err.reason))
    assert.equal("200", tostring(err.http_status))
  end)

  it("is told to the caller by the names of its own inbox", function()
    local _, err = caller.delete(world, "reason-47",
      { accountID = "7", inboxID = "123456789012345", server = "West" })
    caller.check_error(err, { accountID = 7, inboxID = 123456789012345, server = "West" })
    assert.equal(1, world:count())
  end)

  it("meets a second deletion of the same inbox", function()
    local result = assert(caller.delete(world, "live"))
    assert.equal("972501234567", result.whatsapp_number)
    local _, err = caller.delete(world, "live")
    caller.check_error(err, { kind = "api", reason = 47, outcome = "rejected" })
    assert.equal(2, world:count())
  end)

  it("meets a wrong account, server and token", function()
    for reason, params in pairs {
      [33] = { accountID = 77 }, [34] = { server = "nowhere" }, [3] = { access_token = "wrong" },
    } do
      world = mock.world()
      local _, err = caller.delete(world, "live", params)
      caller.check_error(err, { kind = "api", reason = reason, outcome = "rejected" })
      assert.equal(1, world:count())
    end
  end)
end)

describe("an HTTP status", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local BODIES = {
    html = "<html><body>no</body></html>", empty = "", json = "{}", list = "[]",
    ["no reason"] = '{"status":"FAIL"}', ["reason 1"] = '{"status":"FAIL","reason":1}',
    ["another status"] = '{"status":"ERROR","reason":47}',
    ["trailing text"] = '{"status":"FAIL","reason":47} x', NUL = '{"status":"FAIL","reason":47}\0',
  }

  local function check(status, body, expected)
    world = mock.world()
    local result, err = caller.answered(world, { body = body, status = status })
    assert.is_nil(result)
    expected.kind, expected.http_status, expected.reason = "http", status, NONE
    expected.response = body ~= "" and body or NONE
    caller.check_error(err, expected)
    assert.equal(1, world:count())
    return err
  end

  for _, status in ipairs {
    400, 401, 403, 404, 405, 406, 409, 410, 418, 422, 429, 431, 451, 499,
  } do
    it(status .. " without a verdict is a rejection", function()
      for _, body in pairs(BODIES) do
        local err = check(status, body, { outcome = "rejected", retryable = status == 429 })
        assert.matches(tostring(status), err.message)
      end
    end)
  end

  for _, status in ipairs {
    300, 301, 302, 303, 305, 307, 308, 399, 408, 500, 501, 502, 503, 504, 505, 599,
  } do
    it(status .. " without a verdict leaves the outcome unknown", function()
      for _, body in pairs(BODIES) do
        local err = check(status, body, { outcome = "unknown", retryable = false })
        assert.matches(tostring(status), err.message)
      end
    end)
  end

  for what, body in pairs {
    OK = caller.success, ["ok and nothing else"] = '{"status":"ok"}',
    ["OK with reason 47"] = '{"status":"OK","reason":47}',
    ["OK of another inbox"] = '{"status":"OK","reason":1,"inboxID":11}',
    ["OK with a comma missing"] = '{\n"status": "OK"\n"reason": 1\n}',
  } do
    it("of failure with " .. what .. " leaves the outcome unknown", function()
      for _, status in ipairs { 302, 400, 401, 404, 408, 409, 429, 500, 503 } do
        check(status, body, { outcome = "unknown", retryable = false })
      end
    end)
  end

  describe("with Retry-After", function()
    local function retry_after(value, status)
      world = mock.world()
      local _, err = caller.answered(world, {
        body = "", status = status or 429, headers = { ["Retry-After"] = value },
      })
      assert.equal(1, world:count())
      assert.equal(status or 429, err.http_status)
      return err.retry_after
    end

    it("gives seconds", function()
      for _, seconds in ipairs { 0, 1, 30, 120, 86400 } do
        assert.equal(tostring(seconds), tostring(retry_after(tostring(seconds))))
      end
    end)

    for _, status in ipairs { 301, 400, 408, 429, 500, 503 } do
      it("gives them under " .. status, function()
        assert.equal(7, retry_after("7", status))
      end)
    end

    it("gives the seconds until a date", function()
      local seconds = retry_after(os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 100))
      assert.is_true(seconds >= 95 and seconds <= 100)
      local _, err = caller.delete(mock.world(), "status-503+retry_date-100")
      assert.is_true(err.retry_after >= 95 and err.retry_after <= 100)
    end)

    it("gives 0 for a date that is past", function()
      assert.equal(0, retry_after("Wed, 21 Oct 2015 07:28:00 GMT"))
    end)

    it("gives nothing for what is neither", function()
      for _, value in ipairs { "soon", "-5", "1x", ("9"):rep(200) } do
        assert.is_nil(retry_after(value))
      end
    end)

    it("gives them with a refusal too", function()
      local _, err = caller.delete(world, "reason-99+status-429+retry_after-30")
      caller.check_error(err, {
        kind = "api", reason = 99, outcome = "rejected", retryable = true, retry_after = 30,
      })
      _, err = caller.delete(world, "reason-47+status-429+retry_after-30")
      caller.check_error(err, {
        kind = "api", reason = 47, outcome = "rejected", retryable = false, retry_after = 30,
      })
      assert.equal(2, world:count())
    end)
  end)
end)
