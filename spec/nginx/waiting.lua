--- What the worker under test does to see how calls wait in it.
local boundaries = require("spec.support.boundaries")
local cjson = require("cjson.safe")
local core = require("ninedig.core")
local ninedig = require("ninedig")
local safe = require("ninedig.safe")

local waiting = {}

local function requested_job()
  return cjson.decode(ngx.unescape_uri(ngx.var.arg_job))
end

local function describe(result, err)
  return cjson.encode {
    inbox = result and result.inboxID, is_error = ninedig.is_error(err), error = err,
    raised = err ~= nil and not ninedig.is_error(err) and tostring(err) or nil,
  }
end

--- Make a call within a boundary, on a connection that is warm.
function waiting.within_boundary()
  local job = requested_job()
  local client = assert(safe.client(job.options))
  assert(client:delete_inbox(job.params))
  local result, err
  local called = boundaries.call_within(ngx.unescape_uri(ngx.var.arg_boundary), function()
    result, err = client:delete_inbox(job.params)
  end)
  ngx.print(called and describe(result, err) or "{}")
end

--- Make a call in on_event, on a connection that is warm.
function waiting.within_on_event()
  local job = requested_job()
  local client = assert(safe.client(job.options))
  assert(client:delete_inbox(job.params))
  local told
  job.options.on_event = function()
    if not told then
      told = "nothing was told"
      local result, err = client:delete_inbox(job.params)
      told = describe(result, err)
    end
  end
  assert(safe.delete_inbox(job.params, job.options))
  ngx.print(told)
end

--- Make each kind of call within a sort, which raises what it is refused with.
function waiting.each_kind()
  local job = requested_job()
  local client = ninedig.client(job.options)
  local answers = {}
  for method, params in pairs(job.calls) do
    local ok, err = pcall(table.sort, { 1, 2 }, function()
      client[method](client, params)
    end)
    answers[method] = { ok = ok, name = ninedig.is_error(err) and err.name, text = tostring(err),
      outcome = ninedig.is_error(err) and err.outcome }
  end
  ngx.print(cjson.encode(answers))
end

--- Make a call in a coroutine of its own, in a phase that nginx resumes nothing in.
function waiting.keep_of_coroutine()
  local job = requested_job()
  -- Those of nginx are refused there.
  local create, resume = coroutine._create, coroutine._resume -- luacheck: ignore 143
  assert(resume(create(function()
    local result, err = safe.delete_inbox(job.params, job.options)
    ngx.shared.answers:set(ngx.get_phase(), describe(result, err))
  end)))
end

local held = 0
local wanted = false

--- Use up so many timers of those that may run.
function waiting.hold_timers()
  wanted = true
  for _ = 1, tonumber(ngx.var.arg_count) do
    assert(ngx.timer.at(0, function()
      held = held + 1
      while wanted do
        ngx.sleep(0.001)
      end
      held = held - 1
    end))
  end
  while held < tonumber(ngx.var.arg_count) do
    ngx.sleep(0.001)
  end
  ngx.print("held")
end

--- Give them back.
function waiting.release_timers()
  wanted = false
  while held > 0 do
    ngx.sleep(0.001)
  end
  ngx.print("released")
end

--- What monitoring does in many a worker: two timers that work for a while and set nginx's clock.
function waiting.update_time()
  for _ = 1, 2 do
    ngx.timer.at(0, function()
      while not ngx.worker.exiting() do
        ngx.sleep(0.005)
        local began = core.monotonic()
        while core.monotonic() - began < 0.001 do end -- luacheck: ignore 542
        ngx.update_time()
      end
    end)
  end
end

return waiting
