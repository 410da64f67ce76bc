if os.getenv("NINEDIG_LUA_VERSION") ~= "5.4" then
  return pending("the mock: the same for each Lua, the run on 5.4 tests it", function() end)
end

local cjson = require("cjson").new()
local mock = require("spec.support.mock")

local BODY = '{"accountID":1,"server":"online","inboxID":10}'
local SUCCESS = '{"status":"OK","reason":1,"accountID":1,"server":"online","inboxID":10,'
  .. '"whatsapp_number":"972501234567"}'
local DELETE_PATH = "/online/deleteInbox"

-- What curl ends with.
local REFUSED, UNTRUSTED, TLS_FAILED = 7, 60, 35
local PARTIAL, TIMED_OUT, EMPTY, RECEIVE_FAILED, BAD_ENCODING = 18, 28, 52, 56, 61

-- This process's interpreter, for the shell.
local LUA = "${NINEDIG_LUA:-$(readlink /proc/$PPID/exe)}"

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function run(command)
  local pipe = assert(io.popen(command .. "; printf '\\n%d' $?", "r"))
  local output = pipe:read("*a")
  pipe:close()
  local text, status = output:match("^(.*)\n(%d+)$")
  return text, tonumber(status)
end

local function curl(arguments)
  return run(("curl -q -sS -m 10 --noproxy '*' --cacert %s %s 2>/dev/null")
    :format(quote(mock.ca_file), arguments))
end

local function request(url, method, body, token, more)
  return ("-X %s -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' %s '%s' %s")
    :format(method, token or mock.token, body and ("-d '" .. body .. "'") or "", url, more or "")
end

local function delete(world, scenario, origin, more)
  return curl(request(world:base_url(scenario, origin) .. DELETE_PATH, "DELETE", BODY, nil, more))
end

-- The bytes that come on a plain connection until it ends.
local function wire(world, scenario)
  local port = mock.http:match("%d+$")
  return (run(([[bash -c 'exec 3<>/dev/tcp/127.0.0.1/%s; ]]
    .. [[printf "DELETE /%s/%s/api%s HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}" >&3; ]]
    .. [[cat <&3' 2>/dev/null]]):format(port, world.name, scenario, DELETE_PATH)))
end

local function exists(path)
  local file = io.open(path, "r")
  return file ~= nil and file:close() and true
end

-- Polls until `condition` holds.
local function eventually(condition, seconds)
  for _ = 1, (seconds or 3) * 100 do
    if condition() then
      return true
    end
    os.execute("sleep 0.01")
  end
  return false
end

describe("the mock", function()
  local world

  setup(function()
    mock.start()
  end)

  before_each(function()
    world = mock.world()
  end)

  describe("as a server", function()
    it("has an origin for each listener, a CA and a place for its state", function()
      for _, name in ipairs {
        "https", "http", "brief", "untrusted", "wrong_host", "tls11", "http2", "client_cert",
        "stalled", "closed", "closed_tls", "proxy", "proxy_403", "proxy_407", "proxy_close",
      } do
        assert.matches("^https?://127%.0%.0%.1:%d+$", mock[name])
      end
      assert.matches("^http://127%.0%.0%.2:%d+$", mock.refused)
      assert.is_true(exists(mock.ca_file))
      assert.is_true(exists(mock.state_file))
    end)

    it("records a request as it came", function()
      assert.equal(SUCCESS, (delete(world, "ok", nil, "-H 'X-Two: a' -H 'X-Two: b'")))
      local requests = world:requests()
      assert.equal(1, #requests)
      local record = requests[1]
      assert.equal("DELETE", record.method)
      assert.equal("/" .. world.name .. "/ok/api/online/deleteInbox", record.path)
      assert.equal("Bearer " .. mock.token, record.headers.authorization)
      assert.same({ "a", "b" }, record.headers["x-two"])
      assert.matches("\r\nX%-Two: a\r\nX%-Two: b\r\n", record.head)
      assert.equal(BODY, record.body)
      assert.equal("1.1", record.http)
      assert.equal("TLSv1.3", record.tls)
      assert.equal("https", record.listener)
      assert.equal(mock.https:match("%d+$"), tostring(record.port))
      assert.equal(1, record.connection_requests)
      assert.is_true(math.abs(record.time - os.time()) < 60)
    end)

    it("keeps worlds apart, and strays in one of their own", function()
      local stray = mock.world("_stray")
      local before = stray:count()
      delete(world, "ok")
      curl(mock.http .. "/nowhere")
      assert.equal(0, mock.world():count())
      assert.equal(1, world:count())
      assert.equal(1, world:count("/deleteInbox"))
      assert.equal(0, world:count("/getInboxes"))
      assert.equal(before + 1, stray:count())
    end)

    it("records a body of any bytes, and a token of 8192 characters", function()
      local body = "\0\1\255\254{\"\\/\n\r"
      local path = mock.dir .. "/bytes"
      local file = assert(io.open(path, "wb"))
      file:write(body)
      file:close()
      curl(("--data-binary @%s -H 'Authorization: Bearer %s' %s/x")
        :format(quote(path), ("t"):rep(8192), world:base_url("ok")))
      os.remove(path)
      assert.equal(body, world:requests()[1].body)
      assert.equal(7 + 8192, #world:requests()[1].headers.authorization)
    end)

    it("keeps connections", function()
      local url = world:base_url("ok", mock.http) .. DELETE_PATH
      curl(url .. " " .. url)
      local requests = world:requests()
      assert.equal(2, requests[2].connection_requests)
      assert.equal(requests[1].connection, requests[2].connection)
    end)

    it("waits for requests", function()
      assert.is_false(world:wait_for(1, 0.05))
      os.execute(("curl -s -m 10 --noproxy '*' '%s/x' >/dev/null 2>&1 &")
        :format(world:base_url("delay-100", mock.http)))
      assert.is_true(world:wait_for(1, 5))
    end)

    it("says so when a scenario is unknown", function()
      local answer = delete(world, "nonsense", mock.http)
      assert.equal("mock: unknown scenario: nonsense\n", answer)
    end)

    it("says so when a scenario would do nothing without the service", function()
      for _, scenario in ipairs {
        "busy-1", "lazy_delete-3000", "locked_out-1-3", "clock-60", "token_life-1", "lost_after",
        "gateway_after-504", "reads_fail-500-getInboxes", "reads_as-206",
      } do
        assert.equal(("mock: %s goes with live: live+%s\n"):format(scenario, scenario),
          (delete(world, scenario, mock.http)))
        local answer = delete(world, "live+" .. scenario, mock.http)
        assert.is_nil(answer:find("mock:", 1, true), scenario)
      end
      assert.equal(9, world:count())
      assert.equal("mock: busy-1 goes with live: live+delay-1+busy-1\n",
        (delete(world, "delay-1+busy-1", mock.http)))
    end)

    it("shows other users its certificate, and nothing else", function()
      delete(world, "live")
      assert.equal("711\n", (run("stat -c %a " .. quote(mock.dir))))
      assert.equal("644\n", (run("stat -c %a " .. quote(mock.ca_file))))
      assert.equal("ca.pem\n",
        (run("cd " .. quote(mock.dir) .. " && find * -maxdepth 0 -perm /077")))
    end)

    it("answers bench without a record", function()
      assert.equal(SUCCESS, (delete(world, "bench")))
      assert.equal(SUCCESS, (delete(world, "bench-5")))
      assert.equal(0, world:count())
    end)

    it("can be attached to, and is left running then", function()
      local path, code = run(("NINEDIG_MOCK=%s %s -e '%s'"):format(quote(mock.state_file), LUA,
        "local mock = require(\"spec.support.mock\").start() io.write(mock.dir) mock.stop()"))
      assert.equal(0, code)
      assert.equal(mock.dir, path)
      assert.equal(SUCCESS, (delete(world, "ok")))
    end)
  end)

  describe("ends", function()
    local CHILD = [[
      local mock = require("spec.support.mock").start()
      print(io.open("/proc/self/stat"):read("*n"), mock.dir)
      print(io.open(mock.dir .. "/nginx.pid"):read("*n"))
      io.stdout:flush()
    ]]

    local function start_child(last_words)
      local pipe = assert(io.popen(("NINEDIG_MOCK= exec %s -e '%s'")
        :format(LUA, CHILD .. last_words)))
      local pid, dir = pipe:read("*l"):match("^(%d+)%S*%s+(.+)$")
      local server = pipe:read("*l"):match("^%d+")
      return pipe, pid, dir, server
    end

    -- A zombie is gone: whoever should reap it may be slow.
    local function is_gone(dir, server)
      local file = io.open("/proc/" .. server .. "/stat")
      local stat = file and file:read("*a")
      if file then
        file:close()
      end
      return not exists(dir) and (not stat or stat:find(") Z ", 1, true) ~= nil)
    end

    it("when told to, with its directory", function()
      local pipe, _, dir, server = start_child("mock.stop()")
      pipe:close()
      assert.is_false(exists(dir))
      assert.is_true(eventually(function()
        return is_gone(dir, server)
      end))
    end)

    it("when its process ends", function()
      local pipe, _, dir, server = start_child("")
      pipe:close()
      assert.is_true(eventually(function()
        return is_gone(dir, server)
      end))
    end)

    it("when its process is killed", function()
      local pipe, pid, dir, server = start_child("while true do os.execute(\"sleep 0.05\") end")
      assert.is_true(exists(dir .. "/nginx.conf"))
      os.execute("kill -9 " .. pid)
      assert.is_true(eventually(function()
        return is_gone(dir, server)
      end))
      pipe:close()
    end)
  end)

  describe("listens", function()
    it("with a certificate for localhost and both loopback addresses", function()
      local localhost = mock.https:gsub("127%.0%.0%.1", "localhost")
      assert.equal(SUCCESS, (delete(world, "ok", localhost)))
      if mock.https6 then
        assert.equal(SUCCESS, (delete(world, "ok", mock.https6, "-g")))
      end
    end)

    it("in ways that a client must refuse", function()
      local expected = {
        untrusted = UNTRUSTED, wrong_host = UNTRUSTED, tls11 = TLS_FAILED, refused = REFUSED,
      }
      for listener, code in pairs(expected) do
        local _, got = delete(world, "ok", mock[listener], "--tlsv1.2")
        assert.equal(code, got, listener)
      end
      assert.equal(0, world:count())
    end)

    it("with TLS 1.1, to who takes it", function()
      assert.equal(SUCCESS, (delete(world, "ok", mock.tls11,
        "--tlsv1.0 --tls-max 1.1 --ciphers ALL:@SECLEVEL=0")))
      assert.equal("TLSv1.1", world:requests()[1].tls)
    end)

    it("with HTTP/2, to who takes it", function()
      assert.equal(SUCCESS, (delete(world, "ok", mock.http2, "--http2")))
      assert.equal(SUCCESS, (delete(world, "ok", mock.http2, "--http1.1")))
      assert.equal("2.0", world:requests()[1].http)
      assert.equal("1.1", world:requests()[2].http)
    end)

    it("for a client certificate, and refuses after the request was sent", function()
      local _, code = delete(world, "ok", mock.client_cert)
      assert.is_true(code == RECEIVE_FAILED or code == 55)
      assert.equal(0, world:count())
    end)

    it("without ever finishing a handshake", function()
      local _, code = delete(world, "ok", mock.stalled, "-m 0.2")
      assert.equal(TIMED_OUT, code)
    end)

    it("and closes at once", function()
      for _, listener in ipairs { "closed", "closed_tls" } do
        local _, code = delete(world, "ok", mock[listener])
        assert.is_true(code == EMPTY or code == RECEIVE_FAILED or code == 55, listener)
      end
      assert.equal(0, world:count())
    end)

    it("as a proxy that sees no Authorization of a tunnel", function()
      assert.equal(SUCCESS, (delete(world, "ok", nil, "--noproxy '' -x " .. world:proxy())))
      assert.equal(1, world:count())
      local seen = world:proxy_requests()
      assert.equal(1, #seen)
      assert.equal("CONNECT", seen[1].method)
      assert.equal(mock.https:match("//(.*)$"), seen[1].path)
      assert.is_nil(seen[1].headers.authorization)
      assert.is_nil(seen[1].head:find(mock.token, 1, true))
      assert.matches("^CONNECT 127%.0%.0%.1:%d+ HTTP/1%.1\r\n.*\r\n\r\n$", seen[1].head)
    end)

    it("as a proxy for plain requests", function()
      local answer = delete(world, "ok", mock.http, "--noproxy '' -x " .. world:proxy())
      assert.equal(SUCCESS, answer)
      assert.matches("^DELETE http://", world:proxy_requests()[1].head)
      assert.equal(1, world:count())
    end)

    it("as a proxy that refuses", function()
      for _, listener in ipairs { "proxy_403", "proxy_407", "proxy_close" } do
        local _, code = delete(world, "ok", nil, "--noproxy '' -x " .. world:proxy(listener))
        -- What it is called for a CONNECT that is refused depends on curl's version.
        assert.is_true(code == RECEIVE_FAILED or code == REFUSED, code)
      end
      assert.equal(0, world:count())
      assert.equal(3, #world:proxy_requests())
    end)
  end)

  describe("answers", function()
    -- scenario, status, pattern of the body, pattern of the head
    local ANSWERS = {
      { "ok", 200, "^" .. SUCCESS:gsub("%p", "%%%0") .. "$", "Content%-Length: 104\r\n" },
      { "sample", 200, '^{\n"status": "OK",\n"reason": 1\n"accountID": 1,\n.*"\n}$' },
      { "sample-crlf", 200, '^{\r\n"status": "OK",\r\n"reason": 1\r\n"accountID": 1,.*"\r\n}$' },
      { "reason-47", 200, '^{"status":"FAIL","reason":47}$' },
      { "reason_fail-47", 200, '^{"status":"Fail","reason":47}$' },
      { "reason_text-47", 200, '^{"status":"FAIL","reason":"47"}$' },
      { "reason-47+status-400", 400, '^{"status":"FAIL","reason":47}$' },
      { "ok+status-500", 500, '^{"status":"OK"' },
      { "status-417", 417, "^<html>", "Content%-Type: text/html" },
      { "status-500", 500, "^<html>" },
      { "status-504", 504, "^<html>" },
      { "status-429+retry_after-7", 429, "^<html>", "Retry%-After: 7\r\n" },
      { "status-503+retry_date-60", 503, "^<html>", "Retry%-After: %a%a%a, %d+ .- GMT\r\n" },
      { "redirect-301", 301, "^<html>", "Location: /[^/]+/ok/api/redirected\r\n" },
      { "redirect-308", 308, "^<html>", "Location: /[^/]+/ok/api/redirected\r\n" },
      { "digest_401", 401, "^<html>", "WWW%-Authenticate: Digest realm=" },
      { "big_headers-4", 200, "^{", "X%-Padding: " .. ("x"):rep(4096) .. "\r\n" },
      { "many_headers-4", 200, "^{", "X%-Padding: x+\r\nX%-Padding: x+\r\n" },
      { "delay-20", 200, "^{" },
      { "drip-0", 200, "^{", "Content%-Length: 104\r\n" },
      { "chunked", 200, "^{", "Transfer%-Encoding: chunked\r\n" },
      { "trailer", 200, "^{", "Transfer%-Encoding: chunked\r\n" },
      { "http10", 200, "^{", "^HTTP/1%.0 200 OK\r\n" },
      { "until_close", 200, "^{", "Connection: close\r\n" },
      { "close_idle", 200, "^{", "Connection: keep%-alive\r\n" },
      { "big-1", 200, '^{.*" +}$', "Content%-Length: 1048680\r\n" },
      { "big_chunked-1", 200, '^{.*" +}$', "Transfer%-Encoding: chunked\r\n" },
    }

    for _, row in ipairs(ANSWERS) do
      it(row[1], function()
        local answer, code = delete(world, row[1], mock.http, "-i")
        assert.equal(0, code)
        local head, body = answer:match("^(.-\r\n\r\n)(.*)$")
        assert.equal(row[2], tonumber(head:match("^HTTP/1%.[01] (%d+)")))
        assert.matches(row[3], body)
        assert.matches(row[4] or "", head)
        assert.equal(1, world:count())
      end)
    end

    it("early_hints, with two answers before the answer", function()
      assert.matches("^HTTP/1.1 103 .-\r\n\r\nHTTP/1.1 100 .-\r\n\r\nHTTP/1.1 200 OK\r\n",
        wire(world, "early_hints"))
    end)

    it("with trailers", function()
      assert.matches("\r\n0\r\nX%-Trailer: one\r\nX%-Other: two\r\n\r\n$", wire(world, "trailer"))
    end)

    it("gzip to who has not asked", function()
      assert.equal(SUCCESS, (delete(world, "gzip", mock.http, "--compressed")))
      local plain = delete(world, "gzip", mock.http)
      assert.equal("\31\139", plain:sub(1, 2))
      local _, code = delete(world, "gzip+body", mock.http, "--compressed")
      assert.is_true(code == 0 or code == BAD_ENCODING)
    end)

    it("with the token in three spellings", function()
      local answer = delete(world, "echo_token")
      local decoded = cjson.decode(answer)
      local text = "token " .. mock.token .. " is wrong"
      assert.same({ text, text, text }, { decoded.plain, decoded.slashes, decoded.escaped })
      assert.matches(mock.token:gsub("/", "\\/"):gsub("%p", "%%%0"), answer)
      assert.matches("\\u006d\\u006f", answer)
      assert.equal(99, decoded.reason)
    end)

    it("big integers as they came", function()
      local body = '{"accountID":"123456789012345678","server":"x","inboxID":123456789012345678}'
      local answer = curl(request(world:base_url("ok") .. DELETE_PATH, "DELETE", body))
      assert.matches('"accountID":123456789012345678,"server":"x","inboxID":123456789012345678',
        answer)
    end)

    it("what a spec has written for body", function()
      world:script {
        status = 404, headers = { ["X-One"] = "1", ["X-Two"] = { "a", "b" } }, body = "\0\255x",
      }
      local answer = delete(world, "body", mock.http, "-i")
      assert.matches("^HTTP/1%.1 404 .*X%-Two: a\r\nX%-Two: b\r\n", answer)
      assert.matches("X%-One: 1\r\n", answer)
      assert.equal("\r\n\r\n\0\255x", answer:sub(-7))
      world:script { body = "{}" }
      assert.equal("{}", (delete(world, "body", mock.http)))
    end)

    it("what a spec has written for raw, in pieces", function()
      world:script { raw = "\0\255 anything" }
      assert.equal("\0\255 anything", wire(world, "raw"))
      world:script { raw = { "HTTP/1.1 200 OK\r\n", 5, "Content-Length: 2\r\n\r\n{", 5, "}" } }
      assert.equal("{}", (delete(world, "raw")))
      world:script { raw = { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{" }, reset = true }
      assert.equal(RECEIVE_FAILED, select(2, delete(world, "raw")))
      world:script { raw = { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{" }, close = false }
      assert.equal(TIMED_OUT, select(2, delete(world, "raw", nil, "-m 0.1")))
      assert.equal(4, world:count())
    end)
  end)

  describe("fails on the wire", function()
    -- scenario, what curl ends with over TLS; curl 8 says so where TLS has no end of its own
    local FAULTS = {
      { "close", EMPTY }, { "close+bare", EMPTY, RECEIVE_FAILED }, { "close_early", EMPTY },
      { "reset", RECEIVE_FAILED }, { "cut-0", EMPTY }, { "cut-150", PARTIAL },
      { "cut-150+bare", PARTIAL, RECEIVE_FAILED }, { "cut-150+reset", RECEIVE_FAILED },
      { "cut-10000", 0 }, { "cut_chunked-160", PARTIAL }, { "garbage", 1 },
      { "half_status_line", EMPTY },
    }

    for _, row in ipairs(FAULTS) do
      it(row[1], function()
        local _, code = delete(world, row[1])
        assert.equal(code == row[3] and row[3] or row[2], code)
        assert.equal(1, world:count())
      end)
    end

    for _, scenario in ipairs { "never", "stall_headers", "stall_body" } do
      it(scenario, function()
        local _, code = delete(world, scenario, mock.http, "-m 0.1")
        assert.equal(TIMED_OUT, code)
        assert.equal(1, world:count())
      end)
    end

    it("as after a killed server, without TLS's goodbye", function()
      local function goodbye(scenario)
        local port = mock.https:match("%d+$")
        local said = run(([[printf 'GET /%s/%s/api/x HTTP/1.1\r\nHost: a\r\n\r\n' | ]]
          .. "openssl s_client -quiet -ign_eof -CAfile %s -connect 127.0.0.1:%s 2>&1")
          :format(world.name, scenario, quote(mock.ca_file), port))
        return not said:find("unexpected eof", 1, true)
      end
      assert.is_true(goodbye("close"))
      assert.is_false(goodbye("close+bare"))
    end)

    it("after any number of bytes", function()
      local whole = wire(world, "cut-100000")
      local record = world:requests()[1]
      assert.equal(#whole, record.answer_length)
      assert.equal(select(2, whole:find("\r\n\r\n", 1, true)), record.answer_head_length)
      for _, count in ipairs { 0, 1, 17, record.answer_head_length, #whole - 1, #whole } do
        assert.equal(whole:sub(1, count), wire(world, "cut-" .. count))
      end
      local chunked = wire(world, "cut_chunked-100000")
      assert.matches("Transfer%-Encoding: chunked\r\n.*\r\n0\r\n\r\n$", chunked)
      assert.equal(chunked:sub(1, 170), wire(world, "cut_chunked-170"))
    end)

    it("on the second use of a connection", function()
      local url = world:base_url("close_reused", mock.http) .. DELETE_PATH
      local answer = curl(url .. " " .. url)
      -- curl itself sends a third time.
      assert.equal(SUCCESS .. SUCCESS, answer)
      local uses = {}
      for i, record in ipairs(world:requests()) do
        uses[i] = record.connection_requests
      end
      assert.same({ 1, 2, 1 }, uses)
    end)

    it("for some calls only, and for the first ones only", function()
      local scenario = "ok+only-deleteInbox+first-1+status-503"
      local function status(call)
        return (curl(("-o /dev/null -w '%%{http_code}' %s/online/%s")
          :format(world:base_url(scenario, mock.http), call)))
      end
      assert.equal("200", status("getInboxes"))
      assert.equal("503", status("deleteInbox"))
      assert.equal("200", status("deleteInbox"))
      assert.equal(3, world:count())
    end)

    it("without a complaint of nginx about itself", function()
      local log = mock.error_log()
      assert.is_nil(log:find("[alert]", 1, true), log)
      assert.is_nil(log:find("[emerg]", 1, true), log)
      assert.is_nil(log:find("lua entry thread aborted", 1, true), log)
    end)
  end)

  -- What the provider's pages say is told from what is ours: see docs/internals/service.md.
  describe("live", function()
    local function call(scenario, method, path, body, token)
      local answer = curl(request(world:base_url(scenario, mock.http) .. path, method, body, token))
      local ok, decoded = pcall(cjson.decode, answer)
      return ok and decoded or answer
    end

    local function remove(scenario, body, token)
      return call(scenario, "DELETE", DELETE_PATH, body or BODY, token)
    end

    local function inboxes(scenario, account, server)
      local found = call(scenario, "POST", "/online/getInboxes",
        ('{"accountID":%s,"server":"%s"}'):format(account or 1, server or "online"))
      local ids = {}
      for i, row in ipairs(found.list) do
        ids[i] = row.id
      end
      return ids, found
    end

    local function number(scenario, wanted)
      for _, row in ipairs(call(scenario, "GET", "/whatsapp/getWhatsApp").list) do
        if row.whatsapp == wanted then
          return row
        end
      end
    end

    local function new_token(scenario)
      return call(scenario, "POST", "/settings/accessToken",
        ('{"client_id":"%s","client_secret":"%s"}'):format(mock.client_id, mock.client_secret))
    end

    it("provider: refuses for the reasons of its pages, in an order of ours", function()
      assert.equal(13, call("live", "POST", DELETE_PATH, BODY).reason)
      assert.equal(2, remove("live", "{").reason)
      assert.equal(3, remove("live", nil, "wrong").reason)
      assert.equal(33, remove("live", '{"accountID":5,"server":"online","inboxID":10}').reason)
      assert.equal(34, remove("live", '{"accountID":1,"server":"west","inboxID":10}').reason)
      assert.equal(47, remove("live", '{"accountID":1,"server":"online","inboxID":20}').reason)
      assert.equal("FAIL", remove("live", "{").status)
      assert.equal(10, (inboxes("live"))[1])
    end)

    it("provider: deletes an inbox, and frees its number; ours: 47 for a second time", function()
      assert.equal(1, number("live", "972501234567").isOnline)
      assert.same({ 10, 11, 12, 13 }, (inboxes("live")))
      local gone = remove("live")
      assert.same({ "OK", 1, 1, "online", 10, "972501234567" }, { gone.status, gone.reason,
        gone.accountID, gone.server, gone.inboxID, gone.whatsapp_number })
      assert.same({ 11, 12, 13 }, (inboxes("live")))
      local freed = number("live", "972501234567")
      assert.same({ 0, 0, 0 }, { freed.isOnline, freed.onlineAccount, freed.onlineInbox })
      assert.equal(47, remove("live").reason)
      world = mock.world()
      assert.equal("OK", remove("live").status)
    end)

    it("provider: keeps servers apart; ours: takes ids as strings of digits", function()
      assert.equal("OK", remove("live", '{"accountID":"2","server":"west","inboxID":"20"}').status)
      assert.same({ 22 }, (inboxes("live", 2, "west")))
      assert.same({ 20, 21 }, (inboxes("live", 2)))
      local big = '{"accountID":900000000000001,"inboxID":123456789012345}'
      assert.equal("972509000001", remove("live", big).whatsapp_number)
    end)

    it("provider: lists in the shapes of its pages", function()
      local accounts = call("live", "GET", "/online/getAccounts")
      assert.equal(6, accounts.totalOnline)
      assert.same({ "1", "online", "active" }, { accounts.list[1].account_id,
        accounts.list[1].server, accounts.list[1].account_status })
      local _, listing = inboxes("live")
      assert.same({ 1, 1, 4 }, { listing.accountID, listing.server, listing.totalInboxes })
      assert.same({
        id = 10, name = "Reception", channel_type = "Channel::Api", api_type = "wa_v2",
      }, listing.list[1])
      assert.equal(cjson.null, listing.list[3].api_type)
      assert.is_string(number("live", "972501234567").apiKey)
      assert.equal(0, number("live", "972501239999").isOnline)
      assert.equal(13, call("live", "POST", "/online/getAccounts", "{}").reason)
      assert.equal(13, call("live", "GET", "/online/getInboxes").reason)
      assert.equal(3, call("live", "GET", "/whatsapp/getWhatsApp", nil, "wrong").reason)
      assert.equal(33, call("live", "POST", "/online/getInboxes", '{"accountID":5}').reason)
    end)

    it("provider: issues tokens for an hour, as in its sample; ours: other lives", function()
      local issued = new_token("live")
      assert.same({ 1, "Bearer" }, { issued.reason, issued.token_type })
      assert.is_nil(issued.status)
      assert.matches("^%d+$", issued.expiration_time)
      assert.is_true(math.abs(tonumber(issued.expiration_time) - os.time() - 3600) < 60)
      assert.equal("OK", remove("live", nil, issued.access_token).status)
      local stale = new_token("live+token_life-0").access_token
      assert.equal(3, remove("live", nil, stale).reason)
      assert.equal("OK", new_token("live+token_status").status)
    end)

    it("provider: blocks an address that insists; ours: after five wrong tries", function()
      for _ = 1, 5 do
        assert.equal(2, call("live", "POST", "/settings/accessToken", '{"client_id":"x"}').reason)
      end
      assert.equal(3, new_token("live").reason)
    end)

    it("ours: loses a deletion before and after it is carried out", function()
      assert.equal("", remove("live+lost_before"))
      assert.same({ 10, 11, 12, 13 }, (inboxes("live+lost_before")))
      assert.equal("", remove("live+lost_after"))
      assert.same({ 11, 12, 13 }, (inboxes("live+lost_after")))
    end)

    it("ours: deletes in the background", function()
      assert.equal("OK", remove("live+lazy_delete-60000").status)
      assert.same({ 10, 11, 12, 13 }, (inboxes("live")))
      world = mock.world()
      assert.equal("OK", remove("live+lazy_delete-150").status)
      assert.is_true(eventually(function()
        return #inboxes("live") == 3
      end))
    end)

    it("ours: deletes in the background behind a gateway that gives up", function()
      assert.matches("504", remove("live+lazy_delete-60000+gateway_after-504"), 1, true)
      assert.same({ 10, 11, 12, 13 }, (inboxes("live+gateway_after-504")))
      assert.equal(47, remove("live").reason)
    end)

    it("provider: removes WhatsApp inboxes only; ours: refuses others with 47", function()
      assert.equal(47, remove("live", '{"accountID":1,"server":"online","inboxID":12}').reason)
      assert.equal("OK", remove("live", '{"accountID":1,"server":"online","inboxID":13}').status)
      assert.same({ 10, 11, 12 }, (inboxes("live")))
    end)

    local function answer_of(scenario, path, method)
      return (curl(request(world:base_url(scenario, mock.http) .. (path or DELETE_PATH),
        method or "DELETE", not method and BODY, nil, "-i")))
    end

    it("ours: is too busy for the first deletions, and does nothing then", function()
      assert.matches("^HTTP/1.1 429 .*Retry%-After: 7\r\n", answer_of("live+busy-2-7"))
      assert.matches("^HTTP/1.1 429 ", answer_of("live+busy-2"))
      assert.equal(10, (inboxes("live"))[1])
      assert.equal("OK", remove("live+busy-2").status)
      assert.matches("^HTTP/1.1 429 .*Retry%-After: %a%a%a, %d+ .- GMT\r\n",
        answer_of("live+busy_date-all-7"))
    end)

    it("ours: refuses the credentials from some deletion on", function()
      assert.equal("OK", remove("live+locked_out-1-2").status)
      assert.equal(2, remove("live+locked_out-1-2").reason)
      assert.equal(3, remove("live+locked_out-1-3").reason)
      assert.matches("^HTTP/1.1 401 ", answer_of("live+locked_out-1-401"))
      assert.equal("OK", call("live+locked_out-1-401", "GET", "/online/getAccounts").status)
    end)

    it("ours: has another clock", function()
      local http_time = os.date("!%a, %d %b %Y %H:", os.time() - 7200)
      local answer = answer_of("live+clock--7200")
      assert.is_truthy(answer:find("\nDate: " .. http_time, 1, true), answer)
      local issued = new_token("live+clock--7200")
      assert.is_true(math.abs(tonumber(issued.expiration_time) - os.time() + 3600) < 60)
      assert.equal("OK",
        call("live", "GET", "/online/getAccounts", nil, issued.access_token).status)
    end)

    it("ours: answers reads with another status", function()
      assert.matches("^HTTP/1.1 206 .*Alpha", answer_of("live+reads_as-206", "/online/getAccounts",
        "GET"))
      assert.matches("^HTTP/1.1 200 ", answer_of("live+reads_as-206-getInboxes",
        "/online/getAccounts", "GET"))
      assert.matches("^HTTP/1.1 200 ", answer_of("live+reads_as-206"))
    end)

    it("ours: refuses the first tokens", function()
      assert.equal(3, remove("live+expired_token-2").reason)
      assert.equal(3, remove("live+expired_token-2").reason)
      assert.equal("OK", remove("live+expired_token-2").status)
    end)

    it("ours: lists what is not so", function()
      for lie, total in pairs { larger = 5, smaller = 3, negative = -5 } do
        local _, listing = inboxes("live+totals-" .. lie)
        assert.equal(total, listing.totalInboxes)
        _, listing = inboxes("live+totals-" .. lie .. "-getWhatsApp")
        assert.equal(4, listing.totalInboxes)
      end
      local _, listing = inboxes("live+totals-missing")
      assert.is_nil(listing.totalInboxes)
      assert.same({ {}, { 10, 11, 12, 13 } },
        { (inboxes("live+empty_first-1")), (inboxes("live+empty_first-1")) })
      local body = '{"accountID":3}'
      assert.matches('"totalInboxes":0,"list":{}}$', curl(request(
        world:base_url("live+list_object", mock.http) .. "/online/getInboxes", "POST", body)))
      remove("live")
      assert.equal(10, number("live+stale_number", "972501234567").onlineInbox)
      assert.equal(10, (inboxes("live+stale_inbox"))[1])
      assert.equal(0, number("live+stale_inbox", "972501234567").onlineInbox)
    end)

    it("ours: fails reads", function()
      local function status(scenario)
        return (curl(("-o /dev/null -w '%%{http_code}' -H 'Authorization: Bearer %s' %s%s")
          :format(mock.token, world:base_url(scenario, mock.http), "/online/getAccounts")))
      end
      assert.equal("502", status("live+flaky_read-502-2"))
      assert.equal("502", status("live+flaky_read-502-2"))
      assert.equal("200", status("live+flaky_read-502-2"))
      assert.equal("500", status("live+reads_fail"))
      assert.equal("503", status("live+reads_fail-503"))
      assert.equal("200", status("live+reads_fail-503-getWhatsApp"))
      assert.equal("OK", remove("live+reads_fail").status)
    end)
  end)
end)

describe("the guard", function()
  local guard = require("spec.support.guard")
  local LOCAL = { base_url = "http://127.0.0.1:9/api" }
  local AWAY = { base_url = "https://partners.99digital.co.il/api" }

  -- A library that would send anything anywhere, and refuses only the option "bad".
  local function library(sent)
    local module = {}
    function module.client(options)
      if type(options) == "table" and options.bad then
        return nil, "bad option"
      end
      return { close = function() end }
    end
    function module.delete_inbox(_, options)
      sent[#sent + 1] = options
      return "sent"
    end
    return module
  end

  local original, sent, ninedig, safe

  before_each(function()
    original = package.loaded["ninedig.safe"]
    sent = {}
    safe = library(sent)
    package.loaded["ninedig.safe"] = safe
    ninedig = guard.install(library(sent))
  end)

  after_each(function()
    package.loaded["ninedig.safe"] = original
  end)

  it("knows loopback hosts from others", function()
    for _, host in ipairs { "127.0.0.1", "127.1.2.3:80", "localhost", "localhost:1", "[::1]:4" } do
      assert.is_true(guard.is_loopback("https://" .. host .. "/api"), host)
      assert.is_true(guard.is_loopback("http://" .. host), host)
    end
    for _, host in ipairs {
      "partners.99digital.co.il", "127.0.0.1.example", "localhost.example", "127.0.0.1@example",
      "user:127.0.0.1@example", "[::2]", "example:127", "",
    } do
      assert.is_false(guard.is_loopback("https://" .. host .. "/api"), host)
    end
    assert.is_false(guard.is_loopback(nil))
    assert.is_false(guard.is_loopback("127.0.0.1"))
  end)

  it("lets through what stays on this machine", function()
    for _, module in ipairs { ninedig, safe } do
      assert.equal("sent", module.delete_inbox({}, LOCAL))
      assert.is_table(module.client(LOCAL))
    end
    assert.same({ LOCAL, LOCAL }, sent)
  end)

  it("refuses what would not", function()
    local cases = {
      AWAY, {}, { base_url = LOCAL.base_url, proxy = "http://proxy.example" }, "text",
    }
    for _, module in ipairs { ninedig, safe } do
      for _, options in ipairs(cases) do
        assert.error_matches(function()
          module.delete_inbox({}, options)
        end, "the suite refuses")
        assert.error_matches(function()
          module.client(options)
        end, "the suite refuses")
      end
      assert.error_matches(function()
        module.delete_inbox({})
      end, "the suite refuses")
    end
    assert.same({}, sent)
  end)

  it("lets errors of the options come first", function()
    local client, err = safe.client({ bad = true })
    assert.is_nil(client)
    assert.equal("bad option", err)
    assert.equal("bad option", select(2, safe.delete_inbox({}, { bad = true })))
    assert.same({}, sent)
  end)
end)
