--- The journal of a list: what was asked for, on the disk before it is asked for, and what became
-- of it. JSON lines: first a header that binds it to one list and one service, then an `intent` for
-- each request and an `outcome` for what became of it.
local core = require("ninedig.core")
local errors = require("ninedig.error")
local json = require("ninedig.cli.json")
local stop = require("ninedig.cli.stop")
local system = require("ninedig.cli.system")

local journal = {}
journal.__index = journal

local FORMAT = 2

-- What an inbox may have come to. `unknown` is in doubt; so is what was only intended.
local OUTCOMES = {
  deleted = true, gone = true, absent = true, rejected = true, not_sent = true, unknown = true,
}

local function refuse(self, message, ...)
  stop.with(stop.USAGE, "the journal %s %s", self.path, message:format(...))
end

-- ----- what it is bound to -----

-- The IDs of a list by account and server, which takes less room than a key for each inbox; and
-- those in the order of their first.
local function by_home(list)
  local ids, homes = {}, {}
  for i = 1, list.count do
    local home = list:home(i)
    if not ids[home] then
      ids[home] = {}
      homes[#homes + 1] = home
    end
    table.insert(ids[home], errors.digits(list.inboxes[i]))
  end
  return ids, homes
end

-- The first line. A home and an ID need no escapes.
local function header_of(list, base_url)
  local ids, homes = by_home(list)
  for i, home in ipairs(homes) do
    homes[i] = ('"%s":["%s"]'):format(home, table.concat(ids[home], '","'))
  end
  return ('{"journal":"ninedig","version":%d,"base_url":%s,"count":%d,"list":{%s}}\n')
    :format(FORMAT, json.encode(base_url), list.count, table.concat(homes, ","))
end

-- What a header begins with that was torn, if it was not blanked: nothing was sent then.
local HEAD = '{"journal":"ninedig","version":'

local function is_torn_header(content)
  local length = math.min(#content, #HEAD)
  return content:sub(1, length) == HEAD:sub(1, length) or not content:find("%S")
end

-- Nil where it is not as it was written: a key that stands twice is damage, too.
local function decode(line)
  return (core.read_object(line, true))
end

local function set_of(ids)
  local set = {}
  for _, id in ipairs(type(ids) == "table" and ids or {}) do
    set[id] = true
  end
  return set
end

-- The list may be a part of the one that the journal was begun with.
local function check_list(self, begun_with)
  local sets = {}
  for i = 1, self.list.count do
    local home = self.list:home(i)
    sets[home] = sets[home] or set_of(begun_with[home])
    if not sets[home][errors.digits(self.list.inboxes[i])] then
      refuse(
        self, "was begun with a list that lacks inbox %s of account %s on %s: each list needs a"
          .. " journal of its own, and only a part of it can use the same one",
        errors.digits(self.list.inboxes[i]), errors.digits(self.list.accounts[i]),
        self.list.servers[i]
      )
    end
  end
end

local function check_header(self, line)
  local fields = decode(line)
  if not fields or fields.journal ~= "ninedig" then
    refuse(self, "is no journal of ninedig: name another file")
  elseif fields.version ~= FORMAT or type(fields.list) ~= "table" then
    refuse(self, "was written by another version of ninedig")
  elseif fields.base_url ~= self.base_url then
    refuse(
      self, "is of another service: %s; this run is for %s: name another --journal, or give"
        .. " --base-url %s", tostring(fields.base_url), self.base_url, tostring(fields.base_url)
    )
  end
  check_list(self, fields.list)
end

-- ----- reading -----

local function key_of(subject)
  if type(subject) == "table" and type(subject.accountID) == "string"
    and type(subject.server) == "string" and type(subject.inboxID) == "string" then
    return table.concat({ subject.accountID, subject.server:lower(), subject.inboxID }, "/")
  end
  return nil
end

local function state_of(self, key)
  local state = self.states[key]
  if not state then
    state = { till = -math.huge }
    self.states[key] = state
  end
  return state
end

-- It is in doubt until its outcome is there.
local function apply_intent(self, fields)
  local key = fields.outcome == nil and key_of(fields.intent)
  if not key or type(fields.time) ~= "number" or type(fields.timeout) ~= "number" then
    return false
  end
  local state = state_of(self, key)
  state.was_in_doubt = state.was_in_doubt or state.outcome == "unknown"
  state.outcome = "unknown"
  state.till = math.max(state.till, fields.time + fields.timeout)
  return true
end

-- That a request was refused, or not sent, says nothing of an earlier one that is in doubt.
local function apply_outcome(self, fields)
  local key, outcome = key_of(fields), fields.outcome
  if not key or not OUTCOMES[outcome] then
    return false
  end
  local state = state_of(self, key)
  if state.was_in_doubt and (outcome == "rejected" or outcome == "not_sent") then
    outcome = "unknown"
  end
  state.outcome, state.was_in_doubt = outcome, outcome == "unknown"
  local number = fields.whatsapp_number
  state.whatsapp_number = type(number) == "string" and number or nil
  state.verified = fields.verified == true or nil
  state.number_differs = fields.number_differs == true or nil
  return true
end

local function take_in(self, line)
  self.lines = self.lines + 1
  if self.lines == 1 then
    return check_header(self, line)
  end
  local fields = decode(line)
  local apply = fields and fields.intent ~= nil and apply_intent or apply_outcome
  if not fields or not apply(self, fields) then
    stop.with(
      stop.USAGE, "%s:%d: the journal is damaged: this line was not understood", self.path,
      self.lines
    )
  end
end

-- Takes in the lines of a part of the file; `before` is the beginning of the first of them, in
-- pieces, and becomes that of the next.
local function take_in_part(self, part, before)
  local from = 1
  local newline = part:find("\n", 1, true)
  while newline do
    before[#before + 1] = part:sub(from, newline - 1)
    local line = table.concat(before)
    for i = #before, 1, -1 do
      before[i] = nil
    end
    take_in(self, line)
    self.end_of_lines = self.end_of_lines + #line + 1
    from = newline + 1
    newline = part:find("\n", from, true)
  end
  before[#before + 1] = part:sub(from)
  self.end_of_file = self.end_of_file + #part
end

-- A last line without its end was being written when the process or the machine stopped: nothing
-- was sent for it.
local function load(self)
  local rest = {}
  self.end_of_lines, self.end_of_file = 0, 0
  repeat
    local part, why = self.file:read()
    if not part then
      refuse(self, "could not be read: %s", why)
    end
    if self.end_of_file == 0 and not is_torn_header(part) then -- however long it is
      refuse(self, "is no journal of ninedig: name another file")
    end
    take_in_part(self, part, rest)
  until part == ""
  if self.lines == 0 and not is_torn_header(table.concat(rest)) then
    refuse(self, "is no journal of ninedig: name another file")
  end
end

-- ----- writing -----

-- What is behind the lines is written over, with blanks where it is longer.
local function write(self, text)
  local rest = self.end_of_file - self.end_of_lines - #text
  if rest > 0 then
    text = text:sub(1, -2) .. (" "):rep(rest) .. "\n"
  end
  local count, why = self.file:write_at(self.end_of_lines, text)
  if count < #text then
    self.end_of_file = math.max(self.end_of_file, self.end_of_lines + count)
    self.file:write_at(self.end_of_lines, (" "):rep(count)) -- no half of it may look like a line
    return false, why
  end
  self.end_of_lines = self.end_of_lines + #text
  self.end_of_file = math.max(self.end_of_file, self.end_of_lines)
  return true
end

-- What is not intended any more; what is known stays.
local function drop_intents(self)
  for i = #self.waiting, 1, -1 do
    if self.waiting[i].is_intent then
      table.remove(self.waiting, i)
    end
  end
end

local function fail_to_write(self, why)
  stop.with(stop.INCOMPLETE, "the journal %s could not be written: %s", self.path, tostring(why))
end

--- Write what has been noted. What is intended reaches the disk before this returns.
-- @raise a reason to stop, where it cannot be written
function journal:commit()
  local lines, must_sync = {}, self.must_sync
  for i, entry in ipairs(self.waiting) do
    lines[i] = entry.line
    must_sync = must_sync or entry.is_intent
  end
  local ok, why = true, nil
  if #lines > 0 then
    ok, why = write(self, table.concat(lines))
  end
  if ok and must_sync then
    ok, why = self.file:sync()
  end
  if not ok then
    drop_intents(self)
    fail_to_write(self, why)
  end
  self.waiting, self.must_sync = {}, false
end

local function subject_of(asked)
  return {
    accountID = errors.digits(asked.accountID),
    server = asked.server,
    inboxID = errors.digits(asked.inboxID),
  }
end

local function note(self, fields)
  self.waiting[#self.waiting + 1] = {
    line = json.encode(fields) .. "\n", is_intent = fields.intent ~= nil,
  }
end

--- Note that an inbox is going to be asked for, by a request that ends within the time-out.
-- @tparam table asked
-- @tparam number timeout seconds
function journal:intend(asked, timeout)
  note(self, { intent = subject_of(asked), time = system.now(), timeout = timeout })
end

-- Facts that come from the service may be anything.
local PLAIN = { string = true, number = true, boolean = true }

--- Note what became of an inbox that was asked for.
-- @tparam table asked
-- @tparam string outcome `deleted`, `gone`, `absent`, `rejected`, `not_sent` or `unknown`
-- @tparam[opt] table facts more about it; of them those are written that are one word or number
function journal:conclude(asked, outcome, facts)
  local fields = subject_of(asked)
  for key, value in pairs(facts or {}) do
    fields[key] = PLAIN[type(value)] and value or nil
  end
  fields.outcome, fields.time = outcome, system.now()
  note(self, fields)
end

-- ----- what it knows -----

--- What it knows of an inbox.
-- @tparam string key of `ninedig.cli.roll`
-- @treturn ?table nil where it was not asked for; else its `outcome`, and where it is unknown, the
-- time `till` which a request for it may still arrive; `whatsapp_number`, `verified` and
-- `number_differs` if known
function journal:state(key)
  return self.states[key]
end

local function is_before(one, other)
  for _, key in ipairs { "accountID", "server", "inboxID" } do
    if one[key] ~= other[key] then
      return #one[key] < #other[key] or #one[key] == #other[key] and one[key] < other[key]
    end
  end
  return false
end

--- What it has in doubt and the list lacks.
-- @treturn table a list of `{ accountID, server, inboxID }`
function journal:others_in_doubt()
  local own, others = {}, {}
  for i = 1, next(self.states) and self.list.count or 0 do
    own[self.list:key(i)] = true
  end
  for key, state in pairs(self.states) do
    if state.outcome == "unknown" and not own[key] then
      local account, server, inbox = key:match("^(.*)/(.*)/(.*)$")
      others[#others + 1] = { accountID = account, server = server, inboxID = inbox }
    end
  end
  table.sort(others, is_before)
  return others
end

-- ----- opening and closing -----

local ENOENT = 2

local function lock(self)
  local is_locked, why = self.file:lock()
  if is_locked == nil then
    refuse(self, "could not be locked: %s", why)
  elseif not is_locked then
    refuse(self, "is in use by another run of ninedig")
  end
end

local function open(path, list, base_url, create)
  local self = setmetatable({
    path = path, list = list, base_url = base_url, waiting = {}, must_sync = false, lines = 0,
    states = {},
  }, journal)
  local why, number
  self.file, why, number = system.open(path, create)
  if not self.file and number == ENOENT and not create then
    return nil
  elseif not self.file then
    stop.with(stop.USAGE, "the journal could not be opened: %s", why)
  end
  lock(self)
  load(self)
  return self
end

--- Open the journal of a list, if it is there. Nobody else can open it until it is closed.
-- @tparam string path
-- @tparam table list see `ninedig.cli.roll`
-- @tparam string base_url
-- @treturn ?table journal
-- @raise a reason to stop, where it is in use, damaged, or of another list or service
function journal.find(path, list, base_url)
  return open(path, list, base_url, false)
end

--- Open the journal of a list, and begin it if it is not there.
-- @tparam string path
-- @tparam table list see `ninedig.cli.roll`
-- @tparam string base_url
-- @treturn table journal
-- @raise as `journal.find`, or where it cannot be written
function journal.open(path, list, base_url)
  local self = open(path, list, base_url, true)
  self:begin()
  return self
end

--- Whether nothing has been noted in it but what it is bound to.
-- @treturn boolean
function journal:is_new()
  return next(self.states) == nil
end

--- Have it begin with a header, under a name that is on the disk.
-- @raise a reason to stop
function journal:begin()
  if self.lines == 0 then
    self.lines = 1
    self.waiting, self.must_sync = { { line = header_of(self.list, self.base_url) } }, true
    self:commit()
  end
  local ok, why = system.sync_name(self.path)
  if not ok and why then
    fail_to_write(self, why)
  end
end

--- End the use of it after an error of the command itself: what is known is written, if it can be.
function journal:abandon()
  drop_intents(self)
  pcall(self.close, self)
end

--- Write what is left, and end the use of it.
function journal:close()
  self.must_sync = true
  self:commit()
  self.file:close()
end

return journal
