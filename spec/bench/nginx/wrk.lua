--- What wrk does with its figures: one line of them. With an argument, it sends one request in so
-- many milliseconds, and not as many as it can.
local pause

function init(arguments) -- luacheck: ignore 111
  pause = tonumber(arguments[1])
end

function delay() -- luacheck: ignore 111
  return pause or 0
end

function done(summary, latency) -- luacheck: ignore 111
  local errors = summary.errors
  print(("figures %d %d %.3f %.3f %d"):format(summary.requests, summary.duration,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
