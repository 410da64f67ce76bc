--- The journal of a list: what was asked for, on the disk before it is asked for, and what became
-- of it. JSON lines: first a header that binds it to one list and one service, then an `intent` for
-- each request and an `outcome` for each answer.
local cjson = require("cjson").new()
local errors = require("ninedig.error")
local json = require("ninedig.cli.json")
local stop = require("ninedig.cli.stop")
local system = require("ninedig.cli.system")

local journal = {}
journal.__index = journal

local FORMAT = 1

-- ----- what it is bound to -----

--- The name of an inbox in a journal.
-- @tparam table asked
-- @treturn string
function journal.key(asked)
  return table.concat({
    errors.digits(asked.accountID), asked.server:lower(), errors.digits(asked.inboxID),
  }, "/")
end

-- Two sums of the text, each modulo a prime below 2^40, so that doubles compute them exactly. They
-- tell lists apart that were mistaken for each other; nobody gains by forging one.
local PRIMES = { 1099511627689, 1099511627609 }

local function digest(lines)
  local sums = { 0, 0 }
  for byte in table.concat(lines, "\n"):gmatch(".") do
    for i, prime in ipairs(PRIMES) do
      sums[i] = (sums[i] * 257 + byte:byte()) % prime
    end
  end
  return ("%.0f-%.0f"):format(sums[1], sums[2])
end

--- The header of the journal for a list and a service.
-- @tparam table all a list of what is to be deleted
-- @tparam string base_url
-- @treturn string a line
function journal.header(all, base_url)
  local keys = {}
  for i, asked in ipairs(all) do
    keys[i] = journal.key(asked)
  end
  table.sort(keys)
  return json.encode {
    journal = "ninedig", version = FORMAT, base_url = base_url, count = #keys, list = digest(keys),
  } .. "\n"
end

-- ----- reading -----

local function refuse(self, message, ...)
  stop.with(stop.USAGE, "the journal %s %s", self.path, message:format(...))
end

local function decode(line)
  local ok, fields = pcall(cjson.decode, line)
  return ok and type(fields) == "table" and fields or nil
end

local function check_header(self, line)
  if line .. "\n" == self.header then
    return
  end
  local fields, own = decode(line), decode(self.header)
  if not fields or fields.journal ~= own.journal then
    refuse(self, "is no journal of ninedig: name another file")
  elseif fields.version ~= own.version then
    refuse(self, "was written by another version of ninedig")
  elseif fields.base_url ~= own.base_url then
    refuse(self, "is of another service: %s", tostring(fields.base_url))
  end
  refuse(self, "is of another list: each list needs a journal of its own")
end

local function is_subject(subject)
  return type(subject) == "table" and type(subject.accountID) == "string"
    and type(subject.server) == "string" and type(subject.inboxID) == "string"
end

-- An intent is unknown until its outcome is there.
local function apply(self, fields)
  local subject = fields.intent
  if is_subject(subject) and type(fields.time) == "number" and type(fields.timeout) == "number" then
    self.states[journal.key(subject)] = {
      outcome = "unknown", till = fields.time + fields.timeout,
    }
    return true
  end
  if not is_subject(fields) or type(fields.outcome) ~= "string" then
    return false
  end
  local key = journal.key(fields)
  local state = self.states[key] or { till = math.huge }
  state.outcome, state.fields = fields.outcome, fields
  self.states[key] = state
  return true
end

-- A last line without its end was being written when the process or the machine stopped: nothing
-- was sent for it.
local function load(self)
  local content, why = self.file:read_all()
  if not content then
    refuse(self, "could not be read: %s", why)
  end
  self.states, self.end_of_lines, self.end_of_file = {}, 0, #content
  for line, after in content:gmatch("([^\n]*)\n()") do
    self.lines = self.lines + 1
    if self.lines == 1 then
      check_header(self, line)
    else
      local fields = decode(line)
      if not fields or not apply(self, fields) then
        refuse(self, "is damaged: line %d was not understood", self.lines)
      end
    end
    self.end_of_lines = after - 1
  end
  if self.lines == 0 and self.header:sub(1, #content) ~= content then
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
    stop.with(
      stop.INCOMPLETE, "the journal %s could not be written: %s", self.path, tostring(why)
    )
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

--- Note what became of an inbox that was asked for.
-- @tparam table asked
-- @tparam string outcome
-- @tparam[opt] table facts more about it
function journal:conclude(asked, outcome, facts)
  local fields = subject_of(asked)
  fields.outcome, fields.time = outcome, system.now()
  for key, value in pairs(facts or {}) do
    fields[key] = value
  end
  note(self, fields)
end

-- ----- opening and closing -----

local ENOENT = 2

local function open(path, header, create)
  local self = setmetatable({
    path = path, header = header, waiting = {}, must_sync = false, lines = 0, states = {},
  }, journal)
  local why, number
  self.file, why, number = system.open(path, create)
  if not self.file and number == ENOENT and not create then
    return nil
  elseif not self.file then
    stop.with(stop.USAGE, "the journal could not be opened: %s", why)
  elseif not self.file:lock() then
    refuse(self, "is in use by another run of ninedig")
  end
  load(self)
  return self
end

--- Open the journal of a list, if it is there. Nobody else can open it until it is closed.
-- @tparam string path
-- @tparam string header
-- @treturn ?table journal; its `states` are by key `{ outcome, till, fields }`
-- @raise a reason to stop, where it is in use, damaged, or of another list or service
function journal.find(path, header)
  return open(path, header, false)
end

--- Open the journal of a list, and begin it if it is not there.
-- @tparam string path
-- @tparam string header
-- @treturn table journal
-- @raise as `journal.find`, or where it cannot be written
function journal.open(path, header)
  local self = open(path, header, true)
  self:begin()
  return self
end

--- Write the header, unless it is there.
-- @raise a reason to stop
function journal:begin()
  if self.lines > 0 then
    return
  end
  self.lines = 1
  self.waiting, self.must_sync = { { line = self.header } }, true
  self:commit()
  system.sync_name(self.path)
end

--- The state of an inbox, or nil where it was not asked for.
-- @tparam table asked
-- @treturn ?table
function journal:state(asked)
  return self.states[journal.key(asked)]
end

--- Write what is left, and end the use of it.
function journal:close()
  self.must_sync = true
  self:commit()
  self.file:close()
end

return journal
