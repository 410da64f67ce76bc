local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local has_integers = math.type ~= nil
local BIG = "9007199254740993" -- 2^53 + 1
local BOM = "\239\187\191"

describe("the result", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  -- What comes of this answer, as text; one request was sent.
  local function result_of(answer, params)
    local result, err = caller.answered(world, answer, params)
    assert.is_nil(err)
    assert.equal(1, world:count())
    return caller.render(result)
  end

  local DOCUMENTED = '{accountID=1 inboxID=10 reason=1 server="online" status="OK" '
    .. 'whatsapp_number="972501234567"}'

  it("has the documented fields, integers where the VM has them", function()
    local result = assert(caller.delete(world, "ok"))
    assert.equal(DOCUMENTED, caller.render(result))
    assert.is_nil(getmetatable(result))
    for _, key in ipairs { "accountID", "inboxID", "reason" } do
      assert.equal("number", type(result[key]))
      assert.is_nil(tostring(result[key]):find(".", 1, true))
      if has_integers then
        assert.equal("integer", math.type(result[key]))
      end
    end
  end)

  -- The mock answers with the document's sample, verbatim: a comma is missing.
  for _, scenario in ipairs { "sample", "sample-crlf" } do
    it("is the same from the document's own " .. scenario, function()
      assert.equal(DOCUMENTED, caller.render(assert(caller.delete(world, scenario))))
      assert.equal(1, world:count())
    end)
  end

  describe("in other spellings:", function()
    local spellings = {
      ["ids as strings"] = caller.success:gsub('"accountID":1,', '"accountID":"1",')
        :gsub('"inboxID":10,', '"inboxID":"10",'),
      ["ids as floats"] = caller.success:gsub('"accountID":1,', '"accountID":1.0,')
        :gsub('"inboxID":10,', '"inboxID":1e1,'),
      ["reason as a string"] = caller.success:gsub('"reason":1', '"reason":"1"'),
      ["reason as a float"] = caller.success:gsub('"reason":1', '"reason":1.0'),
      ["no reason"] = caller.success:gsub('"reason":1,', ""),
      ["null for reason"] = caller.success:gsub('"reason":1', '"reason":null'),
      ["no echoes"] = '{"status":"OK","reason":1,"whatsapp_number":"972501234567"}',
      ["null for echoes"] = '{"status":"OK","reason":1,"accountID":null,"server":null,'
        .. '"inboxID":null,"whatsapp_number":"972501234567"}',
      ["status in lower case"] = caller.success:gsub("OK", "ok"),
      ["status in mixed case"] = caller.success:gsub("OK", "Ok"),
      ["a server that is a number"] = caller.success:gsub('"online"', "1"),
      ["a server that is a table"] = caller.success:gsub('"online"', '{"id":1}'),
      ["a server that is false"] = caller.success:gsub('"online"', "false"),
      ["a number as a number"] = caller.success:gsub('"(972%d+)"', "%1"),
      ["escaped keys"] = caller.success:gsub('"status"', '"st\\u0061tus"')
        :gsub('"inboxID"', '"inbox\\u0049D"'),
      ["an escaped status"] = caller.success:gsub('"OK"', '"\\u004fK"'),
      ["a byte order mark"] = BOM .. caller.success,
      ["white space"] = "\r\n \t" .. caller.success .. "\n\n \t\r\n",
      ["both"] = BOM .. "\n" .. caller.success .. "\n",
      ["the repair after a BOM"] = BOM .. '{\n"status":"OK"\n"whatsapp_number":"972501234567"}',
      ["more than one comma missing"] = '{\n"status": "OK"\n"reason": 1\n"accountID": 1\n'
        .. '"server": "online"\n"inboxID": 10\n\t"whatsapp_number" : "972501234567"\n}',
      ["spaces before a missing comma"] = '{"status":"OK"  \r\n  "whatsapp_number":"972501234567"}',
    }
    for what, body in pairs(spellings) do
      it(what, function()
        assert.equal(DOCUMENTED, result_of(body))
      end)
    end

    for _, status in ipairs { 200, 201, 202, 203, 207, 226, 299 } do
      it("HTTP " .. status, function()
        assert.equal(DOCUMENTED, result_of { body = caller.success, status = status })
      end)
    end

    for _, content_type in ipairs { "text/html", "application/octet-stream", "nonsense" } do
      it("content type " .. content_type, function()
        assert.equal(DOCUMENTED, result_of {
          body = caller.success, headers = { ["Content-Type"] = content_type },
        })
      end)
    end
  end)

  it("keeps a server's echo as it was spelt", function()
    assert.equal('{accountID=1 inboxID=10 reason=1 server="ONLINE" status="OK"}',
      result_of('{"status":"OK","server":"ONLINE"}'))
  end)

  it("has what was asked for where the service left it out", function()
    assert.equal('{accountID=7 inboxID=8 reason=1 server="west-2" status="OK"}',
      result_of('{"status":"OK"}', { accountID = "7", inboxID = 8.0, server = "west-2" }))
  end)

  it("has none of the words that ninedig itself adds from the service", function()
    local own = '"verified":true,"evidence":{"verdict":"deleted"},"number_differs":true'
    assert.equal('{accountID=1 inboxID=10 more=2 reason=1 server="online" status="OK"}',
      result_of('{"status":"OK",' .. own .. ',"more":2}'))
    world = mock.world()
    assert.equal('{accountID=1 inboxID=10 more=2 reason=1 server="online" status="OK"}',
      result_of('{"status":"OK",' .. own .. ',"more":2}', { verify = true }))
  end)

  it("has no number where the service sent none, or null", function()
    for _, field in ipairs { "", ',"whatsapp_number":null' } do
      world = mock.world()
      assert.equal('{accountID=1 inboxID=10 reason=1 server="online" status="OK"}',
        result_of('{"status":"OK"' .. field .. "}"))
    end
  end)

  -- Whether it is read by ourselves or by lua-cjson.
  for json, number in pairs {
    ["972501234567"] = "972501234567", ["9.72501234567e11"] = "972501234567",
    ["12345678901234567"] = "12345678901234567", ["0"] = "0", ['"+972 50"'] = "+972 50",
    ["99999999999999999999"] = "99999999999999999999",
    ["12345678901234567.0"] = "12345678901234567",
    ["true"] = false, ["1.5"] = false, ['["a"]'] = false, ["{}"] = false, ["-5"] = false,
    ["1e30"] = false, ["null"] = false, ['"a\\u0062"'] = "ab", ['""'] = "",
  } do
    it("has a string for a number that is sent as " .. json, function()
      for _, nested in ipairs { "", '"more":{},' } do
        world = mock.world()
        local expected = ('{accountID=1 inboxID=10 %sreason=1 server="online" status="OK"%s}')
          :format(nested == "" and "" or "more={} ",
            number and (' whatsapp_number=%q'):format(number) or "")
        assert.equal(expected,
          result_of('{"status":"OK",' .. nested .. '"whatsapp_number":' .. json .. "}"))
      end
    end)
  end

  it("has no secret for a number", function()
    local token = "12345678901234567"
    for _, echo in ipairs { token, '"' .. token .. '"', '"+' .. token .. '"' } do
      world = mock.world()
      local rendered = result_of('{"status":"OK","whatsapp_number":' .. echo .. "}",
        { access_token = token })
      assert.matches('whatsapp_number="%+?%[redacted%]"', rendered)
    end
  end)

  it("leaves a number alone in which a short password stands by chance", function()
    local proxy = world:proxy():gsub(":password@", ":1234@")
    local result = assert(caller.answered(world, '{"status":"OK","whatsapp_number":"972501234567"}',
      nil, { proxy = proxy }))
    assert.equal("972501234567", result.whatsapp_number)
    assert.equal(1, world:count())
  end)

  describe("with ids above a double's precision", function()
    local rendered = has_integers and BIG or ('"%s"'):format(BIG)
    local expected = ('{accountID=%s inboxID=%s reason=1 server="online" status="OK"}')
      :format(rendered, rendered)

    for what, echo in pairs {
      ["the same number"] = BIG, ["a string"] = '"' .. BIG .. '"', null = "null",
      ["the same double"] = "9007199254740992", ["a float"] = "9.007199254740992e15",
    } do
      it("takes " .. what .. " for an echo", function()
        assert.equal(expected, result_of(('{"status":"OK","accountID":%s,"inboxID":%s}')
          :format(echo, echo), { accountID = BIG, inboxID = BIG }))
      end)
    end

    for _, echo in ipairs { "1000000000000000000", "1e18", "1000000000000000000.0" } do
      it("takes " .. echo .. " for the largest one", function()
        local largest = "999999999999999999"
        assert.equal(('{accountID=1 inboxID=%s reason=1 server="online" status="OK"}')
          :format(has_integers and largest or ('"%s"'):format(largest)),
          result_of('{"status":"OK","inboxID":' .. echo .. "}", { inboxID = largest }))
      end)
    end

    it("still tells strings and other doubles apart", function()
      for _, echo in ipairs { '"9007199254740992"', "9007199254740994", '"9007199254740994"' } do
        world = mock.world()
        local _, err = caller.answered(world, ('{"status":"OK","inboxID":%s}'):format(echo),
          { inboxID = BIG })
        caller.check_error(err, { kind = "protocol", outcome = "unknown", http_status = 200,
          inboxID = has_integers and tonumber(BIG) or BIG })
        assert.equal(1, world:count())
      end
    end)

    it("tells all ids below it apart", function()
      local _, err = caller.answered(world, '{"status":"OK","inboxID":9007199254740990}',
        { inboxID = "9007199254740991" })
      caller.check_error(err, { kind = "protocol", outcome = "unknown" })
      assert.equal(1, world:count())
    end)
  end)

  describe("with further fields", function()
    local function extra(json)
      return (result_of('{"status":"OK","extra":' .. json .. "}")
        :gsub('^{accountID=1 (.*)inboxID=10 reason=1 server="online" status="OK"}$', "%1"))
    end

    for json, expected in pairs {
      ["true"] = "true", ["false"] = "false", ['"x"'] = '"x"', ["0"] = "0", ["-5"] = "-5",
      ["1.5"] = "1.5", ["10.0"] = "10", ["1e3"] = "1000", ["4294967296"] = "4294967296",
      ['""'] = '""', ["{}"] = "{}", ["[]"] = "{}", ['"\\u05d0"'] = '"\215\144"',
      ["[1,2,3]"] = "{1=1 2=2 3=3}", ["[1,null,3]"] = "{1=1 3=3}", ["[null]"] = "{}",
      ['{"a":null,"b":{"c":[null,{"d":null,"e":2.0}]}}'] = "{b={c={2={e=2}}}}",
    } do
      it("keeps " .. json, function()
        assert.equal("extra=" .. expected .. " ", extra(json))
      end)
    end

    it("has nil for null", function()
      assert.equal("", extra("null"))
    end)

    it("is nested 32 deep at most", function()
      local depth = ("["):rep(31) .. ("]"):rep(31)
      assert.equal("extra=" .. ("{1="):rep(30) .. "{}" .. ("}"):rep(30) .. " ", extra(depth))
      world = mock.world()
      local _, err = caller.answered(world, '{"status":"OK","extra":[' .. depth .. "]}")
      caller.check_error(err, { kind = "protocol", outcome = "unknown" })
      assert.equal(1, world:count())
    end)

    it("takes keys twice where they do not matter, and inside of other fields", function()
      assert.equal("extra={status=2} ", extra('1,"extra":{"status":1,"status":2}'))
    end)
  end)

  it("belongs to the caller alone", function()
    local first = assert(caller.delete(world, "ok"))
    first.status, first.accountID = "changed", "changed"
    assert.equal(DOCUMENTED, caller.render(assert(caller.delete(world, "ok"))))
    assert.equal(2, world:count())
  end)

  it("does not depend on how others have set up cjson", function()
    local cjson = require("cjson")
    cjson.decode_max_depth(1)
    cjson.decode_invalid_numbers(true)
    local result, err = caller.answered(world, '{"status":"OK","extra":[[1]]}')
    cjson.decode_max_depth(1000)
    assert.is_nil(err)
    assert.equal(1, result.extra[1][1])
    assert.equal(1, world:count())
  end)
end)
