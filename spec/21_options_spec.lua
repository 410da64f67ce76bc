local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local NONE = caller.NONE
local SHORT = caller.short

local function show(value)
  return type(value) == "string" and ("%q"):format(value):sub(1, 50) or tostring(value)
end

-- Debian's libcurl that uses GnuTLS.
local function has_gnutls()
  local maps = io.open("/proc/self/maps")
  local text = maps:read("*a")
  maps:close()
  return text:find("libcurl-gnutls", 1, true) ~= nil
end

describe("options", function()
  before_each(leaks.before)
  after_each(leaks.after)

  -- Neither a client nor a call can be had with these; no connection is opened.
  local function refused(options, name, key)
    local result, err
    local connections = caller.connections(function()
      local client, client_err = caller.safe.client(options)
      assert.is_nil(client)
      result, err = caller.safe.delete_inbox(caller.params(), options)
      assert.equal(client_err.message, err.message)
      assert.has_error(function()
        caller.ninedig.client(options)
      end)
    end)
    assert.is_nil(result)
    assert.equal(0, connections, "a connection was opened")
    caller.check_error(err, {
      kind = "argument", name = name, outcome = "not_sent", retryable = false, reason = NONE,
      http_status = NONE, curl_code = NONE, response = NONE,
    })
    if key then
      assert.is_truthy(err.message:find(key, 1, true), "the message names no " .. key)
    end
    return err
  end

  local function with(key, value)
    return { base_url = mock.closed .. "/api", [key] = value }
  end

  -- By key: values of the wrong type, and wrong values.
  local BAD = {
    base_url = {
      { 1, true, {}, print },
      {
        "", " ", "x", "partners.99digital.co.il", "partners.99digital.co.il/api", "//host/api",
        "http://partners.99digital.co.il/api", "HTTP://example.com", "http://10.0.0.1/api",
        "http://127.0.0.1.example.com/", "http://localhost.example.com/", "http://128.0.0.1/",
        "http://0.0.0.0/", "http://[::2]/", "http://127.0.0.1@example.com/", "ftp://127.0.0.1/",
        "file:///etc/passwd", "ws://127.0.0.1/", "gopher://127.0.0.1/", "https://",
        "https:///api", "http:///127.0.0.1",
        "https://user@127.0.0.1/", "https://user:password@127.0.0.1/",
        "https://127.0.0.1/?a=1", "https://127.0.0.1/#a", "https://127.0.0.1?", "https://a b/",
        "https://127.0.0.1/a b", "https://127.0.0.1/\r\nX: 1", "https://127.0.0.1/\n",
        "https://127.0.0.1\0.example.com/", "https://127.0.0.1:99999/", "https://127.0.0.1:x/",
        "https://127.0.0.1\\@example.com/", "https://caf\195\169/", "javascript:1",
        "https://127.0.0.1/" .. ("a"):rep(100000),
      },
    },
    timeout = {
      { "30", true, {}, print }, { 0, -1, -0.5, 86400.1, 86401, 1e300, 1 / 0, -1 / 0, 0 / 0 },
    },
    connect_timeout = { { "10", true, {}, print }, { 0, -1, 86401, 1 / 0, 0 / 0 } },
    max_idle = { { "4", true, {}, print }, { -1, -0.001, 3600.5, 3601, 1 / 0, 0 / 0 } },
    max_response_bytes = {
      { "1024", true, {}, print },
      { 0, -1, 1023, 1023.5, 1024.5, 2^30 + 1, 2^31, 2^53, 2^64, 1 / 0, 0 / 0 },
    },
    max_in_flight = {
      { "64", true, {}, print }, { 0, -1, 1025, 1.5, 2^32 + 1, 1 / 0, 0 / 0 },
    },
    user_agent = {
      { 1, true, {}, print },
      { "", "a\r\nX-Evil: 1", "a\n", "a\0", "\0", "caf\195\169", "\127", ("a"):rep(100000) },
    },
    proxy = {
      { 1, true, {}, print },
      {
        "ftp://127.0.0.1", "file:///x", "http://", "a b", "http://127.0.0.1\r\n", "\0",
        "http://a\0b",
      },
    },
    access_token = {
      { 1, true, {}, print }, { "", "a b", "a\n", "a\r", "a\0", "caf\195\169", ("a"):rep(8193) },
    },
    ca_file = { { 1, true, {}, print }, { "a\0b" } },
    sleep = { { 1, true, {}, "sleep" }, {} },
  }

  for key, bad in pairs(BAD) do
    describe(key, function()
      for _, value in ipairs(bad[1]) do
        it("refuses a " .. type(value), function()
          refused(with(key, value), "WRONG_TYPE", key)
        end)
      end
      for _, value in ipairs(bad[2]) do
        it("refuses " .. show(value), function()
          refused(with(key, value), "BAD_VALUE", key)
        end)
      end
    end)
  end

  describe("at their limits:", function()
    for key, values in pairs {
      timeout = { 0.001, 1, 0.5, 86400 }, connect_timeout = { 0.001, 86400 },
      max_idle = { 0, 0.5, 4, 3600 }, max_response_bytes = { 1024, 1024.0, 2^30 },
      max_in_flight = { 1, 64, 1024, 2.0 }, user_agent = { "a", "my app/1.0 (x; y)" },
      proxy = {
        "", "http://127.0.0.1:1", "https://127.0.0.1:1", "socks5h://127.0.0.1:1",
        "http://user:password@127.0.0.1:1/",
      },
      access_token = { "x", ("x"):rep(8192) }, sleep = { print, function() end },
      base_url = {
        "https://127.0.0.1", "https://127.0.0.1/", "HTTPS://127.0.0.1/api",
        "https://127.0.0.1:8443/a/b", "http://127.0.0.1", "http://127.255.255.254:8080/api",
        "http://localhost", "http://[::1]/api", "http://[::1]:8080", "https://[::1]",
      },
    } do
      for _, value in ipairs(values) do
        it(key .. " = " .. show(value), function()
          local client, err = caller.safe.client(with(key, value))
          assert.is_nil(err)
          client:close()
        end)
      end
    end

    it("https to any host", function()
      -- The guard lets no such client through, but only once it has been made.
      for _, url in ipairs { "https://partners.99digital.co.il/api", "https://example.com" } do
        assert.error_matches(function()
          caller.safe.client { base_url = url }
        end, "the suite refuses")
      end
      assert.error_matches(function()
        caller.ninedig.client()
      end, "the suite refuses")
    end)
  end)

  it("are a table", function()
    for _, options in ipairs { true, 1, "x", print } do
      refused(options, "WRONG_TYPE", type(options))
    end
  end)

  describe("with other keys", function()
    for written, nearest in pairs {
      timeOut = "timeout", timeouts = "timeout", connectTimeout = "connect_timeout",
      url = false, baseUrl = "base_url", base_uri = "base_url", cafile = "ca_file",
      max_response_byte = "max_response_bytes", userAgent = "user_agent",
      accessToken = "access_token",
      verify = false, verify_peer = false, insecure = false, ssl_verify = false,
    } do
      it("names the nearest of " .. written, function()
        local err = refused(with(written, true), "UNKNOWN_KEY", written)
        if nearest then
          assert.is_truthy(err.message:find('"' .. nearest .. '"', 1, true), err.message)
        end
      end)
    end

    it("refuses keys that are not names", function()
      for _, key in ipairs { 1, true, print } do
        refused(with(key, 1), "UNKNOWN_KEY", type(key))
      end
    end)
  end)

  describe("ca_file", function()
    local files = 0

    -- Of another name each time: libcurl may remember what it has read.
    local function file_with(text)
      files = files + 1
      local path = mock.dir .. "/not-a-ca-" .. files
      local file = assert(io.open(path, "wb"))
      file:write(text)
      file:close()
      return path
    end

    local function refused_path(path)
      local err = refused({ base_url = mock.closed_tls .. "/api", ca_file = path },
        "CA_FILE_UNREADABLE")
      assert.is_truthy(err.message:find(path, 1, true), err.message)
    end

    it("must be there", function()
      refused_path(mock.dir .. "/nowhere.pem")
      refused_path("")
    end)

    it("must not be a directory, or a device that never ends", function()
      refused_path(mock.dir)
      refused_path("/dev/zero")
    end)

    it("must be PEM", function()
      for _, text in ipairs { "", "not PEM", "\0\1\2", "-----BEGI", ("-"):rep(5000) } do
        refused_path(file_with(text))
      end
    end)

    it("must have a certificate in its PEM", function()
      for _, what in ipairs { "CERTIFICATE", "NONSENSE" } do
        local text = ("-----BEGIN %s-----\nnonsense\n-----END %s-----\n"):format(what, what)
        local world = mock.world()
        local _, err = caller.delete(world, "ok", nil, { ca_file = file_with(text) })
        local expected = {
          kind = "argument", name = "CA_FILE_UNREADABLE", outcome = "not_sent", retryable = false,
          reason = NONE,
        }
        if has_gnutls() and what == "NONSENSE" then -- a file that trusts nobody
          expected.kind, expected.name, expected.retryable = "network", "TLS_UNTRUSTED", true
        end
        caller.check_error(err, expected)
        assert.is_truthy(err.message:lower():find("ca_?file"))
        assert.equal(0, world:count())
      end
    end)

    it("may have text before its PEM", function()
      local world = mock.world()
      local file = assert(io.open(mock.ca_file, "rb"))
      local path = file_with(("# the mock's authority -\n"):rep(1000) .. file:read("*a"))
      file:close()
      assert(caller.delete(world, "ok", nil, { ca_file = path }))
      assert.equal(1, world:count())
    end)
  end)

  it("never show a token or a proxy's password", function()
    for _, options in ipairs {
      { access_token = mock.token .. "\n" }, { access_token = mock.token, timeout = 0 },
      { access_token = mock.token, base_url = "http://example.com" }, { token = mock.token },
    } do
      options.base_url = options.base_url or mock.closed .. "/api"
      refused(options)
    end
    local err = refused(with("proxy", "ftp://user:pa55word@127.0.0.1"))
    assert.is_nil(tostring(err):find("pa55word", 1, true))
  end)

  it("keep plain http from going through another host's proxy", function()
    refused(with("proxy", "http://proxy.example.com:3128"), "BAD_VALUE", "proxy")
  end)

  describe("have an effect:", function()
    local world

    before_each(function()
      world = mock.world()
    end)

    it("user_agent", function()
      assert(caller.delete(world, "ok", nil, { user_agent = "my app/1.0 (x)" }))
      assert.matches("^my app/1%.0 %(x%) ninedig/[%d.]+ ",
        world:requests()[1].headers["user-agent"])
      assert.equal(1, world:count())
    end)

    it("timeout, for the whole call", function()
      local start = os.time()
      local _, err = caller.delete(world, "", nil,
        caller.plain(world, "never", { timeout = SHORT }))
      caller.check_error(err, { kind = "network", name = "TIMEOUT", outcome = "unknown" })
      assert.is_true(os.time() - start <= 5)
      assert.equal(1, world:count())
    end)

    it("timeout, that a late answer meets", function()
      assert(caller.delete(world, "", nil, caller.plain(world, "delay-50", { timeout = 20 })))
      assert.equal(1, world:count())
    end)

    it("connect_timeout, for the connection alone", function()
      assert(caller.delete(world, "", nil, caller.plain(world,
        ("delay-%d"):format(SHORT * 1500), { connect_timeout = SHORT })))
      assert.equal(1, world:count())
      local _, err = caller.delete(world, "", nil,
        { base_url = world:base_url("ok", mock.stalled), connect_timeout = SHORT })
      caller.check_error(err, { kind = "network", name = "TIMEOUT", outcome = "not_sent" })
      assert.equal(1, world:count())
    end)

    it("max_response_bytes, at its last byte", function()
      for _, chunked in ipairs { "", "+chunked" } do
        for _, extra in ipairs { 0, 1 } do
          world = mock.world()
          world:script { body = caller.success .. (" "):rep(2048 + extra - #caller.success) }
          local result, err = caller.delete(world, "body" .. chunked, nil,
            { max_response_bytes = 2048 })
          if extra == 0 then
            assert.equal("OK", result.status)
          else
            assert.is_nil(result)
            caller.check_error(err, {
              kind = "protocol", name = "ANSWER_TOO_LARGE", outcome = "unknown", reason = NONE,
              http_status = 200, retryable = false,
            })
          end
          assert.equal(1, world:count())
        end
      end
    end)

    for _, scenario in ipairs { "big", "big_chunked", "reason-47+big", "status-404+big" } do
      it("max_response_bytes, against 64 MB: " .. scenario, function()
        local _, err = caller.delete(world, scenario)
        caller.check_error(err, {
          kind = "protocol", name = "ANSWER_TOO_LARGE", outcome = "unknown", reason = NONE,
          retryable = false, http_status = scenario:find("404") and 404 or 200,
        })
        assert.equal(1, world:count())
      end)
    end

    it("max_response_bytes, and what is more than 64 KiB of an answer that is no list", function()
      local _, err = caller.delete(world, "big-2", nil, { max_response_bytes = 4 * 2^20 })
      caller.check_error(err, { name = "ANSWER_TOO_LARGE", outcome = "unknown" })
      assert.equal(1, world:count())
    end)
  end)
end)
