--- One request from its world's point of view: read, answer, record, deliver.
--
-- The path is /WORLD/SCENARIO/api/CALL. A scenario is a list of modifiers joined by "+", each
-- a name with arguments after dashes: `live`, `reason-47+status-400`, `live+lazy_delete-500`.
-- After `only-CALL` they are for that call alone, and after `first-N` for the first N requests
-- that come so far: `live+only-deleteInbox+first-1+close`.
-- A modifier is a table of stages, each optional and called as stage(exchange, args...):
--
--   early    before the body is read
--   answer   makes the answer; the last modifier with one wins, and without one it is `ok`
--   change   changes the answer (its status, headers, body)
--   wait     after the record is written, before the first byte is answered
--   deliver  puts the answer on the wire; the last one wins
--
-- One with `of_live` spoils the service that `live` is, and is refused where there is none.
--
-- An exchange has: world, call, method, headers, body, token, ending ("close", "reset").
local recorder = require("recorder")
local api = require("partner_api")
local faults = require("faults")
local fixed = require("fixed")
local shapes = require("shapes")
local wire = require("wire")

local server = {}

local STRAY = "_stray"

local counters = ngx.shared.worlds

-- only-CALL: what follows is for that call alone.
-- first-N: what follows is for the first N requests (of that call).
local function applies(exchange, name, argument, position)
  if name == "only" then
    return exchange.call == argument
  end
  local key = ("%s first %d %s"):format(exchange.world, position, exchange.scenario)
  return counters:incr(key, 1, 0) <= tonumber(argument)
end

local function parse(exchange)
  local modifiers = {}
  local position = 0
  for text in exchange.scenario:gmatch("[^+]+") do
    position = position + 1
    local name, rest = text:match("^([%w_]+)(.*)$")
    if not name then
      return nil, text
    end
    local args = {}
    for argument in rest:gmatch("%-(%-?[^-]*)") do
      args[#args + 1] = argument
    end
    if name == "only" or name == "first" then
      if not applies(exchange, name, args[1], position) then
        break
      end
    else
      local stages = api[name] or fixed[name] or faults[name]
      if not stages then
        return nil, name
      end
      exchange.has[name] = args
      modifiers[#modifiers + 1] = { stages = stages, args = args, text = text }
    end
  end
  return modifiers
end

-- A modifier that would do nothing, or not what its name says.
local function misplaced(exchange, modifiers)
  local has = exchange.has
  if has.live or has.lost_before or has.moody then
    return nil
  end
  for _, modifier in ipairs(modifiers) do
    if modifier.stages.of_live then
      return modifier.text
    end
  end
end

-- What is wrong with a scenario whose modifiers, or an unknown one, these are.
local function complaint(exchange, modifiers, unknown)
  if not modifiers then
    return "unknown scenario: " .. unknown
  end
  local text = misplaced(exchange, modifiers)
  return text and ("%s goes with live: live+%s"):format(text, exchange.scenario)
end

local function run(exchange, modifiers, stage, ...)
  for _, modifier in ipairs(modifiers) do
    local step = modifier.stages[stage]
    if step then
      if select("#", ...) > 0 then
        step(exchange, ..., unpack(modifier.args))
      else
        step(exchange, unpack(modifier.args))
      end
    end
  end
end

local function last(modifiers, stage, default)
  for i = #modifiers, 1, -1 do
    if modifiers[i].stages[stage] then
      return modifiers[i].stages[stage], modifiers[i].args
    end
  end
  return default, {}
end

local function new_exchange()
  local uri = ngx.var.request_uri
  local world, scenario, path = uri:match("^/([%w_][%w_.%-]*)/([^/?]+)/api(/[^?]*)")
  local record = recorder.describe()
  record.scenario = scenario
  return {
    world = world,
    scenario = scenario,
    call = path and path:match("([^/]*)$"),
    method = record.method,
    headers = record.headers,
    token = tostring(record.headers.authorization or ""):match("^Bearer (.+)$"),
    ending = "close",
    has = {},
    record = record,
  }
end

local function read_body()
  ngx.req.read_body()
  local body = ngx.req.get_body_data()
  if body then
    return body
  end
  local name = ngx.req.get_body_file()
  local file = name and io.open(name, "rb")
  if not file then
    return ""
  end
  body = file:read("*a")
  file:close()
  return body
end

local function refuse(exchange, text)
  exchange.record.body = read_body()
  recorder.write(STRAY, exchange.record)
  ngx.status = 501
  ngx.header["Content-Type"] = "text/plain"
  ngx.print("mock: ", text, "\n")
end

function server.handle()
  local exchange = new_exchange()
  if not exchange.world then
    return refuse(exchange, "no world in " .. ngx.var.request_uri)
  end
  if ngx.var.bare == "" and ("+" .. exchange.scenario .. "+"):find("+bare+", 1, true) then
    return ngx.exec("@bare")
  end
  local modifiers, unknown = parse(exchange)
  local wrong = complaint(exchange, modifiers, unknown)
  if wrong then
    ngx.log(ngx.ERR, wrong)
    return refuse(exchange, wrong)
  end
  run(exchange, modifiers, "early")
  exchange.body = read_body()
  exchange.record.body = exchange.body
  local make, args = last(modifiers, "answer", fixed.ok.answer)
  local answer = make(exchange, unpack(args))
  exchange.has_answer = last(modifiers, "answer") ~= nil
  run(exchange, modifiers, "change", answer)
  exchange.record.answer_length, exchange.record.answer_head_length = wire.length(answer)
  recorder.write(exchange.world, exchange.record)
  run(exchange, modifiers, "wait")
  local deliver
  deliver, args = last(modifiers, "deliver", wire.deliver)
  return deliver(exchange, answer, unpack(args))
end

--- The success of a deletion, without a record.
function server.bench()
  local delay = tonumber((ngx.var.delay:gsub("-", "")))
  ngx.req.read_body()
  local body = shapes.success(ngx.req.get_body_data() or "")
  if delay then
    ngx.sleep(delay / 1000)
  end
  ngx.header["Content-Type"] = "application/json"
  ngx.header["Content-Length"] = #body
  ngx.print(body)
end

return server
