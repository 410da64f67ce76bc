local cjson = require("cjson").new()
local json = require("ninedig.cli.json")
local text = require("ninedig.cli.text")
local width = require("ninedig.cli.width")

-- What the command writes is made of what the service sent, which may be anything.
describe("JSON of the command", function()
  it("keeps the holes of a list, and knows one that is empty", function()
    assert.equal('{"a":[null,5],"b":[]}', json.encode { a = { [2] = 5 }, b = {} })
    assert.equal("[null,null]", json.encode { [2] = cjson.null })
  end)

  it("has its keys in order, and names first", function()
    assert.equal('{"outcome":"deleted","accountID":1,"server":"online","inboxID":2,"a":1,"b":2}',
      json.encode { b = 2, a = 1, inboxID = 2, server = "online", accountID = 1,
        outcome = "deleted" })
  end)

  it("is one line of valid UTF-8 whatever is in it", function()
    local cases = {
      ["x\255y"] = "x\239\191\189y", ["\0\n\27\127"] = "\\u0000\\n\\u001b\\u007f",
      ["\237\160\189"] = ("\239\191\189"):rep(3), -- half of a surrogate pair
      ["\192\128"] = ("\239\191\189"):rep(2), ["\224\128\128"] = ("\239\191\189"):rep(3),
      ["\244\144\128\128"] = ("\239\191\189"):rep(4), ["\226\130"] = ("\239\191\189"):rep(2),
      ["\215\169 \229\186\151 \240\159\152\128"] = "\215\169 \229\186\151 \240\159\152\128",
      ['"\\'] = '\\"\\\\',
    }
    for bytes, expected in pairs(cases) do
      assert.equal('"' .. expected .. '"', json.encode(bytes))
      assert.equal('{"' .. expected .. '":1}', json.encode { [bytes] = 1 })
    end
  end)

  it("has numbers that come back as they were", function()
    for _, number in ipairs { 0, -1, 0.1, 1 / 3, 1e300, 5e-324, 2^53, 123456789012345 } do
      assert.equal(number, cjson.decode("[" .. json.encode(number) .. "]")[1])
    end
    assert.equal("123456789012345", json.encode(123456789012345))
    for _, number in ipairs { 1 / 0, -1 / 0, 0 / 0 } do
      assert.equal("null", json.encode(number))
    end
  end)
end)

describe("text of the command", function()
  it("aligns what is wide, and what takes no room", function()
    assert.equal("NAME   X\n\229\186\151\232\136\151   1\nabcd  22\n",
      text.table({ { "NAME", "n" }, { "X", "x", right = true } }, {
        { n = "\229\186\151\232\136\151", x = 1 }, { n = "abcd", x = 22 },
      }))
    local columns = {
      [""] = 0, ["abc"] = 3, ["\215\169\214\184"] = 1, ["e\204\129"] = 1,
      ["\240\159\152\128"] = 2, ["\236\149\132\225\134\168"] = 2, ["\226\130\172"] = 1,
      ["\239\188\161"] = 2, ["\226\128\139"] = 0,
    }
    for shown, count in pairs(columns) do
      assert.equal(count, width.of(shown), shown)
    end
  end)

  it("does nothing to a terminal", function()
    assert.equal("a?b?c?d?e\239\191\189", text.plain("a\27b\194\155c\226\128\174d\127e\255"))
  end)
end)
