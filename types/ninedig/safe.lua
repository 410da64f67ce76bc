---@meta ninedig.safe
-- Annotations for editors, as LuaLS and EmmyLua read them. Made by `make generate`: do not edit.

-- luacheck: ignore

---@class ninedig.safe.Client
local client = {}

---Delete a WhatsApp inbox, with everything in it. It cannot be undone.
---@param params ninedig.DeleteInboxParams
---@return ninedig.Deleted? result
---@return ninedig.Error? err
function client:delete_inbox(params) end

---Get a new token and keep it for the client's calls.
---@param params? ninedig.GetAccessTokenParams
---@return ninedig.Token? result
---@return ninedig.Error? err
function client:get_access_token(params) end

---List the partner's accounts. Tried again, twice at most, where it failed on the way.
---@param params? ninedig.GetAccountsParams
---@return ninedig.Accounts? result
---@return ninedig.Error? err
function client:get_accounts(params) end

---List the inboxes of an account, of every kind.
---@param params ninedig.GetInboxesParams
---@return ninedig.Inboxes? result
---@return ninedig.Error? err
function client:get_inboxes(params) end

---List the partner's WhatsApp numbers, and the inbox that each is in.
---@param params? ninedig.GetWhatsappNumbersParams
---@return ninedig.Numbers? result
---@return ninedig.Error? err
function client:get_whatsapp_numbers(params) end

---Delete many inboxes, some of them at once. What happens to each is in the report.
---@param list ninedig.DeleteInboxParams[]
---@param options? ninedig.DeleteInboxesParams
---@return ninedig.Report? result
---@return ninedig.Error? err
function client:delete_inboxes(list, options) end

---Find the inbox that holds a WhatsApp number.
---@param params ninedig.FindInboxParams
---@return ninedig.Found? result
---@return ninedig.Error? err
function client:find_inbox(params) end

---Find out by reading whether an inbox is gone.
---@param params ninedig.VerifyDeletionParams
---@return ninedig.Verdict? result
---@return ninedig.Evidence|ninedig.Error err
function client:verify_deletion(params) end

---End the use of a client; doing it twice is no error. Calls that are under way go on.
function client:close() end

---@class ninedig.safe
---@field _VERSION string
---@field calls table<string, ninedig.Call>
---@field reasons table<integer|string, ninedig.Reason|integer>
---@field names table<ninedig.ErrorName, ninedig.Name>
local safe = {}

---Delete a WhatsApp inbox, with everything in it. It cannot be undone.
---@param params ninedig.DeleteInboxParams
---@param options? ninedig.Options
---@return ninedig.Deleted? result
---@return ninedig.Error? err
function safe.delete_inbox(params, options) end

---Make a client, whose options are checked once.
---@param options? ninedig.Options
---@return ninedig.safe.Client? result
---@return ninedig.Error? err
function safe.client(options) end

---Whether a value is an error of ninedig.
---@param value any
---@return boolean
function safe.is_error(value) end

return safe
