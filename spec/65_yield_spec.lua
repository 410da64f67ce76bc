-- Calls where nothing can wait, as what is between them and their coroutine cannot be yielded
-- across: nothing is sent. In nginx: spec/66_nginx_waiting_spec.lua.
local boundaries = require("spec.support.boundaries")
local caller = require("spec.support.caller")
local core = require("ninedig.core")
local leaks = require("spec.support.leaks")
local loops = require("spec.support.loops")
local mock = require("spec.support.mock")

local ninedig, safe = caller.ninedig, caller.safe

describe("can_yield", function()
  for _, name in ipairs(boundaries.names) do
    it("says what a yield would do: " .. name, function()
      local expected, said = boundaries.can_yield_across(name), nil
      local thread = coroutine.create(function()
        boundaries.call_within(name, function()
          said = core.can_yield()
        end)
      end)
      coroutine.resume(thread)
      assert.equal(expected, said)
    end)
  end

  it("says no outside of coroutines", function()
    local said = caller.child({}, "print(require('ninedig.core').can_yield())")
    assert.equal("false\n", said)
  end)

  it("says yes in a coroutine in a coroutine, however deep the outer one is", function()
    local said
    pcall(pcall, function()
      coroutine.wrap(function()
        boundaries.call_within("gsub", function()
          coroutine.wrap(function()
            said = core.can_yield()
          end)()
        end)
      end)()
    end)
    assert.is_true(said)
  end)

  it("says the same after a yield, from wherever the coroutine is resumed", function()
    local said = {}
    local thread = coroutine.create(function()
      for i = 1, 2 do
        said[i] = core.can_yield()
        coroutine.yield()
      end
      boundaries.call_within("gsub", function()
        said[3] = core.can_yield()
      end)
    end)
    coroutine.resume(thread)
    boundaries.call_within("gsub", function()
      coroutine.resume(thread)
    end)
    coroutine.resume(thread)
    assert.same({ true, true, false }, said)
  end)
end)

describe("a call that could not wait", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local REFUSED = { kind = "argument", name = "CANNOT_YIELD_HERE", outcome = "not_sent",
    retryable = false }

  local function client_of(module, loop, scenario)
    local options = caller.options(world, scenario or "ok")
    options.sleep = loop.sleep
    options.access_token = mock.token
    return assert(module.client(options))
  end

  local function delete(client)
    return client:delete_inbox { accountID = 1, inboxID = 10 }
  end

  for loop_name, loop in pairs(loops) do
    for _, name in ipairs(boundaries.names) do
      it("in " .. loop_name .. ": " .. name, function()
        local client = client_of(safe, loop)
        local called, result, err
        loop.run { function()
          called = boundaries.call_within(name, function()
            result, err = delete(client)
          end)
        end }
        if not called then
          assert.is_nil(boundaries.can_yield_across(name))
        elseif boundaries.can_yield_across(name) then
          assert.is_nil(err)
          assert.equal(10, result.inboxID)
          assert.equal(1, world:count())
        else
          assert.is_nil(result)
          caller.check_error(err, REFUSED)
          assert.matches("nothing was sent", err.message, 1, true)
          assert.equal(0, world:count())
        end
      end)
    end

    it("in " .. loop_name .. ": the refusal is raised, too", function()
      local client = client_of(ninedig, loop)
      local ok, err
      loop.run { function()
        ok, err = pcall(string.gsub, "x", ".", function()
          delete(client)
        end)
      end }
      assert.is_false(ok)
      caller.check_error(err, REFUSED)
      assert.equal(0, world:count())
    end)

    it("in " .. loop_name .. ": the README's pcall deletes, or says before what to do", function()
      local client = client_of(ninedig, loop)
      local ok, result
      loop.run { function()
        ok, result = pcall(client.delete_inbox, client, { accountID = 1, inboxID = 10 })
      end }
      if boundaries.can_yield_across("pcall") then
        assert.is_true(ok)
        assert.equal(1, world:count())
      else
        assert.is_false(ok)
        caller.check_error(result, REFUSED)
        assert.matches("ninedig.safe", result.message, 1, true)
        assert.matches("coxpcall", result.message, 1, true)
        assert.equal(0, world:count())
      end
    end)

    it("in " .. loop_name .. ": reads, tokens and lists alike", function()
      local client = client_of(safe, loop, "live")
      local asked = {
        get_accounts = {}, get_inboxes = { accountID = 1 }, get_whatsapp_numbers = {},
        get_access_token = { client_id = mock.client_id, client_secret = mock.client_secret },
        find_inbox = { whatsapp_number = "972501234567" },
        verify_deletion = { accountID = 1, inboxID = 10 },
        delete_inboxes = { { accountID = 1, inboxID = 10 } },
      }
      for method, params in pairs(asked) do
        local result, err
        loop.run { function()
          boundaries.call_within("sort", function()
            result, err = client[method](client, params)
          end)
        end }
        assert.is_nil(result)
        caller.check_error(err, REFUSED)
        assert.equal(method, err.call)
      end
      assert.equal(0, world:count())
    end)

    -- Nobody would resume it: see ninedig.events.
    it("in " .. loop_name .. ": on_event, which is left where it waits", function()
      local other = client_of(safe, loop)
      local told
      local options = caller.options(world, "ok", {
        sleep = loop.sleep, access_token = mock.token,
        on_event = function()
          told = told or { delete(other) }
        end,
      })
      local client = assert(safe.client(options))
      local result
      loop.run { function()
        result = assert(delete(client))
      end }
      assert.equal(10, result.inboxID)
      assert.is_nil(told[1])
      caller.check_error(told[2], REFUSED)
      assert.equal(1, world:count())
      loop.run { function()
        assert(delete(client))
      end }
      assert.equal(2, world:count())
    end)

    -- What was tried has left nothing that would wake it.
    it("in " .. loop_name .. ": its coroutine sleeps on as long as it wants to", function()
      local client = client_of(safe, loop)
      local err, slept
      loop.run { function()
        boundaries.call_within("gsub", function()
          err = select(2, delete(client))
        end)
        local began = core.monotonic()
        loop.sleep(0.2)
        slept = core.monotonic() - began
      end }
      caller.check_error(err, REFUSED)
      assert.is_true(slept >= 0.05, slept)
      assert.equal(0, world:count())
    end)
  end

  -- What the main thread of a script does: busted runs its tests in that, too.
  if loops.cqueues then
    it("but its sleep yields not, as that of cqueues outside of its loop: it deletes", function()
      local client = client_of(safe, loops.cqueues, "delay-30")
      local result
      boundaries.call_within("gsub", function()
        result = assert(delete(client))
      end)
      assert.equal(10, result.inboxID)
      assert.equal(1, world:count())
    end)
  end

  it("as its sleep fails outside of coroutines: says so", function()
    local client = client_of(safe, { sleep = coroutine.yield })
    local result, err = delete(client)
    assert.is_nil(result)
    caller.check_error(err, REFUSED)
    assert.matches("outside of all coroutines", err.message, 1, true)
    assert.matches("in a coroutine of the event loop", err.message, 1, true)
    assert.equal(0, world:count())
  end)

  it("as its sleep raises outside of coroutines: says so without what it raised", function()
    local odd = setmetatable({}, { __tostring = function()
      error("no text")
    end })
    local no_text = setmetatable({}, { __tostring = function()
      return 5
    end })
    for _, raised in ipairs { "first\nsecond " .. mock.token, odd, no_text, 5, false } do
      local client = client_of(safe, { sleep = function()
        error(raised, 0)
      end })
      local result, err = delete(client)
      assert.is_nil(result)
      caller.check_error(err, REFUSED)
      assert.matches("outside of all coroutines", err.message, 1, true)
      assert.equal(0, world:count())
    end
  end)

  it("though a sleep that blocks is fit anywhere", function()
    local client = client_of(safe, { sleep = caller.pause }, "delay-30")
    local result
    assert(coroutine.resume(coroutine.create(function()
      boundaries.call_within("sort", function()
        result = assert(delete(client))
      end)
    end)))
    assert.equal(10, result.inboxID)
    assert.equal(1, world:count())
  end)
end)

describe("waiting", function()
  it("for nothing takes no work, in a state that has no engine either", function()
    local said = caller.child({}, [[
      local core = require("ninedig.core")
      local began, worked = core.monotonic(), os.clock()
      require("ninedig.wait.blocking").pause(0.3)
      print(core.monotonic() - began > 0.299, os.clock() - worked < 0.1)
    ]])
    assert.equal("true\ttrue\n", said)
  end)

  for loop_name, loop in pairs(loops) do
    it("in " .. loop_name .. " holds no coroutine that has ended", function()
      local world = mock.world()
      local options = caller.options(world, "delay-30", { access_token = mock.token })
      options.sleep = loop.sleep
      local client = assert(safe.client(options))
      local ended = setmetatable({}, { __mode = "k" })
      local outcomes = {}
      local function note(result, err)
        outcomes[#outcomes + 1] = result and "deleted" or err.name
        ended[coroutine.running()] = true
      end
      loop.run {
        function()
          note(client:delete_inbox { accountID = 1, inboxID = 10 })
        end,
        function()
          boundaries.call_within("sort", function()
            note(client:delete_inbox { accountID = 1, inboxID = 11 })
          end)
        end,
      }
      table.sort(outcomes)
      assert.same({ "CANNOT_YIELD_HERE", "deleted" }, outcomes)
      assert.equal(1, world:count())
      collectgarbage()
      collectgarbage()
      assert.is_nil(next(ended))
    end)
  end
end)
