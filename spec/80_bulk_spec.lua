-- Many deletions at once: client:delete_inboxes.
local caller = require("spec.support.caller")
local cjson = require("cjson").new()
local core = require("ninedig.core")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")
local nginx = require("spec.support.nginx")
local partner = require("spec.support.partner")

local ninedig, safe = caller.ninedig, caller.safe

local function inboxes(count, more)
  local list = {}
  for i = 1, count do
    list[i] = { accountID = 1, inboxID = 100 + i }
    for key, value in pairs(more or {}) do
      list[i][key] = value
    end
  end
  return list
end

-- How often each inbox was asked for.
local function sent(world)
  local seen = {}
  for _, record in ipairs(world:requests()) do
    if record.path:find("/deleteInbox$") then
      local inbox = cjson.decode(record.body).inboxID
      seen[inbox] = (seen[inbox] or 0) + 1
    end
  end
  return seen
end

local function class_of(one)
  return one.result and "deleted" or one.error and one.error.outcome or one.skipped and "skipped"
end

-- What holds of every report: each entry is in it once, with one of three keys; the counts are
-- those of the results; what was skipped was never sent, and what was is in it.
local function check_report(report, list, world)
  local counts = { deleted = 0, rejected = 0, not_sent = 0, unknown = 0, skipped = 0 }
  assert.equal(#list, #report.results)
  local seen = sent(world)
  for i, one in ipairs(report.results) do
    local keys = 0
    for key, value in pairs(one) do
      keys = keys + 1
      assert.is_truthy(key == "result" or key == "error" or key == "skipped" and value == true)
    end
    assert.equal(1, keys)
    local class = class_of(one)
    counts[class] = counts[class] + 1
    local times = seen[tonumber(list[i].inboxID)] or 0
    if class == "skipped" or class == "not_sent" then
      assert.equal(0, times, "entry " .. i .. " was sent, and is " .. class)
    elseif class == "unknown" then
      assert.is_true(times <= 1, "entry " .. i .. " was sent twice")
    else
      assert.equal(1, times, "entry " .. i)
    end
    if one.error then
      assert.is_true(ninedig.is_error(one.error))
    end
  end
  for class, count in pairs(counts) do
    assert.equal(count, report[class], class)
  end
  return report
end

-- The most requests that were under way at once, by the mock's clock: each takes `seconds`.
local function most_at_once(world, seconds)
  local requests, most = world:requests(), 0
  for _, one in ipairs(requests) do
    local count = 0
    for _, other in ipairs(requests) do
      if other.time <= one.time and one.time < other.time + seconds then
        count = count + 1
      end
    end
    most = math.max(most, count)
  end
  return most
end

local function connections(world)
  local known, count = {}, 0
  for _, record in ipairs(world:requests()) do
    if not known[record.connection] then
      known[record.connection] = true
      count = count + 1
    end
  end
  return count
end

describe("delete_inboxes", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  local function client(scenario, more)
    local options = caller.options(world, scenario, { access_token = mock.token })
    for key, value in pairs(more or {}) do
      options[key] = value ~= caller.NONE and value or nil
    end
    return assert(safe.client(options))
  end

  -- A client of the scenario that answers by the world's script, entry by entry.
  local function run(scenario, list, options, more)
    local report, err = client(scenario, more):delete_inboxes(list, options)
    assert(report, err)
    return check_report(report, list, world)
  end

  describe("reports", function()
    it("what was deleted, in the order of the list", function()
      local list = inboxes(20)
      local report = run("ok", list)
      assert.equal(20, report.deleted)
      for i, one in ipairs(report.results) do
        assert.equal(100 + i, one.result.inboxID)
        assert.equal("OK", one.result.status)
      end
    end)

    it("nothing for an empty list, and sends nothing", function()
      local report = run("ok", {})
      assert.same({
        deleted = 0, rejected = 0, not_sent = 0, unknown = 0, skipped = 0, results = {},
      }, report)
      assert.equal(0, world:count())
    end)

    it("in the order of the list what came in another", function()
      local order = {}
      local report = run("first-1+delay-300", inboxes(4), {
        concurrency = 4,
        on_result = function(i)
          order[#order + 1] = i
        end,
      })
      assert.equal(4, report.deleted)
      assert.equal(4, #order)
      for i, one in ipairs(report.results) do
        assert.equal(100 + i, one.result.inboxID)
      end
      local slow = cjson.decode(world:requests()[1].body).inboxID - 100
      assert.equal(slow, order[4], "the one that the mock delayed comes last")
    end)

    it("each class, and counts them", function()
      -- One at a time, so that the first answers are for the first entries.
      local list = inboxes(4)
      local report = run("first-1+reason-47", list, { concurrency = 1, stop_on_error = false })
      assert.same({ 3, 1 }, { report.deleted, report.rejected })
      caller.check_error(report.results[1].error, {
        kind = "api", reason = 47, outcome = "rejected", inboxID = 101, call = "delete_inbox",
      })
    end)

    it("lost answers and time-outs as unknown, each by itself", function()
      local report = run("first-2+close", inboxes(5), { concurrency = 1, stop_on_error = false })
      assert.same({ 3, 2 }, { report.deleted, report.unknown })
      world = mock.world()
      report = run("first-3+never", inboxes(6), { concurrency = 6, stop_on_error = false },
        { timeout = 2 })
      assert.same({ 3, 3 }, { report.deleted, report.unknown })
      for _, one in ipairs(report.results) do
        assert.is_true(one.result ~= nil or one.error.name == "TIMEOUT")
      end
    end)

    it("what could not be sent", function()
      local report = run("ok", inboxes(3), { stop_on_error = false },
        { base_url = world:base_url("ok", mock.refused) })
      assert.equal(3, report.not_sent)
      assert.equal(0, world:count())
    end)

    it("lost answers, refusals and deletions of one list, none of them sent twice", function()
      local list = inboxes(60)
      local report = run("first-30+reset", list, { concurrency = 16, stop_on_error = false })
      assert.equal(30, report.unknown)
      assert.equal(30, report.deleted)
      assert.equal(60, world:count())
    end)
  end)

  describe("on_result", function()
    it("is called once for each as they come, with i, the result and the error", function()
      local told = {}
      local report = run("first-1+reason-47", inboxes(5), {
        concurrency = 1,
        stop_on_error = false,
        on_result = function(...)
          assert.equal(3, select("#", ...))
          told[#told + 1] = { ... }
          assert.equal(#told, world:count(), "it is told before the next is sent")
        end,
      })
      assert.equal(5, #told)
      for i, one in ipairs(report.results) do
        assert.equal(i, told[i][1])
        assert.equal(one.result, told[i][2])
        assert.equal(one.error, told[i][3])
      end
    end)

    it("is not called for what was skipped", function()
      local told = {}
      local report = run("reason-47", inboxes(5), {
        concurrency = 1,
        on_result = function(i)
          told[#told + 1] = i
        end,
      })
      assert.same({ 1, 4 }, { report.rejected, report.skipped })
      assert.same({ 1 }, told)
    end)

    it("may make calls of the same client, many at once too", function()
      local one = client("ok")
      local list, others = inboxes(4), {}
      local report = check_report(assert(one:delete_inboxes(list, {
        concurrency = 2,
        on_result = function(i)
          others[i] = assert(one:delete_inbox { accountID = 2, inboxID = 200 + i })
          local inner = assert(one:delete_inboxes { { accountID = 2, inboxID = 300 + i } })
          assert.equal(1, inner.deleted)
        end,
      })), list, world)
      assert.equal(4, report.deleted)
      assert.equal(4, #others)
      assert.equal(12, world:count())
    end)

    it("may yield, where the whole call is made in a coroutine", function()
      local list, report = inboxes(6), nil
      local thread = coroutine.create(function()
        report = assert(client("ok"):delete_inboxes(list, {
          concurrency = 3,
          on_result = function(i)
            assert.equal("back", coroutine.yield(i))
          end,
        }))
      end)
      local yielded = 0
      local _, value = assert(coroutine.resume(thread))
      while coroutine.status(thread) ~= "dead" do
        assert.is_number(value)
        yielded = yielded + 1
        _, value = assert(coroutine.resume(thread, "back"))
      end
      assert.equal(6, yielded)
      assert.equal(6, check_report(report, list, world).deleted)
    end)
  end)

  describe("stop_on_error", function()
    it("starts nothing after the first error, and is what happens without it", function()
      for _, options in ipairs { {}, { stop_on_error = true } } do
        world = mock.world()
        options.concurrency = 1
        local report = run("reason-47", inboxes(10), options)
        assert.same({ 1, 9 }, { report.rejected, report.skipped })
        assert.equal(1, world:count())
      end
    end)

    it("awaits what is in flight", function()
      -- The first three to come take their time, the fourth is refused at once.
      local report = run("reason-47+first-3+delay-300+ok", inboxes(20), { concurrency = 4 })
      assert.same({ 1, 3, 16 }, { report.rejected, report.deleted, report.skipped })
      assert.equal(4, world:count())
    end)

    it("goes on after errors where it is false", function()
      local report = run("reason-47", inboxes(10), { stop_on_error = false, concurrency = 3 })
      assert.equal(10, report.rejected)
      assert.equal(10, world:count())
    end)
  end)

  describe("concurrency", function()
    before_each(function()
      world.origin = mock.spare()
    end)

    for _, limit in ipairs { 1, 2, 8, 64 } do
      it("bounds what the service sees at once: " .. limit, function()
        local count = math.min(3 * limit, 96)
        local report = run("delay-150", inboxes(count), { concurrency = limit })
        assert.equal(count, report.deleted)
        -- The mock notes when a request came, and answers 150 ms later.
        assert.is_true(most_at_once(world, 0.14) <= limit)
        assert.equal(limit, connections(world), "a connection for each that is under way")
      end)
    end

    it("is 8 where it is not given", function()
      local report = run("delay-100", inboxes(24))
      assert.equal(24, report.deleted)
      assert.equal(8, connections(world))
      assert.is_true(most_at_once(world, 0.09) <= 8)
    end)

    it("over max_in_flight waits for a connection", function()
      local report = run("delay-100", inboxes(9), { concurrency = 9 }, { max_in_flight = 3 })
      assert.equal(9, report.deleted)
      assert.equal(3, connections(world))
    end)
  end)

  describe("checks before the first request", function()
    local function refused(list, options, expected, ...)
      local report, err, more = client("ok"):delete_inboxes(list, options)
      assert.is_nil(report)
      assert.is_nil(more)
      expected.kind, expected.outcome = "argument", "not_sent"
      caller.check_error(err, expected)
      for _, text in ipairs { ... } do
        assert.is_truthy(err.message:find(text, 1, true), err.message .. " lacks " .. text)
      end
      assert.equal(0, world:count())
      return err
    end

    it("each entry, named by its index and key", function()
      local list = inboxes(5)
      list[4].inboxID = 0
      refused(list, nil, { accountID = 1 }, "entry 4", "inboxID")
      list[4].inboxID, list[2].acountID = 104, 1
      refused(list, nil, { name = "UNKNOWN_KEY" }, "entry 2", "acountID", "accountID")
      list[2].acountID, list[5].accountID = nil, nil
      refused(list, nil, {}, "entry 5", "accountID")
      list[5].accountID, list[3].server = 1, "no dots."
      refused(list, nil, {}, "entry 3", "server")
      list[3].server, list[1].whatsapp_number = nil, "+972"
      refused(list, nil, {}, "entry 1", "whatsapp_number")
      list[1].whatsapp_number, list[1].verify = nil, "yes"
      refused(list, nil, {}, "entry 1", "verify")
    end)

    it("entries that are no tables", function()
      for _, bad in ipairs { "10", 10, true, print } do
        local list = inboxes(2)
        list[2] = bad
        refused(list, nil, { name = "WRONG_TYPE" }, "entry 2")
      end
    end)

    it("a token that is missing", function()
      local bare = assert(safe.client(caller.options(world, "ok")))
      local list = inboxes(2, { access_token = mock.token })
      list[2].access_token = nil
      local report, err = bare:delete_inboxes(list)
      assert.is_nil(report)
      caller.check_error(err, { kind = "argument" })
      assert.matches("entry 2", err.message, 1, true)
      assert.equal(0, world:count())
    end)

    it("inboxes that are there twice, however they are written", function()
      local first = { accountID = 1, inboxID = 10 }
      local same = {
        { accountID = 1, inboxID = "10" },
        { accountID = "1", inboxID = 10.0 },
        { accountID = 1.0, inboxID = 10, server = "online" },
        { accountID = 1, inboxID = "10", server = "ONLINE" },
        { accountID = 1, inboxID = 10, access_token = "another" },
        { accountID = 1, inboxID = 10, verify = true },
        first,
      }
      for _, entry in ipairs(same) do
        refused({ first, { accountID = 1, inboxID = 11 }, entry }, nil,
          { name = "DUPLICATE_ENTRY" }, "entries 1 and 3", "inboxID 10", "accountID 1")
      end
      local large = { accountID = "900000000000000001", inboxID = "900000000000000003" }
      refused({ large, { accountID = large.accountID, inboxID = large.inboxID } }, nil,
        { name = "DUPLICATE_ENTRY" }, "inboxID 900000000000000003 of accountID 900000000000000001")
    end)

    it("but takes no others for the same", function()
      local report = run("ok", {
        { accountID = 1, inboxID = 10 },
        { accountID = 1, inboxID = 11 },
        { accountID = 2, inboxID = 12 },
        { accountID = "900000000000000001", inboxID = 13 },
        { accountID = "900000000000000002", inboxID = 14 },
        { accountID = 11, inboxID = 15 },
      })
      assert.equal(6, report.deleted)
      local list = {
        { accountID = 2, inboxID = 20 }, { accountID = 2, inboxID = 20, server = "west" },
        { accountID = 20, inboxID = 2 },
      }
      assert.equal(3, assert(client("ok"):delete_inboxes(list)).deleted)
      assert.equal(9, world:count())
    end)

    it("the list", function()
      for _, bad in ipairs { "list", 1, true, print } do
        refused(bad, nil, { name = "WRONG_TYPE" }, "list of tables")
      end
      refused(nil, nil, { name = "WRONG_TYPE" }, "nil")
      refused({ accountID = 1, inboxID = 10 }, nil, { name = "UNKNOWN_KEY" }, "list")
      refused({ { accountID = 1, inboxID = 10 }, n = 1 }, nil, { name = "UNKNOWN_KEY" }, '"n"')
      refused({ ["a\nb"] = {} }, nil, { name = "UNKNOWN_KEY" })
      refused({ [print] = {} }, nil, { name = "UNKNOWN_KEY" }, "a function")
      refused({ [0] = { accountID = 1, inboxID = 10 } }, nil, { name = "MISSING_KEY" }, "entry 1")
      refused({ [1.5] = {} }, nil, { name = "MISSING_KEY" }, "entry 1")
      local list = inboxes(5)
      list[3] = nil
      refused(list, nil, { name = "MISSING_KEY" }, "entry 3")
      refused({ [2 ^ 40] = {} }, nil, { name = "MISSING_KEY" }, "entry 1")
    end)

    it("the options", function()
      local list = inboxes(2)
      for _, bad in ipairs { 0, 65, -1, 1.5, "many", true } do
        refused(list, { concurrency = bad }, {}, "concurrency")
      end
      for _, bad in ipairs { 0, -1, 1000.5, 0 / 0, 1 / 0, "fast", true } do
        refused(list, { rate = bad }, {}, "rate")
      end
      for _, bad in ipairs { -1, 101, 2.5, "none", false } do
        refused(list, { repeats = bad }, {}, "repeats")
      end
      for _, bad in ipairs { 0, "no" } do
        refused(list, { stop_on_error = bad }, {}, "stop_on_error")
      end
      for _, bad in ipairs { 1, "print", {} } do
        refused(list, { on_result = bad }, {}, "on_result")
      end
      refused(list, { concurency = 2 }, { name = "UNKNOWN_KEY" }, "concurency", "concurrency")
      refused(list, false, { name = "WRONG_TYPE" }, "boolean")
      refused(list, 8, { name = "WRONG_TYPE" }, "number")
    end)

    it("that the client is open", function()
      local closed = client("ok")
      closed:close()
      local report, err = closed:delete_inboxes(inboxes(2))
      assert.is_nil(report)
      caller.check_error(err, { kind = "argument", name = "CLIENT_CLOSED", outcome = "not_sent" })
      assert.equal(0, world:count())
    end)

    it("and raises what it finds, where it is not asked to be safe", function()
      local raising = ninedig.client(caller.options(world, "ok", { access_token = mock.token }))
      local ok, err = pcall(raising.delete_inboxes, raising, { { accountID = 1 } })
      assert.is_false(ok)
      caller.check_error(err, { kind = "argument", outcome = "not_sent" })
      assert.equal(0, world:count())
    end)
  end)

  describe("the caller's tables", function()
    it("are not changed", function()
      local list = inboxes(3, { server = "online", verify = true })
      local options = { concurrency = 2, stop_on_error = false, on_result = function() end }
      local before = { caller.render(list), caller.render(options) }
      run("ok", list, options)
      assert.same(before, { caller.render(list), caller.render(options) })
    end)

    it("are not read again once they are checked", function()
      local list = inboxes(6)
      local given = inboxes(6)
      local options = { concurrency = 1 }
      local calls = 0
      function options.on_result()
        calls = calls + 1
        options.stop_on_error, options.on_result = "bad", error
        for i = #given, 1, -1 do
          given[i].inboxID, given[i].server = 666, 1
          given[i] = nil
        end
      end
      check_report(assert(client("ok"):delete_inboxes(given, options)), list, world)
      assert.equal(6, calls)
      assert.equal(6, world:count())
      assert.is_nil(sent(world)[666])
    end)

    it("are read without their metamethods", function()
      local function trap()
        error("a metamethod was called")
      end
      local traps = { __index = trap, __newindex = trap, __len = trap, __pairs = trap }
      local list = inboxes(3)
      for _, entry in ipairs(list) do
        setmetatable(entry, traps)
      end
      local report = assert(client("ok"):delete_inboxes(setmetatable(list, traps)))
      assert.equal(3, report.deleted)
      assert.equal(3, world:count())
    end)
  end)

  describe("an error that on_result raises", function()
    -- Of ten, three are under way when the first is told.
    local function raise(what, scenario)
      local list, calls = inboxes(10), 0
      local options = {
        concurrency = 3,
        on_result = function()
          calls = calls + 1
          if calls == 1 then
            error(what, 0)
          end
        end,
      }
      local report, err, thrown = client(scenario or "delay-100"):delete_inboxes(list, options)
      return list, report, err, thrown, calls
    end

    it("stops, awaits what is in flight, and passes through as a table with the report", function()
      local mine = setmetatable({ text = "mine" }, { __newindex = error })
      local list, report, err, thrown, calls = raise(mine)
      assert.is_nil(report)
      assert.equal(mine, err)
      assert.is_nil(thrown)
      check_report(err.report, list, world)
      assert.same({ 3, 7 }, { err.report.deleted, err.report.skipped })
      assert.equal(3, calls, "the others that were in flight are told, too")
      assert.equal(3, world:count())
    end)

    it("is the third value where it is no table, and the report the second", function()
      for _, what in ipairs { "mine", 42, true, false } do
        world = mock.world()
        local list, report, second, thrown = raise(what)
        assert.is_nil(report)
        assert.equal(what, thrown)
        check_report(second, list, world)
        assert.same({ 3, 7 }, { second.deleted, second.skipped })
      end
    end)

    it("passes through as it is from a client that raises", function()
      local raising = ninedig.client(caller.options(world, "ok", { access_token = mock.token }))
      for _, what in ipairs { "mine", { "mine" }, 42 } do
        local ok, raised = pcall(raising.delete_inboxes, raising, inboxes(3), {
          concurrency = 1,
          on_result = function()
            error(what, 0)
          end,
        })
        assert.is_false(ok)
        assert.equal(what, raised)
      end
      assert.equal(3, world:count())
    end)

    it("may be an error of ours", function()
      local list = inboxes(5)
      local report, err = client("reason-47"):delete_inboxes(list, {
        concurrency = 1,
        on_result = function(_, _, why)
          error(why, 0)
        end,
      })
      assert.is_nil(report)
      assert.is_true(ninedig.is_error(err))
      assert.equal("INBOX_ID_INVALID", err.name)
      check_report(err.report, list, world)
      assert.equal(err, err.report.results[1].error)
    end)

    it("is the first one, where there are several", function()
      local calls = 0
      local _, _, thrown = client("delay-50"):delete_inboxes(inboxes(6), {
        concurrency = 3,
        on_result = function()
          calls = calls + 1
          error("number " .. calls, 0)
        end,
      })
      assert.equal(3, calls)
      assert.equal("number 1", thrown)
      assert.equal(3, world:count())
    end)
  end)

  local function total_of(numbers)
    local total = 0
    for _, number in ipairs(numbers) do
      total = total + number
    end
    return total
  end

  -- Runs a list with a clock that is moved on where there is nothing but a pause. Returns how many
  -- seconds it took by that, and how many were pauses: the rest is how slow the machine is.
  -- `options` and `more` are as for `run`.
  local function run_without_pauses(scenario, list, options, more)
    local sleep, pauses = partner.no_pauses()
    more = more or {}
    more.sleep = sleep
    local began = core.monotonic()
    local report = assert(client(scenario, more):delete_inboxes(list, options))
    return report, core.monotonic() - began, total_of(pauses)
  end

  local function counts_of(report)
    return ("%d deleted %d rejected %d not_sent %d unknown %d skipped"):format(report.deleted,
      report.rejected, report.not_sent, report.unknown, report.skipped)
  end

  -- The inboxes that were asked for, in order.
  local function order_of(seen)
    local ids = {}
    for _, record in ipairs(seen:requests()) do
      if record.path:find("/deleteInbox$") then
        ids[#ids + 1] = ("%d"):format(cjson.decode(record.body).inboxID)
      end
    end
    return table.concat(ids, " ")
  end

  describe("a service that refuses with 429", function()
    local function stores(count, more)
      more = more or {}
      more.accountID = 4
      return inboxes(count, more)
    end

    for scenario, seconds in pairs {
      ["live+busy-1-30"] = { 30, 30.5 },
      ["live+busy_date-1-30"] = { 28, 30.5 },
      ["live+clock-100000+busy_date-1-30"] = { 28, 30.5 },
      ["live+clock--100000+busy_date-1-30"] = { 28, 30.5 },
      ["live+busy-1-3600"] = { 3600, 3601 },
      ["live+busy-2-30"] = { 60, 60.5 },
      ["live+busy-1-0"] = { 0, 0.5 },
    } do
        it("is left alone as long as it says, and asked again: " .. scenario, function()
          local told = {}
          local report, took, paused = run_without_pauses(scenario, stores(3), {
            concurrency = 1,
            on_result = function(i)
              told[#told + 1] = i
            end,
          })
          assert.equal("3 deleted 0 rejected 0 not_sent 0 unknown 0 skipped", counts_of(report))
          assert.is_true(took >= seconds[1] and paused < seconds[2], took)
          assert.same({ 1, 2, 3 }, told)
          local first = scenario:find("busy-2", 1, true) and "101 101 101" or "101 101"
          assert.equal(first .. " 102 103", order_of(world))
        end)
    end

    it("without a time is left alone for a second, and then twice as long each time", function()
      for times, least in ipairs { 1, 3, 7, 15, 31, 63, 123, 183 } do
        world = mock.world()
        local report, took, paused = run_without_pauses("live+busy-" .. times, stores(2),
          { concurrency = 1, repeats = 8 })
        assert.equal(2, report.deleted)
        assert.is_true(took >= least and paused < least * 1.25 + 0.5, took)
        assert.equal(times + 2, world:count("deleteInbox"))
      end
    end)

    it("is asked again so often and no more, and then nobody is asked for", function()
      for _, repeats in ipairs { 5, 3, 0 } do
        for _, stop_on_error in ipairs { true, false } do
          world = mock.world()
          local options = { concurrency = 1, repeats = repeats, stop_on_error = stop_on_error }
          if repeats == 5 then
            options.repeats = nil
          end
          local report = run_without_pauses("live+busy-all-7", stores(10), options)
          assert.equal("0 deleted 1 rejected 0 not_sent 0 unknown 9 skipped", counts_of(report))
          caller.check_error(report.results[1].error, {
            kind = "http", http_status = 429, outcome = "rejected", retryable = true,
            retry_after = 7, inboxID = 101,
          })
          assert.equal(repeats + 1, world:count())
        end
      end
    end)

    it("for more than an hour is asked for nothing more", function()
      local report, _, paused = run_without_pauses("live+busy-all-3601", stores(10),
        { concurrency = 1, stop_on_error = false })
      assert.equal("0 deleted 1 rejected 0 not_sent 0 unknown 9 skipped", counts_of(report))
      assert.is_true(paused < 1, paused)
      assert.equal(1, world:count())
    end)

    it("is asked for nothing new meanwhile", function()
      -- The first one is refused at once, and what comes beside it is answered slowly.
      local report = assert(client("live+busy-1-1+drip-3+first-1+chunked")
        :delete_inboxes(stores(12), { concurrency = 4 }))
      assert.equal(12, report.deleted)
      local requests, early = world:requests(), 0
      for _, record in ipairs(requests) do
        if record.time < requests[1].time + 0.95 then
          early = early + 1
        end
      end
      assert.equal(4, early)
      assert.equal(13, #requests)
    end)

    it("in a storm is asked for each until it has them all, and for none twice", function()
      local list = stores(40)
      local report = run_without_pauses("live+busy-40-2", list, { concurrency = 8 })
      assert.equal("40 deleted 0 rejected 0 not_sent 0 unknown 0 skipped", counts_of(report))
      assert.equal(80, world:count())
      for i, one in ipairs(report.results) do
        assert.equal(100 + i, one.result.inboxID)
      end
    end)

    it("in a storm without an end is asked a few times", function()
      for scenario, most in pairs { ["live+busy-all"] = 48, ["live+busy-all-3601"] = 8 } do
        world = mock.world()
        local report = run_without_pauses(scenario, stores(40),
          { concurrency = 8, stop_on_error = false })
        assert.equal(40, report.rejected + report.skipped)
        assert.is_true(report.rejected <= 8)
        assert.is_true(world:count() <= most, world:count())
      end
    end)

    it("with a reason that it does not document did nothing: it is asked again", function()
      local report = run_without_pauses("live+only-deleteInbox+first-2+reason-99+status-429",
        stores(2), { concurrency = 1 })
      assert.equal(2, report.deleted)
      assert.equal("101 101 101 102", order_of(world))
    end)

    for what, scenario in pairs {
      ["a reason of its table"] = "live+only-deleteInbox+reason-47+status-429+retry_after-1",
      ["a body that says OK"] = "live+only-deleteInbox+status-429+retry_after-1",
      ["HTTP 503"] = "live+gateway_after-503+retry_after-1",
      ["HTTP 504"] = "live+gateway_after-504+retry_after-1",
      ["no answer"] = "live+lost_after",
    } do
      it("is asked once for each where it answers with " .. what, function()
        local report, _, paused = run_without_pauses(scenario, stores(6),
          { concurrency = 2, stop_on_error = false, repeats = 100 })
        assert.equal(6, report.rejected + report.unknown)
        assert.equal(what:find("reason") and 6 or 0, report.rejected)
        assert.is_true(paused < 1, paused)
        assert.equal(6, world:count())
      end)
    end

    it("before the deletion, at a read or for a token, is asked again too", function()
      local numbered = { { accountID = 1, inboxID = 10, whatsapp_number = "972501234567" } }
      -- A read is tried three times by itself.
      local report = run_without_pauses("live+flaky_read-429-3", numbered)
      assert.equal("1 deleted 0 rejected 0 not_sent 0 unknown 0 skipped", counts_of(report))
      assert.equal("deleteInbox 1, getAccounts 1, getInboxes 1, getWhatsApp 4",
        partner.counts(world))
      world = mock.world()
      local session = { access_token = caller.NONE, client_id = mock.client_id }
      session.client_secret = mock.client_secret
      local took
      report, took = run_without_pauses(
        "live+only-accessToken+first-1+status-429+retry_after-9", stores(3), { concurrency = 1 },
        session)
      assert.equal("3 deleted 0 rejected 0 not_sent 0 unknown 0 skipped", counts_of(report))
      assert.is_true(took >= 9, took)
      assert.equal("accessToken 2, deleteInbox 3", partner.counts(world))
      world = mock.world()
      report = run_without_pauses("live+only-accessToken+first-1+reason-99+status-429", stores(3),
        { concurrency = 1 }, session)
      assert.equal("3 deleted 0 rejected 0 not_sent 0 unknown 0 skipped", counts_of(report))
      assert.equal("accessToken 2, deleteInbox 3", partner.counts(world))
    end)

    it("after a deletion of which nobody knows is asked for that no more", function()
      local report = run_without_pauses("live+lost_after+reads_fail-429",
        stores(3, { verify = true }), { concurrency = 1, stop_on_error = false })
      assert.equal(3, report.unknown)
      assert.equal("LIST_FAILED", report.results[3].error.verification.blocker)
      assert.equal(3, world:count("deleteInbox"))
    end)

    it("and another error that stops the run: what was refused stays so", function()
      -- Of the first two, the one that comes first is put off, and the other is answered slowly.
      local list = inboxes(3, { accountID = 1 }) -- there are none of them
      local report = run_without_pauses("live+busy-1-30+only-deleteInbox+drip-3+first-1+chunked",
        list, { concurrency = 2 })
      assert.equal("0 deleted 2 rejected 0 not_sent 0 unknown 1 skipped", counts_of(report))
      local one, other = report.results[1].error, report.results[2].error
      if other.http_status == 429 then
        one, other = other, one
      end
      assert.equal(429, one.http_status)
      assert.equal(47, other.reason)
      assert.equal(2, world:count())
    end)

    it("and a loop that ends: nothing is sent later", function()
      local report, second, thrown = client("live+busy-all-30", { sleep = function(seconds)
        if world:count() >= 2 and seconds > 0.1 then
          error("the loop ends", 0)
        end
        caller.pause(math.min(seconds, 0.01))
      end }):delete_inboxes(stores(6), { concurrency = 2 })
      assert.is_nil(report)
      assert.equal("the loop ends", thrown)
      assert.equal("0 deleted 2 rejected 0 not_sent 0 unknown 4 skipped", counts_of(second))
      core.step()
      assert.equal(2, world:count())
    end)

    it("is seen by on_event: its answers, the pauses and the attempts", function()
      local seen = {}
      local report = run_without_pauses("live+busy-2-30", stores(2), { concurrency = 1 }, {
        on_event = function(event)
          seen[#seen + 1] = event.event == "wait"
            and ("wait %.0f %s"):format(event.seconds, event.why)
            or event.event == "request" and ("%d #%d"):format(event.inboxID, event.attempt)
            or event.outcome
        end,
      })
      assert.equal(2, report.deleted)
      local pause = "wait 30 delete_inbox: TOO_MANY_REQUESTS"
      assert.same({
        "101 #1", "rejected", pause, "101 #2", "rejected", pause, "101 #3", "ok", "102 #1", "ok",
      }, seen)
      assert.equal(4, world:count())
    end)

    it("has each of its requests announced before", function()
      local bulk = require("ninedig.bulk")
      local announced, commits = {}, 0
      local prepared = assert(bulk.prepare(
        client("live+busy-2-5+only-deleteInbox", { sleep = partner.no_pauses() }),
        stores(4), { concurrency = 2 }))
      function prepared.before(i)
        announced[i] = (announced[i] or 0) + 1
      end
      function prepared.commit()
        commits = commits + 1
        local sum = 0
        for i = 1, 4 do
          sum = sum + (announced[i] or 0)
        end
        assert.is_true(world:count() < sum, "it is announced before it is sent")
      end
      assert.equal(4, assert(bulk.perform(prepared)).deleted)
      local seen = sent(world)
      for i = 1, 4 do
        assert.equal(seen[100 + i], announced[i])
      end
      assert.equal(6, world:count())
      assert.is_true(commits >= 3)
    end)
  end)

  describe("rate", function()
    it("bounds how many requests are started in a second", function()
      local started = {}
      local report = run("ok", inboxes(12), { concurrency = 12, rate = 20 }, {
        on_event = function(event)
          if event.event == "request" then
            started[#started + 1] = core.monotonic()
          end
        end,
      })
      assert.equal(12, report.deleted)
      assert.equal(12, #started)
      local spread = started[12] - started[1]
      assert.is_true(spread >= 11 / 20 - 0.04, spread)
    end)

    it("may be a fraction", function()
      local report, took, paused = run_without_pauses("ok", inboxes(4), { rate = 0.01 })
      assert.equal(4, report.deleted)
      assert.is_true(took >= 300 and paused < 301, took)
    end)

    it("counts the requests around a deletion, and takes no time from them", function()
      local session = { access_token = caller.NONE, client_id = mock.client_id, timeout = 2 }
      session.client_secret = mock.client_secret
      local report, took = run_without_pauses("live", {
        { accountID = 1, inboxID = 10, whatsapp_number = "972501234567" },
        { accountID = 1, inboxID = 11, whatsapp_number = "972501234568" },
      }, { rate = 0.1 }, session)
      assert.equal("2 deleted 0 rejected 0 not_sent 0 unknown 0 skipped", counts_of(report))
      assert.equal("accessToken 1, deleteInbox 2, getAccounts 2, getInboxes 2, getWhatsApp 2",
        partner.counts(world))
      assert.is_true(took >= 80, took) -- nine requests, ten seconds apart
    end)
  end)

  describe("credentials that are refused", function()
    for scenario, name in pairs {
      ["2"] = "CREDENTIALS_OR_JSON_INVALID", ["3"] = "ACCESS_TOKEN_INVALID",
      ["401"] = "UNAUTHORIZED", ["403"] = "FORBIDDEN",
    } do
      it("stop the list, whatever it is told: " .. name, function()
        for _, stop_on_error in ipairs { true, false } do
          world = mock.world()
          local report = run("live+locked_out-3-" .. scenario, inboxes(20, { accountID = 4 }),
            { concurrency = 1, stop_on_error = stop_on_error })
          assert.equal("3 deleted 1 rejected 0 not_sent 0 unknown 16 skipped", counts_of(report))
          assert.equal(name, report.results[4].error.name)
          assert.equal(4, world:count())
        end
      end)
    end

    it("are not known from an answer that was cut, which stops nothing", function()
      world:script { raw = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\nabc" }
      local report = run("live+only-getWhatsApp+raw",
        inboxes(2, { accountID = 4, whatsapp_number = "972504000101" }),
        { concurrency = 1, stop_on_error = false })
      assert.equal("0 deleted 0 rejected 2 not_sent 0 unknown 0 skipped", counts_of(report))
      assert.equal("ANSWER_CUT", report.results[1].error.name)
      assert.equal(401, report.results[1].error.http_status)
      assert.equal(0, world:count("deleteInbox"))
    end)

    it("stop the list where a new token does not mend it, and else do not", function()
      local session = { access_token = caller.NONE, client_id = mock.client_id }
      session.client_secret = mock.client_secret
      local options = { concurrency = 1, stop_on_error = false }
      local list = inboxes(6, { accountID = 4 })
      local report = assert(client("live+locked_out-3-3", session):delete_inboxes(list, options))
      assert.equal("3 deleted 1 rejected 0 not_sent 0 unknown 2 skipped", counts_of(report))
      assert.equal("accessToken 2, deleteInbox 5", partner.counts(world))
      world = mock.world()
      report = assert(client("live+revoked-1", session):delete_inboxes(list, options))
      assert.equal("6 deleted 0 rejected 0 not_sent 0 unknown 0 skipped", counts_of(report))
      assert.equal("accessToken 2, deleteInbox 7", partner.counts(world))
    end)

    it("stop the list at a read, too", function()
      local report = run("live+expired_token-99",
        inboxes(6, { accountID = 4, whatsapp_number = "972504000101" }),
        { concurrency = 1, stop_on_error = false })
      assert.equal("0 deleted 0 rejected 1 not_sent 0 unknown 5 skipped", counts_of(report))
      assert.equal("getWhatsApp 1", partner.counts(world))
    end)
  end)

  describe("what stands around one deletion", function()
    local function with_credentials(scenario, more)
      local options = caller.options(world, scenario, {
        client_id = mock.client_id, client_secret = mock.client_secret,
      })
      for key, value in pairs(more or {}) do
        options[key] = value
      end
      return assert(safe.client(options))
    end

    it("a token is asked for once, for all", function()
      local list = inboxes(40, { accountID = 4 })
      local report = check_report(
        assert(with_credentials("live"):delete_inboxes(list, { concurrency = 20 })), list, world)
      assert.equal(40, report.deleted)
      assert.equal(1, world:count("accessToken"))
      assert.equal(41, world:count())
    end)

    it("a token that is refused to all at once is renewed once", function()
      local list = inboxes(6, { accountID = 4 })
      local report = assert(
        with_credentials("live+expired_token-3"):delete_inboxes(list, { concurrency = 3 }))
      assert.equal(6, report.deleted)
      assert.equal(2, world:count("accessToken"))
      assert.equal(9, world:count("deleteInbox"), "three were refused first")
    end)

    it("without a token nothing is sent, and the service is asked for it once", function()
      local list = inboxes(10)
      local report = check_report(assert(with_credentials("live", { client_secret = "wrong" })
        :delete_inboxes(list, { concurrency = 5, stop_on_error = false })), list, world)
      assert.equal(10, report.not_sent + report.skipped)
      assert.is_true(report.not_sent >= 1 and report.not_sent <= 5, "refused credentials stop it")
      assert.equal("get_access_token", report.results[1].error.call)
      assert.equal(1, world:count())
    end)

    it("the number that an inbox must hold", function()
      local list = {
        { accountID = 1, inboxID = 10, whatsapp_number = "972501234567" },
        { accountID = 1, inboxID = 11, whatsapp_number = "972501234567" },
      }
      local report = check_report(
        assert(client("live"):delete_inboxes(list, { stop_on_error = false })), list, world)
      assert.same({ 1, 1 }, { report.deleted, report.not_sent })
      caller.check_error(report.results[2].error, {
        kind = "precondition", name = "NUMBER_MISMATCH", outcome = "not_sent", inboxID = 11,
      })
      assert.equal(1, world:count("deleteInbox"))
    end)

    it("the proof of a deletion whose answer was lost", function()
      local list = inboxes(3, { accountID = 4, verify = true })
      local report = assert(client("live+only-deleteInbox+first-1+close")
        :delete_inboxes(list, { concurrency = 1 }))
      check_report(report, list, world)
      assert.equal(3, report.deleted)
      assert.is_true(report.results[1].result.verified)
      assert.equal(3, world:count("deleteInbox"))
    end)
  end)

  it("goes on when the client is closed meanwhile, as calls that are under way do", function()
    local one = client("ok")
    local list = inboxes(6)
    local report = check_report(assert(one:delete_inboxes(list, {
      concurrency = 2,
      on_result = function()
        one:close()
      end,
    })), list, world)
    assert.equal(6, report.deleted)
    local _, err = one:delete_inbox { accountID = 1, inboxID = 10 }
    assert.equal("CLIENT_CLOSED", err.name)
    assert.equal(6, world:count())
  end)

  it("holds nothing afterwards, whatever came of it", function()
    collectgarbage()
    collectgarbage()
    local before = core.alive()
    for _, scenario in ipairs { "ok", "reason-47", "close" } do
      local one = client(scenario)
      assert(one:delete_inboxes(inboxes(20), { concurrency = 10 }))
      one:delete_inboxes(inboxes(20), { on_result = error })
      one:close()
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, core.alive())
    assert.is_true(world:count() > 30)
  end)

  describe("hosted by a loop", function()
    -- A plain loop: resumes the coroutine until it has ended, and counts how often it slept.
    local function host(action)
      local thread = coroutine.create(action)
      local sleeps = 0
      local ok, value = coroutine.resume(thread)
      while ok and coroutine.status(thread) ~= "dead" do
        assert.equal("sleep", value)
        sleeps = sleeps + 1
        os.execute("sleep 0.001")
        ok, value = coroutine.resume(thread)
      end
      assert(ok, value)
      return sleeps
    end

    local function sleep(seconds)
      assert.is_true(seconds >= 0 and seconds < 1)
      coroutine.yield("sleep")
    end

    it("lets it go on, and comes to the same", function()
      local list, report, told = inboxes(12), nil, 0
      world.origin = mock.spare()
      local sleeps = host(function()
        report = assert(client("delay-50", { sleep = sleep }):delete_inboxes(list, {
          concurrency = 4,
          on_result = function()
            sleep(0)
            told = told + 1
          end,
        }))
      end)
      assert.is_true(sleeps > 12)
      assert.equal(12, told)
      assert.equal(12, check_report(report, list, world).deleted)
      assert.equal(4, connections(world))
    end)

    it("sends at once, and not after the first sleep", function()
      local thread = coroutine.create(function()
        client("ok", { sleep = sleep, base_url = world:base_url("ok", mock.http) })
          :delete_inboxes(inboxes(3))
      end)
      assert(coroutine.resume(thread))
      assert.equal(3, (core.step()))
      while coroutine.status(thread) ~= "dead" do
        assert(coroutine.resume(thread))
      end
      assert.equal(3, world:count())
    end)

    local found, cqueues = pcall(require, "cqueues")
    if found then
      it("of cqueues, beside another one", function()
        local loop = cqueues.new()
        local reports, ticks = {}, 0
        for i = 1, 2 do
          loop:wrap(function()
            local list = inboxes(10, { accountID = i })
            reports[i] = assert(client("delay-50", { sleep = cqueues.sleep }):delete_inboxes(list, {
              concurrency = 5,
              on_result = function()
                cqueues.sleep(0.001)
              end,
            }))
          end)
        end
        loop:wrap(function()
          while not (reports[1] and reports[2]) do
            ticks = ticks + 1
            cqueues.sleep(0.005)
          end
        end)
        assert(loop:loop())
        assert.same({ 10, 10 }, { reports[1].deleted, reports[2].deleted })
        assert.is_true(ticks > 10)
        assert.equal(20, world:count())
      end)
    end

    -- A sleep that raises once so many requests were seen by the mock.
    local function raising_sleep(after, what)
      return function()
        if world:count() >= after then
          error(what, 0)
        end
        os.execute("sleep 0.001")
      end
    end

    it("whose sleep raises: nothing is sent later, and what was is in the report", function()
      for _, what in ipairs { "the loop ends", { "the loop ends" } } do
        world = mock.world()
        local list, told = inboxes(12), {}
        local report, second, third = client("delay-5000", { sleep = raising_sleep(4, what) })
          :delete_inboxes(list, {
            concurrency = 4,
            on_result = function(i, result, err)
              assert.is_nil(result)
              told[i] = err
            end,
          })
        assert.is_nil(report)
        report = type(what) == "table" and second.report or second
        assert.equal(what, type(what) == "table" and second or third)
        check_report(report, list, world)
        assert.same({ 4, 8 }, { report.unknown, report.skipped })
        for i = 1, 4 do
          caller.check_error(report.results[i].error, {
            kind = "network", name = "CANCELLED", outcome = "unknown", inboxID = 100 + i,
          })
          assert.equal(report.results[i].error, told[i])
        end
        assert.equal(0, (core.step()))
        core.step()
        assert.equal(4, world:count())
      end
    end)

    it("whose sleep raises before anything was sent", function()
      local list = inboxes(6)
      local hosted = client("ok", {
        base_url = world:base_url("ok", mock.stalled),
        sleep = function()
          error("the loop ends", 0)
        end,
      })
      local report, second, third
      assert(coroutine.resume(coroutine.create(function()
        report, second, third = hosted:delete_inboxes(list, { concurrency = 2 })
      end)))
      assert.is_nil(report)
      assert.equal("the loop ends", third)
      check_report(second, list, world)
      assert.same({ 2, 4 }, { second.not_sent, second.skipped })
      assert.equal(0, world:count())
    end)

    it("whose sleep raises while answers are proved: they stay unknown", function()
      local list = inboxes(2, { accountID = 4, verify = true })
      local _, report = client("live+delay-30+only-deleteInbox+close", {
        sleep = function()
          if world:count("getInboxes") > 0 then
            error("the loop ends", 0)
          end
          os.execute("sleep 0.001")
        end,
      }):delete_inboxes(list, { concurrency = 1 })
      check_report(report, list, world)
      assert.same({ 1, 1 }, { report.unknown, report.skipped })
      assert.equal(1, world:count("deleteInbox"))
    end)

    it("whose sleep raises while a token is waited for: nothing is sent", function()
      local options = caller.options(world, "live+only-accessToken+delay-5000", {
        client_id = mock.client_id, client_secret = mock.client_secret,
        sleep = raising_sleep(1, "the loop ends"),
      })
      local list = inboxes(8)
      local start = os.time()
      local _, report, thrown = assert(safe.client(options))
        :delete_inboxes(list, { concurrency = 4 })
      assert.equal("the loop ends", thrown)
      assert.is_true(os.time() - start <= 3, "it does not wait for the token")
      check_report(report, list, world)
      assert.equal(8, report.not_sent + report.skipped)
      assert.equal(1, world:count())
    end)

    it("that goes away with the coroutine: what is collected is not sent later", function()
      local thread = coroutine.create(function()
        client("delay-100", { sleep = sleep }):delete_inboxes(inboxes(10), { concurrency = 2 })
      end)
      while world:count() < 2 do
        assert(coroutine.resume(thread))
      end
      thread = nil -- luacheck: ignore
      for _ = 1, 3 do
        collectgarbage()
      end
      for _ = 1, 50 do
        core.step()
      end
      assert.equal(0, (core.step()))
      assert.equal(2, world:count())
    end)
  end)
end)

if nginx.is_here then
  describe("delete_inboxes in nginx", function()
    local world, server

    local SERVERS = [[
lua_check_client_abort on;
server {
  listen unix:{{socket}} backlog=1024;
  location = /ping { content_by_lua_block { ngx.say(0) } }
  location = /alive { content_by_lua_block { require("jobs").alive() } }
  location = /many { content_by_lua_block { require("many").answer() } }
  location = /access {
    access_by_lua_block { require("many").answer() ngx.exit(200) }
  }
  location = /timer { content_by_lua_block { require("many").in_timer() } }
}
]]

    before_each(function()
      world = mock.world()
      server = nginx.start { servers = SERVERS, http = "lua_shared_dict answers 1m;" }
    end)
    after_each(function()
      server:stop()
    end)

    local function job(scenario, count, more)
      local made = {
        options = {
          access_token = mock.token, base_url = world:base_url(scenario), ca_file = mock.ca_file,
          timeout = 10,
        },
        list = inboxes(count),
      }
      for key, value in pairs(more or {}) do
        made[key] = value
      end
      return made
    end

    local function url(path, the_job)
      return nginx.url_with(path, { job = cjson.encode(the_job) })
    end

    local function ask(path, the_job)
      local text = server:curl(url(path, the_job))
      local ok, answer = pcall(cjson.decode, text)
      assert.is_true(ok, text .. server:error_log())
      return answer
    end

    -- What on_result was told, by entry.
    local function told()
      local classes, count = {}, 0
      local file = io.open(server.dir .. "/told")
      for line in file and file:lines() or function() end do
        local i, class = line:match("^(%d+) (.*)$")
        assert.is_nil(classes[tonumber(i)], "it was told twice")
        classes[tonumber(i)], count = class, count + 1
      end
      if file then
        file:close()
      end
      return classes, count
    end

    local function check_at_rest()
      nginx.wait_until("nothing is left", function()
        return server:get("/alive") == "0 0 0"
      end)
    end

    for _, path in ipairs { "/many", "/access", "/timer" } do
      it("deletes at most so many at once, and answers others meanwhile: " .. path, function()
        local the_job = job("delay-200", 12, { many = { concurrency = 4 } })
        local pipe = server:start_curl(url(path, the_job))
        assert.is_true(world:wait_for(1))
        assert.equal(20, #server:ping(20))
        local answer = cjson.decode((pipe:read("*a")))
        pipe:close()
        assert.equal(12, answer.counts.deleted)
        assert.equal(12, #answer.classes)
        assert.equal(12, world:count())
        assert.is_true(most_at_once(world, 0.19) <= 4)
        assert.equal(4, connections(world))
        check_at_rest()
      end)
    end

    it("stops after the first error, and awaits what is in flight", function()
      local answer = ask("/many", job("reason-47+first-3+delay-300+ok", 20,
        { many = { concurrency = 4 } }))
      assert.same({ 1, 3, 16 },
        { answer.counts.rejected, answer.counts.deleted, answer.counts.skipped })
      assert.equal(4, world:count())
    end)

    it("leaves a service alone that is too busy, and asks it again", function()
      local the_job = job("live+busy-3-1", 12, { many = { concurrency = 3, rate = 100 } })
      for _, entry in ipairs(the_job.list) do
        entry.accountID = 4
      end
      local pipe = server:start_curl(url("/many", the_job))
      assert.is_true(world:wait_for(3))
      assert.equal(20, #server:ping(20))
      local answer = cjson.decode((pipe:read("*a")))
      pipe:close()
      assert.equal(12, answer.counts.deleted)
      assert.equal(15, world:count())
      assert.equal(12, (select(2, told())))
      local requests = world:requests()
      assert.is_true(requests[4].time - requests[1].time >= 0.95)
      check_at_rest()
    end)

    it("lets on_result yield", function()
      local answer = ask("/many", job("ok", 12, { pause = 0.02, many = { concurrency = 4 } }))
      assert.equal(12, answer.counts.deleted)
      assert.equal(12, (select(2, told())))
      assert.equal(12, world:count())
    end)

    it("passes on what on_result raises, with the report", function()
      local answer = ask("/many", job("delay-100", 10,
        { raise = "mine", many = { concurrency = 3 } }))
      assert.equal("mine", answer.thrown)
      assert.same({ 3, 7 }, { answer.counts.deleted, answer.counts.skipped })
      world = mock.world()
      os.remove(server.dir .. "/told")
      answer = ask("/many", job("delay-100", 10,
        { raise = { text = "mine" }, many = { concurrency = 3 } }))
      assert.equal("mine", answer.thrown_text)
      assert.same({ 3, 7 }, { answer.counts.deleted, answer.counts.skipped })
      assert.equal(3, world:count())
    end)

    it("refuses bad entries before anything is sent", function()
      local bad = job("ok", 3)
      bad.list[3].inboxID = 101
      assert.equal("DUPLICATE_ENTRY", ask("/many", bad).name)
      assert.equal(0, world:count())
    end)

    it("of a client that aborts: what is in flight ends and is logged, no other is sent", function()
      local pipe = server:start_curl("--max-time 0.6 "
        .. url("/many", job("delay-1000", 12, { many = { concurrency = 3 } })))
      assert.is_true(world:wait_for(3))
      assert.matches("timed out", pipe:read("*a"), 1, true)
      pipe:close()
      nginx.wait_until("all three are logged", function()
        return #server:logged("a caller went away") == 3
      end)
      local lines = table.concat(server:logged("a caller went away"), "\n")
      for i = 101, 103 do
        assert.is_truthy(lines:find(("inboxID %d) ended: OK"):format(i), 1, true), lines)
      end
      assert.is_nil(server:error_log():find(mock.token, 1, true))
      check_at_rest()
      assert.equal(3, world:count())
    end)

    it("of a light thread that is killed: what waits for a connection is not sent", function()
      local the_job = job("delay-600", 8, { kill = 0.3, many = { concurrency = 4 } })
      the_job.options.max_in_flight = 1
      assert.equal("killed", server:curl(url("/many", the_job)))
      check_at_rest()
      assert.equal(1, world:count())
      local classes = told()
      assert.same({ "deleted", "not_sent", "not_sent", "not_sent" }, classes)
    end)

    it("of a light thread that is killed: the request ends, though some threads had before",
      function()
        local the_job = job("delay-400", 3, { kill = 0.6, many = { concurrency = 2 } })
        assert.equal("killed", server:curl("--max-time 10 " .. url("/many", the_job)))
        check_at_rest()
        assert.equal(3, world:count())
      end)

    it("of a light thread that is killed: what is in flight ends, no other is sent", function()
      assert.equal("killed", server:curl(url("/many",
        job("delay-1200", 12, { kill = 0.6, many = { concurrency = 3 } }))))
      check_at_rest()
      assert.equal(3, world:count())
      local classes, count = told()
      assert.equal(3, count + #server:logged("a caller went away"))
      for _, class in pairs(classes) do
        assert.equal("deleted", class)
      end
    end)
  end)
end

-- Every allocation fails in turn.
describe("memory that runs out while many are deleted #novalgrind", function()
  local child = require("spec.life.child")
  local COUNT = 5

  local function torture(kind, length)
    local world = mock.world()
    local lines = child.run("torture_many.lua", child.directory, kind, length,
      world:base_url("ok", mock.http), mock.ca_file, COUNT)
    if lines[1] and lines[1]:sub(1, 1) ~= "{" then
      return pending(lines[1])
    end
    local seen, hit, reported = sent(world), 0, 0
    for _, line in ipairs(lines) do
      local attempt = cjson.decode(line)
      for i = 1, COUNT do
        local times = seen[attempt.first + i] or 0
        assert.is_true(times <= 1, "an inbox was asked for twice: " .. line)
        local class = attempt.classes[i] or "none"
        if times == 1 then
          assert.is_true(class == "deleted" or class == "unknown", "it was sent: " .. line)
        else
          assert.are_not.equal("deleted", class)
        end
      end
      hit = hit + (attempt.failed > 0 and 1 or 0)
      reported = reported + (attempt.classes[1] and 1 or 0)
      assert.equal(0, attempt.alive, line)
    end
    local last = cjson.decode(lines[#lines])
    assert.equal(0, last.failed)
    assert.equal(COUNT, last.deleted)
    assert.is_true(hit > 20, "hardly anything failed")
    assert.is_true(reported > 5)
  end

  -- Memcheck sees LuaJIT of 32 bits write beside its own stack then, with no code of others near.
  local jit = rawget(_G, "jit")
  local kinds = { [""] = "the C library's" }
  if not (jit and jit.arch == "x86") then
    kinds.lua = "the VM's"
  end

  for kind, name in pairs(kinds) do
    for _, length in ipairs { "1", "2" } do
      it(("hides nothing that was sent: %s, %s in a row"):format(name, length), function()
        torture(kind, length)
      end)
    end
  end
end)
