--- `delete-inboxes`: a list, with a journal of it.
local ask = require("ninedig.cli.ask")
local bulk = require("ninedig.bulk")
local input = require("ninedig.cli.input")
local journal = require("ninedig.cli.journal")
local lookup = require("ninedig.lookup")
local names = require("ninedig.cli.names")
local output = require("ninedig.cli.output")
local preview = require("ninedig.cli.preview")
local progress = require("ninedig.cli.progress")
local recheck = require("ninedig.cli.recheck")
local report = require("ninedig.cli.report")
local session = require("ninedig.session")
local stop = require("ninedig.cli.stop")
local system = require("ninedig.cli.system")
local text = require("ninedig.cli.text")
local waiting = require("ninedig.cli.waiting")

local many = {}

local CONCURRENCY = 8

-- ----- the list and what is known of it -----

local function prepare(client, entries, options)
  local run, err = bulk.prepare(client, entries, options)
  if not run then
    report.fail(err)
  end
  return run
end

-- What became of each inbox so far: a list of `{ asked, entry, outcome, result, err }`, whose
-- outcome is that of the report.
local function begin_ends(entries, run)
  local ends = {}
  for i, entry in ipairs(entries) do
    ends[i] = { entry = entry, asked = run.entries[i], outcome = "skipped" }
  end
  return ends
end

local function result_of(fields)
  return { whatsapp_number = fields.whatsapp_number, verified = fields.verified }
end

-- An earlier run deleted it, or left it unknown. What was rejected or not sent did not happen: that
-- is asked for again.
local function recall(ends, states)
  for _, one in ipairs(ends) do
    local state = states[journal.key(one.asked)]
    if state and state.outcome == "deleted" then
      one.outcome, one.result = "deleted", result_of(state.fields)
    elseif state and state.outcome == "unknown" then
      one.outcome, one.till = "unknown", state.till
    end
  end
end

local function select_ends(ends, outcome)
  local selected = {}
  for _, one in ipairs(ends) do
    if one.outcome == outcome then
      selected[#selected + 1] = one
    end
  end
  return selected
end

-- What an earlier run left unknown is looked up. What is not deleted may be asked for again once
-- its old request cannot arrive any more, and what proves that has to be read after that time.
local function look_up_unknown(client, ends, options, book)
  local unknown = select_ends(ends, "unknown")
  if #unknown == 0 then
    return
  end
  output.say("ninedig: the outcome of %s is unknown from an earlier run; reading back ...",
    text.count(#unknown, "inbox", "inboxes"))
  local asked, is_over = {}, {}
  for i, one in ipairs(unknown) do
    asked[i] = one.asked
    is_over[i] = system.now() >= one.till
  end
  recheck.run(client, asked, options.concurrency, function(i, verdict)
    local one = unknown[i]
    if verdict == "deleted" then
      one.outcome, one.result = "deleted", { verified = true }
      if book then
        book:conclude(one.asked, "deleted", one.result)
      end
    elseif verdict == "still_listed" and is_over[i] then
      one.outcome = "skipped" -- so far
    end
  end)
  if book then
    book:commit()
  end
end

-- ----- before anything is asked for -----

local function show(client, base_url, todo, ends)
  local known, rows = names.new(client), {}
  for i, one in ipairs(todo) do
    rows[i] = known:describe(one.asked)
  end
  ask.show_many(base_url, rows)
  ask.show_troubles(known.troubles)
  if #todo < #ends then
    output.say("%d of the %s in the list: %d deleted before, %d unknown.", #todo,
      text.count(#ends, "inbox", "inboxes"), #select_ends(ends, "deleted"),
      #select_ends(ends, "unknown"))
  end
end

local function check_number(client, one)
  if not one.asked.whatsapp_number then
    return
  end
  local task = session.begin(client, "delete_inbox", one.entry)
  local refuted = lookup.refute(task, one.asked)
  if refuted then
    report.fail(refuted)
  end
end

local function preview_list(client, chosen, base_url, todo, ends)
  local requests = {}
  show(client, base_url, todo, ends)
  for i, one in ipairs(todo) do
    check_number(client, one)
    requests[i] = preview.request(client, one.asked)
  end
  preview.show(requests)
  preview.finish(chosen.json, requests)
  return stop.DONE
end

-- ----- the run -----

local FACTS = { "name", "kind", "reason", "http_status", "message" }

local function note_end(book, one, result, err)
  if result then
    one.outcome, one.result = "deleted", result
    book:conclude(one.asked, "deleted", {
      whatsapp_number = result.whatsapp_number, verified = result.verified,
    })
    return
  end
  local facts = {}
  for _, key in ipairs(FACTS) do
    facts[key] = err[key]
  end
  one.outcome, one.err = err.outcome, err
  book:conclude(one.asked, err.outcome, facts)
end

local function say_interrupted(run, bar)
  run.stopped = true
  bar:leave()
  output.say(
    "ninedig: interrupted; waiting for what is under way. Once more, and that stays unknown."
  )
end

-- Entries that were announced and then not started.
local function withdraw(todo, book)
  for _, one in ipairs(todo) do
    if one.is_intended and one.outcome == "skipped" then
      book:conclude(one.asked, "not_sent")
    end
  end
end

-- The ends of what was under way are not known.
local function abandon(todo)
  for _, one in ipairs(todo) do
    if one.is_intended and one.outcome == "skipped" then
      one.outcome = "unknown"
    end
  end
end

-- Returns why it ended early, if it did.
local function perform(client, todo, options, book, bar)
  local entries = {}
  for i, one in ipairs(todo) do
    entries[i] = one.entry
  end
  local run
  run = prepare(client, entries, {
    concurrency = options.concurrency,
    stop_on_error = options.stop_on_error,
    on_result = function(i, result, err)
      note_end(book, todo[i], result, err)
      bar:step(todo[i].outcome)
    end,
  })
  function run.before(i)
    if run.stopped or waiting.is_interrupted() then
      run.stopped = true
      return
    end
    book:intend(todo[i].asked, client.timeout)
    todo[i].is_intended = true
  end
  function run.commit()
    book:commit()
  end
  waiting.be_patient(function()
    say_interrupted(run, bar)
  end)
  local done, raised, thrown = bulk.perform(run)
  bar:leave()
  if not done and thrown ~= nil then
    error(thrown, 0)
  elseif not done and not stop.is_reason(raised) then
    error(raised, 0)
  elseif not done and raised.status == stop.INTERRUPTED then
    abandon(todo)
  else
    withdraw(todo, book)
  end
  return not done and raised or nil
end

-- ----- after -----

local function finish(chosen, ends, reason)
  local counts = report.count(ends)
  local status = report.status_of_list(ends, counts)
  report.say_list(ends, counts)
  if reason and reason.status ~= stop.INTERRUPTED then
    output.say("ninedig: %s", reason.message)
  end
  if waiting.is_interrupted() then
    status = stop.INTERRUPTED
  end
  if counts.deleted < #ends then
    output.say("ninedig: to go on, run: %s", chosen.command_line)
  end
  if chosen.json then
    report.write_list(ends, counts)
  end
  return status
end

local function close(book)
  local ok, reason = pcall(book.close, book)
  if not ok then
    return reason
  end
end

-- Begins the journal, once it is sure that it will be needed.
local function open_journal(book, path, header)
  if book then
    book:begin()
    return book
  end
  book = journal.open(path, header)
  if next(book.states) then
    stop.with(stop.USAGE, "another run has used the journal meanwhile; run it again")
  end
  return book
end

--- `ninedig delete-inboxes`.
-- @tparam table client
-- @tparam table chosen the arguments
-- @treturn integer exit status
function many.delete(client, chosen)
  local options = {
    concurrency = chosen.concurrency or CONCURRENCY, stop_on_error = not chosen.keep_going,
  }
  local entries = input.read(chosen.file)
  local ends = begin_ends(entries, prepare(client, entries, options))
  local count = ("%d"):format(#ends)
  if chosen.confirm then
    ask.check(chosen.confirm, count, "the number of inboxes in the list")
  end
  local base_url, all = preview.base_url(client), {}
  for i, one in ipairs(ends) do
    all[i] = one.asked
  end
  local header = journal.header(all, base_url)
  local book = journal.find(chosen.journal, header)
  recall(ends, book and book.states or {})
  if chosen.dry_run then
    preview.begin()
  end
  look_up_unknown(client, ends, options, not chosen.dry_run and book or nil)
  local todo = select_ends(ends, "skipped")
  if chosen.dry_run then
    return preview_list(client, chosen, base_url, todo, ends)
  end
  local reason
  if #todo > 0 then
    if not chosen.confirm then
      ask.check(nil, count, "the number of inboxes in the list")
      show(client, base_url, todo, ends)
      ask.confirm(count, ("Type the number of inboxes in the list to delete %s, or anything else to"
        .. " leave them:"):format(#todo == #ends and "them" or "these " .. #todo))
    else
      output.say("service  %s", base_url)
    end
    book = open_journal(book, chosen.journal, header)
    local bar = progress.new(#ends, #ends - #todo)
    reason = perform(client, todo, options, book, bar)
  end
  local failure = book and close(book)
  return finish(chosen, ends, reason or failure)
end

return many
