--- The fastest peer of ninedig: the calls that bare.c makes, by LuaSec, with a connection that is
-- kept and HTTP by hand. It is as short as one can be that is careful about the other side's name
-- and about what belongs to an answer; what a deletion's outcome is, it does not ask.
--
--   lua5.4 luasec.lua USER_AGENT BASE_URL CA_FILE TOKEN [CALLS]
--
-- With CALLS it makes so many; without, it is ordered to, see serve.lua.
local user_agent, base_url, ca_file, token, calls = ...

local socket = require("socket")
local ssl = require("ssl")

local TIMEOUT = 30
local ALTERNATIVE_NAMES = "2.5.29.17"

local authority, path = base_url:match("^https://([^/]+)(.*)$")
local host, port = authority:match("^(.*):(%d+)$")

local HEAD = ("DELETE %s/online/deleteInbox HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n"
  .. "Accept: application/json\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\n")
  :format(path, authority, user_agent, token)
local BODY = '{"accountID":1,"server":"online","inboxID":%d}'

local TLS = {
  mode = "client",
  protocol = "any",
  options = { "all", "no_sslv2", "no_sslv3", "no_tlsv1", "no_tlsv1_1" },
  verify = "peer",
  cafile = ca_file,
}

-- LuaSec verifies the chain, and leaves the name to its user.
local function check_name(connection)
  local names = connection:getpeercertificate():extensions()[ALTERNATIVE_NAMES]
  for _, address in ipairs(names.iPAddress) do
    if address == host then
      return
    end
  end
  error("the certificate is another host's")
end

local function connect()
  local plain = assert(socket.tcp())
  plain:settimeout(TIMEOUT)
  assert(plain:connect(host, tonumber(port)))
  assert(plain:setoption("tcp-nodelay", true))
  local connection = assert(ssl.wrap(plain, TLS))
  connection:settimeout(TIMEOUT)
  assert(connection:dohandshake())
  check_name(connection)
  return connection
end

-- The length of the body, and whether the connection may be used again.
local function read_headers(connection)
  local length, keeps = nil, true
  local line = assert(connection:receive("*l"))
  while line ~= "" do
    local name, value = line:match("^([^:%s]+):%s*(.-)%s*$")
    name = assert(name, "a header is none"):lower()
    if name == "content-length" then
      length = assert(tonumber(value))
    elseif name == "connection" then
      keeps = value:lower() == "keep-alive"
    end
    line = assert(connection:receive("*l"))
  end
  return assert(length, "an answer of no length"), keeps
end

local kept

local function call(inbox)
  local connection = kept or connect()
  kept = nil
  local body = BODY:format(inbox)
  assert(connection:send(HEAD .. "Content-Length: " .. #body .. "\r\n\r\n" .. body))
  local status = assert(connection:receive("*l")):match("^HTTP/1%.1 (%d%d%d)")
  local length, keeps = read_headers(connection)
  local answer = assert(connection:receive(length))
  assert(status == "200" and answer:find('"OK"', 1, true), "an answer is no success")
  if keeps then
    kept = connection
  else
    connection:close()
  end
end

local made = 0

local function make(count)
  for inbox = made + 1, made + count do
    call(inbox)
  end
  made = made + count
end

if calls then
  make(tonumber(calls))
else
  require("spec.bench.serve")(make)
end
