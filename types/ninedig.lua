---@meta ninedig
-- Annotations for editors, as LuaLS and EmmyLua read them. Made by `make generate`: do not edit.

-- luacheck: ignore

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

---@alias ninedig.ErrorName
---| "MISSING_KEY" # something that is needed was not given
---| "UNKNOWN_KEY" # there is no param or option of that name
---| "WRONG_TYPE" # a value has the wrong type
---| "BAD_VALUE" # a value breaks the rule of its key
---| "DUPLICATE_ENTRY" # two entries of a list are the same inbox
---| "CA_FILE_UNREADABLE" # ca_file, or the system's store where it is not given, cannot be read as PEM
---| "CLIENT_CLOSED" # the client is closed, or was called with a dot in place of a colon
---| "PHASE_CANNOT_WAIT" # nothing can wait for an answer in this phase of nginx
---| "CANNOT_YIELD_HERE" # the call would have to yield to wait for its answer, and cannot
---| "STATE_CLOSED" # the Lua state is being closed
---| "UNKNOWN_CALL" # there is no such call
---| "LIBCURL_FAILED" # libcurl cannot be started
---| "LIBCURL_TOO_OLD" # libcurl is older than ninedig needs
---| "LIBCURL_WITHOUT_TLS" # libcurl was built without TLS
---| "HOST_NOT_RESOLVED" # the service's name could not be resolved
---| "PROXY_NOT_RESOLVED" # the proxy's name could not be resolved
---| "PROXY_FAILED" # the proxy did not connect
---| "CONNECT_FAILED" # no connection could be made
---| "TLS_UNTRUSTED" # the server's certificate is not to be trusted
---| "TLS_FAILED" # the TLS handshake failed
---| "TIMEOUT" # no connection, or no whole answer, came within the time-out
---| "NO_TIMER" # no timer of nginx has begun to run within connect_timeout
---| "CANCELLED" # the call was given up
---| "CONNECTION_LOST" # the connection was lost before the answer was whole
---| "ANSWER_CUT" # the answer was cut in its headers or its body
---| "ANSWER_UNREADABLE" # the answer was not HTTP/1.1, or of a kind that cannot be relied on
---| "OUT_OF_MEMORY" # memory ran out
---| "UNAUTHORIZED" # HTTP 401
---| "FORBIDDEN" # HTTP 403
---| "NOT_FOUND" # HTTP 404
---| "REQUEST_TIMEOUT" # HTTP 408: the server gave up waiting
---| "TOO_MANY_REQUESTS" # HTTP 429: too many requests
---| "SERVER_ERROR" # HTTP 500: the service failed
---| "BAD_GATEWAY" # HTTP 502: the service did not answer its gateway
---| "SERVICE_UNAVAILABLE" # HTTP 503: the service is not available
---| "GATEWAY_TIMEOUT" # HTTP 504: the service did not answer in time
---| "REDIRECTED" # the server names another address, which is never followed
---| "HTTP_STATUS" # another status that is no success
---| "ANSWER_TOO_LARGE" # the answer is larger than max_response_bytes
---| "ANSWER_NOT_UNDERSTOOD" # the answer is neither a success nor a refusal
---| "ANSWER_CONTRADICTORY" # the answer contradicts itself, or names another inbox
---| "UNDOCUMENTED_REASON" # FAIL with a reason that the service's documents do not name
---| "NUMBER_NOT_FOUND" # the number is not among those of this partner
---| "NUMBER_HAS_NO_INBOX" # the number is attached to no inbox, or to one that its account does not list
---| "INBOX_AMBIGUOUS" # the service does not say which inbox it is
---| "NUMBER_MISMATCH" # the inbox does not hold the number that was named, or that could not be told
---| "CREDENTIALS_OR_JSON_INVALID" # the partner's credentials are wrong, or the request was not understood; check which partner the access token belongs to
---| "ACCESS_TOKEN_INVALID" # the access token does not exist or has expired (it lives for an hour); get a new one and call again
---| "METHOD_NOT_DELETE" # the request did not arrive as a DELETE; look for a proxy that rewrites requests
---| "ACCOUNT_ID_INVALID" # accountID is empty or wrong; check the account's number
---| "SERVER_INVALID" # server is invalid or wrong; it is the account's subdomain, "online" for most
---| "INBOX_ID_INVALID" # there is no such WhatsApp inbox in this account: it never was, it is of another channel (this call removes WhatsApp inboxes only), or it is gone, perhaps by an earlier request whose answer was lost
---| "ADDRESS_BLOCKED" # too many attempts with wrong data: the service has blocked this address for a while
---| "CREDENTIALS_INVALID" # the partner's credentials are wrong; check which partner the access token belongs to
---| "METHOD_NOT_GET" # the request did not arrive as a GET; look for a proxy that rewrites requests
---| "METHOD_NOT_POST" # the request did not arrive as a POST; look for a proxy that rewrites requests

---@alias ninedig.CallName "delete_inbox"|"get_access_token"|"get_accounts"|"get_inboxes"|"get_whatsapp_numbers"|"delete_inboxes"|"find_inbox"|"verify_deletion"

---@class ninedig.DeleteInboxParams
---@field access_token? string in place of the client's
---@field accountID ninedig.Id 1 to 18 digits, above 0
---@field server? string the account's subdomain, one DNS label; online by default
---@field inboxID ninedig.Id 1 to 18 digits, above 0
---@field whatsapp_number? string nothing is sent unless the inbox holds this number
---@field verify? boolean an unknown outcome is followed by reading back

---@class ninedig.GetAccessTokenParams
---@field client_id? string in place of the client's
---@field client_secret? string in place of the client's

---@class ninedig.GetAccountsParams
---@field access_token? string in place of the client's

---@class ninedig.GetInboxesParams
---@field access_token? string in place of the client's
---@field accountID ninedig.Id 1 to 18 digits, above 0
---@field server? string the account's subdomain; online by default

---@class ninedig.GetWhatsappNumbersParams
---@field access_token? string in place of the client's

---@class ninedig.DeleteInboxesParams
---@field concurrency? integer how many at once, 1 to 64
---@field rate? number how many requests are started in a second, at most 1000
---@field repeats? integer how often an entry is asked for again that the service refused with HTTP 429, having done nothing, 0 to 100
---@field stop_on_error? boolean start nothing new after the first error
---@field on_result? fun(i: integer, result?: ninedig.Deleted, err?: ninedig.Error) called as `on_result(i, result, err)` as they come

---@class ninedig.FindInboxParams
---@field access_token? string in place of the client's
---@field whatsapp_number string digits, with the country's code

---@class ninedig.VerifyDeletionParams
---@field access_token? string in place of the client's
---@field accountID ninedig.Id 1 to 18 digits, above 0
---@field server? string the account's subdomain; online by default
---@field inboxID ninedig.Id 1 to 18 digits, above 0
---@field whatsapp_number? string the number that was in it, where it is known

---@class ninedig.Options
---@field base_url? string where the service is; https, or http to a loopback host
---@field access_token? string for calls that are given none
---@field client_id? string with `client_secret`, in place of a token
---@field client_secret? string with `client_id`
---@field timeout? number seconds for a whole call, above 0, at most 86400; 30 by default
---@field connect_timeout? number seconds for name, connect and TLS; 10 by default
---@field max_idle? number seconds a reused connection may have been idle, 0 to 3600; 4 by default
---@field max_response_bytes? integer of a list, 1024 to 2^30; another answer may have 65536, or this, if it is less; 16777216 by default
---@field ca_file? string path of a PEM bundle, in place of the system's store
---@field proxy? string URL, or "" for none; the environment's where it is not given
---@field user_agent? string put before ninedig's own
---@field max_in_flight? integer connections at once, 1 to 1024; 64 by default
---@field sleep? fun(seconds: number) `sleep(seconds)` of the caller's event loop
---@field on_event? fun(event: ninedig.Event) told of each request, answer, pause and verdict

---@class ninedig.Client
local client = {}

---Delete a WhatsApp inbox, with everything in it. It cannot be undone.
---@param params ninedig.DeleteInboxParams
---@return ninedig.Deleted
function client:delete_inbox(params) end

---Get a new token and keep it for the client's calls.
---@param params? ninedig.GetAccessTokenParams
---@return ninedig.Token
function client:get_access_token(params) end

---List the partner's accounts. Tried again, twice at most, where it failed on the way.
---@param params? ninedig.GetAccountsParams
---@return ninedig.Accounts
function client:get_accounts(params) end

---List the inboxes of an account, of every kind.
---@param params ninedig.GetInboxesParams
---@return ninedig.Inboxes
function client:get_inboxes(params) end

---List the partner's WhatsApp numbers, and the inbox that each is in.
---@param params? ninedig.GetWhatsappNumbersParams
---@return ninedig.Numbers
function client:get_whatsapp_numbers(params) end

---Delete many inboxes, some of them at once. What happens to each is in the report.
---@param list ninedig.DeleteInboxParams[]
---@param options? ninedig.DeleteInboxesParams
---@return ninedig.Report
function client:delete_inboxes(list, options) end

---Find the inbox that holds a WhatsApp number.
---@param params ninedig.FindInboxParams
---@return ninedig.Found
function client:find_inbox(params) end

---Find out by reading whether an inbox is gone.
---@param params ninedig.VerifyDeletionParams
---@return ninedig.Verdict
---@return ninedig.Evidence
function client:verify_deletion(params) end

---End the use of a client; doing it twice is no error. Calls that are under way go on.
function client:close() end

---@class ninedig
---@field _VERSION string
---@field calls table<string, ninedig.Call>
---@field reasons table<integer|string, ninedig.Reason|integer>
---@field names table<ninedig.ErrorName, ninedig.Name>
local ninedig = {}

---Delete a WhatsApp inbox, with everything in it. It cannot be undone.
---@param params ninedig.DeleteInboxParams
---@param options? ninedig.Options
---@return ninedig.Deleted
function ninedig.delete_inbox(params, options) end

---Make a client, whose options are checked once.
---@param options? ninedig.Options
---@return ninedig.Client
function ninedig.client(options) end

---Whether a value is an error of ninedig.
---@param value any
---@return boolean
function ninedig.is_error(value) end

return ninedig
