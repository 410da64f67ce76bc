--- Fixed answers, whatever the call and without state: modifiers, as server.lua explains them.
local shapes = require("shapes")
local wire = require("wire")

local fixed = {}

-- The document's sample, with its missing comma.
local SAMPLE = [[
{
"status": "OK",
"reason": 1
"accountID": 1,
"server": "online",
"inboxID": 10,
"whatsapp_number": "972501234567"
}]]

fixed.ok = {
  answer = function(exchange)
    return wire.json(shapes.success(exchange.body))
  end,
}

fixed.sample = {
  answer = function(_, line_end)
    return wire.json(line_end == "crlf" and SAMPLE:gsub("\n", "\r\n") or SAMPLE)
  end,
}

fixed.reason = {
  answer = function(_, reason)
    return shapes.failure(reason)
  end,
}

fixed.reason_fail = {
  answer = function(_, reason)
    return shapes.failure(reason, "Fail")
  end,
}

fixed.reason_text = {
  answer = function(_, reason)
    return shapes.failure('"' .. reason .. '"')
  end,
}

-- A refusal that repeats the token: plain, with \/, and as \u00XX.
fixed.echo_token = {
  answer = function(exchange)
    local token = exchange.token or ""
    local escaped = token:gsub(".", function(character)
      return ("\\u%04x"):format(character:byte())
    end)
    return wire.json(('{"status":"FAIL","reason":99,"plain":"token %s is wrong",'
      .. '"slashes":"token %s is wrong","escaped":"token %s is wrong"}')
      :format(token, (token:gsub("/", "\\/")), escaped))
  end,
}

return fixed
