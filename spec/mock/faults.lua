--- Faults and oddities of the wire: modifiers, as server.lua explains them.
local api = require("partner_api")
local attacks = require("attacks")
local bit = require("bit")
local cjson = require("cjson").new()
local recorder = require("recorder")
local wire = require("wire")

local function number(text, default)
  return tonumber(text) or assert(default, "a number is missing in the scenario")
end

local function add_header(answer, name, value)
  answer.headers[#answer.headers + 1] = { name, value }
end

-- A status by itself brings a page; with an answer it only changes its status.
local function set_status(exchange, answer, status)
  if not exchange.has_answer and status >= 300 then
    local page = wire.page(status)
    answer.headers[1] = page.headers[1]
    answer.body = page.body
  end
  answer.status = status
end

local function little_endian(value, size)
  local bytes = {}
  for i = 1, size do
    bytes[i] = string.char(bit.band(bit.rshift(value, 8 * (i - 1)), 255))
  end
  return table.concat(bytes)
end

-- A gzip file of one stored block.
local function gzip(data)
  local size = little_endian(#data, 2)
  local inverse = little_endian(bit.band(bit.bnot(#data), 65535), 2)
  return "\31\139\8\0\0\0\0\0\0\3\1" .. size .. inverse .. data
    .. little_endian(bit.tobit(ngx.crc32_long(data)), 4) .. little_endian(#data, 4)
end

-- What a spec wrote for its world.
local function read_script(exchange)
  local file = io.open(recorder.path(exchange.world, "script"), "rb")
  if not file then
    ngx.log(ngx.ERR, "no script for world ", exchange.world)
    return {}
  end
  local script = cjson.decode(file:read("*a"))
  file:close()
  return script
end

-- A script may have parts of their own for some calls, and for each a list of one request after
-- the other, of which the last goes on. Calls without one are as without a script.
local function script_for(exchange)
  local script = read_script(exchange)
  if not script.calls then
    return script
  end
  local part = script.calls[exchange.call]
  if part and part[1] then
    local nth = ngx.shared.worlds:incr(exchange.world .. " script " .. exchange.call, 1, 0)
    part = part[math.min(nth, #part)]
  end
  return part
end

local faults = {}

-- Statuses and headers.

faults.status = {
  change = function(exchange, answer, status)
    set_status(exchange, answer, number(status))
  end,
}

faults.retry_after = {
  change = function(_, answer, seconds)
    add_header(answer, "Retry-After", seconds)
  end,
}

faults.retry_date = {
  change = function(exchange, answer, seconds)
    local clock = number((exchange.has.clock or {})[1], 0)
    add_header(answer, "Retry-After", ngx.http_time(ngx.time() + clock + number(seconds)))
  end,
}

faults.redirect = {
  change = function(exchange, answer, status)
    set_status(exchange, answer, number(status, 302))
    add_header(answer, "Location", "/" .. exchange.world .. "/ok/api/redirected")
  end,
}

faults.digest_401 = {
  change = function(exchange, answer)
    set_status(exchange, answer, 401)
    add_header(answer, "WWW-Authenticate",
      "Digest realm=\"mock\", qop=\"auth\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c0\"")
  end,
}

faults.big_headers = {
  change = function(_, answer, kilobytes)
    add_header(answer, "X-Padding", ("x"):rep(number(kilobytes, 400) * 1024))
  end,
}

faults.many_headers = {
  change = function(_, answer, kilobytes)
    for _ = 1, number(kilobytes, 400) do
      add_header(answer, "X-Padding", ("x"):rep(1024))
    end
  end,
}

faults.gzip = {
  change = function(_, answer)
    answer.body = gzip(answer.body)
    add_header(answer, "Content-Encoding", "gzip")
  end,
}

-- Time.

faults.delay = {
  wait = function(_, milliseconds)
    ngx.sleep(number(milliseconds) / 1000)
  end,
}

faults.drip = {
  deliver = function(_, answer, milliseconds)
    wire.deliver_pieces(answer, 1, number(milliseconds, 0) / 1000, #answer.body)
  end,
}

faults.never = {
  deliver = function(exchange)
    wire.wait_until_left(exchange, wire.socket())
  end,
}

faults.stall_headers = {
  deliver = function(exchange)
    local socket = wire.socket()
    socket:send("HTTP/1.1 200 OK\r\nServer: mock\r\n")
    wire.wait_until_left(exchange, socket)
  end,
}

faults.stall_body = {
  deliver = function(exchange, answer)
    local socket = wire.socket()
    local whole = wire.whole(answer)
    socket:send(whole:sub(1, #whole - math.floor(#answer.body / 2)))
    wire.wait_until_left(exchange, socket)
  end,
}

-- Ends.

faults.bare = {
  early = function(exchange)
    exchange.ending = "bare"
  end,
}

faults.reset = {
  early = function(exchange)
    exchange.ending = "reset"
  end,
  deliver = wire.finish,
}

faults.close = { deliver = wire.finish }

faults.close_early = {
  early = function(exchange)
    recorder.write(exchange.world, exchange.record)
    wire.finish(exchange)
  end,
}

faults.close_reused = {
  deliver = function(exchange, answer)
    if exchange.record.connection_requests > 1 then
      return wire.finish(exchange)
    end
    return wire.deliver(exchange, answer)
  end,
}

faults.close_idle = {
  deliver = function(exchange, answer)
    wire.send_and_finish(exchange, wire.whole(answer, "keep-alive"))
  end,
}

faults.cut = {
  deliver = function(exchange, answer, count)
    wire.send_and_finish(exchange, wire.whole(answer):sub(1, number(count)))
  end,
}

faults.cut_chunked = {
  deliver = function(exchange, answer, count)
    wire.send_and_finish(exchange, wire.whole_chunked(answer):sub(1, number(count)))
  end,
}

faults.garbage = {
  deliver = function(exchange)
    wire.send_and_finish(exchange, "\0\1\2\255\254 this is not HTTP\r\n\r\n\0\0\r\n")
  end,
}

faults.half_status_line = {
  deliver = function(exchange)
    wire.send_and_finish(exchange, "HTTP/1.1 20")
  end,
}

-- Framing.

faults.early_hints = {
  deliver = function(exchange, answer)
    wire.send_and_finish(exchange, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
      .. "HTTP/1.1 100 Continue\r\n\r\n" .. wire.whole(answer))
  end,
}

faults.chunked = {
  deliver = function(_, answer)
    wire.deliver_pieces(answer, 16)
  end,
}

faults.trailer = {
  deliver = function(exchange, answer)
    wire.send_and_finish(exchange, wire.whole_chunked(answer, "X-Trailer: one\r\nX-Other: two\r\n"))
  end,
}

faults.http10 = {
  deliver = function(exchange, answer)
    local framing = "Content-Length: " .. #answer.body
    wire.send_and_finish(exchange, wire.head(answer, framing, "1.0") .. answer.body)
  end,
}

faults.until_close = {
  deliver = function(exchange, answer)
    wire.send_and_finish(exchange, wire.head(answer, "Connection: close") .. answer.body)
  end,
}

faults.big = {
  deliver = function(_, answer, megabytes)
    wire.deliver_big(answer, number(megabytes, 64))
  end,
}

faults.big_chunked = {
  deliver = function(_, answer, megabytes)
    wire.deliver_big(answer, number(megabytes, 64), true)
  end,
}

-- Hostile answers, see attacks.lua.

local function fill_in(text)
  local values = {
    ok = '{"status":"OK","reason":1}', no = '{"status":"FAIL","reason":47}',
  }
  values.n, values.m = #values.ok, #values.no
  values.x = ("%x"):format(values.n)
  return (text:gsub("{(%a+)}", values))
end

faults.attack = {
  deliver = function(exchange, _, name)
    local attack = assert(attacks[name], name)
    local socket = wire.socket()
    for i = 2, #attack do
      if type(attack[i]) == "number" then
        ngx.sleep(attack[i] / 1000)
      else
        socket:send(fill_in(attack[i]))
      end
    end
    if attack.ends then
      return wire.finish(exchange)
    end
    -- The next request on this connection is answered honestly, and the last.
    if socket:receiveany(65536) then
      recorder.write(exchange.world, exchange.record)
      socket:send(fill_in(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {n}\r\n\r\n{ok}"))
    end
    return wire.finish(exchange)
  end,
}

-- What a spec wrote down.

faults.body = {
  answer = function(exchange)
    local script = script_for(exchange)
    if not script then
      return api.live.answer(exchange)
    end
    local answer = wire.json(script.body or "")
    answer.status = script.status or 200
    for name, value in pairs(script.headers or {}) do
      if name:lower() == "content-type" then
        answer.headers[1][2] = value
      elseif type(value) == "table" then
        for _, one in ipairs(value) do
          add_header(answer, name, one)
        end
      else
        add_header(answer, name, value)
      end
    end
    return answer
  end,
}

faults.raw = {
  deliver = function(exchange)
    local script = read_script(exchange)
    local parts = type(script.raw) == "table" and script.raw or { script.raw or "" }
    local socket = wire.socket()
    for _, part in ipairs(parts) do
      if type(part) == "number" then
        ngx.sleep(part / 1000)
      elseif part ~= "" then
        socket:send(part)
      end
    end
    if script.reset then
      exchange.ending = "reset"
    elseif script.close == false then
      return wire.wait_until_left(exchange, socket)
    end
    return wire.finish(exchange)
  end,
}

return faults
