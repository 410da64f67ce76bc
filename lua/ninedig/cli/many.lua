--- `delete-inboxes`: a list, with a journal of it.
local ask = require("ninedig.cli.ask")
local bulk = require("ninedig.bulk")
local input = require("ninedig.cli.input")
local journal = require("ninedig.cli.journal")
local names = require("ninedig.cli.names")
local output = require("ninedig.cli.output")
local preview = require("ninedig.cli.preview")
local progress = require("ninedig.cli.progress")
local recheck = require("ninedig.cli.recheck")
local report = require("ninedig.cli.report")
local session = require("ninedig.session")
local shell = require("ninedig.cli.shell")
local stop = require("ninedig.cli.stop")
local system = require("ninedig.cli.system")
local text = require("ninedig.cli.text")
local waiting = require("ninedig.cli.waiting")

local many = {}

local CONCURRENCY = 8

-- ----- the list and what is known of it -----

-- All that a run is about: the arguments, the `list`, its `ends` (see `ninedig.cli.report`), and
-- the `doubts`, places whose earlier request may have been carried out.
local function new_run(client, chosen)
  return {
    client = client,
    chosen = chosen,
    concurrency = chosen.concurrency or CONCURRENCY,
    ends = {},
    doubts = {},
    others_in_doubt = {},
  }
end

local function stream(run, count, read, on_result)
  local options = {
    concurrency = run.concurrency,
    rate = run.chosen.rate,
    stop_on_error = not run.chosen.keep_going,
    on_result = on_result,
  }
  local made, err = bulk.stream(run.client, count, read, options)
  if not made then
    report.fail_given(err, options)
  end
  return made
end

local function read_list(run)
  stream(run, 1) -- checks the options
  local current, err = session.begin(run.client, "delete_inboxes", {})
  if not current then
    report.fail(err)
  end
  return input.read(run.chosen.file, function(entry)
    local asked, wrong = session.check(current, "delete_inbox", entry)
    if wrong then
      wrong.message = report.with_value(run.client, wrong, entry)
    end
    return asked, wrong
  end)
end

-- What an earlier run has brought to an end, or left in doubt. What was rejected or not sent did
-- not happen: that is asked for again.
local function recall(run, book)
  for i = 1, book:is_new() and 0 or run.list.count do
    local state = book:state(run.list:key(i))
    local outcome = state and state.outcome
    if outcome == "unknown" then
      run.doubts[i] = state
    end
    if outcome and outcome ~= "rejected" and outcome ~= "not_sent" then
      run.ends[i] = { outcome = outcome, result = outcome == "deleted" and state or nil }
    end
  end
  run.others_in_doubt = book:others_in_doubt()
end

local function places_in_doubt(run)
  local places = {}
  for i in pairs(run.doubts) do
    places[#places + 1] = i
  end
  table.sort(places)
  return places
end

-- What is in doubt is read back. What is not proved to be deleted is asked for again only if that
-- is wanted, and if its earlier request cannot arrive any more: what shows that it is still there
-- has to be read after that time.
local function look_up_doubts(run, book)
  local places = places_in_doubt(run)
  if #places == 0 then
    return
  end
  output.say("ninedig: the outcome of %s is unknown from an earlier run; reading back ...",
    text.count(#places, "inbox", "inboxes"))
  local asked, is_over = {}, {}
  for n, i in ipairs(places) do
    asked[n] = run.list:asked(i)
    is_over[n] = system.now() >= run.doubts[i].till
  end
  recheck.run(run.client, asked, run.concurrency, function(n, verdict)
    local i = places[n]
    if verdict == "deleted" then
      run.ends[i] = { outcome = "deleted", result = { verified = true } }
      run.doubts[i] = nil
      if book then
        book:conclude(asked[n], "deleted", { verified = true })
      end
    elseif run.chosen.ask_again and is_over[n] then
      run.ends[i] = nil
    end
  end)
  if book then
    book:commit()
  end
end

local function select_todo(run)
  local todo = {}
  for i = 1, run.list.count do
    if not run.ends[i] then
      todo[#todo + 1] = i
    end
  end
  return todo
end

-- ----- what is left alone, and why -----

local function say_doubts(run)
  local waiting_till, count = -math.huge, 0
  for i, state in pairs(run.doubts) do
    if run.ends[i] then
      count = count + 1
      waiting_till = math.max(waiting_till, state.till)
    end
  end
  if count == 0 then
    return
  end
  output.say("   %d unknown: an earlier request may have been carried out, or still be", count)
  local seconds = math.ceil(waiting_till - system.now())
  if not run.chosen.ask_again then
    output.say("      --ask-again asks for them again%s", seconds > 0
      and (", once the time-out of the last request has passed, in %d s"):format(seconds) or "")
  else
    output.say("      the time-out of the last request passes in %d s: until then it may arrive,"
      .. " and they are not asked for again", math.max(seconds, 1))
  end
end

local function say_left_alone(run, todo)
  local counts = report.count(run.ends, run.list.count)
  if #todo == run.list.count then
    return
  end
  output.say("ninedig: %d of the %s in the list are left alone:", run.list.count - #todo,
    text.count(run.list.count, "inbox", "inboxes"))
  if counts.deleted > 0 then
    output.say("   %d deleted before", counts.deleted)
  end
  if counts.gone > 0 then
    output.say("   %d gone: the service said that it has them no longer", counts.gone)
  end
  if counts.absent > 0 then
    output.say("   %d absent: the service said that there is no such WhatsApp inbox%s",
      counts.absent, run.chosen.gone_ok and "" or "; --gone-ok accepts that")
  end
  say_doubts(run)
end

-- ----- before anything is asked for -----

local function show(run, base_url, todo)
  local known, rows = names.new(run.client), {}
  for n, i in ipairs(todo) do
    rows[n] = known:describe(run.list:asked(i))
    rows[n].listed_name = run.list.names[i]
  end
  ask.show_many(base_url, rows, run.list:has_names())
  ask.show_troubles(known.troubles)
end

local function preview_list(run, base_url, todo)
  show(run, base_url, todo)
  for _, i in ipairs(todo) do
    ask.check_number(run.client, run.list:asked(i))
  end
  local shown = preview.new(run.client, run.chosen.json, {
    others_in_doubt = run.others_in_doubt,
  })
  for _, i in ipairs(todo) do
    shown:add(run.list:asked(i))
  end
  local written = shown:finish()
  if #run.others_in_doubt > 0 then
    report.say_others(run)
    return stop.UNKNOWN
  end
  return written and stop.DONE or stop.USAGE
end

local function confirm(run, base_url, todo)
  if run.chosen.confirm then
    output.say("service  %s", base_url)
    return
  end
  local count = ("%d"):format(#todo)
  ask.check(nil, ("%d"):format(run.list.count), "the number of inboxes in the list")
  show(run, base_url, todo)
  ask.confirm(count, ("Type %s, the number of inboxes that will be deleted now, or anything else to"
    .. " leave them:"):format(count))
end

-- ----- the run -----

local FACTS = { "name", "kind", "reason", "http_status", "message" }
local NO_SUCH_INBOX = "INBOX_ID_INVALID"

-- What an error says of an inbox. Of one that is in doubt it says nothing, as it is about the last
-- request alone; but where the service has no such inbox any more, the earlier one has done it, as
-- far as anybody can know.
local function outcome_of(err, in_doubt)
  if err.outcome == "rejected" and err.name == NO_SUCH_INBOX then
    return in_doubt and "gone" or "absent"
  end
  return in_doubt and "unknown" or err.outcome
end

-- Writes, once, what the last request for an inbox came to; returns what that says of the inbox.
local function note_error(run, book, i, err)
  local facts = {}
  for _, key in ipairs(FACTS) do
    facts[key] = err[key]
  end
  local outcome = outcome_of(err, run.doubts[i])
  facts.answer = outcome ~= err.outcome and err.outcome or nil
  if run.refusals[i] ~= err then
    book:conclude(run.list:asked(i), outcome, facts)
  end
  return outcome, facts.answer
end

local function note_end(run, book, i, result, err)
  if result then
    run.ends[i] = { outcome = "deleted", result = result }
    book:conclude(run.list:asked(i), "deleted", {
      whatsapp_number = report.number(result), verified = result.verified,
      number_differs = result.number_differs,
    })
  else
    local outcome, answer = note_error(run, book, i, err)
    run.ends[i] = { outcome = outcome, err = err, answer = answer }
  end
  run.is_open[i] = nil
end

-- A request that is going to be repeated: however long that takes, what is known is written.
local function note_refusal(run, book, i, err)
  if run.is_open[i] then
    note_error(run, book, i, err)
    run.is_open[i], run.refusals[i] = nil, err
  end
end

-- Writes that what was announced was not sent, which says nothing of an earlier request.
local function note_not_sent(run, book, i)
  local in_doubt = run.doubts[i] ~= nil
  book:conclude(run.list:asked(i), in_doubt and "unknown" or "not_sent", in_doubt and {
    answer = "not_sent",
  })
end

-- Each request has an intent of its own.
local function note_intent(run, book, i)
  book:intend(run.list:asked(i), run.client.timeout)
  run.is_open[i] = true
end

local function say_interrupted(requests, bar)
  requests.stopped = true
  bar:leave()
  output.say(
    "ninedig: interrupted; waiting for what is under way. Once more, and that stays unknown."
  )
end

-- What was in doubt and was not come to.
local function keep_doubts(run)
  for i in pairs(run.doubts) do
    run.ends[i] = run.ends[i] or { outcome = "unknown" }
  end
end

-- What was announced and then not sent, or, where the end was not awaited, may have been.
local function close_open(run, book, is_abandoned)
  for i in pairs(run.is_open) do
    if is_abandoned then
      run.ends[i] = { outcome = "unknown" }
    else
      note_not_sent(run, book, i)
      run.ends[i] = nil
    end
  end
  run.is_open = {}
  keep_doubts(run)
end

local function prepare_requests(run, todo, book, bar)
  local function read(n)
    return run.list:asked(todo[n])
  end
  local requests = stream(run, #todo, read, function(n, result, err)
    note_end(run, book, todo[n], result, err)
    bar:step(run.ends[todo[n]].outcome)
  end)
  function requests.before(n)
    if requests.stopped or waiting.is_interrupted() then
      requests.stopped = true
    else
      note_intent(run, book, todo[n])
    end
  end
  function requests.refused(n, err)
    note_refusal(run, book, todo[n], err)
  end
  function requests.commit()
    book:commit()
  end
  function requests.forgives(n, err)
    local in_doubt = run.doubts[todo[n]]
    return in_doubt or run.chosen.gone_ok and outcome_of(err, in_doubt) == "absent"
  end
  return requests
end

-- Returns why it ended early, if it did.
local function perform(run, todo, book)
  run.is_open, run.refusals = {}, {} -- by their places
  local bar = progress.new(run.list.count, run.list.count - #todo, run.chosen.gone_ok)
  local requests = prepare_requests(run, todo, book, bar)
  waiting.be_patient(function()
    say_interrupted(requests, bar)
  end)
  local done, raised, thrown = bulk.perform(requests)
  bar:leave()
  if not done and not stop.is_reason(raised) then
    book:abandon()
    error(thrown ~= nil and thrown or raised, 0)
  end
  close_open(run, book, not done and raised.status == stop.INTERRUPTED)
  return not done and raised or nil
end

-- ----- after -----

-- Whether running again can bring more to an end. What is absent stays so, and what the list lacks
-- is not looked up.
local function can_go_on(counts)
  return counts.skipped + counts.rejected + counts.not_sent + counts.unknown > 0
end

local function say_how_to_go_on(run, counts)
  local again = run.chosen.file == "-" and "give the same list again to" or "run"
  if can_go_on(counts) then
    output.say("ninedig: to go on, %s: %s", again, shell.again(run.chosen))
  end
  if counts.unknown > 0 and not run.chosen.ask_again then
    output.say("ninedig: to ask again for what stays unknown, too, %s: %s", again,
      shell.again(run.chosen, "--ask-again"))
  end
end

local function finish(run, reason)
  local counts = report.count(run.ends, run.list.count)
  local all = {
    list = run.list, total = run.list.count, ends = run.ends, counts = counts,
    others_in_doubt = run.others_in_doubt, chosen = run.chosen, gone_ok = run.chosen.gone_ok,
  }
  local status = report.status_of_list(all)
  report.say_list(all)
  if reason and reason.status ~= stop.INTERRUPTED then
    output.say("ninedig: %s", reason.message)
    status = report.unwritten(status)
  end
  if waiting.is_interrupted() then
    status = stop.INTERRUPTED
  end
  say_how_to_go_on(run, counts)
  if run.chosen.json and not report.write_list(all) then
    status = report.unwritten(status)
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
local function open_journal(run, book, base_url)
  if book then
    book:begin()
    return book
  end
  book = journal.open(run.chosen.journal, run.list, base_url)
  if not book:is_new() then
    stop.with(stop.USAGE, "another run has used the journal meanwhile; run it again")
  end
  return book
end

--- `ninedig delete-inboxes`.
-- @tparam table client
-- @tparam table chosen the arguments
-- @treturn integer exit status
function many.delete(client, chosen)
  local run = new_run(client, chosen)
  run.list = read_list(run)
  if chosen.confirm then
    ask.check(chosen.confirm, ("%d"):format(run.list.count), "the number of inboxes in the list")
  end
  local base_url = preview.base_url(client)
  local book = journal.find(chosen.journal, run.list, base_url)
  if book then
    recall(run, book)
  end
  if chosen.dry_run then
    preview.begin()
  end
  look_up_doubts(run, not chosen.dry_run and book or nil)
  local todo = select_todo(run)
  say_left_alone(run, todo)
  if chosen.dry_run then
    return preview_list(run, base_url, todo)
  end
  local reason
  if #todo > 0 then
    confirm(run, base_url, todo)
    book = open_journal(run, book, base_url)
    reason = perform(run, todo, book)
  end
  local failure = book and close(book)
  return finish(run, reason or failure)
end

return many
