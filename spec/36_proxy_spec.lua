local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

-- The user name of a proxy's address is the world's name; this is its password.
local PASSWORD = "password@"

describe("a proxy", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local function check_no_token(record)
    assert.is_nil(record.headers.authorization)
    assert.is_nil(record.head:find(mock.token, 1, true))
  end

  it("is told where to connect, and nothing that is for the service", function()
    assert(caller.delete(world, "ok", nil, { proxy = world:proxy() }))
    local seen = world:proxy_requests()
    assert.equal(1, #seen)
    assert.equal("CONNECT", seen[1].method)
    assert.equal(mock.https:match("//(.*)$"), seen[1].path)
    check_no_token(seen[1])
    local requests = world:requests()
    assert.equal(1, #requests)
    assert.equal("Bearer " .. mock.token, requests[1].headers.authorization)
    assert.is_nil(requests[1].headers["proxy-authorization"])
    assert.is_nil(requests[1].headers["proxy-connection"])
  end)

  it("is used again with its tunnel", function()
    world.origin = mock.spare()
    for _ = 1, 3 do
      assert(caller.delete(world, "ok", nil, { proxy = world:proxy() }))
    end
    assert.equal(1, #world:proxy_requests())
    assert.equal(3, world:count())
  end)

  it("and no proxy have no connections in common", function()
    world.origin = mock.spare()
    assert(caller.delete(world, "ok"))
    assert(caller.delete(world, "ok", nil, { proxy = world:proxy() }))
    assert(caller.delete(world, "ok", nil, { proxy = "" }))
    assert.equal(1, #world:proxy_requests())
    local requests = world:requests()
    assert.equal(3, #requests)
    assert.not_equal(requests[1].connection, requests[2].connection)
    assert.equal(requests[1].connection, requests[3].connection)
  end)

  it("on the loopback may pass on plain http", function()
    assert(caller.delete(world, "ok", nil,
      { base_url = world:base_url("ok", mock.http), proxy = world:proxy() }))
    assert.equal(1, #world:proxy_requests())
    assert.equal(1, world:count())
  end)

  for _, listener in ipairs { "proxy_403", "proxy_407", "proxy_close" } do
    it("that does not connect, " .. listener .. ", leaves the call unsent", function()
      local result, err = caller.delete(world, "ok", nil, { proxy = world:proxy(listener) })
      assert.is_nil(result)
      caller.check_error(err, {
        kind = "network", outcome = "not_sent", retryable = true, reason = caller.NONE,
        response = caller.NONE,
      })
      caller.check_error(err, {}, PASSWORD)
      assert.truthy(err.message:find("(the proxy " .. mock[listener]:match("//(.*)") .. " of the"
        .. " option proxy)", 1, true), err.message)
      local seen = world:proxy_requests()
      assert.equal(1, #seen)
      check_no_token(seen[1])
      assert.equal(0, world:count())
    end)
  end

  it("that nobody runs leaves the call unsent", function()
    local result, err = caller.delete(world, "ok", nil, { proxy = world:proxy("refused") })
    assert.is_nil(result)
    caller.check_error(err, { kind = "network", outcome = "not_sent", retryable = true })
    caller.check_error(err, {}, PASSWORD)
    assert.equal(0, world:count())
  end)

  it("does not hide whom it connects to", function()
    local result, err = caller.delete(world, "ok", nil,
      { base_url = world:base_url("ok", mock.untrusted), proxy = world:proxy() })
    assert.is_nil(result)
    caller.check_error(err, { kind = "network", name = "TLS_UNTRUSTED", outcome = "not_sent" })
    assert.equal(1, #world:proxy_requests())
    assert.equal(0, world:count())
  end)

  it("does not repeat what was lost behind it", function()
    local result, err = caller.delete(world, "close", nil, { proxy = world:proxy() })
    assert.is_nil(result)
    caller.check_error(err, { kind = "network", outcome = "unknown" })
    assert.equal(1, world:count())
  end)

  describe("of the environment", function()
    -- What a process with these variables prints of its call.
    local function child(environment, origin, more)
      return caller.child(environment, ([[
        local result, err = require("ninedig.safe").delete_inbox(
          { access_token = %q, accountID = 1, inboxID = 10 },
          { base_url = %q, ca_file = %q, timeout = 20 %s })
        io.write(result and result.status or tostring(err))
      ]]):format(mock.token, world:base_url("ok", origin), mock.ca_file, more or ""))
    end

    it("is named where it fails, with its variable, and without its password", function()
      for _, name in ipairs { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" } do
        local said = child({ [name] = world:proxy("refused") })
        local expected = ("the proxy %s of %s)"):format(mock.refused:match("//(.*)"), name)
        assert.truthy(said:find(expected, 1, true), said)
        assert.is_nil(said:find("password", 1, true), said)
      end
      assert.equal(0, world:count())
    end)

    it("is named with libcurl's words where it has no password", function()
      local said = child({ https_proxy = mock.refused })
      local expected = ("(the proxy %s of https_proxy: "):format(mock.refused:match("//(.*)"))
      assert.truthy(said:find(expected, 1, true), said)
      assert.equal(0, world:count())
    end)

    it("is not shown where it cannot be read", function()
      for _, proxy in ipairs {
        "http://user:password@:x", "http:/user:password@host:1:2", "user:password@ho st",
        "nonsense://user:password@127.0.0.1:1", "http://user:pass#word@127.0.0.1:1/password",
        "http://user:password", "user:password/127.0.0.1:1", "user:password 127.0.0.1",
        "http://user:password%40127.0.0.1:1", "http://user%3Apassword%40127.0.0.1:1",
      } do
        local said = child({ https_proxy = proxy, timeout = "2" })
        assert.matches("not sent", said)
        assert.is_nil(said:find("password", 1, true), said)
        assert.is_nil(said:find("pass#word", 1, true), said)
        assert.truthy(said:find("of https_proxy", 1, true), said)
      end
      assert.equal(0, world:count())
    end)

    it("is not shown where its password is written as no URL has it", function()
      for _, proxy in ipairs {
        "http://127.9:1234/word@127.0.0.1:9", "127.9:1234/word@127.0.0.1:9",
        "http://127.9:1234?word@127.0.0.1:9", "http://127.9:1234#word@127.0.0.1:9",
        "socks5h://127.9:1234/word@127.0.0.1:9", "http://127.9:1234/word%40127.0.0.1:9",
        "http://127.9:1234/w@ord@127.0.0.1:9/", "http://127.9:1234/word@127.0.0.1/..",
      } do
        local said = child({ https_proxy = proxy })
        assert.matches("not sent", said)
        for _, part in ipairs { "1234", "127.9", "127.0.0.9", "word" } do
          assert.is_nil(said:find(part, 1, true), proxy .. ": " .. said)
        end
        assert.truthy(said:find("the proxy of https_proxy", 1, true), said)
      end
      assert.equal(0, world:count())
    end)

    for _, name in ipairs { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" } do
      it("is used: " .. name, function()
        assert.equal("OK", child({ [name] = world:proxy() }))
        assert.equal(1, #world:proxy_requests())
        check_no_token(world:proxy_requests()[1])
        assert.equal(1, world:count())
      end)
    end

    it("is not used where the proxy is \"\"", function()
      assert.equal("OK", child({ https_proxy = world:proxy() }, nil, ", proxy = \"\""))
      assert.equal(0, #world:proxy_requests())
      assert.equal(1, world:count())
    end)

    it("gives way to the option", function()
      assert.equal("OK", child({ https_proxy = world:proxy("proxy_403") }, nil,
        (", proxy = %q"):format(world:proxy())))
      assert.equal(1, #world:proxy_requests())
      assert.equal("proxy", world:proxy_requests()[1].listener)
      assert.equal(1, world:count())
    end)

    it("is not used for what no_proxy names", function()
      assert.equal("OK", child({ https_proxy = world:proxy(), no_proxy = "127.0.0.1" }))
      assert.equal(0, #world:proxy_requests())
      assert.equal(1, world:count())
    end)

    it("is never shown a token in plain http", function()
      for _, name in ipairs { "http_proxy", "all_proxy", "ALL_PROXY" } do
        world = mock.world()
        assert.equal("OK", child({ [name] = world:proxy() }, mock.http))
        assert.equal(0, #world:proxy_requests())
        assert.equal(1, world:count())
      end
    end)
  end)
end)
