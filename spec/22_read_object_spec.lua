-- core.read_object: one line of a list, strictly.
local core = require("ninedig.core")
local caller = require("spec.support.caller")

local has_integers = math.type ~= nil

describe("read_object", function()
  for text, expected in pairs {
    ["{}"] = "{}",
    ['\239\187\191 {"accountID":1,"inboxID":"10"}\r'] = '{accountID=1 inboxID="10"}',
    ['{"a":10.0,"b":1e1,"c":-3,"d":0}'] = "{a=10 b=10 c=-3 d=0}",
    ['{"a":1.5,"b":0.05,"c":-2.5e-1}'] = "{a=1.5 b=0.05 c=-0.25}",
    ['{"a":true,"b":false,"c":null}'] = "{a=true b=false}",
    ['{"\\u0061":"\\u05d0\\ud83d\\ude00\\n"}'] = ('{a=%q}'):format("\215\144\240\159\152\128\n"),
    ['{"a":"\\ud83d"}'] = '{a="\239\191\189"}',
    ['{"a":9007199254740993}'] = has_integers and "{a=9007199254740993}"
      or '{a="9007199254740993"}',
    ['{"a":999999999999999999}'] = has_integers and "{a=999999999999999999}"
      or '{a="999999999999999999"}',
  } do
    it("reads " .. text:gsub("%c", ""), function()
      assert.equal(expected, caller.render((core.read_object(text))))
    end)
  end

  it("gives a number that would become a whole one, and is none, as it is written", function()
    for _, number in ipairs {
      "9.99999999999999999999", "10.0000000000000001", "-0.99999999999999999999", "1e-400",
      "999999999999999999999e-20", "9007199254740992.5",
    } do
      assert.equal(number, core.read_object('{"a":' .. number .. "}").a)
      assert.equal(number, core.read_object('{"a":[' .. number .. "]}", true).a[1])
    end
  end)

  it("gives a number that no id can be as a float", function()
    assert.equal(1e18, core.read_object('{"a":1000000000000000000}').a)
    assert.equal(1 / 0, core.read_object('{"a":1e999}').a)
  end)

  for text, reason in pairs {
    [""] = "it ends too early", ["  "] = "it ends too early", ['{"a":1'] = "it ends too early",
    ["[]"] = "it is no object", ["1"] = "it is no object", ['"a"'] = "it is no object",
    ["null"] = "it is no object", ["x"] = "a value is not written as in JSON",
    ['{"inboxID":1,"inboxID":1}'] = 'it has the key "inboxID" twice',
    ['{"inboxID":null,"inbox\\u0049D":1}'] = 'it has the key "inboxID" twice',
    ['{"a":0x10}'] = "a number is not written as in JSON",
    ['{"a":012}'] = "a number is not written as in JSON",
    ['{"a":+12}'] = "a number is not written as in JSON",
    ['{"a":.5}'] = "a number is not written as in JSON",
    ['{"a":NaN}'] = "a value is not written as in JSON",
    ['{"a":1}\0'] = "it has a NUL", ['{"a":"\0"}'] = "it has a NUL",
    ['{"a":1}{"a":2}'] = "there is text behind it", ['{"a":1} x'] = "there is text behind it",
    ['{"a":[]}'] = "a value in it is no plain one", ['{"a":{}}'] = "a value in it is no plain one",
    ['{"a":1,}'] = "a key is missing", ["{a:1}"] = "a key is missing",
    ['{"a" 1}'] = "a colon is missing", ['{"a":1 "b":2}'] = "a comma or its end is missing",
    ['{"a":1\n"b":2}'] = "a comma or its end is missing",
    ['{"a":"\t"}'] = "a string has a control character",
    ['{"a":"\\x"}'] = "a string has a bad escape",
  } do
    it("refuses " .. text:gsub("%c", "?"), function()
      local object, why = core.read_object(text)
      assert.is_nil(object)
      assert.equal(reason, why)
    end)
  end

  it("tells which keys there are, also where the value is null", function()
    local _, keys = core.read_object('{"a":null,"b":1,"c":false}')
    assert.same({ a = true, b = true, c = true }, keys)
  end)

  for text, expected in pairs {
    ['{"a":{"b":{"c":1},"d":[]},"e":[1,[2,{"f":"g"}],{}]}'] =
      '{a={b={c=1} d={}} e={1=1 2={1=2 2={f="g"}} 3={}}}',
    ['{"a":[null,5]}'] = "{a={2=5}}",
    ["{}"] = "{}",
    ['{"a":' .. ("["):rep(31) .. ("]"):rep(31) .. "}"] = "{a=" .. ("{1="):rep(30) .. "{"
      .. ("}"):rep(31) .. "}",
  } do
    it("reads, where that is asked for, " .. text, function()
      assert.equal(expected, caller.render((core.read_object(text, true))))
    end)
  end

  for text, reason in pairs {
    ['{"a":{"b":1,"c":2,"\\u0062":3}}'] = 'it has the key "b" twice',
    ['{"a":[{"b":1,"b":1}]}'] = 'it has the key "b" twice',
    ['{"a":[1,]}'] = "a value is missing",
    ['{"a":[0x10]}'] = "a number is not written as in JSON",
    ['{"a":{"b":1}'] = "it ends too early", ['{"a":[1'] = "it ends too early",
    ['{"a":{}}{}'] = "there is text behind it",
    ['{"a":{}]'] = "a comma or its end is missing",
    ["[{}]"] = "it is no object",
    ['{"a":' .. ("["):rep(32) .. ("]"):rep(32) .. "}"] = "it is nested too deep",
  } do
    it("refuses, where that is asked for, " .. text, function()
      local object, why = core.read_object(text, true)
      assert.is_nil(object)
      assert.equal(reason, why)
    end)
  end

  it("takes strings only", function()
    assert.has_error(function() core.read_object({}) end)
  end)
end)
