--- The ways to delete an inbox in a handler of nginx that are compared.
local cjson = require("cjson.safe")
local cosocket = require("cosocket")
local ninedig = require("ninedig.safe")

local contender = {}

-- Not kept at first: the user agent is only known once ninedig has sent a request.
local settings

local function read_settings()
  local file = assert(io.open(package.loaded.bench_settings))
  settings = assert(cjson.decode(file:read("*a")))
  file:close()
end

-- One client for each scenario of the mock, and another one that keeps no connection.
local clients, cold_clients = {}, {}

local function client_for(scenario, is_cold)
  local known = is_cold and cold_clients or clients
  if not known[scenario] then
    known[scenario] = assert(ninedig.client {
      base_url = settings.origin .. settings.path .. scenario .. "/api",
      ca_file = settings.ca_file,
      access_token = settings.token,
      max_in_flight = settings.max_in_flight,
      max_idle = is_cold and 0 or nil,
      proxy = "",
    })
  end
  return known[scenario]
end

local last_inbox = 0

local function params()
  last_inbox = last_inbox + 1
  return { accountID = 1, inboxID = last_inbox }
end

local ways = {}

function ways.ninedig(scenario)
  return client_for(scenario):delete_inbox(params())
end

function ways.cosocket(scenario)
  return cosocket.delete_inbox(settings, settings.path .. scenario .. "/api", params())
end

-- The same two, each time on a new connection.
function ways.ninedigcold(scenario)
  return client_for(scenario, true):delete_inbox(params())
end

function ways.cosocketcold(scenario)
  return cosocket.delete_inbox(settings, settings.path .. scenario .. "/api", params(), true)
end

-- What a library that knows nothing of nginx does: it waits, and the worker with it.
function ways.blocking(scenario)
  local get_phase = ngx.get_phase
  ngx.get_phase = function() -- luacheck: ignore 122
    return "init"
  end
  local result, err = client_for(scenario):delete_inbox(params())
  ngx.get_phase = get_phase -- luacheck: ignore 122
  return result, err
end

--- Handle /WAY/SCENARIO.
function contender.handle()
  local way, scenario = ngx.var.uri:match("^/(%a+)/([%w-]+)$")
  if not settings or settings.user_agent == "" then
    read_settings()
  end
  local result, err = ways[way](scenario)
  if not result then
    ngx.log(ngx.ERR, way, ": ", tostring(err))
    return ngx.exit(500)
  end
  ngx.print(result.status)
end

return contender
