local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local VERSION = caller.ninedig._VERSION:match("^ninedig ([%d.]+)$")

describe("the request", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local function only_request()
    local requests = world:requests()
    assert.equal(1, #requests)
    return requests[1]
  end

  local function lines_of(head)
    local lines = {}
    for line in head:gmatch("(.-)\r\n") do
      lines[#lines + 1] = line
    end
    return lines
  end

  for _, origin in ipairs { "https", "http" } do
    it("is these bytes over " .. origin, function()
      assert(caller.delete(world, "ok", { accountID = "1" },
        { base_url = world:base_url("ok", mock[origin]) }))
      local request = only_request()
      assert.equal("1.1", request.http)
      assert.equal('{"accountID":1,"server":"online","inboxID":10}', request.body)
      local lines = lines_of(request.head)
      assert.equal(("DELETE /%s/ok/api/online/deleteInbox HTTP/1.1"):format(world.name), lines[1])
      assert.equal("", lines[#lines])
      local agent = request.headers["user-agent"]
      assert.equal("ninedig/" .. VERSION .. " ", agent:sub(1, #VERSION + 9))
      local fields = {}
      for i = 2, #lines - 1 do
        fields[i - 1] = lines[i]
      end
      table.sort(fields)
      assert.same({
        "Accept: application/json",
        "Authorization: Bearer " .. mock.token,
        "Content-Length: 46",
        "Content-Type: application/json",
        "Host: " .. mock[origin]:match("//(.*)$"),
        "User-Agent: " .. agent,
      }, fields)
    end)
  end

  it("is the same on a connection that is used again", function()
    world.origin = mock.spare()
    for _ = 1, 3 do
      assert(caller.delete(world, "ok"))
    end
    local requests = world:requests()
    assert.equal(3, #requests)
    for _, request in ipairs(requests) do
      assert.equal(requests[1].head, request.head)
      assert.equal(requests[1].body, request.body)
      assert.equal(requests[1].connection, request.connection)
    end
  end)

  it("has each call's own values, also where the connection is the same", function()
    for i = 1, 3 do
      assert(caller.delete(world, "ok", {
        access_token = "token-" .. i, accountID = i, inboxID = i * 10 ^ 14, server = "s" .. i,
      }))
    end
    local requests = world:requests()
    assert.equal(3, #requests)
    for i, request in ipairs(requests) do
      assert.equal("Bearer token-" .. i, request.headers.authorization)
      assert.equal(('{"accountID":%d,"server":"s%d","inboxID":%d00000000000000}'):format(i, i, i),
        request.body)
    end
  end)

  it("writes ids as plain digits", function()
    for _, case in ipairs {
      { 1, 10 }, { "1", 10.0 }, { 123456789012345, "123456789012345" }, { 1e14, 1e15 },
      { "9007199254740993", "999999999999999999" }, { 2^53 - 1, "100000000000000000" },
    } do
      world = mock.world()
      assert(caller.delete(world, "ok", { accountID = case[1], inboxID = case[2] }))
      local digits = {}
      for i, id in ipairs(case) do
        digits[i] = type(id) == "string" and id or ("%.0f"):format(id)
      end
      assert.equal(('{"accountID":%s,"server":"online","inboxID":%s}')
        :format(digits[1], digits[2]), only_request().body)
    end
  end)

  it("prefers the token of the call to the client's", function()
    local options = { access_token = "the-clients" }
    assert(caller.delete(world, "ok", { access_token = caller.NONE }, options))
    assert(caller.delete(world, "ok", { access_token = "the-calls" }, options))
    assert.equal("Bearer the-clients", world:requests()[1].headers.authorization)
    assert.equal("Bearer the-calls", world:requests()[2].headers.authorization)
    assert.equal(2, world:count())
  end)

  for name, ending in pairs { ["no slash"] = "", ["a slash"] = "/", slashes = "///" } do
    it("goes to the same path when base_url ends in " .. name, function()
      assert(caller.delete(world, "ok", nil, { base_url = world:base_url("ok") .. ending }))
      assert.equal(("/%s/ok/api/online/deleteInbox"):format(world.name), only_request().path)
    end)
  end

  it("goes to localhost by its name", function()
    local origin = mock.http:gsub("127%.0%.0%.1", "localhost")
    assert(caller.delete(world, "ok", nil, { base_url = world:base_url("ok", origin) }))
    assert.equal(origin:match("//(.*)$"), only_request().headers.host)
  end)

  it("goes to an IPv6 address", function()
    if not mock.https6 then
      return pending("this machine has no IPv6")
    end
    assert(caller.delete(world, "ok", nil, { base_url = world:base_url("ok", mock.https6) }))
    assert.equal(mock.https6:match("//(.*)$"), only_request().headers.host)
  end)

  it("never speaks HTTP/2", function()
    assert(caller.delete(world, "ok", nil, { base_url = world:base_url("ok", mock.http2) }))
    assert.equal("1.1", only_request().http)
  end)

  it("has no Expect, however long its headers are", function()
    assert(caller.delete(world, "ok", { access_token = ("t"):rep(8192) }))
    assert.is_nil(only_request().headers.expect)
  end)

  it("sends no cookie back", function()
    caller.answered(world, {
      body = caller.success, headers = { ["Set-Cookie"] = "session=1; Path=/" },
    })
    assert(caller.delete(world, "ok"))
    assert.equal(2, world:count())
    assert.is_nil(world:requests()[2].headers.cookie)
  end)

  it("takes no password from ~/.netrc", function()
    local file = assert(io.open(mock.dir .. "/.netrc", "w"))
    file:write("machine 127.0.0.1 login user password secret\ndefault login a password b\n")
    file:close()
    local output = caller.child({ HOME = mock.dir }, ([[
      print(require("ninedig").delete_inbox({ access_token = %q, accountID = 1, inboxID = 10 },
        { base_url = %q }).status)
    ]]):format(mock.token, world:base_url("ok", mock.http)))
    assert.equal("OK\n", output)
    assert.equal("Bearer " .. mock.token, only_request().headers.authorization)
  end)

  for _, status in ipairs { 301, 302, 303, 307, 308 } do
    it("does not follow a redirect " .. status, function()
      local result, err = caller.delete(world, "redirect-" .. status)
      assert.is_nil(result)
      caller.check_error(err, {
        kind = "http", name = "REDIRECTED", outcome = "unknown", http_status = status,
        retryable = false,
      })
      assert.equal("/" .. world.name .. "/redirect-" .. status .. "/api/online/deleteInbox",
        only_request().path)
    end)
  end

  for scenario, status in pairs { digest_401 = 401, ["status-417"] = 417 } do
    it("is not repeated after " .. scenario, function()
      local result, err = caller.delete(world, scenario)
      assert.is_nil(result)
      caller.check_error(err, {
        kind = "http", outcome = "rejected", http_status = status, retryable = false,
      })
      assert.equal("Bearer " .. mock.token, only_request().headers.authorization)
    end)
  end
end)
