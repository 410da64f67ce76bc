local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")

local SHORT = caller.short

describe("the pool of connections", function()
  local world
  local origins = {}

  setup(function()
    origins = { https = mock.spare("https"), http = mock.spare("http") }
  end)
  before_each(function()
    leaks.before()
    world = mock.world()
    world.origin = origins.https
  end)
  after_each(leaks.after)

  -- How many connections the requests of a world came on.
  local function connections(of)
    local seen, count = {}, 0
    for _, request in ipairs((of or world):requests()) do
      if not seen[request.connection] then
        seen[request.connection] = true
        count = count + 1
      end
    end
    return count
  end

  -- Runs calls side by side, each in a coroutine that its `sleep` suspends.
  local function together(calls)
    local results, threads = {}, {}
    for i, call in ipairs(calls) do
      threads[i] = coroutine.create(function()
        results[i] = { call(coroutine.yield) }
      end)
    end
    local running
    repeat
      running = false
      for _, thread in ipairs(threads) do
        if coroutine.status(thread) ~= "dead" then
          assert(coroutine.resume(thread))
          running = true
        end
      end
    until not running
    return results
  end

  for _, origin in ipairs { "https", "http" } do
    it("uses a connection again over " .. origin, function()
      for _ = 1, 5 do
        assert(caller.delete(world, "ok", nil,
          { base_url = world:base_url("ok", origins[origin]) }))
      end
      assert.equal(5, world:count())
      assert.equal(1, connections())
    end)
  end

  it("is shared by all clients and functions of the state", function()
    assert(caller.delete(world, "ok"))
    for _, module in ipairs { caller.ninedig, caller.safe } do
      for _ = 1, 2 do
        local client = module.client(caller.options(world, "ok"))
        assert(client:delete_inbox(caller.params()))
        client:close()
      end
      assert(module.delete_inbox(caller.params(), caller.options(world, "ok")))
    end
    assert.equal(7, world:count())
    assert.equal(1, connections())
  end)

  it("keeps a connection after a refusal and an HTTP status", function()
    for _, scenario in ipairs { "reason-47", "status-404", "status-500", "ok" } do
      caller.delete(world, scenario)
    end
    assert.equal(4, world:count())
    assert.equal(1, connections())
  end)

  for _, origin in ipairs { "https", "http" } do
    it("keeps nothing with max_idle 0 over " .. origin, function()
      local options = { base_url = world:base_url("ok", origins[origin]), max_idle = 0 }
      for _ = 1, 4 do
        assert(caller.delete(world, "ok", nil, options))
      end
      assert.equal(4, world:count())
      assert.equal(4, connections())
    end)
  end

  -- spec/core/engine_test.c has the answer that comes later, while the connection is idle.
  it("takes no second answer to one request for that to the next", function()
    local body = '{"status":"OK","reason":1}'
    local answer = ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body)
    for _, origin in ipairs { "https", "http" } do
      local own = mock.world()
      local options = { base_url = own:base_url("raw", origins[origin]) }
      own:script { raw = answer .. answer, close = false }
      assert(caller.delete(own, "", nil, options))
      own:script { raw = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" }
      local result, err = caller.delete(own, "", { inboxID = 11 }, options)
      assert.is_nil(result)
      assert.equal(404, err.http_status)
      assert.equal(2, own:count())
      assert.equal(2, connections(own))
    end
  end)

  it("gives nothing to a client with max_idle 0", function()
    assert(caller.delete(world, "ok"))
    assert(caller.delete(world, "ok", nil, { max_idle = 0 }))
    assert(caller.delete(world, "ok"))
    local requests = world:requests()
    assert.equal(3, #requests)
    assert.not_equal(requests[1].connection, requests[2].connection)
    assert.equal(requests[1].connection, requests[3].connection)
  end)

  it("gives nothing that was idle for longer than max_idle, or that is closed", function()
    local brief = mock.world()
    local function delete_both()
      assert(caller.delete(world, "ok", nil, { max_idle = 2 }))
      assert(caller.delete(brief, "ok", nil, { base_url = brief:base_url("ok", mock.brief) }))
    end
    delete_both()
    delete_both()
    assert.equal(1, connections())
    assert.equal(1, connections(brief))
    os.execute("sleep 2.1") -- the time is what is tested; the brief listener closes after 1 s
    delete_both()
    assert.equal(3, world:count())
    assert.equal(2, connections())
    assert.equal(3, brief:count())
    assert.equal(2, connections(brief))
  end)

  describe("with a connection that dies when it is used again", function()
    for _, ending in ipairs { "", "bare+", "reset+" } do
      for _, scheme in ipairs { "https", "http" } do
        it(("sends once, and then on new ones: %sclose_reused over %s"):format(ending, scheme),
          function()
            local options = { base_url = world:base_url(ending .. "close_reused",
              mock.spare(scheme)) }
            assert(caller.delete(world, "", nil, options))
            local result, err = caller.delete(world, "", nil, options)
            assert.is_nil(result)
            caller.check_error(err, {
              kind = "network", name = "CONNECTION_LOST", outcome = "unknown", retryable = false,
              reason = caller.NONE, http_status = caller.NONE, curl_code = caller.NONE,
            })
            -- For an hour a deletion has a connection of its own.
            for _ = 1, 10 do
              assert(caller.delete(world, "", nil, options))
            end
            local requests = world:requests()
            assert.equal(12, #requests)
            for i = 3, 12 do
              assert.equal(1, requests[i].connection_requests)
            end
          end)
      end
    end

    it("costs each origin at most one unknown", function()
      local unknown = 0
      for _, origin in ipairs { mock.spare(), mock.spare() } do
        for _ = 1, 50 do
          local result, err = caller.delete(world, "", nil,
            { base_url = world:base_url("close_reused", origin) })
          if not result then
            caller.check_error(err, { kind = "network", outcome = "unknown" })
            unknown = unknown + 1
          end
        end
      end
      assert.equal(100, world:count())
      assert.equal(2, unknown)
    end)

    it("is used again by calls that only read", function()
      local origin = mock.spare()
      assert(caller.delete(world, "", nil, { base_url = world:base_url("close_reused", origin) }))
      assert.is_nil(caller.delete(world, "", nil,
        { base_url = world:base_url("close_reused", origin) }))
      local own = mock.world()
      local client = caller.safe.client(caller.options(own, "live",
        { base_url = own:base_url("live", origin), access_token = mock.token }))
      for _ = 1, 3 do
        assert(client:get_accounts())
      end
      assert.equal(3, own:count())
      assert.equal(1, connections(own))
    end)
  end)

  describe("with calls side by side", function()
    local function delete_with(options)
      return function(yield)
        options.sleep = yield
        return caller.delete(world, "delay-60", nil, options)
      end
    end

    -- Under memcheck the first is answered before the last has connected.
    it("has a connection for each #novalgrind", function()
      local results = together { delete_with {}, delete_with {}, delete_with {} }
      for i = 1, 3 do
        assert.is_nil(results[i][2])
      end
      assert.equal(3, world:count())
      assert.equal(3, connections())
    end)

    it("has max_in_flight at most, and serves the others in order", function()
      for _, limit in ipairs { 1, 2 } do
        world = mock.world()
        world.origin = mock.spare()
        local calls = {}
        for i = 1, 4 do
          calls[i] = function(yield)
            return caller.delete(world, "delay-60", { inboxID = i },
              { max_in_flight = limit, sleep = yield })
          end
        end
        for i, result in ipairs(together(calls)) do
          assert.is_nil(result[2])
          assert.equal(i, result[1].inboxID)
        end
        assert.equal(4, world:count())
        assert.equal(limit, connections())
        if limit == 1 then
          for i, request in ipairs(world:requests()) do
            assert.matches(('"inboxID":%d}'):format(i), request.body)
          end
        end
      end
    end)

    it("lets what waits longer than its time fail unsent", function()
      local results = together {
        function(yield)
          return caller.delete(world, "", nil, caller.plain(world, "never",
            { max_in_flight = 1, timeout = 3 * SHORT, sleep = yield }))
        end,
        function(yield)
          return caller.delete(world, "", nil, caller.plain(world, "ok",
            { max_in_flight = 1, timeout = SHORT, sleep = yield }))
        end,
      }
      caller.check_error(results[1][2], { kind = "network", name = "TIMEOUT", outcome = "unknown" })
      caller.check_error(results[2][2], {
        kind = "network", name = "TIMEOUT", outcome = "not_sent", retryable = true,
      })
      assert.equal(1, world:count())
    end)
  end)
end)
