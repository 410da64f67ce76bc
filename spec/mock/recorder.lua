--- Writes down what came in: one JSON line per request, in a file per world.
local cjson = require("cjson").new()
local settings = require("mock_settings")

local recorder = {}

--- The file of a world.
function recorder.path(world, suffix)
  return settings.dir .. "/worlds/" .. world .. "." .. suffix
end

--- Appends a record to a world's requests, or to those that a proxy saw ("proxy.jsonl").
function recorder.write(world, record, suffix)
  local file = assert(io.open(recorder.path(world, suffix or "jsonl"), "ab"))
  file:write(cjson.encode(record), "\n")
  file:close()
end

--- What is known of a request before its body is read.
function recorder.describe()
  local ok, head = pcall(ngx.req.raw_header)
  ngx.update_time()
  return {
    method = ngx.req.get_method(),
    path = ngx.var.request_uri,
    headers = setmetatable(ngx.req.get_headers(0), nil),
    head = ok and head or nil,
    http = ("%.1f"):format(ngx.req.http_version() or 0),
    tls = ngx.var.ssl_protocol,
    connection = tonumber(ngx.var.connection),
    connection_requests = tonumber(ngx.var.connection_requests),
    listener = ngx.var.listener,
    port = tonumber(ngx.var.server_port),
    time = ngx.now(),
  }
end

return recorder
