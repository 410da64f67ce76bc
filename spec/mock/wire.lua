--- Answers on the wire: through nginx, which keeps the connection alive, or as raw bytes.
local wire = {}

local PIECE = 65536
local A_DAY_MS = 86400000

local REASONS = {
  [200] = "OK", [301] = "Moved Permanently", [302] = "Found", [400] = "Bad Request",
  [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found", [429] = "Too Many Requests",
  [500] = "Internal Server Error", [502] = "Bad Gateway", [503] = "Service Unavailable",
  [504] = "Gateway Timeout",
}

--- An answer: a status, a list of header fields in order, a body.
function wire.answer(status, content_type, body)
  return { status = status, headers = { { "Content-Type", content_type } }, body = body }
end

function wire.json(body)
  return wire.answer(200, "application/json", body)
end

function wire.page(status)
  return wire.answer(status, "text/html", ("<html><head><title>%d %s</title></head>"
    .. "<body><h1>%d</h1></body></html>\r\n"):format(status, REASONS[status] or "Answer", status))
end

--- The head of an answer in raw bytes; `framing` is the header that ends the body.
function wire.head(answer, framing, version)
  local lines = { ("HTTP/%s %d %s"):format(version or "1.1", answer.status,
    REASONS[answer.status] or "Answer"), "Server: mock" }
  for _, field in ipairs(answer.headers) do
    lines[#lines + 1] = field[1] .. ": " .. field[2]
  end
  lines[#lines + 1] = framing
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function framed(answer, connection)
  return wire.head(answer, ("Content-Length: %d\r\nConnection: %s")
    :format(#answer.body, connection or "close"))
end

--- The whole answer in raw bytes. It announces that the connection ends, unless told otherwise.
function wire.whole(answer, connection)
  return framed(answer, connection) .. answer.body
end

--- One chunk of a chunked body.
function wire.chunk(data)
  return ("%x\r\n%s\r\n"):format(#data, data)
end

--- The whole answer in raw bytes, in chunks of 16 bytes.
function wire.whole_chunked(answer, trailer)
  local parts = { wire.head(answer, "Transfer-Encoding: chunked\r\nConnection: close") }
  for start = 1, #answer.body, 16 do
    parts[#parts + 1] = wire.chunk(answer.body:sub(start, start + 15))
  end
  parts[#parts + 1] = "0\r\n" .. (trailer or "") .. "\r\n"
  return table.concat(parts)
end

--- How long the whole answer is, and how long its head.
function wire.length(answer)
  local head = framed(answer)
  return #head + #answer.body, #head
end

local function send_head(answer)
  ngx.status = answer.status
  local fields = {}
  for _, field in ipairs(answer.headers) do
    local seen = fields[field[1]]
    if seen then
      seen[#seen + 1] = field[2]
    else
      fields[field[1]] = { field[2] }
    end
  end
  for name, values in pairs(fields) do
    ngx.header[name] = #values == 1 and values[1] or values
  end
end

--- Through nginx, with a length. This is how an answer goes unless a fault says otherwise.
function wire.deliver(_, answer)
  send_head(answer)
  ngx.header["Content-Length"] = #answer.body
  ngx.print(answer.body)
end

--- Through nginx, in pieces with pauses of `pause` seconds; chunked unless `length` is given.
function wire.deliver_pieces(answer, size, pause, length)
  send_head(answer)
  ngx.header["Content-Length"] = length
  for start = 1, #answer.body, size do
    ngx.print(answer.body:sub(start, start + size - 1))
    if not ngx.flush(true) then
      return
    end
    if pause and pause > 0 then
      ngx.sleep(pause)
    end
  end
end

--- Through nginx, with `megabytes` of white space before the body's last byte.
function wire.deliver_big(answer, megabytes, is_chunked)
  local filler = (" "):rep(PIECE)
  local count = megabytes * 1048576 / PIECE
  send_head(answer)
  if not is_chunked then
    ngx.header["Content-Length"] = #answer.body + count * PIECE
  end
  ngx.print(answer.body:sub(1, -2))
  for _ = 1, count do
    ngx.print(filler)
    if not ngx.flush(true) then
      return
    end
  end
  ngx.print(answer.body:sub(-1))
end

--- The connection itself, once the request has been read.
function wire.socket()
  local socket = assert(ngx.req.socket(true))
  socket:settimeout(A_DAY_MS)
  return socket
end

--- Says nothing more, until the client leaves.
function wire.wait_until_left(exchange, socket)
  repeat
    local data = socket:receiveany(PIECE)
  until not data
  return wire.finish(exchange)
end

--- Ends the connection: properly, or with a TCP reset, or (in @bare) as a killed server would.
function wire.finish(exchange)
  if exchange.ending == "close" then
    return ngx.exit(ngx.ERROR)
  end
  return ngx.exit(444)
end

--- Sends raw bytes and ends the connection.
function wire.send_and_finish(exchange, bytes)
  if bytes ~= "" then
    wire.socket():send(bytes)
  end
  return wire.finish(exchange)
end

return wire
