--- The documented shapes of the service's answers, and what is read from a request's body.
local cjson = require("cjson").new()
local wire = require("wire")

local shapes = {}

-- The documented shapes: $(name) is a JSON string or null, #(name) is put as it is.
shapes.SUCCESS = '{"status":"OK","reason":1,"accountID":#(account),"server":$(server),'
  .. '"inboxID":#(inbox),"whatsapp_number":$(number)}'
shapes.FAILURE = '{"status":$(status),"reason":#(reason)}'
shapes.TOKEN = '{#(status)"access_token":$(token),"expiration_time":$(expires),'
  .. '"token_type":"Bearer","reason":1}'
shapes.ACCOUNT_LIST = '{"status":"OK","reason":1,"totalOnline":#(total),"list":[#(rows)]}'
shapes.ACCOUNT_ROW = '{"create_time":#(created),"account_name":$(name),"account_id":$(account),'
  .. '"server":$(server),"account_status":$(status),"reference":$(reference)}'
shapes.INBOX_LIST = '{"status":"OK","reason":1,"accountID":#(account),"server":1,'
  .. '"totalInboxes":#(total),"list":[#(rows)]}'
shapes.INBOX_ROW = '{"id":#(inbox),"name":$(name),"channel_type":$(channel),"api_type":$(api)}'
shapes.NUMBER_LIST = '{"status":"OK","reason":1,"totalWhatsApp":#(total),'
  .. '"totalConversationsThisMonth":0,"totalMarketingThisMonth":0,"totalServiceThisMonth":0,'
  .. '"totalIncomingThisMonth":0,"list":[#(rows)]}'
shapes.NUMBER_ROW = '{"create_time":#(created),"whatsapp":$(number),"apiKey":$(key),'
  .. '"display_name":$(name),"business_name":$(name),"isOnline":#(online),'
  .. '"onlineAccount":#(account),"onlineInbox":#(inbox),"coexistence":0,'
  .. '"conversationsThisMonth":0,"marketingThisMonth":0,"serviceThisMonth":0,'
  .. '"incomingThisMonth":0}'

--- Puts values into a shape.
function shapes.fill(shape, values)
  return (shape:gsub("([$#])%((%w+)%)", function(kind, name)
    local value = values[name]
    if kind == "#" then
      return tostring(value)
    end
    return value and cjson.encode(value):gsub("\\/", "/") or "null"
  end))
end

--- The digits of an id as they stand in the body, a number or a string; nil for anything else.
function shapes.digits(body, key)
  return body:match('"' .. key .. '"%s*:%s*"?(%d+)"?%s*[,}]')
end

--- The string that stands in the body.
function shapes.text(body, key)
  return body:match('"' .. key .. '"%s*:%s*"([^"]*)"')
end

--- A refusal.
function shapes.failure(reason, status)
  return wire.json(shapes.fill(shapes.FAILURE, { status = status or "FAIL", reason = reason }))
end

--- The success of a deletion, with what was asked for; no state.
function shapes.success(body)
  return shapes.fill(shapes.SUCCESS, {
    account = shapes.digits(body, "accountID") or 1,
    server = shapes.text(body, "server") or "online",
    inbox = shapes.digits(body, "inboxID") or 10,
    number = "972501234567",
  })
end

return shapes
