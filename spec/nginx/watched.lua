--- Calls whose client has an `on_event`, for spec/86_events_in_nginx_spec.lua.
--
-- A request has in its argument `job`, as JSON: `options` of the client, `on_event`, the name of
-- one below, `method`, and `params`, or a list of them, each of which is called in a thread then.
local cjson = require("cjson.safe")
local safe = require("ninedig.safe")

local watched = {}

local told = {}

local on_event = {}

function on_event.keeps(event)
  told[#told + 1] = event
end

function on_event.raises(event)
  on_event.keeps(event)
  error("on_event has raised")
end

function on_event.yields(event)
  on_event.keeps(event)
  coroutine.yield(event)
  told[#told + 1] = { event = "it went on" }
end

function on_event.sleeps(event)
  on_event.keeps(event)
  ngx.sleep(0.001)
  told[#told + 1] = { event = "it went on" }
end

function on_event.sleeps_for_long()
  ngx.sleep(3600)
end

local function job()
  return cjson.decode(ngx.unescape_uri(ngx.var.arg_job))
end

local function client_of(one)
  one.options.on_event = on_event[one.on_event]
  return assert(safe.client(one.options))
end

local function outcome(result, err)
  return result and "ok" or err.name .. " " .. err.outcome
end

local function perform(one)
  local client = client_of(one)
  local function call(params)
    return outcome(client[one.method or "delete_inbox"](client, params))
  end
  if not one.params[1] then
    return { call(one.params) }
  end
  local threads, outcomes = {}, {}
  for i, params in ipairs(one.params) do
    threads[i] = ngx.thread.spawn(call, params)
  end
  for i, thread in ipairs(threads) do
    local _, said = ngx.thread.wait(thread)
    outcomes[i] = said
  end
  return outcomes
end

--- Do a job, and tell the outcomes of its calls.
function watched.answer()
  ngx.print(table.concat(perform(job()), ", "))
end

--- The same in a thread that is killed after so many milliseconds.
function watched.in_killed_thread()
  local thread = ngx.thread.spawn(perform, job())
  ngx.sleep(tonumber(ngx.var.arg_after) / 1000)
  ngx.print(tostring(ngx.thread.kill(thread)))
end

--- The same in a timer, with nobody to tell.
function watched.in_timer()
  local one = job()
  assert(ngx.timer.at(0, function()
    perform(one)
  end))
end

--- A deletion while nginx loads its configuration.
function watched.in_init(base_url, ca_file, token)
  perform {
    options = { base_url = base_url, ca_file = ca_file, access_token = token },
    on_event = "keeps",
    params = { accountID = 1, inboxID = 10 },
  }
end

--- What was told so far.
function watched.told()
  ngx.print(cjson.encode { events = told })
end

return watched
