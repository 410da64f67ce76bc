--- Calls of clients that the requests of a worker share, as a handler of nginx would have them.
--
-- A request has in its argument `job`, as JSON: `options` of the client, `method`, `params`, and
-- `count`: that many calls at once, each with its place added to the params' inboxID. The answer is
-- a list of `result`s and `error`s.
local cjson = require("cjson.safe")
local safe = require("ninedig.safe")

local calls = {}

local clients = {}

-- One client for the same options, as long as the worker lives.
local function client_for(options)
  local key = options.base_url
  clients[key] = clients[key] or assert(safe.client(options))
  return clients[key]
end

local function one_call(job, place)
  local params = {}
  for key, value in pairs(job.params or {}) do
    params[key] = value
  end
  if params.inboxID then
    params.inboxID = params.inboxID + place - 1
  end
  local client = client_for(job.options)
  local result, err = client[job.method](client, job.params and params)
  if result == nil then
    return { error = err }
  end
  return { result = result, evidence = type(result) == "string" and err or nil }
end

local function perform(job)
  local threads, answers = {}, {}
  for i = 1, job.count or 1 do
    threads[i] = ngx.thread.spawn(one_call, job, i)
  end
  for i, thread in ipairs(threads) do
    local ok, answer = ngx.thread.wait(thread)
    answers[i] = ok and answer or { raised = tostring(answer) }
  end
  return answers
end

--- Answer a request with what its job came to.
function calls.answer()
  ngx.print(cjson.encode(perform(cjson.decode(ngx.unescape_uri(ngx.var.arg_job)))))
end

--- The same where nothing can wait: one call, and its answer as text.
function calls.text()
  local job = cjson.decode(ngx.unescape_uri(ngx.var.arg_job))
  return cjson.encode { one_call(job, 1) }
end

return calls
