local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local NONE = caller.NONE
local SHORT = caller.short

-- What libcurl ends with, where no connection could be made.
local CONNECT_FAILED, TIMED_OUT = 7, 28

describe("a fault of the wire", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local function fails(scenario, options, expected)
    local result, err = caller.delete(world, scenario, nil, options)
    assert.is_nil(result)
    expected.call, expected.accountID, expected.inboxID = "delete_inbox", 1, 10
    expected.retryable = expected.outcome == "not_sent"
    caller.check_error(err, expected)
    return err
  end

  -- Over TLS and over plain http, each on a connection of its own.
  local function for_each_origin(action)
    for _, origin in ipairs { mock.https, mock.http } do
      world = mock.world()
      action(function(scenario, more)
        local options = { base_url = world:base_url(scenario, origin), max_idle = 0 }
        for key, value in pairs(more or {}) do
          options[key] = value
        end
        return options
      end)
    end
  end

  describe("before the request is sent:", function()
    it("nobody listens", function()
      fails("ok", { base_url = world:base_url("ok", mock.refused) }, {
        kind = "network", name = "CONNECT_FAILED", outcome = "not_sent",
        curl_code = CONNECT_FAILED, http_status = NONE, response = NONE,
      })
      assert.equal(0, world:count())
    end)

    it("the port cannot be connected to", function()
      local _, err = caller.delete(world, "ok", nil, { base_url = "http://127.0.0.1:0/api" })
      -- Below 7.88 libcurl's reader of URLs takes 0 for no port.
      caller.check_error(err, {
        kind = err.kind == "argument" and "argument" or "network", outcome = "not_sent",
        http_status = NONE, response = NONE,
      })
      assert.equal(0, world:count())
    end)

    it("the connection is closed in the handshake", function()
      fails("ok", { base_url = world:base_url("ok", (mock.closed:gsub("^http:", "https:"))) }, {
        kind = "network", name = "TLS_FAILED", outcome = "not_sent", http_status = NONE,
      })
      assert.equal(0, world:count())
    end)

    it("the handshake stalls for longer than connect_timeout", function()
      local start = os.time()
      fails("ok", {
        base_url = world:base_url("ok", mock.stalled), connect_timeout = SHORT, timeout = 20,
      }, {
        kind = "network", name = "TIMEOUT", outcome = "not_sent", curl_code = TIMED_OUT,
        http_status = NONE,
      })
      assert.is_true(os.time() - start <= 5)
      assert.equal(0, world:count())
    end)

    it("the handshake stalls for longer than timeout", function()
      fails("ok", { base_url = world:base_url("ok", mock.stalled), timeout = SHORT }, {
        kind = "network", name = "TIMEOUT", outcome = "not_sent", curl_code = TIMED_OUT,
      })
      assert.equal(0, world:count())
    end)
  end)

  describe("after the request was sent:", function()
    local cases = {
      { "close", "CONNECTION_LOST" },
      { "bare+close", "CONNECTION_LOST" },
      { "reset", "CONNECTION_LOST" },
      { "garbage", "ANSWER_UNREADABLE" },
      { "half_status_line", "CONNECTION_LOST" },
      { "cut-0", "CONNECTION_LOST" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        for_each_origin(function(options)
          fails("", options(case[1]), {
            kind = "network", name = case[2], outcome = "unknown", http_status = NONE,
            curl_code = NONE, reason = NONE, response = NONE,
          })
          assert.equal(1, world:count())
        end)
      end)
    end

    it("close before the body is read", function()
      for_each_origin(function(options)
        fails("", options("close_early"), { kind = "network", outcome = "unknown" })
        assert.equal(1, world:count())
      end)
    end)

    for _, case in ipairs { { "never" }, { "stall_headers", 200 }, { "stall_body", 200 } } do
      it(case[1] .. ", until the time is over", function()
        fails("", caller.plain(world, case[1], { timeout = SHORT }), {
          kind = "network", name = "TIMEOUT", outcome = "unknown", curl_code = NONE,
          http_status = case[2] or NONE, reason = NONE,
        })
        assert.equal(1, world:count())
      end)
    end

    it("a body that drips for longer than the time allows", function()
      local start = os.time()
      fails("", caller.plain(world, "drip-100", { timeout = SHORT }), {
        kind = "network", name = "TIMEOUT", outcome = "unknown", http_status = 200,
      })
      assert.is_true(os.time() - start <= 5)
      assert.equal(1, world:count())
    end)

    it("a late answer", function()
      fails("", caller.plain(world, ("delay-%d"):format(SHORT * 8000), { timeout = SHORT }), {
        kind = "network", name = "TIMEOUT", outcome = "unknown", http_status = NONE,
      })
      assert.equal(1, world:count())
    end)

    it("a client certificate is wanted, which TLS 1.3 says after the handshake", function()
      local _, err = caller.delete(world, "ok", nil,
        { base_url = world:base_url("ok", mock.client_cert) })
      -- It depends on whether that has come by the time of the send.
      local known = err.outcome == "not_sent"
      caller.check_error(err, {
        kind = "network", outcome = known and "not_sent" or "unknown", retryable = known,
      })
      assert.equal(0, world:count())
    end)

    it("400 kB of header", function()
      for_each_origin(function(options)
        fails("", options("many_headers"), {
          kind = "network", outcome = "unknown", http_status = 200, response = NONE,
        })
        assert.equal(1, world:count())
      end)
    end)

    it("one header of 400 kB", function()
      fails("", caller.plain(world, "big_headers"), { kind = "network", outcome = "unknown" })
      assert.equal(1, world:count())
    end)

    it("trailers without end", function()
      local chunked = "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
      world:script { raw = chunked .. ("A: b\r\n"):rep(200000), close = false }
      fails("", caller.plain(world, "raw"), {
        kind = "network", name = "ANSWER_UNREADABLE", outcome = "unknown", http_status = 404,
      })
      assert.equal(1, world:count())
    end)

    it("chunks without end", function()
      local chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      local chunk = ("1;%s\r\nx\r\n"):format(("x"):rep(80))
      world:script { raw = chunked .. chunk:rep(66000), close = false }
      fails("", caller.plain(world, "raw"), {
        kind = "protocol", name = "ANSWER_TOO_LARGE", outcome = "unknown", http_status = 200,
      })
      assert.equal(1, world:count())
    end)

    it("a failure with a header that looks like another status", function()
      for _, header in ipairs { "HTTP/x: 404 y", "HTTP/x: 200 y" } do
        world = mock.world():script {
          raw = "HTTP/1.1 500 No\r\n" .. header .. "\r\nContent-Length: " .. #caller.success
            .. "\r\n\r\n" .. caller.success,
        }
        fails("", caller.plain(world, "raw"), {
          kind = "http", outcome = "unknown", http_status = 500,
        })
        assert.equal(1, world:count())
      end
    end)
  end)

  describe("an answer cut", function()
    local function lengths(scenario)
      assert(caller.delete(world, scenario))
      local record = world:requests()[1]
      world = mock.world()
      return record.answer_length, record.answer_head_length
    end

    -- Cuts the answer after each number of bytes in turn.
    local function cut_everywhere(modifiers, fault, last, status)
      local first_line = #"HTTP/1.1 200 OK\r\n"
      for length = 0, last do
        world = mock.world()
        local result, err = caller.delete(world, "", nil,
          caller.plain(world, ("%s%s-%d"):format(modifiers, fault, length)))
        assert.is_nil(result, "cut at " .. length)
        caller.check_error(err, {
          kind = "network", outcome = "unknown", retryable = false, reason = NONE,
          http_status = length >= first_line and status or NONE,
        })
        assert.equal(1, world:count())
      end
    end

    it("at each byte leaves the outcome unknown", function()
      local whole = lengths("ok")
      cut_everywhere("", "cut", whole - 1, 200)
      assert(caller.delete(world, "", nil, caller.plain(world, "cut-" .. whole)))
    end)

    it("at each byte of a refusal too", function()
      local whole = lengths("ok") - #caller.success + #'{"status":"FAIL","reason":47}'
      cut_everywhere("reason-47+", "cut", whole - 2, 200)
      local _, err = caller.delete(world, "", nil, caller.plain(world, "reason-47+cut-" .. whole))
      caller.check_error(err, { kind = "api", reason = 47, outcome = "rejected" })
    end)

    it("in chunks at each byte of them", function()
      local _, head = lengths("ok")
      head = head - #("Content-Length: 104\r\n") + #"Transfer-Encoding: chunked\r\n"
      local chunks = math.ceil(#caller.success / 16)
      local whole = head + #caller.success + chunks * #"10\r\n\r\n" + #"0\r\n\r\n"
      -- The last chunk may be one digit shorter.
      cut_everywhere("", "cut_chunked", whole - 8, 200)
    end)

    it("inside of it over TLS", function()
      local whole, head = lengths("ok")
      for _, ending in ipairs { "", "bare+", "reset+" } do
        for _, length in ipairs { 0, 5, 17, 40, head - 1, head, head + 1, whole - 1 } do
          world = mock.world()
          fails(("%scut-%d"):format(ending, length), { max_idle = 0 }, {
            kind = "network", outcome = "unknown",
          })
          assert.equal(1, world:count())
        end
      end
    end)

    -- Anybody on the way can end a connection; a close_notify is the service's own word.
    for _, status in ipairs { 200, 404 } do
      it(("by an end of TLS that nobody announced, under %d"):format(status), function()
        fails(("bare+status-%d+until_close"):format(status), { max_idle = 0 }, {
          kind = "network", name = "ANSWER_CUT", outcome = "unknown", http_status = status,
        })
        assert.equal(1, world:count())
      end)
    end

    it("by no end of TLS that was announced", function()
      world:script { status = 404, body = "no" }
      local _, err = caller.delete(world, "body+until_close", nil, { max_idle = 0 })
      caller.check_error(err, { kind = "http", outcome = "rejected", http_status = 404 })
      assert.equal(1, world:count())
    end)

    for _, status in ipairs { 400, 404, 429, 503 } do
      it("is no rejection under " .. status, function()
        -- In the headers, and in the body.
        for _, length in ipairs { 40, 130 } do
          world = mock.world()
          fails("", caller.plain(world, ("status-%d+cut-%d"):format(status, length)), {
            kind = "network", outcome = "unknown", http_status = status,
          })
          assert.equal(1, world:count())
        end
      end)
    end

    it("in its body says so", function()
      local _, head = lengths("ok")
      fails("", caller.plain(world, "cut-" .. head + 10), {
        kind = "network", name = "ANSWER_CUT", outcome = "unknown", curl_code = NONE,
        http_status = 200, response = caller.success:sub(1, 10),
      })
      assert.equal(1, world:count())
    end)

    it("where nothing tells its length is no success", function()
      world:script { raw = "HTTP/1.1 200 OK\r\n\r\n" .. caller.success:sub(1, -2) }
      local _, err = caller.delete(world, "", nil, caller.plain(world, "raw"))
      caller.check_error(err, { kind = "protocol", outcome = "unknown", http_status = 200 })
      assert.equal(1, world:count())
    end)
  end)

  describe("is none:", function()
    for _, scenario in ipairs {
      "chunked", "trailer", "http10", "until_close", "early_hints", "drip-0", "drip-1",
      "delay-30", "close_idle",
    } do
      it(scenario, function()
        for_each_origin(function(options)
          local result = assert(caller.delete(world, "", nil, options(scenario)))
          assert.equal("972501234567", result.whatsapp_number)
          assert.equal(1, world:count())
        end)
      end)
    end

    it("gzip that nobody asked for is not understood", function()
      local _, err = caller.delete(world, "gzip")
      caller.check_error(err, { kind = "protocol", outcome = "unknown", http_status = 200 })
      assert.equal(1, world:count())
    end)
  end)
end)
