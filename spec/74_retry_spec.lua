local caller = require("spec.support.caller")
local core = require("ninedig.core")
local leaks = require("spec.support.leaks")
local mock = require("spec.support.mock")
local partner = require("spec.support.partner")

local loop = partner.loop
local INBOX = { accountID = 1, inboxID = 10 }

local reads = {
  get_accounts = { "getAccounts" },
  get_inboxes = { "getInboxes", { accountID = 1 } },
  get_whatsapp_numbers = { "getWhatsApp" },
}

describe("a read", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  -- A client that goes on at once where it should pause, and its pauses.
  local function client_without_pauses(scenario, more)
    local sleep, pauses = partner.no_pauses()
    more = more or {}
    more.sleep = sleep
    return partner.with_token(world, scenario, more), pauses
  end

  local function time(action)
    local before = core.monotonic()
    action()
    return core.monotonic() - before
  end

  for name, read in pairs(reads) do
    for _, status in ipairs { 429, 502, 503, 504 } do
      it(("%s is retried after HTTP %d, twice at most"):format(name, status), function()
        for failures = 1, 2 do
          world = mock.world()
          local client = client_without_pauses(("live+flaky_read-%d-%d"):format(status, failures))
          assert(client[name](client, read[2]))
          assert.equal(failures + 1, world:count())
          assert.equal(failures + 1, world:count(read[1]))
        end
        world = mock.world()
        local client = client_without_pauses(("live+flaky_read-%d-3"):format(status))
        local result, err = client[name](client, read[2])
        assert.is_nil(result)
        caller.check_error(err, {
          kind = "http", http_status = status, outcome = "none", retryable = true, call = name,
        })
        assert.equal(3, world:count())
        local records = world:requests()
        assert.equal(records[1].body, records[3].body)
        assert.equal(records[1].headers.authorization, records[3].headers.authorization)
      end)
    end

    for _, scenario in ipairs {
      "status-400", "status-401", "status-403", "status-404", "status-408", "status-500",
      "status-501", "status-505", "redirect", "reason_fail-2", "reason_fail-3", "reason-13",
      "reason-99", "reason_fail-2+status-503", "reason-13+status-429", "close_early", "cut-60",
      "garbage", "half_status_line", "body",
    } do
      it(("%s is not retried after %s"):format(name, scenario), function()
        world:script { body = '{"status":"OK","reason":1,"list":null}' }
        local client, pauses = client_without_pauses("live+only-" .. read[1] .. "+" .. scenario)
        local result, err = client[name](client, read[2])
        assert.is_nil(result)
        caller.check_error(err, { outcome = "none", retryable = false, call = name })
        assert.equal(read[1], partner.seen(world))
        assert.equal(0, #pauses)
      end)
    end

    it(name .. " is retried after a time-out, within the call's", function()
      local client = partner.with_token(world, "live+first-1+never", { timeout = caller.short * 4 })
      local took = time(function()
        assert(client[name](client, read[2]))
      end)
      assert.is_true(took >= caller.short, took)
      assert.equal(read[1] .. " " .. read[1], partner.seen(world))
    end)
  end

  it("is retried after a status that says so, though its body has an unknown reason", function()
    for _, status in ipairs { 429, 502, 503, 504 } do
      world = mock.world()
      local client = client_without_pauses("live+first-1+reason-99+status-" .. status)
      assert(client:get_accounts())
      assert.equal("getAccounts getAccounts", partner.seen(world))
    end
  end)

  it("has half of the time for its first try", function()
    local client = partner.with_token(world, "live+" .. partner.delay(1.6),
      { timeout = caller.short * 4 })
    assert(client:get_accounts())
    assert.equal("getAccounts", partner.seen(world))
  end)

  it("ends within the time-out where nothing is ever answered", function()
    assert.is_true(caller.takes_less(caller.short * 5, function()
      world = mock.world()
      local client = partner.with_token(world, "live+never", { timeout = caller.short * 4 })
      local _, err = client:get_accounts()
      caller.check_error(err, {
        kind = "network", name = "TIMEOUT", outcome = "none", retryable = true,
      })
      assert.is_true(world:count() >= 1 and world:count() <= 3, world:count())
    end))
  end)

  it("is retried where it could not be sent, twice at most", function()
    local connections = caller.connections(function()
      local client = client_without_pauses("live",
        { base_url = mock.closed:gsub("^http:", "https:") .. "/api" })
      local _, err = client:get_accounts()
      caller.check_error(err, { kind = "network", outcome = "none", retryable = true })
    end)
    assert.equal(3, connections)
    assert.equal(0, world:count())
  end)

  it("is not retried where it was sent and the connection lost", function()
    local client, pauses = client_without_pauses("live+close", { max_idle = 0 })
    local _, err = client:get_accounts()
    caller.check_error(err, {
      kind = "network", name = "CONNECTION_LOST", outcome = "none", retryable = false,
    })
    assert.equal(0, #pauses)
    assert.equal(1, world:count())
  end)

  it("is an error where nobody listens", function()
    local client = client_without_pauses("live", { base_url = mock.refused .. "/api" })
    local _, err = client:get_accounts()
    caller.check_error(err, {
      kind = "network", name = "CONNECT_FAILED", outcome = "none", retryable = true,
    })
    assert.equal(0, world:count())
  end)

  describe("that is retried", function()
    it("pauses for a random time that grows", function()
      local seen = {}
      for _ = 1, 6 do
        world = mock.world()
        local pauses = {}
        local client = partner.with_token(world, "live+reads_fail-503", { sleep = function(seconds)
          if seconds > 0.011 then
            pauses[#pauses + 1] = seconds
          else
            caller.pause(seconds)
          end
        end })
        assert.is_nil(client:get_accounts())
        assert.is_true(#pauses <= 2)
        for _, pause in ipairs(pauses) do
          assert.is_true(pause < 1, pause)
          seen[#seen + 1] = pause
        end
        assert.equal(3, world:count())
      end
      assert.is_true(#seen >= 6)
      table.sort(seen)
      assert.is_true(seen[1] < seen[#seen])
    end)

    it("pauses for twice as long before the third try as before the second", function()
      local task = require("ninedig.task")
      local jitter = task.jitter
      finally(function()
        task.jitter = jitter
      end)
      task.jitter = function()
        return 0.5
      end
      local pauses = {}
      local client = partner.with_token(world, "live+reads_fail-503", { sleep = function(seconds)
        if seconds > 0.011 then
          pauses[#pauses + 1] = seconds
        else
          caller.pause(seconds)
        end
      end })
      assert.is_nil(client:get_accounts())
      assert.same({ 0.25, 0.5 }, pauses)
      assert.equal(3, world:count())
    end)

    it("pauses as long as Retry-After says", function()
      local client, pauses = client_without_pauses("live+first-2+status-503+retry_after-7")
      assert(client:get_accounts())
      assert.same({ 7, 7 }, pauses)
      assert.equal(3, world:count())
    end)

    it("takes Retry-After as a date", function()
      for _, clock in ipairs { 0, 100000, -100000 } do -- of the service, in seconds
        world = mock.world()
        local client, pauses =
          client_without_pauses(("live+clock-%d+first-1+status-429+retry_date-5"):format(clock))
        assert(client:get_accounts())
        assert.equal(1, #pauses)
        assert.is_true(pauses[1] >= 3 and pauses[1] <= 5, pauses[1])
        assert.equal(2, world:count())
      end
    end)

    it("goes on at once where Retry-After is 0", function()
      local client, pauses = client_without_pauses("live+first-2+status-503+retry_after-0")
      assert(client:get_accounts())
      assert.equal(0, #pauses)
      assert.equal(3, world:count())
    end)

    it("gives up at once where Retry-After is beyond its time", function()
      assert.is_true(caller.takes_less(2, function()
        world = mock.world()
        local client = partner.with_token(world, "live+status-503+retry_after-30", { timeout = 5 })
        local _, err = client:get_accounts()
        caller.check_error(err, { kind = "http", http_status = 503, retry_after = 30 })
        assert.equal(1, world:count())
      end))
    end)

    it("keeps Retry-After out of other errors", function()
      local client, pauses = client_without_pauses("live+status-500+retry_after-3")
      local _, err = client:get_accounts()
      caller.check_error(err, { http_status = 500, retry_after = 3, retryable = false })
      assert.equal(0, #pauses)
      assert.equal(1, world:count())
    end)

    it("is retried in a script that blocks, and by the raising module", function()
      local client = partner.raising(world, "live+flaky_read-503-1")
      assert.equal(6, #client:get_accounts().list)
      assert.equal("accessToken getAccounts getAccounts", partner.seen(world))
    end)

    it("is retried in a loop, while others go on", function()
      local client = partner.client(world, "live+only-getInboxes+flaky_read-503-2",
        { sleep = loop.sleep })
      local order = {}
      loop.run {
        function()
          assert(client:get_inboxes { accountID = 1 })
          order[#order + 1] = "retried"
        end,
        function()
          assert(client:get_accounts())
          order[#order + 1] = "other"
        end,
      }
      assert.equal(2, #order)
      assert.equal("accessToken 1, getAccounts 1, getInboxes 3", partner.counts(world))
    end)

    it("is part of a look-up, of a precondition and of a proof", function()
      local client = client_without_pauses("live+flaky_read-502-1")
      assert(client:find_inbox { whatsapp_number = "972501234567" })
      assert.equal("getWhatsApp getWhatsApp getAccounts getInboxes", partner.seen(world))

      world = mock.world()
      client = client_without_pauses("live+flaky_read-504-2")
      assert(client:delete_inbox {
        accountID = 1, inboxID = 10, whatsapp_number = "972501234567",
      })
      assert.equal("getWhatsApp getWhatsApp getWhatsApp getAccounts getInboxes deleteInbox",
        partner.seen(world))

      world = mock.world()
      client = client_without_pauses("live+flaky_read-429-2+lost_after")
      assert.is_true(assert(client:delete_inbox {
        accountID = 1, inboxID = 10, verify = true,
      }).verified)
      assert.equal(
        "deleteInbox getInboxes getInboxes getInboxes getWhatsApp getInboxes getWhatsApp",
        partner.seen(world))
    end)
  end)
end)

describe("a deletion", function()
  local world

  before_each(function()
    leaks.before()
    world = mock.world()
  end)
  after_each(leaks.after)

  for _, scenario in ipairs {
    "status-429", "status-502", "status-503", "status-504", "status-500", "status-408", "close",
    "reset", "cut-40", "status-503+retry_after-0", "status-429+retry_after-0", "reason-99",
  } do
    it("is never retried: " .. scenario, function()
      local sleep, pauses = partner.no_pauses()
      local client = partner.client(world, "live+only-deleteInbox+" .. scenario, { sleep = sleep })
      local result, err = client:delete_inbox(INBOX)
      assert.is_nil(result)
      caller.check_error(err, { call = "delete_inbox" })
      assert.equal("accessToken deleteInbox", partner.seen(world))
      assert.equal(0, #pauses)
    end)
  end

  it("is never retried after a time-out", function()
    local client = partner.client(world, "live+only-deleteInbox+never", { timeout = caller.short })
    local _, err = client:delete_inbox(INBOX)
    caller.check_error(err, { kind = "network", name = "TIMEOUT", outcome = "unknown" })
    assert.equal("accessToken deleteInbox", partner.seen(world))
  end)
end)

describe("a token request", function()
  it("is never retried by the call that needs it", function()
    for _, scenario in ipairs { "status-503", "status-429+retry_after-0", "status-504" } do
      local world = mock.world()
      local sleep, pauses = partner.no_pauses()
      local client = partner.client(world, "live+only-accessToken+" .. scenario, { sleep = sleep })
      assert.is_nil(client:get_accounts())
      assert.equal("accessToken", partner.seen(world))
      assert.equal(0, #pauses)
    end
  end)
end)
