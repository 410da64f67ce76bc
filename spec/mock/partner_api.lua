--- The service's behaviour: `live`, which keeps state, and its variants.
--
-- Each world begins with these accounts and inboxes (`live`):
--
--   account          server  name              inbox             number
--   1                online  Alpha Clinic      10                972501234567
--                                              11                972501234568
--                                              12 (web widget)   none
--                                              13                none
--   2                online  Beta Motors       20                972502000020
--                                              21                972502000021
--   2                west    Beta Motors West  20                972502000120
--                                              22                972502000122
--   3                online  Gamma Closed      none; the account is suspended
--   4                online  Delta Stores      101 to 140        972504000101 to 972504000140
--   900000000000001  online  Omega             123456789012345   972509000001
--
-- and the number 972501239999, which is in no inbox. Account 2's inbox 20 is on two servers, and
-- getWhatsApp does not say on which: looked up by number it is ambiguous. Ids are strings of
-- digits in here, as the service's may be larger than a double can tell apart.
--
-- A deleted inbox without a number is answered with an empty `whatsapp_number`.
-- Tokens: the fixed one of the settings, and those issued by settings/accessToken.
--
-- What of it is the provider's, by its pages: the calls, their methods and shapes, the codes of
-- their reasons and when each comes; that only WhatsApp inboxes are deleted, and others refused
-- with 47; a token's life of an hour; that an address which insists is blocked (not after how many
-- tries). What is ours, as no page says it: HTTP 200 for refusals, 429 and Retry-After, Date, the
-- reasons 2, 3 and 13 of getWhatsApp, 47 for an inbox that was deleted before, totals that agree
-- with the rows, and all that the variants at the end do.
local cjson = require("cjson").new()
local settings = require("mock_settings")
local shapes = require("shapes")
local wire = require("wire")

local worlds = ngx.shared.worlds

local api = {}

local UNATTACHED = "972501239999"
local CREATED = 1700000000
local WRONG_TRIES = 5
local TOKEN_LIFE = 3600

-- account, server, name, status
local ACCOUNTS = {
  { "1", "online", "Alpha Clinic", "active" },
  { "2", "online", "Beta Motors", "active" },
  { "2", "west", "Beta Motors West", "active" },
  { "3", "online", "Gamma Closed", "suspended" },
  { "4", "online", "Delta Stores", "active" },
  { "900000000000001", "online", "Omega", "active" },
}

-- account, server, inbox, name, number; without one
local INBOXES = {
  { "1", "online", "10", "Reception", "972501234567" },
  { "1", "online", "11", "Sales", "972501234568" },
  { "1", "online", "12", "Web chat", false, "Channel::WebWidget" },
  { "1", "online", "13", "Spare line", false },
  { "2", "online", "20", "Service", "972502000020" },
  { "2", "online", "21", "Parts", "972502000021" },
  { "2", "west", "20", "Service West", "972502000120" },
  { "2", "west", "22", "West desk", "972502000122" },
  { "900000000000001", "online", "123456789012345", "Everything", "972509000001" },
}
for i = 101, 140 do
  INBOXES[#INBOXES + 1] = { "4", "online", tostring(i), "Store " .. i, "972504000" .. i }
end

-- The state of a world: tokens, how many wrong tries, and which inboxes are gone since when.
local function load_world(name)
  local stored = worlds:get(name)
  return stored and cjson.decode(stored) or { tokens = {}, gone = {}, wrong = 0, counts = {} }
end

local function save_world(name, world)
  assert(worlds:set(name, cjson.encode(world)))
end

local function count(world, key)
  world.counts[key] = (world.counts[key] or 0) + 1
  return world.counts[key]
end

local function key_of(inbox)
  return table.concat({ inbox[1], inbox[2], inbox[3] }, "/")
end

local function is_deleted(world, inbox)
  return world.gone[key_of(inbox)] ~= nil
end

-- A deleted inbox may go on being listed for a while.
local function is_listed(world, inbox)
  local gone = world.gone[key_of(inbox)]
  return not gone or gone > ngx.now()
end

local function has_account(account, server)
  for _, row in ipairs(ACCOUNTS) do
    if row[1] == account and (not server or row[2] == server) then
      return true
    end
  end
  return false
end

local function is_json(body)
  local ok, value = pcall(cjson.decode, body)
  return ok and type(value) == "table"
end

local function is_authorised(exchange, world)
  if not exchange.token then
    return false
  end
  local expires = world.tokens[exchange.token]
  if exchange.token ~= settings.token and not (expires and expires > ngx.now()) then
    return false
  end
  local revoked = exchange.has.revoked
  local number = exchange.token:match("^issued%-(%d+)/")
  if revoked and number and tonumber(number) <= tonumber(revoked[1] or 1) then
    return false
  end
  local refused = exchange.has.expired_token
  return not refused or count(world, "authorised") > tonumber(refused[1] or 1)
end

local TOTALS = {
  larger = function(rows)
    return rows + 1
  end,
  smaller = function(rows)
    return rows - 1
  end,
  negative = function(rows)
    return -rows - 1
  end,
}

-- A list in its shape, as the scenario spoils it.
local function list_answer(exchange, world, shape, values, rows)
  local has = exchange.has
  if has.empty_first and count(world, "empty " .. exchange.call) <= tonumber(has.empty_first[1])
  then
    rows = {}
  end
  local lie, only = unpack(has.totals or {})
  if only and only ~= exchange.call then
    lie = nil
  end
  values.rows = table.concat(rows, ",")
  values.total = TOTALS[lie] and TOTALS[lie](#rows) or #rows
  local body = shapes.fill(shape, values)
  if lie == "missing" then
    body = body:gsub('"total%u[^:]*":%-?%d+,', "", 1)
  end
  if has.list_object and #rows == 0 then
    body = body:gsub('"list":%[%]', '"list":{}')
  end
  return wire.json(body)
end

local calls = {}

function calls.accessToken(exchange, world)
  if exchange.method ~= "POST" or not is_json(exchange.body) then
    return shapes.failure(2, "Fail")
  end
  if world.wrong >= WRONG_TRIES then
    return shapes.failure(3, "Fail")
  end
  local given = cjson.decode(exchange.body)
  if given.client_id ~= settings.client_id or given.client_secret ~= settings.client_secret then
    world.wrong = world.wrong + 1
    return shapes.failure(2, "Fail")
  end
  local life = tonumber((exchange.has.token_life or {})[1]) or TOKEN_LIFE
  local clock = tonumber((exchange.has.clock or {})[1]) or 0
  local token = ("issued-%d/%s"):format(count(world, "issued"), ngx.md5(exchange.world))
  world.tokens[token] = ngx.now() + life
  return wire.json(shapes.fill(shapes.TOKEN, {
    status = exchange.has.token_status and '"status":"OK",' or "",
    token = token,
    expires = ("%d"):format(ngx.time() + clock + life),
  }))
end

-- What a call without a body is refused with, if it is.
local function refusal_of_get(exchange, world)
  if exchange.method ~= "GET" then
    return shapes.failure(13, "Fail")
  elseif not is_authorised(exchange, world) then
    return shapes.failure(3, "Fail")
  end
end

function calls.getAccounts(exchange, world)
  local refused, rows = refusal_of_get(exchange, world), {}
  if refused then
    return refused
  end
  for i, account in ipairs(ACCOUNTS) do
    rows[i] = shapes.fill(shapes.ACCOUNT_ROW, {
      created = CREATED + i, account = account[1], server = account[2], name = account[3],
      status = account[4], reference = "CRM-" .. 1000 + i,
    })
  end
  return list_answer(exchange, world, shapes.ACCOUNT_LIST, {}, rows)
end

function calls.getInboxes(exchange, world)
  if exchange.method ~= "POST" then
    return shapes.failure(13, "Fail")
  elseif not is_json(exchange.body) then
    return shapes.failure(2, "Fail")
  elseif not is_authorised(exchange, world) then
    return shapes.failure(3, "Fail")
  end
  local account = shapes.digits(exchange.body, "accountID")
  local server = shapes.text(exchange.body, "server") or "online"
  if not has_account(account) then
    return shapes.failure(33, "Fail")
  elseif not has_account(account, server) then
    return shapes.failure(34, "Fail")
  end
  local rows = {}
  for _, inbox in ipairs(INBOXES) do
    local is_here = inbox[1] == account and inbox[2] == server
    if is_here and (is_listed(world, inbox) or exchange.has.stale_inbox) then
      rows[#rows + 1] = shapes.fill(shapes.INBOX_ROW, {
        inbox = inbox[3], name = inbox[4], channel = inbox[6] or "Channel::Api",
        api = not inbox[6] and "wa_v2",
      })
    end
  end
  return list_answer(exchange, world, shapes.INBOX_LIST, { account = account }, rows)
end

local function number_row(number, name, account, inbox)
  return shapes.fill(shapes.NUMBER_ROW, {
    created = CREATED, number = number, name = name, key = "key/" .. ngx.md5(number),
    online = inbox and 1 or 0, account = account or 0, inbox = inbox or 0,
  })
end

function calls.getWhatsApp(exchange, world)
  local refused, rows = refusal_of_get(exchange, world), {}
  if refused then
    return refused
  end
  for _, inbox in ipairs(INBOXES) do
    if inbox[5] then
      local is_there = is_listed(world, inbox) or exchange.has.stale_number
      rows[#rows + 1] = number_row(inbox[5], inbox[4], is_there and inbox[1],
        is_there and inbox[3])
    end
  end
  rows[#rows + 1] = number_row(UNATTACHED, "Unused")
  return list_answer(exchange, world, shapes.NUMBER_LIST, {}, rows)
end

-- Only a WhatsApp inbox is found.
local function find_inbox(world, account, server, id)
  for _, inbox in ipairs(INBOXES) do
    if inbox[1] == account and inbox[2] == server and inbox[3] == id
      and not inbox[6] and not is_deleted(world, inbox) then
      return inbox
    end
  end
  return nil
end

-- What comes in place of a deletion, of which nothing is done.
local function put_off(exchange, world)
  local busy, locked = exchange.has.busy or exchange.has.busy_date, exchange.has.locked_out
  if busy and count(world, "busy") <= (tonumber(busy[1]) or math.huge) then
    local answer, seconds = wire.page(429), tonumber(busy[2])
    if seconds and exchange.has.busy_date then
      local clock = tonumber((exchange.has.clock or {})[1]) or 0
      seconds = ngx.http_time(ngx.time() + clock + seconds)
    end
    answer.headers[2] = seconds and { "Retry-After", tostring(seconds) }
    return answer
  end
  if locked and count(world, "let in") > tonumber(locked[1]) then
    local code = tonumber(locked[2] or 3)
    return code >= 400 and wire.page(code) or shapes.failure(code)
  end
  return nil
end

function calls.deleteInbox(exchange, world)
  local body = exchange.body
  local instead = put_off(exchange, world)
  if instead then
    return instead
  end
  if exchange.method ~= "DELETE" then
    return shapes.failure(13)
  elseif not is_json(body) then
    return shapes.failure(2)
  elseif not is_authorised(exchange, world) then
    return shapes.failure(3)
  end
  local account, id = shapes.digits(body, "accountID"), shapes.digits(body, "inboxID")
  local server = shapes.text(body, "server") or "online"
  if not has_account(account) then
    return shapes.failure(33)
  elseif not has_account(account, server) then
    return shapes.failure(34)
  end
  local inbox = find_inbox(world, account, server, id)
  if not inbox then
    return shapes.failure(47)
  end
  local lazy = exchange.has.lazy_delete
  world.gone[key_of(inbox)] = ngx.now() + (lazy and tonumber(lazy[1]) or 0) / 1000
  exchange.record.deleted = true
  return wire.json(shapes.fill(shapes.SUCCESS, {
    account = account, server = server, inbox = id, number = inbox[5] or "",
  }))
end

local READS = { getAccounts = true, getInboxes = true, getWhatsApp = true }

local function failing_read(exchange, world)
  if not READS[exchange.call] then
    return nil
  end
  local always, first = exchange.has.reads_fail, exchange.has.flaky_read
  if always and (not always[2] or always[2] == exchange.call) then
    return wire.page(tonumber(always[1] or 500))
  elseif first and count(world, "read") <= tonumber(first[2] or 1) then
    return wire.page(tonumber(first[1] or 503))
  end
  return nil
end

api.live = {
  answer = function(exchange)
    local world = load_world(exchange.world)
    local answer = failing_read(exchange, world)
    if not answer then
      local call = calls[exchange.call]
      answer = call and call(exchange, world) or wire.page(404)
    end
    save_world(exchange.world, world)
    return answer
  end,
}

-- Variants of `live`, looked up by name in the calls above.
for _, name in ipairs {
  "token_life", "token_status", "lazy_delete", "expired_token", "flaky_read", "reads_fail",
  "stale_number", "stale_inbox", "revoked", "empty_first", "totals", "list_object", "busy",
  "busy_date", "locked_out",
} do
  api[name] = { of_live = true }
end

-- The service's clock is so many seconds ahead of the client's.
api.clock = {
  of_live = true,
  change = function(_, answer, seconds)
    answer.headers[#answer.headers + 1] = { "Date", ngx.http_time(ngx.time() + tonumber(seconds)) }
  end,
}

-- Reads come with another status, and their answer as it is; all of them, or those of one call.
api.reads_as = {
  of_live = true,
  change = function(exchange, answer, status, call)
    if READS[exchange.call] and (not call or call == exchange.call) then
      answer.status = tonumber(status)
    end
  end,
}

-- The deletion is carried out, and nobody hears of it.
api.lost_after = {
  of_live = true,
  deliver = function(exchange, answer)
    if exchange.call == "deleteInbox" then
      return wire.finish(exchange)
    end
    return wire.deliver(exchange, answer)
  end,
}

-- The deletion is accepted, and its gateway does not wait for the end of it.
api.gateway_after = {
  of_live = true,
  change = function(exchange, answer, status)
    if exchange.call == "deleteInbox" then
      local page = wire.page(tonumber(status or 504))
      answer.status, answer.headers, answer.body = page.status, page.headers, page.body
    end
  end,
}

-- The deletion gets lost before it is carried out.
api.lost_before = {
  answer = function(exchange)
    if exchange.call == "deleteInbox" then
      return wire.page(500)
    end
    return api.live.answer(exchange)
  end,
  deliver = api.lost_after.deliver,
}

-- A deletion may come to any of these, by a number between 0 and 1: it is carried out at once or in
-- the background, and its answer comes, is lost, or is its gateway's; or it is lost, or refused.
local MOODS = {
  { 0.45, "deletes" }, { 0.60, "lazy" }, { 0.70, "lost_after" }, { 0.76, "gateway" },
  { 0.84, "lost_before" }, { 0.92, "refuses" }, { 1.00, "busy" },
}
local LAZIEST = 3000

-- The same numbers for a seed, one for each deletion of a world.
local function chance(exchange, seed)
  local nth = worlds:incr(exchange.world .. " chances", 1, 0)
  return ngx.crc32_long(("%s %d"):format(seed, nth)) / 2^32
end

local function mood_of(exchange, seed)
  local number = chance(exchange, seed)
  for _, mood in ipairs(MOODS) do
    if number < mood[1] then
      return mood[2]
    end
  end
end

local function delete_moodily(exchange, seed)
  local mood = mood_of(exchange, seed)
  exchange.record.mood = mood
  if mood == "refuses" then
    return shapes.failure(33)
  elseif mood == "busy" then
    local answer = wire.page(429)
    answer.headers[2] = { "Retry-After", "0" }
    return answer
  elseif mood == "lost_before" then
    return wire.page(500)
  elseif mood ~= "deletes" then
    exchange.has.lazy_delete = { chance(exchange, seed) * LAZIEST }
  end
  local answer = api.live.answer(exchange)
  return mood == "gateway" and wire.page(504) or answer
end

-- moody-SEED: any of them, one after the other.
api.moody = {
  answer = function(exchange, seed)
    if exchange.call ~= "deleteInbox" then
      return api.live.answer(exchange)
    end
    return delete_moodily(exchange, seed)
  end,
  deliver = function(exchange, answer)
    local mood = exchange.record.mood
    if mood == "lost_before" or mood == "lost_after" then
      return wire.finish(exchange)
    end
    return wire.deliver(exchange, answer)
  end,
}

return api
