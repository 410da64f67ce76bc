--- What the worker under test does: jobs, each a deletion, in whatever phase of nginx.
--
-- A job is a table: `params` and `options` of `delete_inbox`, and `raising` to make the call
-- through `ninedig` and not `ninedig.safe`. A request brings its own as JSON in the argument `job`;
-- for phases that have none of their own it stands in jobs.json, by the name of the phase. Its
-- answer is a table too, whose numbers have become strings of digits, as JSON's numbers would not
-- do: `result`, or `error`, `is_error` and `text`.
local cjson = require("cjson.safe")
local ninedig = require("ninedig")
local safe = require("ninedig.safe")

local jobs = {}

local answers = ngx.shared.answers
local in_flight = 0

--- The directory of this nginx.
jobs.dir = ngx.config.prefix()

local function copy(value)
  if type(value) == "number" then
    return value % 1 == 0 and ("%.0f"):format(value) or tostring(value)
  elseif type(value) ~= "table" then
    return value
  end
  local fields = {}
  for key, one in pairs(value) do
    fields[key] = copy(one)
  end
  return fields
end

local function call(job)
  if not job.raising then
    return safe.delete_inbox(job.params, job.options)
  end
  local ok, result = pcall(ninedig.delete_inbox, job.params, job.options)
  if ok then
    return result
  end
  return nil, result
end

--- Do a job.
-- @treturn table its answer
function jobs.perform(job)
  in_flight = in_flight + 1
  local result, err = call(job)
  in_flight = in_flight - 1
  if result then
    return { result = copy(result) }
  end
  return { error = copy(err), is_error = ninedig.is_error(err), text = tostring(err) }
end

--- How many jobs are under way in this worker, those of callers that went away included.
function jobs.in_flight()
  return in_flight
end

local function own_job(phase)
  local file = io.open(jobs.dir .. "jobs.json")
  if not file then
    return nil
  end
  local all = cjson.decode(file:read("*a"))
  file:close()
  return all[phase]
end

local function requested_job()
  return cjson.decode(ngx.unescape_uri(ngx.var.arg_job or ""))
end

--- Do the job of a phase that answers no request, if there is one, and keep its answer.
function jobs.run(phase)
  local job = own_job(phase)
  if job then
    answers:set(phase, cjson.encode(jobs.perform(job)))
  end
end

--- Do the job of the request and keep its answer, for a phase that can't give it.
function jobs.keep()
  answers:set(ngx.get_phase(), cjson.encode(jobs.perform(requested_job())))
end

--- Do the job of the request.
-- @treturn string its answer
function jobs.text()
  return cjson.encode(jobs.perform(requested_job()))
end

--- Do the job of the request and give its answer.
function jobs.answer()
  ngx.say(jobs.text())
end

--- Give the answer that was kept for a phase.
function jobs.kept()
  ngx.print(answers:get(ngx.var.arg_phase) or "none")
end

--- Do the job of the request in a timer, and give its answer.
function jobs.in_timer()
  local job, answer = requested_job(), nil
  assert(ngx.timer.at(0, function()
    answer = jobs.perform(job)
  end))
  while not answer do
    ngx.sleep(0.001)
  end
  ngx.print(cjson.encode(answer))
end

--- Do the job of the request in a coroutine of its own.
function jobs.in_coroutine()
  ngx.print(coroutine.wrap(jobs.text)())
end

--- Do the job of the request in the light thread of another, which is killed after
-- so many milliseconds; with the argument `hosted` it waits in ngx.sleep.
function jobs.in_killed_thread()
  local job = requested_job()
  job.options.sleep = ngx.var.arg_hosted and ngx.sleep or nil
  local thread = ngx.thread.spawn(jobs.perform, job)
  ngx.sleep(tonumber(ngx.var.arg_after) / 1000)
  ngx.print(tostring(ngx.thread.kill(thread)))
end

--- Do the job of the request, but for so many inboxes at once: the answers in their order.
function jobs.many()
  local job = requested_job()
  local threads, parts = {}, {}
  for i = 1, tonumber(ngx.var.arg_count) do
    local params = { accountID = 1, inboxID = i, access_token = job.params.access_token }
    threads[i] = ngx.thread.spawn(jobs.perform, { params = params, options = job.options })
  end
  for i, thread in ipairs(threads) do
    local _, answer = ngx.thread.wait(thread)
    parts[i] = answer
  end
  ngx.print(cjson.encode(parts))
end

--- Native objects that are not collected, calls under way, and timers that run.
function jobs.alive()
  collectgarbage()
  collectgarbage()
  local core = require("ninedig.core")
  ngx.print(("%d %d %d"):format(core.alive(), in_flight, ngx.timer.running_count()))
end

return jobs
