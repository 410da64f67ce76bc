--- Measures ninedig in a worker of nginx: `make bench-nginx`.
--
--   luajit spec/bench/nginx.lua [--strict] [--long]
--
-- wrk keeps so many requests in flight, each of which makes one deletion of the mock, over TLS with
-- keep-alive, in the one worker; meanwhile another wrk asks it for /ping a hundred times a second.
-- Compared are ninedig, a minimal client on cosockets (nginx/cosocket.lua), which is the most that
-- a handler can reach, and the call made blocking. All are measured in this run, and take turns, so
-- that other load of the machine comes upon all alike; of the turns the medians are shown. With two
-- cores or more the worker has one to itself. --strict: fail if a target is missed. --long takes
-- more and longer turns.
local cjson = require("cjson")
local mock = require("spec.support.mock")
local nginx = require("spec.support.nginx")

local WAYS = { "ninedig", "cosocket" }
local DELAYS = { 0, 20, 100 }
local IN_FLIGHT = { 1, 16, 128 }
local PING_PAUSE_MS = 10
local REQUESTS, SETTLED, BATCH_SECONDS = 50000, 5000, 2

-- What is to be reached, by what is in flight; a service that takes no time is only looked at.
local LEAST_RATE = { [1] = 0.90, [16] = 0.90, [128] = 0.80 }
local MOST_MEDIAN = 1.10
local MOST_COLD_PING = 1.5
local MOST_GROWTH_KB = 512

local SERVERS = [[
server {
  listen 127.0.0.1:{{port}} backlog=4096;
  location = /ping { return 200 "pong"; }
  location = /pid { content_by_lua_block { ngx.print(ngx.worker.pid()) } }
  location / { content_by_lua_block { require("contender").handle() } }
}
]]

local rounds, seconds, strict = 2, 3, false
for _, word in ipairs(arg) do
  if word == "--strict" then
    strict = true
  elseif word == "--long" then
    rounds, seconds = 5, 5
  end
end

local function capture(command)
  local pipe = assert(io.popen(command))
  local output = pipe:read("a")
  assert(pipe:close(), "this failed: " .. command)
  return output
end

local function read_file(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

local function note(...)
  io.stderr:write("  ", string.format(...), " ...\n")
end

-- nginx, and the addresses and the worker that the turns are about.

local bench = {}

-- Leaves the first core to the worker: this process, and with it what it starts, has the others.
local function share_cores()
  local count = tonumber((capture("nproc --all")))
  if count < 2 then
    return ""
  end
  capture(("taskset -pc 1-%d %s"):format(count - 1, (mock.shared.self_id())))
  return "worker_cpu_affinity 1;"
end

local function write_settings(settings)
  local file = assert(io.open(mock.dir .. "/bench-nginx.json", "w"))
  file:write(cjson.encode(settings))
  file:close()
end

local function curl(path)
  return capture(("curl -sSf '%s%s'"):format(bench.url, path))
end

-- The clients must send the same; ninedig's user agent is only known once it has sent it.
local function compare_requests(settings, world)
  curl("/ninedig/ok")
  settings.user_agent = assert(world:requests()[1]).headers["user-agent"]
  write_settings(settings)
  curl("/cosocket/ok")
  local requests = world:requests()
  local ours, theirs = requests[1], requests[2]
  assert(ours.head == theirs.head and #ours.body == #theirs.body,
    "the two clients do not send the same request")
end

local function start()
  local worker_affinity = share_cores() -- before the mock is started
  local world = mock.world()
  local port = mock.shared.free_ports(1)[1]
  local settings = {
    origin = mock.https:gsub("127.0.0.1", "localhost"),
    port = mock.https:match("%d+$"),
    path = "/" .. world.name .. "/",
    ca_file = mock.ca_file,
    token = mock.token,
    user_agent = "",
    max_in_flight = IN_FLIGHT[#IN_FLIGHT],
  }
  write_settings(settings)
  bench.server = nginx.start {
    servers = SERVERS,
    handlers = "bench/nginx",
    port = port,
    worker_affinity = worker_affinity,
    init_worker = 'package.loaded.bench_settings = [==[{{mock_dir}}/bench-nginx.json]==]',
  }
  bench.url = "http://127.0.0.1:" .. port
  bench.worker = curl("/pid")
  compare_requests(settings, world)
end

-- One turn.

local function start_wrk(connections, duration, path, argument)
  return assert(io.popen(("wrk -t1 -c%d -d%ds -T30s -s spec/bench/nginx/wrk.lua '%s%s' -- %s 2>&1")
    :format(connections, duration, bench.url, path, argument or "")))
end

local function read_wrk(pipe)
  local output = pipe:read("a")
  pipe:close()
  local requests, us, p50, p99, errors =
    output:match("figures (%d+) (%d+) ([%d.]+) ([%d.]+) (%d+)")
  assert(requests, output)
  return {
    requests = tonumber(requests),
    rate = requests / us * 1e6,
    p50 = tonumber(p50),
    p99 = tonumber(p99),
    errors = tonumber(errors),
  }
end

-- Seconds of CPU that the worker has used.
local function cpu_used()
  return tonumber(read_file("/proc/" .. bench.worker .. "/schedstat"):match("%d+")) / 1e9
end

local function resident_kb()
  return tonumber(read_file("/proc/" .. bench.worker .. "/status"):match("VmRSS:%s*(%d+)"))
end

-- The worker goes on with what wrk has left behind. Where calls block, each has its turn between
-- two answers.
local function let_it_finish(way, delay, in_flight)
  local left = (way == "blocking" and in_flight or 1) * delay / 1000
  assert(os.execute(("sleep %.3f"):format(left + 0.1)))
end

local function take_turn(way, delay, in_flight)
  local path = ("/%s/bench-%d"):format(way, delay)
  if way ~= "blocking" then -- connect first
    read_wrk(start_wrk(in_flight, 1, path))
    let_it_finish(way, delay, in_flight)
  end
  local cpu = cpu_used()
  local load = start_wrk(in_flight, seconds, path)
  local pings = start_wrk(1, seconds, "/ping", PING_PAUSE_MS)
  local turn = read_wrk(load)
  turn.ping_p99 = read_wrk(pings).p99
  turn.cpu = (cpu_used() - cpu) / turn.requests * 1e6
  assert(turn.errors == 0, way .. ": requests failed: " .. turn.errors)
  let_it_finish(way, delay, in_flight)
  return turn
end

-- The table.

local function median(turns, field)
  local values = {}
  for i, turn in ipairs(turns) do
    values[i] = turn[field]
  end
  table.sort(values)
  local middle = math.floor(#values / 2)
  return #values % 2 == 1 and values[middle + 1] or (values[middle] + values[middle + 1]) / 2
end

local LINE = "  %5s %9s  %-9s %9s %8s %8s %8s %9s  %s"

local function print_way(delay, in_flight, way, turns, verdict)
  print((LINE:format(delay, in_flight, way, ("%.0f"):format(median(turns, "rate")),
    ("%.2f"):format(median(turns, "p50")), ("%.2f"):format(median(turns, "p99")),
    ("%.0f"):format(median(turns, "cpu")), ("%.2f"):format(median(turns, "ping_p99")), verdict)
    :gsub("%s+$", "")))
end

-- In words, and how many of the two targets are missed.
local function judge(delay, in_flight, turns)
  local rate = median(turns.ninedig, "rate") / median(turns.cosocket, "rate")
  local p50 = median(turns.ninedig, "p50") / median(turns.cosocket, "p50")
  local words = ("rate %.2f, p50 %.2f of the cosocket's"):format(rate, p50)
  local missed = 0
  if delay > 0 then
    missed = (rate < LEAST_RATE[in_flight] and 1 or 0) + (p50 > MOST_MEDIAN and 1 or 0)
    words = words .. (missed > 0 and ": MISSED" or "")
  end
  return words, missed
end

local function measure(delay, in_flight)
  local turns = { ninedig = {}, cosocket = {} }
  for _ = 1, rounds do
    for _, way in ipairs(WAYS) do
      table.insert(turns[way], take_turn(way, delay, in_flight))
    end
  end
  turns.blocking = { take_turn("blocking", delay, in_flight) }
  return turns
end

-- What other requests suffer while all deletions are on new connections.
local function compare_cold()
  local delay, in_flight = DELAYS[#DELAYS], IN_FLIGHT[#IN_FLIGHT]
  note("a service of %d ms, %d in flight, on new connections", delay, in_flight)
  local turns = { ninedigcold = {}, cosocketcold = {} }
  for _ = 1, rounds do
    for way, list in pairs(turns) do
      list[#list + 1] = take_turn(way, delay, in_flight)
    end
  end
  local ratio = median(turns.ninedigcold, "ping_p99") / median(turns.cosocketcold, "ping_p99")
  local missed = ratio > MOST_COLD_PING
  print_way(delay, in_flight, "ninedig", turns.ninedigcold,
    ("cold: ping p99 %.2f of the cosocket's%s"):format(ratio, missed and ": MISSED" or ""))
  print_way("", "", "cosocket", turns.cosocketcold, "")
  return missed and 1 or 0
end

local function compare()
  local missed = 0
  print("One worker of nginx; targets at 20 and 100 ms: rate at least 0.90 of the cosocket's"
    .. " (0.80 at 128), p50 at most 1.10; cold, the p99 of /ping at most 1.50")
  print()
  print((LINE:format("ms", "in flight", "", "req/s", "p50 ms", "p99 ms", "us CPU", "ping p99", "")
    :gsub("%s+$", "")))
  for _, delay in ipairs(DELAYS) do
    for _, in_flight in ipairs(IN_FLIGHT) do
      note("a service of %d ms, %d in flight", delay, in_flight)
      local turns = measure(delay, in_flight)
      local words, missed_here = judge(delay, in_flight, turns)
      missed = missed + missed_here
      print_way(delay, in_flight, "ninedig", turns.ninedig, words)
      print_way("", "", "cosocket", turns.cosocket, "")
      print_way("", "", "blocking", turns.blocking, "")
    end
  end
  missed = missed + compare_cold()
  print()
  return missed
end

-- Resident memory of the worker while it makes many requests.
local function watch_memory()
  note("making %d requests", REQUESTS)
  local made, settled = 0, nil
  while made < REQUESTS do
    made = made + read_wrk(start_wrk(64, BATCH_SECONDS, "/ninedig/bench-0")).requests
    if made >= SETTLED and not settled then
      settled = { at = made, kb = resident_kb() }
    end
  end
  local growth = resident_kb() - settled.kb
  local missed = growth > MOST_GROWTH_KB
  print(("resident memory: %d kB after %d requests, %+d kB after %d%s")
    :format(settled.kb, settled.at, growth, made, missed and ": MISSED" or ""))
  return missed and 1 or 0
end

local ok, missed = xpcall(function()
  start()
  return compare() + watch_memory()
end, debug.traceback)
if bench.server then
  io.stderr:write(bench.server:error_log())
  bench.server:stop()
end
mock.stop()
if not ok then
  io.stderr:write("bench: ", tostring(missed), "\n")
  os.exit(2)
end
print(missed == 0 and "All targets are reached." or ("%d missed."):format(missed))
os.exit(strict and missed > 0 and 1 or 0)
