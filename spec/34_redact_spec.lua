local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local TOKEN = mock.token
local OTHER = "an0ther-s3cret" -- a value that only its key betrays
local MARK = "[redacted]"

local function escaped(text, format)
  return (text:gsub(".", function(character)
    return (format or "\\u%04x"):format(character:byte())
  end))
end

describe("secrets in an answer", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  -- What the error shows of this body, which is sure to be one.
  local function shown(answer, params, options)
    local result, err = caller.answered(world, answer, params, options)
    assert.is_nil(result)
    assert.equal(1, world:count())
    caller.check_error(err, {}, (params or {}).access_token)
    for _, text in ipairs { err.response, err.message, tostring(err) } do
      assert.is_nil(text:find(OTHER, 1, true), text)
    end
    return err.response
  end

  it("stay hidden where the mock echoes the token in each way", function()
    local _, err = caller.delete(world, "echo_token")
    caller.check_error(err, { kind = "api", reason = 99, outcome = "unknown" })
    assert.equal('{"status":"FAIL","reason":99,"plain":"token ' .. MARK .. ' is wrong",'
      .. '"slashes":"token ' .. MARK .. ' is wrong","escaped":"token ' .. MARK .. ' is wrong"}',
      err.response)
    assert.equal(1, world:count())
  end)

  describe("of the call are replaced:", function()
    local spellings = {
      plain = TOKEN, ["\\/"] = TOKEN:gsub("/", "\\/"), ["\\u00xx"] = escaped(TOKEN),
      ["\\u00XX"] = escaped(TOKEN, "\\u%04X"),
      ["some \\u00xx"] = TOKEN:gsub("[/+=]", function(c)
        return ("\\u%04x"):format(c:byte())
      end),
      ["the first character"] = "\\u006d" .. TOKEN:sub(2),
      ["the last character"] = TOKEN:sub(1, -2) .. "\\u003D",
    }
    for what, spelling in pairs(spellings) do
      it(what, function()
        for _, around in ipairs {
          { '{"status":"FAIL","reason":99,"x":"', '"}' }, { "<p>", "</p>" }, { "", "" },
          { "a", "b" }, { "\\", "" }, { "\\\\", "\\\\" }, { "Bearer ", "" }, { "?t=", "&b" },
        } do
          world = mock.world()
          local text = shown(around[1] .. spelling .. around[2])
          assert.is_truthy(text:find(MARK, 1, true), text)
          assert.is_nil(text:find(TOKEN:sub(8, 18), 1, true), text)
        end
      end)
    end

    it("each of many", function()
      assert.equal(("x" .. MARK):rep(20), shown(("x" .. TOKEN):rep(20)))
    end)

    it("in a URL, in a page, and in one in the other", function()
      local percent = TOKEN:gsub("%W", function(c) return ("%%%02X"):format(c:byte()) end)
      local html = TOKEN:gsub("%W", function(c) return ("&#x%x;"):format(c:byte()) end)
      for _, text in ipairs {
        percent, percent:lower(), escaped(TOKEN, "%%%02x"), html, escaped(TOKEN, "&#%d;"),
        percent:gsub("%%", "%%25"), html:gsub("&", "&amp;"), html:gsub("&", "\\\\u0026"),
        escaped(escaped(TOKEN, "\\u%04x"), "%%%02x"),
      } do
        world = mock.world()
        assert.equal("no: <" .. MARK .. ">", shown("no: <" .. text .. ">"))
      end
    end)

    it("where each sign has a name", function()
      local names = {
        ["/"] = "&sol;", ["+"] = "&plus;", ["="] = "&equals;", ["."] = "&period;",
        ["-"] = "-", ["_"] = "&lowbar;", ["\""] = "&quot;", ["\\"] = "&bsol;", ["<"] = "&lt;",
        ["&"] = "&amp;", ["%"] = "&percnt;", ["{"] = "&lbrace;", ["|"] = "&vert;",
      }
      local token = [[ab/cd+ef=gh.ij_kl-mn"op\qr<st&uv%wx{yz|end]]
      world:script { status = 401, body = "no: <" .. token:gsub("[^%w-]", names) .. ">" }
      local _, err = caller.delete(world, "body", { access_token = token })
      assert.equal("no: <" .. MARK .. ">", err.response)
      assert.equal(1, world:count())
    end)

    it("those of a proxy, too", function()
      local proxy = world:proxy()
      local name = world.name
      assert.equal("no: " .. MARK .. ", " .. MARK .. ", " .. MARK .. ".",
        shown("no: " .. name .. ":password, password, " .. name .. ".", nil, { proxy = proxy }))
    end)

    it("those of the environment's proxy, however it is written", function()
      for _, proxy in ipairs {
        "http://somebody:s3cret-word@127.0.0.1:1", "http://some body:s3cret-word@127.0.0.1:1:2",
        "somebody:s3cret-word@[::1", "nope://somebody:s3cret-word@127.0.0.1",
        "http://somebody:s3cret-word@127.0.0.1:99999999", "http://s3cret-word:@%%@:1",
      } do
        local said = caller.child({ https_proxy = proxy }, ([[
          local _, err = require("ninedig.safe").delete_inbox(
            { access_token = "t", accountID = 1, inboxID = 10 }, { base_url = %q, timeout = 5 })
          print(err.outcome, err.response or "", tostring(err))
        ]]):format(world:base_url("ok")))
        assert.matches("^not_sent", said)
        assert.is_nil(said:find("s3cret", 1, true), said)
        assert.is_nil(said:find("somebody", 1, true), said)
      end
      assert.equal(0, world:count())
    end)

    it("the client's as the call's", function()
      assert.equal("no: " .. MARK, shown("no: " .. TOKEN, { access_token = caller.NONE },
        { access_token = TOKEN }))
    end)

    it("one with every character that JSON escapes", function()
      local token = [[a"b\c/d'e<f>g&h=i+j]]
      for _, text in ipairs {
        token, [[a\"b\\c\/d'e<f>g&h=i+j]], [[a\u0022b\u005cc\u002fd\u0027e\u003Cf>g&h=i+j]],
      } do
        world = mock.world()
        assert.equal("no: " .. MARK .. ".", shown("no: " .. text .. ".", { access_token = token }))
      end
    end)

    it("one whose beginning comes before it", function()
      assert.equal("aa" .. MARK .. "b", shown("aaaaab-tokenb", { access_token = "aaab-token" }))
    end)

    it("the longest", function()
      local token = ("0123456789abcdef"):rep(512)
      assert.equal("{" .. MARK .. "}", shown("{" .. token .. "}", { access_token = token }))
    end)

    it("in all kinds of errors", function()
      for _, answer in ipairs {
        { status = 401, body = TOKEN }, { status = 500, body = TOKEN }, { body = TOKEN },
        { body = '{"status":"FAIL","reason":3,"token":"' .. TOKEN .. '"}' },
        { body = '{"status":"OK","reason":47,"x":"' .. TOKEN .. '"}' },
        { body = TOKEN, status = 302, headers = { Location = "/" .. TOKEN } },
        { body = TOKEN, headers = { ["X-Token"] = TOKEN, ["Retry-After"] = TOKEN } },
      } do
        world = mock.world()
        assert.is_truthy(shown(answer):find(MARK, 1, true))
      end
    end)

    it("in answers that are not HTTP", function()
      for _, raw in ipairs {
        TOKEN .. "\r\n\r\n", "HTTP/1.1 " .. TOKEN .. "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: " .. TOKEN .. "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: " .. TOKEN .. "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" .. TOKEN .. "\r\n",
      } do
        world = mock.world():script { raw = raw }
        local _, err = caller.delete(world, "raw")
        caller.check_error(err, { outcome = "unknown" })
        assert.equal(1, world:count())
      end
    end)
  end)

  describe("are replaced by their key:", function()
    for _, key in ipairs {
      "access_token", "client_secret", "apiKey", "apikey", "APIKEY", "api_key", "token",
      "refreshToken", "password", "secret", "api_keys", "apikey2", "Authorization", "tokens",
    } do
      it(key, function()
        for _, body in ipairs {
          '{"status":"FAIL","reason":99,"%s":"%s","x":1}', '{"%s" : "%s"}', "{'%s':'%s'}",
          '{"a":{"%s":\n"%s"}}', "%s=%s&x=1", "%s: %s\n", '{"%s":"%s', '"{\\"%s\\":\\"%s\\"}"',
        } do
          world = mock.world()
          local text = shown(body:format(key, OTHER))
          assert.is_truthy(text:find(MARK, 1, true), text)
          assert.is_truthy(text:find(key, 1, true), text)
        end
      end)
    end

    it("an escaped one", function()
      assert.equal('{"\\u0061pi\\u004Bey":"' .. MARK .. '"}',
        shown('{"\\u0061pi\\u004Bey":"' .. OTHER .. '"}'))
    end)

    it("with quotes in the value", function()
      assert.equal('{"apiKey":"' .. MARK .. '","x":1}',
        shown('{"apiKey":"a\\"' .. OTHER .. '\\"b","x":1}'))
    end)

    it("where the value is a number", function()
      assert.equal('{"apiKey":' .. MARK .. ',"x":1}', shown('{"apiKey":1234567,"x":1}'))
    end)
  end)

  describe("at the end of what is shown", function()
    it("are not shown in part, wherever the limit cuts them", function()
      for before = 4096 - #TOKEN - 1, 4096 do
        world = mock.world()
        local text = shown(("x"):rep(before) .. TOKEN .. ("y"):rep(50))
        assert.equal((("x"):rep(before) .. MARK .. ("y"):rep(50)):sub(1, 4096), text)
      end
    end)

    it("are not shown in part in escapes", function()
      local token = escaped(TOKEN)
      for before = 4096 - #token - 1, 4096, 7 do
        world = mock.world()
        local text = shown(("x"):rep(before) .. token .. "y")
        assert.equal(("x"):rep(before) .. (MARK .. "y"):sub(1, 4096 - before), text)
      end
    end)

    it("are not shown in part where the connection cut them", function()
      for kept = 4, #TOKEN do
        world = mock.world():script {
          raw = "HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\nno: " .. TOKEN:sub(1, kept),
        }
        local _, err = caller.delete(world, "", nil, caller.plain(world, "raw"))
        caller.check_error(err, { kind = "network", outcome = "unknown", http_status = 500,
          response = "no: " .. MARK })
        assert.equal(1, world:count())
      end
    end)

    it("by a key are not shown in part", function()
      for before = 4096 - 40, 4096, 3 do
        world = mock.world()
        local text = shown(("x"):rep(before) .. '{"apiKey":"' .. OTHER:rep(3) .. '"}')
        assert.is_true(#text <= 4096)
        assert.is_nil(text:find(OTHER:sub(1, 4), 1, true), text:sub(-60))
      end
    end)
  end)

  it("leave the rest as it came, up to 4096 bytes", function()
    local body = '{"status":"FAIL","reason":99,"a":"\\/\\u0041\1\255\0 mock-toke"}'
    assert.equal(body, shown(body))
    world = mock.world()
    body = ("0123456789"):rep(1000)
    assert.equal(body:sub(1, 4096), shown(body))
    world = mock.world()
    assert.equal(body:sub(1, 4096), shown(body:sub(1, 4096)))
  end)

  it("take little time where the secret is long, and the answer full of it #novalgrind", function()
    local token = ("ab"):rep(4000)
    local start = os.clock()
    for _, unit in ipairs { "ab", "a", "\\u0061\\u0062", "%61%62", "&#97;&#98;" } do
      world = mock.world()
      shown(unit:rep(math.floor(1000000 / #unit)), { access_token = token })
    end
    assert.is_true(os.clock() - start < 5)
  end)

  it("take little time, whatever the answer is like #novalgrind", function()
    local start = os.clock()
    for _, unit in ipairs {
      TOKEN:sub(1, -2), "\\", '"', "'", "token:", "token:\"", "token\\", "\\u00", "Bearer ", "://",
    } do
      world = mock.world()
      shown(unit:rep(math.floor(1000000 / #unit)))
    end
    assert.is_true(os.clock() - start < 5)
  end)
end)
