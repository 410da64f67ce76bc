local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local NONE = caller.NONE
local OK = caller.success

describe("an answer of 2xx that is no success", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local function not_understood(body, name, status, params)
    world = mock.world()
    local result, err = caller.answered(world, { body = body, status = status }, params)
    assert.is_nil(result)
    caller.check_error(err, {
      kind = "protocol", name = name, outcome = "unknown", reason = NONE, curl_code = NONE,
      http_status = status or 200, retryable = false, call = "delete_inbox",
    })
    assert.equal(1, world:count())
    return err
  end

  describe("is not understood:", function()
    local nested = ("["):rep(32) .. ("]"):rep(32)
    local cases = {
      ["nothing"] = "", ["white space"] = " \r\n\t", ["a byte order mark"] = "\239\187\191",
      ["two byte order marks"] = "\239\187\191\239\187\191" .. OK,
      ["a BOM after a space"] = " \239\187\191" .. OK, ["a form feed"] = "\f" .. OK,
      ["a page"] = "<html><body>OK</body></html>", ["OK alone"] = "OK", ["a string"] = '"OK"',
      ["a number"] = "1", ["true"] = "true", ["null"] = "null", ["a list"] = "[" .. OK .. "]",
      ["an empty object"] = "{}", ["an empty list"] = "[]",
      ["half of it"] = OK:sub(1, 40), ["all but its last byte"] = OK:sub(1, -2),
      ["text after it"] = OK .. "x", ["text before it"] = "x" .. OK, ["two of it"] = OK .. OK,
      ["two lines"] = OK .. "\n" .. OK, ["a comma after it"] = OK .. ",",
      ["a comment"] = OK .. " // done", ["a NUL after it"] = OK .. "\0",
      ["a NUL and more after it"] = OK .. "\0{}", ["a NUL before it"] = "\0" .. OK,
      ["a NUL in it"] = OK:gsub("online", "on\0line"), ["a NUL between"] = OK:gsub(",", ",\0", 1),
      ["UTF-16"] = "\255\254" .. OK:gsub(".", "%0\0"), ["gzip"] = "\31\139\8\0\0\0\0\0\0\3\1",
      ["garbage"] = "\1\2\3\255",
      ["33 levels"] = '{"status":"OK","extra":' .. nested .. "}",
      ["a thousand levels"] = ("["):rep(1000), ["10,000 levels"] = ('{"a":'):rep(10000),
      ["a number with a zero before it"] = OK:gsub('"inboxID":10', '"inboxID":010'),
      ["the reason 01"] = OK:gsub('"reason":1', '"reason":01'),
      ["NaN"] = OK:gsub("}", ',"extra":NaN}'), ["nan"] = OK:gsub("}", ',"extra":nan}'),
      ["Infinity"] = OK:gsub("}", ',"extra":Infinity}'), ["-inf"] = OK:gsub("}", ',"extra":-inf}'),
      ["hex"] = OK:gsub('"inboxID":10', '"inboxID":0xA'),
      ["single quotes"] = OK:gsub('"', "'"), ["keys without quotes"] = "{status:OK}",
      ["a trailing comma"] = OK:gsub("}", ",}"), ["a comma too many"] = OK:gsub(",", ",,", 1),
      ["a bad escape"] = OK:gsub("online", "on\\xline"),
      ["a comma missing within a line"] = '{"status":"OK" "reason":1}',
      ["a comma missing after a blank line"] = '{"status":"OK"\n\n"reason":1}',
      ["a comma missing in a list"] = '{"status":"OK","a":["b"\n"c"]}',
      ["a colon missing"] = '{"status":"OK",\n"reason" 1}',
      ["a quote missing"] = '{\n"status": "OK,\n"reason": 1\n}',
      ["a brace missing after a comma"] = '{\n"status": "OK"\n"reason": 1\n',
      ["text after a missing comma"] = '{\n"status": "OK"\n"reason": 1\n} x',
      ["no status"] = OK:gsub('"status":"OK",', ""), ["a null status"] = OK:gsub('"OK"', "null"),
      ["a status of true"] = OK:gsub('"OK"', "true"), ["a status of 1"] = OK:gsub('"OK"', "1"),
      ["a status that is a list"] = OK:gsub('"OK"', '["OK"]'),
      ["an empty status"] = OK:gsub('"OK"', '""'), ["another status"] = OK:gsub("OK", "DONE"),
      ["a status and more"] = OK:gsub('"OK"', '"OK "'), ["OKAY"] = OK:gsub('"OK"', '"OKAY"'),
      ["a status with a NUL"] = OK:gsub('"OK"', '"OK\\u0000"'),
      ["a nested status"] = '{"result":' .. OK .. "}", ["STATUS"] = OK:gsub("status", "STATUS"),
      ["FAIL alone"] = '{"status":"FAIL"}', ["FAIL with reason 1"] = '{"status":"FAIL","reason":1}',
      ["FAIL with reason 0"] = '{"status":"FAIL","reason":0}',
      ["FAIL with reason null"] = '{"status":"FAIL","reason":null}',
      ["FAIL with reason -47"] = '{"status":"FAIL","reason":-47}',
      ["FAIL with a reason in words"] = '{"status":"FAIL","reason":"no such inbox"}',
      ["FAIL with a list"] = '{"status":"FAIL","reason":[47]}',
      ["FAIL with reason true"] = '{"status":"FAIL","reason":true}',
      ["FAIL and a NUL"] = '{"status":"FAIL","reason":47}\0',
      ["FAIL and more"] = '{"status":"FAIL","reason":47}{"status":"OK"}',
    }
    for what, body in pairs(cases) do
      it(what, function()
        not_understood(body, "ANSWER_NOT_UNDERSTOOD")
      end)
    end

    it("204 and 205, which have no body", function()
      not_understood("", "ANSWER_NOT_UNDERSTOOD", 204)
      not_understood("", "ANSWER_NOT_UNDERSTOOD", 205)
    end)
  end)

  describe("contradicts itself:", function()
    local cases = {
      ["OK with reason 47"] = OK:gsub('"reason":1', '"reason":47'),
      ["OK with reason \"47\""] = OK:gsub('"reason":1', '"reason":"47"'),
      ["OK with reason 0"] = OK:gsub('"reason":1', '"reason":0'),
      ["OK with reason -1"] = OK:gsub('"reason":1', '"reason":-1'),
      ["OK with reason 1.5"] = OK:gsub('"reason":1', '"reason":1.5'),
      ["OK with reason 1e300"] = OK:gsub('"reason":1', '"reason":1e300'),
      ["OK with reason \"\""] = OK:gsub('"reason":1', '"reason":""'),
      ["OK with reason \"1x\""] = OK:gsub('"reason":1', '"reason":"1x"'),
      ["OK with reason true"] = OK:gsub('"reason":1', '"reason":true'),
      ["OK with reason {}"] = OK:gsub('"reason":1', '"reason":{}'),
      ["another inbox"] = OK:gsub('"inboxID":10', '"inboxID":11'),
      ["another inbox as a string"] = OK:gsub('"inboxID":10', '"inboxID":"11"'),
      ["inbox 10.5"] = OK:gsub('"inboxID":10', '"inboxID":10.5'),
      ["inbox 0"] = OK:gsub('"inboxID":10', '"inboxID":0'),
      ["inbox \"\""] = OK:gsub('"inboxID":10', '"inboxID":""'),
      ["inbox \" 10\""] = OK:gsub('"inboxID":10', '"inboxID":" 10"'),
      ["inbox true"] = OK:gsub('"inboxID":10', '"inboxID":true'),
      ["inbox false"] = OK:gsub('"inboxID":10', '"inboxID":false'),
      ["inbox [10]"] = OK:gsub('"inboxID":10', '"inboxID":[10]'),
      ["another account"] = OK:gsub('"accountID":1,', '"accountID":2,'),
      ["another account as a string"] = OK:gsub('"accountID":1,', '"accountID":"2",'),
      ["another server"] = OK:gsub('"online"', '"west"'),
      ["an empty server"] = OK:gsub('"online"', '""'),
      ["a longer server"] = OK:gsub('"online"', '"online\\u0000"'),
    }
    for _, key in ipairs { "status", "reason", "accountID", "server", "inboxID" } do
      local field = OK:match('"' .. key .. '":[^,}]+')
      local escaped = '"\\u00' .. ("%02x"):format(key:byte()) .. field:sub(3)
      cases[key .. " twice"] = OK:gsub("}", "," .. field .. "}")
      cases[key .. " twice, once escaped"] = OK:gsub("}", "," .. escaped:gsub("%%", "%%%%") .. "}")
      cases[key .. " twice, first escaped"] = "{" .. escaped .. "," .. OK:sub(2)
      cases[key .. " twice, apart by a space"] = "{" .. field:gsub(":", " \n:") .. "," .. OK:sub(2)
    end
    for what, body in pairs(cases) do
      it(what, function()
        not_understood(body, "ANSWER_CONTRADICTORY")
      end)
    end

    it("status twice with different values, in both orders", function()
      not_understood('{"status":"FAIL","reason":47,"status":"OK"}', "ANSWER_CONTRADICTORY")
      not_understood('{"status":"OK","reason":47,"st\\u0061tus":"FAIL"}', "ANSWER_CONTRADICTORY")
      not_understood('{"status":"FAIL","reason":47,"reason":1}', "ANSWER_CONTRADICTORY")
      not_understood('{"status":"FAIL","reason":1,"re\\u0061son":47}', "ANSWER_CONTRADICTORY")
    end)

    it("a key twice where a comma is missing", function()
      not_understood('{\n"status": "OK"\n"inboxID": 10\n"inboxID": 10\n}',
        "ANSWER_CONTRADICTORY")
    end)

    it("an id as a string, asked for as a number and the other way round", function()
      not_understood(OK:gsub('"inboxID":10', '"inboxID":"10"'), "ANSWER_CONTRADICTORY", nil,
        { inboxID = 11 })
      not_understood(OK, "ANSWER_CONTRADICTORY", nil, { inboxID = "11" })
    end)
  end)

  it("is the same under every status from 200 to 299", function()
    for _, status in ipairs { 200, 201, 202, 203, 206, 299 } do
      not_understood("<html></html>", "ANSWER_NOT_UNDERSTOOD", status)
      not_understood('{"status":"OK","reason":47}', "ANSWER_CONTRADICTORY", status)
    end
  end)

  it("is shown in the error", function()
    local err = not_understood("<html>moved</html>", "ANSWER_NOT_UNDERSTOOD")
    assert.equal("<html>moved</html>", err.response)
    assert.is_nil(not_understood("", "ANSWER_NOT_UNDERSTOOD").response)
    err = not_understood("a\0b", "ANSWER_NOT_UNDERSTOOD")
    assert.equal("a\0b", err.response)
  end)
end)
