--- Deletes in nginx for a few minutes, as a busy OpenResty would: `make soak`.
--
--   luajit spec/soak/nginx.lua [SECONDS]
--
-- 64 clients at a time ask one worker for a deletion each; a tenth of them leave at a random time;
-- the worker is reloaded every 20 seconds; two timers in it set nginx's clock. At the end each
-- deletion must have been seen by the service exactly once (of a client that has left: at most
-- once), each client that stayed must have its own outcome, what was logged of those that left must
-- be true and said once, and the memory of the workers must not have grown.
local cjson = require("cjson").new()
local mock = require("spec.support.mock")
local nginx = require("spec.support.nginx")
local uv = require("luv")

local SECONDS = tonumber(arg[1]) or 180
local CLIENTS, LEAVE, LATEST_LEAVE_MS = 64, 0.1, 400
local RELOAD_MS = 20000
local MOST_GROWTH = 1.10
local PATIENCE = 30 -- seconds, for what is still under way

-- What the service does, and what a client is told then.
local SCENARIOS = {
  { name = "delay-100", expected = "OK" },
  { name = "delay-300", expected = "OK" },
  { name = "ok", expected = "OK" },
  { name = "delay-200+reason-47", expected = "INBOX_ID_INVALID" },
}

local SERVERS = [[
  lua_shared_dict answers 1m;
  lua_check_client_abort on;
  server {
    listen unix:{{socket}} backlog=1024;
    location = /alive { content_by_lua_block { require("jobs").alive() } }
    location = /pid { content_by_lua_block { ngx.print(ngx.worker.pid()) } }
    location = /content { content_by_lua_block { require("jobs").answer() } }
  }
]]

local function read_file(path)
  return mock.shared.read_file(path)
end

-- ----- the clients -----

local soak = { count = 0, under_way = 0, deletions = {}, resident = {} }

local function request_for(deletion)
  local job = cjson.encode {
    params = { access_token = mock.token, accountID = 1, inboxID = deletion.inbox },
    options = {
      base_url = soak.world:base_url(deletion.scenario.name), ca_file = mock.ca_file, timeout = 10,
    },
  }
  return ("GET /content?job=%s HTTP/1.0\r\nHost: nginx\r\n\r\n"):format(job:gsub("%W", function(c)
    return ("%%%02X"):format(c:byte())
  end))
end

local begin_one

local function finish_one(deletion)
  if deletion.pipe:is_closing() then
    return
  end
  deletion.pipe:close()
  soak.under_way = soak.under_way - 1
  if not soak.ends then
    begin_one()
  end
end

local function leave_some_time(deletion)
  local timer = uv.new_timer()
  timer:start(math.random(0, LATEST_LEAVE_MS), 0, function()
    timer:close()
    deletion.has_left = not deletion.is_answered
    finish_one(deletion)
  end)
end

function begin_one()
  soak.count = soak.count + 1
  soak.under_way = soak.under_way + 1
  local deletion = {
    inbox = soak.count, scenario = SCENARIOS[math.random(#SCENARIOS)], text = "",
    pipe = uv.new_pipe(false),
  }
  soak.deletions[deletion.inbox] = deletion
  deletion.pipe:connect(soak.server.socket, function(err)
    if err then
      deletion.text = err
      return finish_one(deletion)
    end
    deletion.pipe:write(request_for(deletion))
    deletion.pipe:read_start(function(_, chunk)
      if chunk then
        deletion.text = deletion.text .. chunk
      else
        deletion.is_answered = true
        finish_one(deletion)
      end
    end)
    if math.random() < LEAVE then
      leave_some_time(deletion)
    end
  end)
end

-- ----- the run -----

local function note_memory()
  local worker = soak.server:get("/pid")
  local resident = (read_file("/proc/" .. worker .. "/status") or ""):match("VmRSS:%s*(%d+)")
  table.insert(soak.resident, tonumber(resident))
end

local function every(ms, f)
  local timer = uv.new_timer()
  timer:start(ms, ms, f)
  return timer
end

local function run()
  local reloads = every(RELOAD_MS, function()
    note_memory()
    soak.server:signal("HUP")
  end)
  local stop = uv.new_timer()
  stop:start(SECONDS * 1000, 0, function()
    soak.ends = true
    reloads:close()
    stop:close()
  end)
  for _ = 1, CLIENTS do
    begin_one()
  end
  uv.run()
  note_memory()
end

-- ----- the account -----

local faults = 0
local function fault(...)
  faults = faults + 1
  if faults <= 20 then
    print("  FAULT: " .. string.format(...))
  end
end

local function count_seen()
  local seen = {}
  for line in io.lines(soak.world:path("jsonl")) do
    local inbox = tonumber(line:match('\\"inboxID\\":(%d+)'))
    seen[inbox] = (seen[inbox] or 0) + 1
  end
  return seen
end

local function outcome_of(deletion)
  local ok, answer = pcall(cjson.decode, deletion.text:match("\r\n\r\n(.*)$") or "")
  if not ok or type(answer) ~= "table" then
    return "no answer: " .. deletion.text
  elseif not answer.result then
    return answer.error and tostring(answer.error.name) or answer.text
  elseif tonumber(answer.result.inboxID) ~= deletion.inbox then
    return "the answer to another call: " .. answer.result.inboxID
  end
  return answer.result.status
end

local function check_those_who_stayed(seen)
  local stayed = 0
  for inbox, deletion in ipairs(soak.deletions) do
    if not deletion.has_left then
      stayed = stayed + 1
      local outcome = outcome_of(deletion)
      if outcome ~= deletion.scenario.expected then
        fault("inbox %d: told %s, and not %s", inbox, outcome, deletion.scenario.expected)
      end
      if seen[inbox] ~= 1 then
        fault("inbox %d: seen %d times", inbox, seen[inbox] or 0)
      end
    elseif (seen[inbox] or 0) > 1 then
      fault("inbox %d, whose client has left: seen %d times", inbox, seen[inbox])
    end
  end
  return stayed
end

local function check_logged(seen)
  local logged, count = {}, 0
  for _, line in ipairs(soak.server:logged("a caller went away")) do
    local inbox, ending = line:match("inboxID (%d+)%) ended: (.*)")
    local deletion = soak.deletions[tonumber(inbox)]
    count = count + 1
    if not deletion.has_left or logged[inbox] or not seen[tonumber(inbox)] then
      fault("logged, though its client stayed, or twice, or of what was not sent: %s", line)
    end
    logged[inbox] = true
    if (deletion.scenario.expected == "OK") ~= (ending:sub(1, 2) == "OK")
      or deletion.scenario.expected ~= "OK" and not ending:find("outcome rejected", 1, true) then
      fault("logged what is not true: %s", line)
    end
  end
  for _, level in ipairs { "[error]", "[crit]", "[alert]", "[emerg]" } do
    for _, line in ipairs(soak.server:logged(level)) do
      fault("%s", line)
    end
  end
  return count
end

-- Workers come and go; the later ones must not be larger than the earlier ones.
local function check_memory()
  local half = math.ceil(#soak.resident / 2)
  local first, last = 0, 0
  for i, kb in ipairs(soak.resident) do
    first = i <= half and math.max(first, kb) or first
    last = i > half and math.max(last, kb) or last
  end
  if last > first * MOST_GROWTH then
    fault("the workers have grown from %d to %d kB", first, last)
  end
  nginx.wait_until("nothing is held", function()
    return soak.server:get("/alive"):match("^0 ")
  end)
  return first, last
end

local function wait_for_old_workers()
  local master, left = soak.server.master, PATIENCE
  local function children()
    local _, count = (read_file(("/proc/%s/task/%s/children"):format(master, master)) or "")
      :gsub("%d+", "")
    return count
  end
  while children() > 1 and left > 0 do
    mock.shared.pause(0.1)
    left = left - 0.1
  end
  if children() > 1 then
    fault("%d old workers have not ended", children() - 1)
  end
end

local function main()
  math.randomseed(os.time())
  soak.world = mock.world()
  soak.server = nginx.start {
    servers = SERVERS, init_worker = 'require("waiting").update_time()',
  }
  run()
  wait_for_old_workers()
  local seen = count_seen()
  local stayed = check_those_who_stayed(seen)
  local logged = check_logged(seen)
  local first, last = check_memory()
  print(("%d deletions in %d s; %d clients stayed, %d left, of which %d were logged; %d reloads")
    :format(soak.count, SECONDS, stayed, soak.count - stayed, logged, #soak.resident - 1))
  print(("resident memory of the workers: at most %d kB in the first half, %d kB in the second")
    :format(first, last))
end

local ok, raised = xpcall(main, debug.traceback)
if soak.server then
  soak.server:stop()
end
mock.stop()
if not ok then
  io.stderr:write("soak: ", tostring(raised), "\n")
  os.exit(2)
end
print(faults == 0 and "Nothing was lost, and nothing told twice." or faults .. " faults.")
os.exit(faults == 0 and 0 or 1)
