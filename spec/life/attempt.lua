-- One call while memory runs out, and what came of it: run by `harness.attempt` in a state of its
-- own. Returns the call, and a judge that tells in JSON what the caller got.
local entry, base_url, ok_url, ca_file, inbox = ...
local cjson = require("cjson").new()
local ninedig = require("ninedig")
local safe = require("ninedig.safe")
local core = require("ninedig.core")

local TOKEN = "mock-token/4f9a0c27d1e8+b35a6c="
local LATER, WARM_UP = 1000000, 2000000
local DEPTH = 6

local inbox_id = tonumber(inbox)
local warm, how, gc = entry:match("^(%a+) (%a+) ?(%a*)$")
local options = { base_url = base_url, ca_file = ca_file, access_token = TOKEN }
local ok_options = { base_url = ok_url, ca_file = ca_file, access_token = TOKEN }
local params = { accountID = 7, server = "east", inboxID = inbox_id }

local function delete(id)
  return safe.delete_inbox({ accountID = 7, inboxID = id }, ok_options)
end

local client = how == "client" and ninedig.client(options)

local ways = {}

function ways.module()
  return pcall(ninedig.delete_inbox, params, options)
end

function ways.safe()
  return true, safe.delete_inbox(params, options)
end

function ways.client()
  return pcall(client.delete_inbox, client, params)
end

-- With reading back, which needs memory of its own.
function ways.proving()
  local asked = { accountID = 7, server = "east", inboxID = inbox_id, verify = true }
  return pcall(ninedig.delete_inbox, asked, options)
end

local function descend(depth, ...)
  if depth == 0 then
    return ways.module()
  end
  local ok, value = descend(depth - 1, depth, ...)
  return ok, value
end

-- From further up a stack that the VM has made larger.
function ways.deep()
  return descend(DEPTH)
end

local coroutine_wrap = coroutine.wrap(function()
  return ways.module()
end)

-- From the small stack of a coroutine.
function ways.coroutine()
  return coroutine_wrap()
end

-- LuaJIT loses some bytes of its own where memory runs out while it compiles a module.
if how == "proving" and rawget(_G, "jit") then
  for _, name in ipairs { "session", "lookup", "verify" } do
    require("ninedig." .. name)
  end
end
local function tune(name, value)
  if not pcall(collectgarbage, "set" .. name, value) then
    collectgarbage("param", name, value) -- Lua 5.5
  end
end

if warm == "warm" then
  assert(delete(inbox_id + WARM_UP))
end
collectgarbage()
if gc == "collecting" then -- without a pause, as the collector shrinks what a call has made grow
  tune("pause", 100)
  tune("stepmul", 10000)
end

-- What a call returned or raised, as plain facts.
local function describe(returned, ok, value, err)
  if not returned then
    value = ok
  elseif ok and value == nil then
    value = err
  end
  local facts = { type = type(value), is_error = ninedig.is_error(value), text = tostring(value) }
  if type(value) == "table" then
    for _, key in ipairs {
      "kind", "name", "outcome", "reason", "message", "call", "accountID", "server", "inboxID",
      "status", "retryable",
    } do
      facts[key] = value[key]
    end
  end
  return facts
end

local function judge(...)
  local facts = describe(...)
  local later, err = delete(inbox_id + LATER)
  facts.later = later and "deleted" or tostring(err)
  client = nil -- luacheck: ignore
  collectgarbage()
  collectgarbage()
  facts.alive = core.alive()
  return cjson.encode(facts)
end

return ways[how], judge
