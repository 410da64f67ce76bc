--- What the worker under test does with many inboxes at once: the request brings as JSON, in the
-- argument `job`, the `options` of the client, the `list`, and the `many` options; and `raise`,
-- what on_result is to raise at its first call, `pause`, how long each of its calls takes, and
-- `kill`, after how long the light thread that makes the call is killed.
local cjson = require("cjson.safe")
local safe = require("ninedig.safe")

local many = {}

-- One line for each call of on_result, as nobody may be there to be told.
local function note(i, class)
  local file = assert(io.open(ngx.config.prefix() .. "told", "a"))
  file:write(i, " ", class, "\n")
  file:close()
end

local function classes_of(report)
  local classes = {}
  for i, one in ipairs(report.results) do
    classes[i] = one.result and "deleted" or one.error and one.error.outcome or "skipped"
  end
  return classes
end

local function perform(job)
  local client = assert(safe.client(job.options))
  local many_options = job.many or {}
  local raised = false
  function many_options.on_result(i, result, err)
    if job.pause then
      ngx.sleep(job.pause)
    end
    note(i, result and "deleted" or err.outcome)
    if job.raise and not raised then
      raised = true
      error(job.raise, 0)
    end
  end
  local report, second, thrown = client:delete_inboxes(job.list, many_options)
  report = report or type(second) == "table" and (second.report or second)
  return {
    classes = report.results and classes_of(report), counts = report.results and {
      deleted = report.deleted, rejected = report.rejected, not_sent = report.not_sent,
      unknown = report.unknown, skipped = report.skipped,
    },
    name = report.name, thrown = thrown,
    thrown_text = type(second) == "table" and second.text or nil,
  }
end

--- Do the job of the request.
function many.answer()
  local job = assert(cjson.decode(ngx.unescape_uri(ngx.var.arg_job)))
  if not job.kill then
    return ngx.print(cjson.encode(perform(job)))
  end
  local thread = ngx.thread.spawn(perform, job)
  ngx.sleep(job.kill)
  assert(ngx.thread.kill(thread))
  ngx.print("killed")
end

--- Do it in a timer.
function many.in_timer()
  local job = assert(cjson.decode(ngx.unescape_uri(ngx.var.arg_job)))
  local semaphore = assert(require("ngx.semaphore").new())
  local answer
  assert(ngx.timer.at(0, function()
    answer = perform(job)
    semaphore:post(1)
  end))
  assert(semaphore:wait(20))
  ngx.print(cjson.encode(answer))
end

return many
