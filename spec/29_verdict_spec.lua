-- What an answer says is judged alike on every VM and in every locale.
local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

-- Verdict, HTTP status, body. Asked for: inbox 10 of account 1 on the server "online".
local ANSWERS = {
  { "deleted", 200, [[{"status":"OK","reason":1,"note":"\ud83d"}]] },
  { "deleted", 200, [[{"status":"OK","reason":1,"ratio":1.5,"none":null}]] },
  { "deleted", 200, [=[{"status":"OK","reason":1,"deep":[[[{"a":"\udc00"}],1,5]]}]=] },
  { "deleted", 200, [[{"st\u0061tus":"o\u004b","reason":"1","inboxID":"\u00310"}]] },
  { "unknown", 206, [[{"status":"OK","reason":1}]] },
  { "rejected", 206, [[{"status":"FAIL","reason":47}]] },
  { "unknown", 200,
    [[{"status":"FAIL","reason":47,"accountID":1,"server":"online","inboxID":999}]] },
  { "unknown", 200, [[{"status":"FAIL","reason":3,"inboxID":999}]] },
  { "unknown", 429, [[{"status":"FAIL","reason":99,"inboxID":999}]] },
  { "unknown", 404, [[{"status":"FAIL","reason":47,"inboxID":999}]] },
  { "unknown", 404, [[{"error":"no such inbox","inboxID":999}]] },
  { "rejected", 404, [[{"error":"no such inbox","inboxID":10}]] },
  { "unknown", 200, [[{"status":"FAIL","reason":47,"inboxID":10,"inboxID":11}]] },
  { "unknown", 200, [[{"status":"FAIL","reason":47,"inboxID":10,"inboxID":10}]] },
  { "unknown", 200, [[{"status":"FAIL","reason":47,"reason":47}]] },
  { "rejected", 200, [[{"status":"Fail","reason":"47","inboxID":"10"}]] },
  { "unknown", 200, [[{"status":"FAIL","reason":47,"note":01}]] },
  { "unknown", 200, "{\"status\":\"FAIL\",\"reason\":47,\"note\":\"a\tb\"}" },
  { "unknown", 404, [[{"status":"OK","reason":1}<!-- -->]] },
  { "unknown", 404, [[cb({"status":"OK","reason":1})]] },
  { "unknown", 404, [[{"status":"OK","reason":1,}]] },
  { "unknown", 404, [[{"message":"{\"status\":\"\u006f\u006b\"}"}]] },
  { "unknown", 404, "<p>{&quot;status&quot;:&quot;OK&quot;}</p>" },
  { "unknown", 404, (([[{"status":"OK"}]]):gsub(".", "%0\0")) },
  { "unknown", 404, "\254\255" .. ([[{"status":"ok"}]]):gsub(".", "\0%0") },
  { "rejected", 404, "<html>not found</html>" },
  { "rejected", 404, "<html>OK</html>" },
  { "rejected", 429, "" },
  { "unknown", 408, "" }, { "unknown", 500, "" }, { "unknown", 503, "" }, { "unknown", 302, "" },
  { "unknown", 304, "" },
}

local function name_of(answer)
  return answer[1] .. " " .. answer[2] .. " " .. ("%q"):format(answer[3]):gsub("%c", "n")
end

describe("the verdict", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  for _, answer in ipairs(ANSWERS) do
    it("is " .. name_of(answer), function()
      local result, err = caller.answered(world, { status = answer[2], body = answer[3] })
      assert.equal(answer[1], result and "deleted" or err.outcome, err and err.message)
      assert.equal(answer[2], err and err.http_status or 200)
      assert.equal(1, world:count())
    end)
  end

  it("is no refusal where it is about another inbox: nothing is sent a second time", function()
    world:script { calls = {
      accessToken = { body = '{"reason":1,"access_token":"t1","expiration_time":"1"}' },
      deleteInbox = { body = '{"status":"FAIL","reason":3,"inboxID":999}' },
    } }
    local _, err = caller.safe.client(caller.options(world, "body", {
      client_id = "id", client_secret = mock.client_secret,
    })):delete_inbox { accountID = 1, inboxID = 10 }
    caller.check_error(err, {
      kind = "protocol", name = "ANSWER_CONTRADICTORY", outcome = "unknown", reason = caller.NONE,
    })
    assert.equal(1, world:count("deleteInbox"))
  end)

  it("lets only a 429 be asked again", function()
    for _, case in ipairs {
      { 429, "", true }, { 429, '{"status":"FAIL","reason":99}', true },
      { 429, '{"status":"FAIL","reason":47}', false }, { 429, '{"status":"OK"}', false },
      { 503, "", false }, { 503, '{"status":"FAIL","reason":99}', false },
      { 503, '{"status":"FAIL","reason":47}', false }, { 400, "", false },
    } do
      world = mock.world()
      local _, err = caller.answered(world, { status = case[1], body = case[2] })
      assert.equal(case[3], err.retryable, case[1] .. case[2])
      assert.equal(1, world:count())
    end
  end)
end)

describe("a lone surrogate", function()
  it("becomes U+FFFD, in flat answers and in others", function()
    for _, more in ipairs { "", ',"deep":[null]' } do
      local world = mock.world()
      local result = assert(caller.answered(world,
        [[{"status":"OK","a":"x\ud83d","b\udc00":"\ud83d\ude00"]] .. more .. "}"))
      assert.equal("x\239\191\189", result.a)
      assert.equal("\240\159\152\128", result["b\239\191\189"])
      assert.equal(1, world:count())
    end
  end)
end)

-- Numbers and letters are written otherwise in Germany and in Turkey.
local LOCALES = { "de_DE", "tr_TR" }

describe("the locale", function()
  local BODIES = {
    '{"status":"OK","reason":1,"accountID":1,"server":"ONLINE","inboxID":10}',
    '{"status":"ok","a":1.5,"b":2,"c":-0.25e1}',
    '{"status":"OK","a":[1,5],"b":[1.5,2.5],"c":{"d":0.5,"e":1e2},"f":null}',
    '{"status":"Fail","reason":47}', '{"status":"fail","reason":"47","server":"online"}',
    '{"status":"OK","server":"west"}',
  }
  local worlds

  setup(function()
    os.execute(("mkdir -p '%s/locales'"):format(mock.dir))
    for _, locale in ipairs(LOCALES) do
      local ok = os.execute(("localedef -i %s -f UTF-8 '%s/locales/%s.UTF-8'"):format(locale,
        mock.dir, locale))
      assert.is_true(ok == true or ok == 0)
    end
  end)

  before_each(function()
    leaks.before()
    worlds = {}
    for i, body in ipairs(BODIES) do
      worlds[i] = mock.world():script { body = body }
    end
  end)
  after_each(leaks.after)

  -- What comes of the bodies in a process that runs some code before the library is loaded, and
  -- some before the calls.
  local function child(before, after)
    local urls = {}
    for i, world in ipairs(worlds) do
      urls[i] = ("%q"):format(world:base_url("body"))
    end
    return caller.child({ LOCPATH = mock.dir .. "/locales" }, ([[
      %s
      local safe = require("ninedig.safe")
      %s
      local outcomes = {}
      for i, url in ipairs { %s } do
        outcomes[i] = { safe.delete_inbox({ access_token = "t", accountID = 1, inboxID = 10 },
          { base_url = url, ca_file = %q, timeout = 20 }) }
      end
      os.setlocale("C")
      local render = require("spec.support.caller").render
      for _, outcome in ipairs(outcomes) do
        print(render(outcome[1] or { outcome[2].outcome, outcome[2].message }))
      end
    ]]):format(before, after, table.concat(urls, ","), mock.ca_file))
  end

  local function set(locale)
    return ('assert(os.setlocale("%s.UTF-8"))'):format(locale)
  end

  local function check(before, after)
    local plain = child("", "")
    assert.equal(#BODIES, select(2, plain:gsub("\n", "")), plain)
    assert.matches("^{accountID=1 ", plain)
    assert.equal(plain, child(before, after))
    for _, world in ipairs(worlds) do
      assert.equal(2, world:count())
    end
  end

  for _, locale in ipairs(LOCALES) do
    it(locale .. " changes nothing where it is set before the library is loaded", function()
      check(set(locale), "")
    end)

    it(locale .. " changes nothing where it is set afterwards", function()
      check("", set(locale))
    end)

    it(locale .. " changes nothing where lua-cjson has it, and the program has not", function()
      check(set(locale) .. " require('cjson')", "os.setlocale('C')")
    end)
  end
end)
