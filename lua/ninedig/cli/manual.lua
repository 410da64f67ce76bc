--- What `--help` and the man page say beyond options.
local manual = {}

--- Where secrets come from.
manual.secrets = [[
Secrets come from NINEDIG_ACCESS_TOKEN, or from NINEDIG_CLIENT_ID with
NINEDIG_CLIENT_SECRET, or from --token-file; never from the command line.]]

local STATUSES = {
  { "0", "deleted; or shown, for --dry-run and the listings" },
  { "1", "rejected by the service: this request deleted nothing" },
  { "2", "wrong usage, no confirmation, a precondition that does not hold, a journal in use" },
  { "3", "not sent: nothing was deleted, and it is safe to run it again" },
  { "4", "the credentials were refused" },
  { "5", "unknown, or deleted and not written down: run `ninedig verify`, or a list again" },
  { "6", "of a list: some were not deleted" },
  { "70", "an error of the command itself, before anything was asked for" },
  { "130", "interrupted, also at the question" },
}

local VERIFY_STATUSES = {
  { "0", "deleted" },
  { "1", "still listed, which is no proof that it was not or will not be deleted" },
  { "2", "wrong usage" },
  { "4", "the credentials were refused" },
  { "5", "unknown" },
  { "70", "an error of the command itself" },
  { "130", "interrupted" },
}

local FIND_STATUSES = {
  { "0", "found" },
  { "1", "not found, in no inbox, or in one that cannot be told from others" },
  { "2", "wrong usage" },
  { "3", "the service could not be reached, refused, or was not understood" },
  { "4", "the credentials were refused" },
  { "70", "an error of the command itself" },
  { "130", "interrupted" },
}

local LISTING_STATUSES = {
  { "0", "shown" },
  { "1", "refused by the service" },
  { "2", "wrong usage" },
  { "3", "the service could not be reached, or was not understood" },
  { "4", "the credentials were refused" },
  { "70", "an error of the command itself" },
  { "130", "interrupted" },
}

--- What there is to say beyond options: by the name of a command, or "ninedig" for all of them.
-- `examples` are pairs of a command line and what it does.
manual.pages = {
  ninedig = {
    summary = "delete WhatsApp inboxes of the 99digital service",
    description = [[
Deletes inboxes for good, with every message, contact and report in them. What
is to be deleted is shown and asked for first; each request is sent at most once;
what became of it is told as it is: deleted, rejected, not sent, or unknown.]],
    examples = {
      { "ninedig numbers", "lists your WhatsApp numbers, with the account and inbox of each" },
      { "ninedig delete-inbox --account 1 --inbox 10", "shows what will be lost, and asks" },
      { "ninedig delete-inboxes list.csv --journal list.journal", "deletes a whole list" },
    },
    statuses = STATUSES,
  },
  ["delete-inbox"] = {
    summary = "delete one inbox",
    description = [[
Deletes an inbox, with everything in it. This cannot be undone. On a terminal it
shows what will be lost, and deletes when the inbox ID is typed; elsewhere it
deletes nothing without --confirm.

Refused with reason 47, there is no such WhatsApp inbox in this account: it
never was, it is of another channel (this removes WhatsApp inboxes only), or it
is gone, perhaps by an earlier request whose answer was lost.]],
    examples = {
      { "ninedig delete-inbox --account 1 --inbox 10", "shows what will be lost, and asks" },
      { "ninedig delete-inbox --number 972501234567", "finds the inbox of a number first" },
      {
        "ninedig delete-inbox --account 1 --inbox 10 --number 972501234567",
        "only if this number is in that inbox",
      },
      {
        "ninedig delete-inbox --account 1 --inbox 10 --dry-run",
        "shows the request that would be sent, and does not send it",
      },
      {
        "ninedig delete-inbox --account 1 --inbox 10 --confirm 10 --verify --json",
        "for scripts: does not ask, and finds out what became of an unknown outcome",
      },
    },
    statuses = STATUSES,
  },
  ["delete-inboxes"] = {
    summary = "delete the inboxes of a list",
    description = [[
Deletes each inbox of a list, several at a time. FILE is CSV with the header
accountID,server,inboxID, or has one JSON object with those keys in each line. A
column whatsapp_number may be added, and then has to be the number in that inbox;
name is shown and not sent, and a column that begins with # is ignored. A line may
have 65536 bytes, and a list 256 MiB.

What is asked for and what became of it is written to the journal. Run the same
command again to go on after it was stopped, however that came: what was deleted
is not asked for again, and what is unknown is read back and left alone, unless
--ask-again is given.]],
    examples = {
      {
        "ninedig inboxes --account 4 --csv >off.csv",
        "writes a list; take out of it what shall stay",
      },
      {
        "ninedig delete-inboxes list.csv --journal list.journal",
        "shows the list, asks for the number of inboxes that will be deleted now, and deletes them",
      },
      {
        "ninedig delete-inboxes list.csv --journal list.journal --dry-run",
        "shows what would be sent, and sends nothing",
      },
      {
        "ninedig delete-inboxes list.csv --journal list.journal --confirm 40 --keep-going",
        "for scripts: 40 inboxes, not stopping at the first that fails",
      },
    },
    statuses = STATUSES,
  },
  verify = {
    summary = "find out whether an inbox is gone",
    description = [[
Reads the lists of inboxes and numbers back, several times where that tells more,
and says whether the inbox is gone. It changes nothing.]],
    examples = {
      { "ninedig verify --account 1 --inbox 10", "is inbox 10 of account 1 gone?" },
      {
        "ninedig verify --account 1 --inbox 10 --wait 600",
        "looks again for ten minutes, as a service may delete in the background",
      },
      {
        "ninedig verify --account 1 --inbox 10 --number 972501234567",
        "the number that was in it tells more",
      },
    },
    statuses = VERIFY_STATUSES,
  },
  find = {
    summary = "find the inbox of a number",
    description = [[
Finds the account, server and inbox that a WhatsApp number is in. Where that
cannot be told for certain, it says so and finds nothing.]],
    examples = {
      { "ninedig find --number 972501234567", "which inbox is it in?" },
      { "ninedig find --number 972501234567 --json", "for programs" },
    },
    statuses = FIND_STATUSES,
  },
  numbers = {
    summary = "list WhatsApp numbers",
    description = [[
Lists your WhatsApp numbers, and the account and inbox that each is in; the
server, where it can be told.]],
    examples = {
      { "ninedig numbers", "as a table" },
      { "ninedig numbers --json", "for programs" },
    },
    statuses = LISTING_STATUSES,
  },
  accounts = {
    summary = "list accounts",
    description = "Lists your accounts, and the server of each.",
    examples = {
      { "ninedig accounts", "as a table" },
      { "ninedig accounts --json", "for programs" },
    },
    statuses = LISTING_STATUSES,
  },
  inboxes = {
    summary = "list the inboxes of an account",
    description = "Lists the inboxes of an account.",
    examples = {
      { "ninedig inboxes --account 1", "as a table" },
      { "ninedig inboxes --account 1 --csv", "as a list that delete-inboxes reads" },
      { "ninedig inboxes --account 1 --server west --json", "another server, for programs" },
    },
    statuses = LISTING_STATUSES,
  },
}

manual.pages.completion = {
  summary = "complete the words of the command in a shell",
  description = [[
Writes what bash, zsh or fish needs to complete the words of this command.]],
  examples = {
    { "source <(ninedig completion bash)", "in ~/.bashrc" },
    { "ninedig completion zsh >~/.zfunc/_ninedig", "where ~/.zfunc is in $fpath" },
    {
      "ninedig completion fish >~/.config/fish/completions/ninedig.fish", "for each fish to come",
    },
  },
  statuses = {
    { "0", "written" },
    { "2", "wrong usage" },
  },
  is_local = true, -- no service is asked
}

--- What only the man page has room for.
manual.sections = {
  {
    title = "Environment",
    text = manual.secrets .. [[


A variable of these that is needed and empty is refused: it is a slip, and what
stands in for it could be another service or account.]],
    pairs = {
      { "NINEDIG_ACCESS_TOKEN", "the access token" },
      { "NINEDIG_CLIENT_ID, NINEDIG_CLIENT_SECRET", "what a token is got with, when it is needed" },
      { "NINEDIG_BASE_URL", "where the service is, if --base-url does not say so" },
      {
        "NINEDIG_CA_FILE",
        "a file of certificates that are trusted in place of the system's, without --ca-file",
      },
      {
        "https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY",
        "a proxy to reach the service through, such as http://user:password@host:3128; what is"
          .. " set first here wins",
      },
      { "no_proxy, NO_PROXY", "hosts that are reached without it, with commas; or * for all" },
      { "NO_COLOR", "if it is set, there are no colours" },
      { "TERM", "if it is `dumb`, there are no colours, and the progress is told in lines" },
      { "COLUMNS", "how wide the window is, if it does not say so itself" },
    },
  },
  {
    title = "Output",
    text = [[
The listings, and with --json one line of JSON, go to standard output; all else
goes to standard error. On a terminal a list shows a line of progress, and
elsewhere it says so for each tenth.

Where standard output cannot be written, --json after a deletion ends with 5 in
place of 0: it is deleted, and only standard error says so. So does a list of
which all is deleted, where that could not be written to the journal. What deletes
nothing ends with 2 in place of 0 then.]],
  },
  {
    title = "The journal",
    text = [[
The journal is JSON lines: a header that binds it to one service and one list,
which a part of that list may use as well; an `intent` for each request, which
reaches the disk before the request is sent; and an `outcome` for what became of
it, as soon as that is known. No secret is in it. Two runs cannot use it at the same time.

What a run does with an inbox of which the journal has a word:

`deleted`, `gone`: nothing, as it is done. The service refused a gone one because
it no longer has it, after an earlier request whose answer was lost.

`absent`: nothing; the service said that it has no such WhatsApp inbox. That is a
failure in every run, unless --gone-ok is given.

`rejected`, `not_sent`: asks for it, as nothing had happened.

`unknown`, or an intent alone: reads it back. What is not proved to be deleted
stays unknown and is not asked for again, as a service may carry a request out
much later; with --ask-again it is, if the time-out of its last request has
passed. Where that is refused, it stays unknown, unless it turns out to be gone.

The first interrupt keeps new requests from being started; the answers of those
that are under way are awaited and written. The second one ends the command.

IDs in its lines are strings of digits:]],
    pairs = {
      {
        "the first line",
        "`journal` (\"ninedig\"), `version` (2), `base_url`, `count`, `list`: the inbox IDs by"
          .. " \"account/server\"",
      },
      {
        "an intent",
        "`intent` (`accountID`, `server`, `inboxID`), `time` (Unix time), `timeout` (seconds that"
          .. " the request may take); each request has one, also one that is repeated",
      },
      {
        "an outcome",
        "`outcome`, as above; `accountID`, `server`, `inboxID`, `time`; where they are known"
          .. " `whatsapp_number`, `verified`, `number_differs`; of an error `name`, `kind`,"
          .. " `reason`, `http_status`, `message`; `answer`: what the last request alone came to,"
          .. " where that is another word",
      },
    },
  },
  {
    title = "JSON",
    text = [[
What --json writes is valid JSON in valid UTF-8 whatever the service sent: bytes
that are no UTF-8 become U+FFFD. Keys that are not there are not known. Fields
may be added.]],
    pairs = {
      {
        "delete-inbox",
        "`outcome` (`deleted`, `rejected`, `not_sent`, `unknown`), `accountID`, `server`,"
          .. " `inboxID`, `whatsapp_number`, `verified`, `number_differs`, `error`",
      },
      {
        "delete-inboxes",
        "how many are `deleted`, `gone`, `absent`, `rejected`, `not_sent`, `unknown`, `skipped`;"
          .. " `results`: in the order of the list as for delete-inbox, with those outcomes, `name`"
          .. " from the list, and `answer` as in the journal; `others_in_doubt`: what the journal"
          .. " has in doubt and the list lacks, each with `accountID`, `server`, `inboxID`",
      },
      {
        "either, with --dry-run",
        "`dry_run` (true), `requests`: each with `method`, `url`, `path`, `headers` (lines),"
          .. " `body`; of a list also `others_in_doubt`",
      },
      {
        "verify",
        "`verdict` (`deleted`, `still_listed`, `unknown`), `why`, `blocker`, `accountID`, `server`,"
          .. " `inboxID`, `whatsapp_number`, `looks`: each with `at`, `inboxes`, `numbers`,"
          .. " `get_inboxes`, `get_whatsapp_numbers`; `error`",
      },
      { "find", "`accountID`, `server`, `inboxID`, `whatsapp_number`, `inbox_name`" },
      {
        "numbers, accounts, inboxes",
        "what the service sent, without its keys and secrets: its totals, and `list`; in a row of"
          .. " numbers also `server`, where it can be told",
      },
      {
        "any, where an error or an interrupt ends it before",
        "`error`: `kind`, `name`, `outcome`, `reason`, `message`, `retryable`, `retry_after`,"
          .. " `http_status`, `curl_code`, `response`, `call`, `verification`; one of the command"
          .. " itself has `outcome` and `message` alone",
      },
    },
  },
  {
    title = "See also",
    text = [[
curl(1), whose variables for proxies these are, and lua(1).

The manual of the library is the folder docs of its source: docs/command.md is
about this command, and docs/errors.md about what each outcome means.]],
  },
}

--- The names of the commands, in the order in which they are shown.
manual.names = {
  "delete-inbox", "delete-inboxes", "verify", "find", "numbers", "accounts", "inboxes",
  "completion",
}

return manual
