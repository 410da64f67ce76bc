--- Makes the annotations for editors (LuaLS, EmmyLua) from the tables under src/core, and from what
-- LDoc's comments say of each param and option.
local definitions = require("definitions")

local types = {}

local LUA_TYPES = {
  ID = "ninedig.Id", LABEL = "string", TOKEN = "string", TEXT = "string", WHATSAPP = "string",
  BOOLEAN = "boolean", COUNT = "integer", RATE = "number",
  SECONDS = "number", URL = "string", PATH = "string",
  PROXY = "string", FUNCTION = "function",
}

-- More than a type of the tables says.
local OWN_TYPES = {
  sleep = "fun(seconds: number)",
  on_event = "fun(event: ninedig.Event)",
  on_result = "fun(i: integer, result?: ninedig.Deleted, err?: ninedig.Error)",
}

-- What each call and task takes, and gives.
local RESULTS = {
  delete_inbox = "ninedig.Deleted",
  get_access_token = "ninedig.Token",
  get_accounts = "ninedig.Accounts",
  get_inboxes = "ninedig.Inboxes",
  get_whatsapp_numbers = "ninedig.Numbers",
  delete_inboxes = "ninedig.Report",
  find_inbox = "ninedig.Found",
  verify_deletion = "ninedig.Verdict",
}

-- What is no table of the core's: results, events, errors, by hand.
local CLASSES = [[
---@alias ninedig.Id integer|string

---@alias ninedig.Kind "argument"|"network"|"http"|"protocol"|"api"|"lookup"|"precondition"

---@alias ninedig.Outcome
---| "not_sent" # no byte of the request left
---| "rejected" # the service refused it: nothing changed
---| "unknown" # it may have been carried out
---| "none" # the call only reads, or signs in

---@class ninedig.Error
---@field kind ninedig.Kind
---@field name ninedig.ErrorName
---@field outcome ninedig.Outcome
---@field reason? integer the service's code, where `kind` is "api"
---@field message string for a person: what happened, and what to do
---@field retryable boolean calling again cannot delete twice, and may succeed
---@field retry_after? number seconds, where the service named a time
---@field http_status? integer
---@field curl_code? integer libcurl's, where a connection could not be made
---@field response? string the body, at most 4096 bytes, secrets replaced by `[redacted]`
---@field call? ninedig.CallName
---@field accountID? ninedig.Id
---@field server? string
---@field inboxID? ninedig.Id
---@field where? string of a bad argument: the caller's place, as "script.lua:3"
---@field verification? ninedig.Evidence where `verify` was asked for
---@operator concat(any): string

---@class ninedig.Name
---@field kind ninedig.Kind
---@field message string what it means; what to do

---@class ninedig.Reason
---@field code integer
---@field name string
---@field message string
---@field assumed? true no page of the service that we have seen says it

---@class ninedig.Param
---@field name string
---@field type string
---@field required boolean
---@field default? string

---@class ninedig.Call
---@field method "DELETE"|"GET"|"POST"
---@field path string
---@field effect "erases"|"reads"|"signs_in"
---@field params ninedig.Param[]
---@field reasons table<integer|string, ninedig.Reason|integer>

---@class ninedig.Deleted
---@field status "OK"
---@field reason 1
---@field accountID ninedig.Id
---@field server string
---@field inboxID ninedig.Id
---@field whatsapp_number? string
---@field verified? true it was proved by reading back, as the answer was lost
---@field evidence? ninedig.Evidence where it was verified
---@field number_differs? true the service names another number than was asked for
---@field [string] any whatever else the service sent

---@class ninedig.Token
---@field access_token string
---@field expiration_time integer unix time
---@field token_type? string
---@field reason 1

---@class ninedig.Accounts
---@field totalOnline? integer
---@field list ninedig.Account[]

---@class ninedig.Account
---@field account_id? ninedig.Id
---@field server? string
---@field account_name? string
---@field account_status? any
---@field create_time? integer
---@field reference? string
---@field [string] any

---@class ninedig.Inboxes
---@field accountID ninedig.Id
---@field server string
---@field totalInboxes? integer
---@field list ninedig.Inbox[]

---@class ninedig.Inbox
---@field id? ninedig.Id
---@field name? string
---@field channel_type? string
---@field api_type? string
---@field [string] any

---@class ninedig.Numbers
---@field totalWhatsApp? integer
---@field list ninedig.Number[]

---@class ninedig.Number
---@field whatsapp? string
---@field isOnline? integer
---@field onlineAccount? ninedig.Id
---@field onlineInbox? ninedig.Id
---@field apiKey? string a secret
---@field create_time? integer
---@field coexistence? integer
---@field [string] any

---@class ninedig.Found
---@field accountID ninedig.Id
---@field server string
---@field inboxID ninedig.Id
---@field whatsapp_number string
---@field inbox_name? string

---@alias ninedig.Verdict "deleted"|"still_listed"|"unknown"

---@class ninedig.Evidence
---@field verdict ninedig.Verdict
---@field blocker? string what stood in the way of a proof
---@field why string for a person
---@field accountID ninedig.Id
---@field server string
---@field inboxID ninedig.Id
---@field whatsapp_number? string
---@field looks table[] what each look saw, and when
---@field error? ninedig.Error that of the last list that could not be read

---@class ninedig.Entry
---@field result? ninedig.Deleted
---@field error? ninedig.Error
---@field skipped? true nothing was sent for it

---@class ninedig.Report
---@field deleted integer
---@field rejected integer
---@field not_sent integer
---@field unknown integer
---@field skipped integer
---@field results ninedig.Entry[] in the order of the list

---@alias ninedig.Event
---| ninedig.RequestEvent
---| ninedig.AnswerEvent
---| ninedig.WaitEvent
---| ninedig.VerdictEvent

---@class ninedig.RequestEvent
---@field event "request"
---@field call ninedig.CallName
---@field method string
---@field url string
---@field accountID? ninedig.Id
---@field server? string
---@field inboxID? ninedig.Id
---@field attempt integer

---@class ninedig.AnswerEvent
---@field event "answer"
---@field call ninedig.CallName
---@field accountID? ninedig.Id
---@field server? string
---@field inboxID? ninedig.Id
---@field attempt integer
---@field outcome "ok"|ninedig.Outcome
---@field name "OK"|ninedig.ErrorName
---@field reason? integer
---@field http_status? integer
---@field seconds number
---@field connect_seconds? number
---@field reused? boolean
---@field abandoned? true its caller has gone: nginx only

---@class ninedig.WaitEvent
---@field event "wait"
---@field seconds number
---@field why string

---@class ninedig.VerdictEvent
---@field event "verdict"
---@field verdict ninedig.Verdict
---@field why string
---@field accountID ninedig.Id
---@field server string
---@field inboxID ninedig.Id
]]

-- ----- what LDoc's comments say -----

-- For each function that a file documents: its first sentences, and a text and a default for each
-- field of its tables.
local function read_comments(path)
  local found, current, summary = {}, nil, nil
  local fields, last = {}, nil
  for line in io.lines(path) do
    local text = line:match("^%-%-%-? ?(.*)")
    if line:match("^%-%-%- ") then
      summary, fields, last = text, {}, nil
    end
    local tag = text and text:match("^@(%w+)")
    local default, field, words = (text or ""):match("^@tparam(%b[]) [^ ]+ %w+%.([%w_]+) (.*)")
    if not field then
      field, words = (text or ""):match("^@tparam [^ ]+ %w+%.([%w_]+) (.*)")
    end
    if field then
      fields[field] = { text = words, default = default and default:match("opt=([^%]]+)") }
      last = fields[field]
    elseif tag == "function" then
      current = text:match("(%w[%w_]*)$")
      last = nil
    elseif tag then
      last = nil
    elseif text and last then
      last.text = last.text .. " " .. text
    end
    if not text then -- the comment has ended
      local name = current or line:match("^function [%w_]+[.:]([%w_]+)%(")
      if name and summary then
        found[name] = { summary = summary, fields = fields }
      end
      current, summary = nil, nil
    end
  end
  return found
end

local function comment_on(comments, call, field)
  local entry = comments[call]
  if not entry then
    error("no comment of LDoc on " .. call, 0)
  elseif not entry.fields[field] then
    error(("LDoc's comment on %s lacks %s"):format(call, field), 0)
  end
  return entry.fields[field]
end

-- The comment must name the default that the table has.
local function check_default(call, of, comment)
  local default = of.default and of.default:gsub('"', "")
  local said = comment.default and comment.default:gsub('"', "")
  if default and default ~= said then
    error(("LDoc's comment on %s says that %s is %s by default, and it is %s")
      :format(call, of.name, tostring(said), default), 0)
  end
end

-- ----- the parts -----

local function add(lines, line, ...)
  lines[#lines + 1] = select("#", ...) > 0 and line:format(...) or line
end

local function add_field(lines, call, of, comments)
  local comment = comment_on(comments, call, of.name)
  check_default(call, of, comment)
  add(lines, "---@field %s%s %s %s%s", of.name, of.needed and "" or "?",
    OWN_TYPES[of.name] or assert(LUA_TYPES[of.type], of.type), comment.text,
    of.default and ("; %s by default"):format(of.default) or "")
end

local function class_of(call)
  return "ninedig." .. call.name:gsub("^%l", string.upper):gsub("_(%l)", string.upper) .. "Params"
end

local function add_params(lines, call, comments)
  add(lines, "---@class %s", class_of(call))
  for _, param in ipairs(call.params) do
    if param.name == "access_token" then
      add(lines, "---@field access_token? string in place of the client's")
    else
      add_field(lines, call.name, param, comments)
    end
  end
  add(lines, "")
end

local function add_options(lines, comments)
  add(lines, "---@class ninedig.Options")
  for _, option in ipairs(definitions.options()) do
    add_field(lines, "client", option, comments)
  end
  add(lines, "")
end

local function add_names(lines)
  local seen = {}
  add(lines, "---@alias ninedig.ErrorName")
  local function add_name(name, means)
    if not seen[name] then
      seen[name] = true
      add(lines, '---| "%s" # %s', name, means)
    end
  end
  for _, one in ipairs(definitions.names()) do
    add_name(one.name, one.means)
  end
  for _, one in ipairs(definitions.reasons()) do
    if one.code > 1 then
      add_name(one.name, one.message)
    end
  end
  add(lines, "")
end

local function add_call_names(lines, calls)
  local names = {}
  for i, call in ipairs(calls) do
    names[i] = '"' .. call.name .. '"'
  end
  add(lines, "---@alias ninedig.CallName %s", table.concat(names, "|"))
  add(lines, "")
end

-- A function's annotations: `safe` returns errors, and the other raises them.
local function add_returns(lines, result, safe, second)
  if safe then
    add(lines, "---@return %s? result", result)
    add(lines, "---@return %s err", second and second .. "|ninedig.Error" or "ninedig.Error?")
  else
    add(lines, "---@return %s", result)
    if second then
      add(lines, "---@return %s", second)
    end
  end
end

local function has_needed(call)
  for _, param in ipairs(call.params) do
    if param.needed then
      return true
    end
  end
  return false
end

local function add_methods(lines, class, calls, comments, safe)
  add(lines, "---@class %s", class)
  add(lines, "local client = {}")
  add(lines, "")
  for _, call in ipairs(calls) do
    add(lines, "---%s", comments[call.name].summary)
    if call.name == "delete_inboxes" then
      add(lines, "---@param list ninedig.DeleteInboxParams[]")
      add(lines, "---@param options? %s", class_of(call))
    else
      add(lines, "---@param params%s %s", has_needed(call) and "" or "?", class_of(call))
    end
    add_returns(lines, RESULTS[call.name], safe,
      call.name == "verify_deletion" and "ninedig.Evidence" or nil)
    local list = call.name == "delete_inboxes"
    add(lines, "function client:%s(%s) end", call.name, list and "list, options" or "params")
    add(lines, "")
  end
  add(lines, "---%s", comments.close.summary)
  add(lines, "function client:close() end")
  add(lines, "")
end

local function add_module(lines, name, client, comments, safe)
  add(lines, "---@class %s", safe and "ninedig.safe" or "ninedig")
  add(lines, "---@field _VERSION string")
  add(lines, "---@field calls table<string, ninedig.Call>")
  add(lines, "---@field reasons table<integer|string, ninedig.Reason|integer>")
  add(lines, "---@field names table<ninedig.ErrorName, ninedig.Name>")
  add(lines, "local %s = {}", name)
  add(lines, "")
  add(lines, "---%s", comments.delete_inbox.summary)
  add(lines, "---@param params ninedig.DeleteInboxParams")
  add(lines, "---@param options? ninedig.Options")
  add_returns(lines, "ninedig.Deleted", safe)
  add(lines, "function %s.delete_inbox(params, options) end", name)
  add(lines, "")
  add(lines, "---%s", comments.client.summary)
  add(lines, "---@param options? ninedig.Options")
  add_returns(lines, client, safe)
  add(lines, "function %s.client(options) end", name)
  add(lines, "")
  add(lines, "---Whether a value is an error of ninedig.")
  add(lines, "---@param value any")
  add(lines, "---@return boolean")
  add(lines, "function %s.is_error(value) end", name)
  add(lines, "")
  add(lines, "return %s", name)
end

local function read_all_comments()
  local comments = read_comments("lua/ninedig/init.lua")
  for name, entry in pairs(read_comments("lua/ninedig/client.lua")) do
    if not comments[name] then
      comments[name] = entry
    end
  end
  return comments
end

local HEAD = [[
---@meta %s
-- Annotations for editors, as LuaLS and EmmyLua read them. Made by `make generate`: do not edit.

-- luacheck: ignore]]

--- The annotations of `ninedig`, with all types.
-- @treturn string
function types.text()
  local comments, calls, lines = read_all_comments(), definitions.calls(), {}
  add(lines, HEAD, "ninedig")
  add(lines, "")
  add(lines, CLASSES)
  add_names(lines)
  add_call_names(lines, calls)
  for _, call in ipairs(calls) do
    add_params(lines, call, comments)
  end
  add_options(lines, comments)
  add_methods(lines, "ninedig.Client", calls, comments, false)
  add_module(lines, "ninedig", "ninedig.Client", comments, false)
  return table.concat(lines, "\n") .. "\n"
end

--- The annotations of `ninedig.safe`.
-- @treturn string
function types.safe_text()
  local comments, lines = read_all_comments(), {}
  add(lines, HEAD, "ninedig.safe")
  add(lines, "")
  add_methods(lines, "ninedig.safe.Client", definitions.calls(), comments, true)
  add_module(lines, "safe", "ninedig.safe.Client", comments, true)
  return table.concat(lines, "\n") .. "\n"
end

return types
