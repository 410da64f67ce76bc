--- The least that a handler of nginx can do to delete an inbox: a cosocket, and nothing checked
-- that need not be. It sends what ninedig sends, over TLS that is verified, on connections that are
-- kept.
local cjson = require("cjson.safe")

local cosocket = {}

local CONNECTIONS_KEPT, KEPT_FOR_MS = 1024, 4000
local TIMEOUT_MS = 30000

local REQUEST = table.concat({
  "DELETE %s/online/deleteInbox HTTP/1.1",
  "Host: %s:%s",
  "User-Agent: %s",
  "Accept: application/json",
  "Content-Type: application/json",
  "Authorization: Bearer %s",
  "Content-Length: %d",
  "",
  "%s",
}, "\r\n")

local function connect(settings, is_cold)
  local socket = ngx.socket.tcp()
  socket:settimeout(TIMEOUT_MS)
  local ok, err = socket:connect("127.0.0.1", settings.port, {
    pool = is_cold and "cold" or "cosocket", pool_size = CONNECTIONS_KEPT,
  })
  if ok and socket:getreusedtimes() == 0 then
    ok, err = socket:sslhandshake(nil, "localhost", true)
  end
  return ok and socket, err
end

local function read_body(socket)
  local line, err = socket:receive()
  local length
  while line and line ~= "" do
    length = length or line:match("^[Cc]ontent%-[Ll]ength: (%d+)")
    line, err = socket:receive()
  end
  if not line then
    return nil, err
  end
  return socket:receive(tonumber(length))
end

--- Delete.
-- @tparam table settings port, token, user_agent
-- @tparam string path of the service
-- @tparam table params
-- @tparam[opt=false] boolean is_cold on a new connection, which is not kept
-- @treturn[1] table the decoded answer
-- @treturn[2] nil
-- @treturn[2] string why not
function cosocket.delete_inbox(settings, path, params, is_cold)
  local socket, err = connect(settings, is_cold)
  if not socket then
    return nil, err
  end
  local body = ('{"accountID":%d,"server":"online","inboxID":%d}')
    :format(params.accountID, params.inboxID)
  local answer
  answer, err = socket:send(REQUEST:format(path, "localhost", settings.port,
    settings.user_agent, settings.token, #body, body))
  if answer then
    answer, err = read_body(socket)
  end
  if not answer or is_cold then
    socket:close()
  else
    socket:setkeepalive(KEPT_FOR_MS, CONNECTIONS_KEPT)
  end
  if not answer then
    return nil, err
  end
  return cjson.decode(answer)
end

return cosocket
