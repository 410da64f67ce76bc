-- Flat objects are read by ourselves, all others by lua-cjson. Each answer here is given twice: as
-- it is, and with a nested field, which only lua-cjson can read. What comes of it must not differ.
local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local OK = '{"status":"OK"'

local ANSWERS = {
  caller.success,
  "{}", "{ }", "{,}", '{"status":"OK",}', '{"status" "OK"}', '{"status":}', '{"status":"OK"',
  '{"status":"OK"}}', '{"status":"OK"}x', '{"status":"OK"},', '{status:"OK"}', "{1:2}",
  " \t\r\n{ \t\"status\" :\r\n\"OK\" , \"reason\"\n:\t1 } \n",
  OK .. ',"":""}', OK .. ',"":"x","a":""}',
  OK .. ',"a":"b\\"c"}', OK .. ',"a":"\\u0041"}', OK .. ',"a\\u0041":1}', OK .. ',"a":"\\x"}',
  OK .. ',"a":"tab\there"}', OK .. ',"a":"line\nbreak"}', OK .. ',"a":"\127\195\169\255"}',
  OK .. ',"a":0}', OK .. ',"a":00}', OK .. ',"a":07}', OK .. ',"a":-1}', OK .. ',"a":-0}',
  OK .. ',"a":+1}', OK .. ',"a":.5}', OK .. ',"a":1.}', OK .. ',"a":1.5}', OK .. ',"a":2.0}',
  OK .. ',"a":9.99999999999999999999}', OK .. ',"a":1e-400}',
  OK .. ',"a":1e3}', OK .. ',"a":1E+3}', OK .. ',"a":0x10}', OK .. ',"a":1 2}', OK .. ',"a":1x}',
  OK .. ',"a":999999999999999}', OK .. ',"a":1000000000000000}', OK .. ',"a":9007199254740993}',
  OK .. ',"a":123456789012345678901234567890}', OK .. ',"a":NaN}', OK .. ',"a":Infinity}',
  OK .. ',"a":true,"b":false,"c":null}', OK .. ',"a":nil}', OK .. ',"a":\'b\'}',
  OK .. ',"a":1,"a":2}', OK .. ',"status":"OK"}', OK .. ',"reason":1,"reason":1}',
  OK .. ',"accountID":1,"accountID":2}', OK .. ',"inboxID":10,"inboxID":10}',
  '{"status":"FAIL","reason":47}', '{"status":"FAIL","reason":"47"}', '{"status":"FAIL"}',
  '{"status":"FAIL","reason":1}', '{"status":"FAIL","reason":0}', '{"status":"OK","reason":47}',
  '{"status":"FAIL","reason":999999999999999}', '{"status":1,"reason":1}', '{"reason":1}',
  OK .. ',"accountID":2}', OK .. ',"accountID":"1","inboxID":"10"}', OK .. ',"server":"west"}',
  OK .. ',"whatsapp_number":972501234567}', OK .. ',"whatsapp_number":""}',
}

-- The same with a field more that is no plain value, where it has a brace to put it behind.
local function nested(answer)
  return (answer:gsub("{", '{"nested":[],', 1):gsub('%[%],(%s*)}', "[]%1}"))
end

local function render(result, err)
  if not result then
    return table.concat({ err.kind, err.name, err.outcome, tostring(err.reason) }, " ")
  end
  result.nested = nil
  return caller.render(result)
end

describe("a flat answer", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  for _, answer in ipairs(ANSWERS) do
    it("is taken as lua-cjson would take it: " .. ("%q"):format(answer):gsub("\n", "n"), function()
      local flat = render(caller.answered(world, answer))
      assert.equal(render(caller.answered(world, nested(answer))), flat)
      assert.equal(2, world:count())
    end)
  end
end)
