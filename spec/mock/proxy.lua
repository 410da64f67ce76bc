--- The forward proxies. They record what they saw apart from what the service saw, for the world
-- that the proxy's user name names (http://WORLD:any@127.0.0.1:PORT), else for "_proxy".
local recorder = require("recorder")

local HEAD_LIMIT_MS = 10000
local TUNNEL_LIMIT_MS = 3600000

-- What each listener answers a CONNECT with, instead of a tunnel; "" is to close.
local REFUSALS = {
  proxy_403 = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
  proxy_407 = "HTTP/1.1 407 Proxy Authentication Required\r\n"
    .. "Proxy-Authenticate: Basic realm=\"mock\"\r\n"
    .. "Content-Length: 0\r\nConnection: close\r\n\r\n",
  proxy_close = "",
}

local proxy = {}

local function world_of(authorization)
  local encoded = authorization and authorization:match("^Basic%s+(%S+)")
  local user = encoded and (ngx.decode_base64(encoded) or ""):match("^[%w_%-]+")
  return user or "_proxy"
end

local function headers_of(head)
  local headers = {}
  for name, value in head:gmatch("\r\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
    headers[name:lower()] = value
  end
  return headers
end

local function pump(from, to)
  while true do
    local data = from:receiveany(65536)
    if not data or not to:send(data) then
      return
    end
  end
end

local function tunnel(client, host, port)
  local upstream = ngx.socket.tcp()
  local ok = upstream:connect(host == "localhost" and "127.0.0.1" or host, tonumber(port))
  if not ok then
    client:send("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    return
  end
  upstream:settimeout(TUNNEL_LIMIT_MS)
  client:settimeout(TUNNEL_LIMIT_MS)
  client:send("HTTP/1.1 200 Connection established\r\n\r\n")
  local up = ngx.thread.spawn(pump, client, upstream)
  local down = ngx.thread.spawn(pump, upstream, client)
  ngx.thread.wait(up, down)
end

-- The head of a CONNECT. nginx before 1.29 refuses it by its first line, and leaves the head in its
-- buffer.
local function head_of(client)
  local is_read, head = pcall(ngx.req.raw_header)
  head = is_read and head:match("^(CONNECT .*)\r\n\r\n$")
  if head then
    return head
  end
  client:settimeout(HEAD_LIMIT_MS)
  return client:receiveuntil("\r\n\r\n")()
end

--- CONNECT.
function proxy.connect()
  local client = assert(ngx.req.socket(true))
  local head = head_of(client)
  if not head then
    return ngx.exit(ngx.ERROR)
  end
  local record = recorder.describe()
  record.method, record.path = head:match("^(%S+) (%S+)")
  record.headers = headers_of(head)
  record.head = head .. "\r\n\r\n"
  record.http = head:match("^[^\r\n]*HTTP/([%d.]+)")
  recorder.write(world_of(record.headers["proxy-authorization"]), record, "proxy.jsonl")
  local refusal = REFUSALS[record.listener]
  local host, port = (record.path or ""):match("^%[?([^%]]-)%]?:(%d+)$")
  if refusal then
    client:send(refusal)
  elseif record.method == "CONNECT" and host then
    tunnel(client, host, port)
  end
  return ngx.exit(ngx.ERROR)
end

--- A plain request by its absolute address.
function proxy.forward()
  ngx.req.read_body()
  local record = recorder.describe()
  record.body = ngx.req.get_body_data() or ""
  recorder.write(world_of(record.headers["proxy-authorization"]), record, "proxy.jsonl")
  if record.listener == "proxy_close" then
    return ngx.exit(444)
  elseif REFUSALS[record.listener] then
    return ngx.exit(tonumber(record.listener:match("%d+")))
  end
end

return proxy
