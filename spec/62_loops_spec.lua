-- Calls that are hosted by the caller's own event loop, through the option `sleep`.
local caller = require("spec.support.caller")
local leaks = require("spec.support.leaks")
local loops = require("spec.support.loops")
local mock = require("spec.support.mock")

local safe = caller.safe
local lua_version = os.getenv("NINEDIG_LUA_VERSION")

describe("hosted by a loop", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local function client(sleep, scenario, more)
    local options = caller.options(world, scenario, more)
    options.sleep = sleep
    return assert(safe.client(options))
  end

  local function params(inbox)
    return caller.params { inboxID = inbox }
  end

  for name, loop in pairs(loops) do
    it("of " .. name .. ": a call deletes, while the loop goes on", function()
      local hosted = client(loop.sleep, "delay-100")
      local ticks, result, err = 0, nil, nil
      loop.run {
        function()
          result, err = hosted:delete_inbox(params(10))
        end,
        function()
          while not result and not err do
            loop.sleep(0.001)
            ticks = ticks + 1
          end
        end,
      }
      assert.is_nil(err)
      assert.equal(10, result.inboxID)
      assert.is_true(ticks > 5, "the loop went round " .. ticks .. " times")
      assert.equal(1, world:count())
    end)

    it("of " .. name .. ": an error is an object", function()
      local hosted = client(loop.sleep, "reason-47")
      local _, err
      loop.run { function()
        _, err = hosted:delete_inbox(params(10))
      end }
      caller.check_error(err, { kind = "api", name = "INBOX_ID_INVALID", outcome = "rejected" })
      assert.equal(1, world:count())
    end)

    it("of " .. name .. ": calls one after the other share a connection", function()
      world.origin = mock.spare()
      local hosted = client(loop.sleep, "ok")
      local seen = {}
      loop.run { function()
        for inbox = 1, 5 do
          seen[inbox] = assert(hosted:delete_inbox(params(inbox))).inboxID
        end
      end }
      assert.same({ 1, 2, 3, 4, 5 }, seen)
      local requests = world:requests()
      assert.equal(5, #requests)
      assert.equal(requests[1].connection, requests[5].connection)
    end)

    -- Under memcheck twenty handshakes take longer than the slow answers.
    it("of " .. name .. ": twenty calls share one engine, each ends with its answer #novalgrind",
      function()
        local tasks, ended = {}, {}
        local slow = client(loop.sleep, "delay-400", { max_in_flight = 20 })
        local quick = client(loop.sleep, "ok", { max_in_flight = 20 })
        for inbox = 1, 20 do
          tasks[inbox] = function()
            local hosted = inbox % 2 == 1 and slow or quick
            local result, err = hosted:delete_inbox(params(inbox))
            ended[#ended + 1] = inbox
            assert(result, tostring(err))
            assert(result.inboxID == inbox)
          end
        end
        loop.run(tasks)
        assert.equal(20, #ended)
        -- The quick ones have been there before any of the slow ones.
        for place, inbox in ipairs(ended) do
          assert.equal(place <= 10 and 0 or 1, inbox % 2, "in place " .. place)
        end
        assert.equal(20, world:count())
      end)

    it("of " .. name .. ": max_in_flight is for all calls of the loop", function()
      local tasks, outcomes = {}, {}
      world.origin = mock.spare()
      local hosted = client(loop.sleep, "delay-30", { max_in_flight = 2 })
      for inbox = 1, 6 do
        tasks[inbox] = function()
          outcomes[inbox] = hosted:delete_inbox(params(inbox)) ~= nil
        end
      end
      loop.run(tasks)
      assert.same({ true, true, true, true, true, true }, outcomes)
      local connections, count = {}, 0
      for _, request in ipairs(world:requests()) do
        count = count + (connections[request.connection] and 0 or 1)
        connections[request.connection] = true
      end
      assert.equal(6, world:count())
      assert.equal(2, count)
    end)

    it("of " .. name .. ": a call that times out ends in time", function()
      local hosted = client(loop.sleep, "never", { timeout = 0.4 })
      local _, err
      loop.run { function()
        _, err = hosted:delete_inbox(params(10))
      end }
      caller.check_error(err, { name = "TIMEOUT", outcome = "unknown" })
      assert.equal(1, world:count())
    end)
  end

  local function in_coroutine(f)
    local thread = coroutine.create(f)
    local ok, raised
    repeat
      ok, raised = coroutine.resume(thread)
    until coroutine.status(thread) == "dead"
    return ok, raised
  end

  -- Nothing of a call that was given up is sent when others step the engine.
  local function check_given_up(sleep, host)
    local hosted = client(sleep, "delay-200", { max_in_flight = 1 })
    local ok, raised = host(function()
      return hosted:delete_inbox(params(1))
    end)
    assert.is_false(ok)
    assert.equal("the loop is gone", raised)
    for inbox = 2, 3 do
      assert.equal(inbox, assert(caller.delete(world, "ok", { inboxID = inbox })).inboxID)
    end
    -- What it may have sent, it had sent before.
    local seen = {}
    for _, request in ipairs(world:requests()) do
      seen[#seen + 1] = request.body:match('"inboxID":(%d+)')
    end
    assert.matches("^1? ?2 3$", table.concat(seen, " "))
  end

  it("whose sleep raises at once: the error passes through, and the next call works", function()
    check_given_up(function()
      error("the loop is gone", 0)
    end, in_coroutine)
  end)

  it("whose sleep raises later: the error passes through, and the next call works", function()
    local naps = 0
    check_given_up(function()
      naps = naps + 1
      if naps > 5 then
        error("the loop is gone", 0)
      end
    end, pcall)
  end)

  it("whose sleep raises in a coroutine, after it has yielded", function()
    local naps = 0
    check_given_up(function()
      coroutine.yield()
      naps = naps + 1
      if naps > 3 then
        error("the loop is gone", 0)
      end
    end, in_coroutine)
  end)

  it("whose sleep raises while the call waits for a connection: it is never sent", function()
    local function nap()
      coroutine.yield()
    end
    local first = client(nap, "delay-300", { max_in_flight = 1 })
    local result
    local thread = coroutine.create(function()
      result = assert(first:delete_inbox(params(1)))
    end)
    assert(coroutine.resume(thread))
    local second = client(function()
      error("the loop is gone", 0)
    end, "ok", { max_in_flight = 1 })
    local ok, raised = in_coroutine(function()
      return second:delete_inbox(params(2))
    end)
    assert.is_false(ok)
    assert.equal("the loop is gone", raised)
    while coroutine.status(thread) ~= "dead" do
      assert(coroutine.resume(thread))
    end
    assert.equal(1, result.inboxID)
    assert.equal(3, assert(caller.delete(world, "ok", { inboxID = 3 })).inboxID)
    assert.equal(2, world:count())
    assert.is_nil(world:requests()[2].body:find('"inboxID":2', 1, true))
  end)

  it("whose sleep raises an object: it is the caller's", function()
    local reason = {}
    local hosted = client(function()
      error(reason)
    end, "delay-200")
    local ok, raised = in_coroutine(function()
      return hosted:delete_inbox(params(1))
    end)
    assert.is_false(ok)
    assert.equal(reason, raised)
    assert.is_true(world:count() <= 1)
  end)

  it("of a coroutine that nobody resumes: the call is given up when it is collected", function()
    local hosted = client(function()
      coroutine.yield()
    end, "never")
    local thread = coroutine.create(function()
      hosted:delete_inbox(params(1))
    end)
    assert(coroutine.resume(thread))
    assert.equal("suspended", coroutine.status(thread))
    thread = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    assert.equal(2, assert(caller.delete(world, "ok", { inboxID = 2 })).inboxID)
    assert.is_true(world:count() <= 2)
  end)

  -- ----- tasks that go away while they sleep -----

  -- Ends a task, as a loop does; it must not be collected in place of that.
  local left = {}
  local ways_to_leave = {
    ["is never resumed"] = function(thread)
      left[#left + 1] = thread
    end,
    ["is closed"] = coroutine.close, -- from Lua 5.4 on
  }

  local function inboxes_asked()
    local asked = {}
    for _, request in ipairs(world:requests()) do
      asked[#asked + 1] = tonumber(request.body:match('"inboxID":(%d+)'))
    end
    return asked
  end

  local function many(count)
    local list = {}
    for inbox = 1, count do
      list[inbox] = params(inbox)
    end
    return list
  end

  local asked_for = {
    ["a call"] = function(hosted)
      hosted:delete_inbox(params(1))
    end,
    ["several at once"] = function(hosted)
      hosted:delete_inboxes(many(8))
    end,
  }

  for how, leave in pairs(ways_to_leave) do
    for what, ask in pairs(asked_for) do
      it("of a task that " .. how .. ": what it asked for is not sent, " .. what, function()
        local base_url = world:base_url("ok", mock.spare())
        local hosted = client(coroutine.yield, nil, { base_url = base_url })
        local thread = coroutine.create(ask)
        mock.while_halted(function()
          assert(coroutine.resume(thread, hosted)) -- until it connects
        end)
        leave(thread)
        for inbox = 11, 20 do -- each of them steps
          assert(caller.delete(world, "delay-20", { inboxID = inbox }))
        end
        assert(client(function() end, "delay-20"):delete_inbox(params(21)))
        assert.same({ 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21 }, inboxes_asked())
        left = {}
      end)
    end

    it("of a task that " .. how .. ": a call that waits in the queue is not sent", function()
      local hosted = client(coroutine.yield, "delay-100", { max_in_flight = 1 })
      local first = coroutine.create(function()
        return hosted:delete_inbox(params(1))
      end)
      local second = coroutine.create(function()
        return hosted:delete_inbox(params(2))
      end)
      assert(coroutine.resume(first))
      assert(coroutine.resume(second))
      leave(second)
      local ok, result
      while coroutine.status(first) ~= "dead" do
        ok, result = coroutine.resume(first)
      end
      assert.is_true(ok)
      assert.equal(1, result.inboxID)
      assert.equal(3, assert(caller.delete(world, "delay-100", { inboxID = 3 })).inboxID)
      assert.same({ 1, 3 }, inboxes_asked())
      left = {}
    end)
  end

  -- ----- places among max_in_flight -----

  -- A task that has connected, and cannot send before it is resumed: the first of these calls.
  local function connect_and_wait(options, ask)
    local thread = coroutine.create(ask)
    mock.while_halted(function()
      assert(coroutine.resume(thread, client(coroutine.yield, nil, options)))
    end)
    return thread
  end

  for what, count in pairs { ["a call"] = 1, ["several at once"] = 4 } do
    for _, max_idle in ipairs { 0, 4 } do
      it(("of tasks that do not come back: others have the places of %s, max_idle %d")
        :format(what, max_idle), function()
          local options = {
            base_url = world:base_url("ok", mock.spare()), ca_file = mock.ca_file, timeout = 5,
            max_in_flight = count, max_idle = max_idle,
          }
          local report
          local thread = connect_and_wait(options, function(hosted)
            report = hosted:delete_inboxes(many(count))
          end)
          -- This one blocks, and so the task cannot come.
          assert.equal(11, assert(safe.delete_inbox(params(11), options)).inboxID)
          assert.same({ 11 }, inboxes_asked())
          repeat
            mock.shared.pause(0.001)
            assert(coroutine.resume(thread))
          until report
          assert.equal(count, report.deleted)
          assert.equal(count + 1, world:count())
        end)
    end
  end

  it("whose tasks come in another order than they began: as many start as there are places",
    function()
      local PLACES, TASKS = 8, 64
      local function rounds_taken()
        local options = { base_url = world:base_url("ok", mock.spare()), max_in_flight = PLACES }
        local hosted = client(coroutine.yield, nil, options)
        local deleted, rounds = 0, 0
        local threads = {}
        for i = 1, TASKS do
          threads[i] = coroutine.create(function()
            assert(hosted:delete_inbox(params(i)))
            deleted = deleted + 1
          end)
          assert(coroutine.resume(threads[i]))
        end
        while deleted < TASKS do
          rounds = rounds + 1
          mock.shared.pause(0.02)
          for i = TASKS, 1, -1 do
            if coroutine.status(threads[i]) ~= "dead" then
              assert(coroutine.resume(threads[i]))
            end
          end
        end
        return rounds
      end
      -- Were it one in each round, that would take about as many as there are tasks.
      local tries, rounds = 0
      repeat
        tries, rounds = tries + 1, rounds_taken()
      until rounds < TASKS / 3 or tries == 3
      assert.is_true(rounds < TASKS / 3, "it took " .. rounds .. " rounds")
      assert.equal(tries * TASKS, world:count())
    end)

  if coroutine.close then
    it("of a task that is closed: the connection of what was sent is reset at once", function()
      local hosted = client(coroutine.yield, "never")
      local thread = coroutine.create(function()
        hosted:delete_inbox(params(1))
      end)
      repeat
        assert(coroutine.resume(thread))
      until world:count() == 1
      assert.is_true(coroutine.close(thread))
      assert.equal(0, (require("ninedig.core").step()))
      assert.equal(1, world:count())
    end)
  end

  -- Neovim has LuaJIT and its loop; what is built for jit is loaded into it.
  if lua_version == "jit" then
    it("of Neovim", function()
      local program, report = os.tmpname(), os.tmpname()
      local file = assert(io.open(program, "w"))
      file:write(([[
        local uv = vim.loop
        local function sleep(seconds)
          local thread = coroutine.running()
          local timer = uv.new_timer()
          timer:start(math.ceil(seconds * 1000), 0, function()
            timer:close()
            assert(coroutine.resume(thread))
          end)
          coroutine.yield()
        end
        local said = {}
        local ended = 0
        local client = require("ninedig.safe").client {
          base_url = %q, ca_file = %q, access_token = %q, sleep = sleep,
        }
        for inbox = 1, 3 do
          coroutine.wrap(function()
            local result, err = client:delete_inbox { accountID = 1, inboxID = inbox }
            said[inbox] = result and result.status .. " " .. result.inboxID or tostring(err)
            ended = ended + 1
          end)()
        end
        vim.wait(10000, function() return ended == 3 end, 5)
        local report = io.open(%q, "w")
        report:write(table.concat(said, "\n"))
        report:close()
        vim.cmd("qall!")
      ]]):format(world:base_url("delay-100"), mock.ca_file, mock.token, report))
      file:close()
      os.execute(("timeout 30 nvim --headless -u NONE -i NONE -n -c 'luafile %s' >/dev/null 2>&1")
        :format(program))
      local answer = assert(io.open(report))
      local said = answer:read("*a")
      answer:close()
      os.remove(program)
      os.remove(report)
      assert.equal("OK 1\nOK 2\nOK 3", said)
      assert.equal(3, world:count())
    end)
  end
end)
