-- What `make demo` shows, on one screen: an inbox deleted at the mock of the service, and asked for
-- once more.
local mock = require("spec.support.mock")
local ninedig = require("ninedig")

local COLUMNS = 78
local INDENT = "  "

local world = mock.world()
local client = ninedig.client {
  base_url = world:base_url("live"),
  ca_file = mock.ca_file,
  access_token = mock.token,
}
local inbox = { accountID = 1, inboxID = 10 }

local function show(text)
  print(INDENT .. text)
end

-- A long text in lines of words.
local function show_wrapped(text)
  local line = ""
  for word in text:gmatch("%S+") do
    if line ~= "" and #INDENT + #line + 1 + #word > COLUMNS then
      show(line)
      line = ""
    end
    line = (line == "" and "" or line .. " ") .. word
  end
  show(line)
end

local function show_fields(fields, names)
  local shown = {}
  for _, name in ipairs(names) do
    shown[#shown + 1] = name .. " = " .. tostring(fields[name])
  end
  show_wrapped(table.concat(shown, ", "))
end

-- What the mock was sent, with the service's address in place of its own, and without the token.
local function show_request(request)
  local head = request.head
    :gsub("^(%S+) %S*/live/api/", "%1 /api/")
    :gsub("\nHost: [^\r\n]*", "\nHost: partners.99digital.co.il")
    :gsub("\nAuthorization: Bearer [^\r\n]*", "\nAuthorization: Bearer [redacted]")
  for line in head:gmatch("[^\r\n]+") do
    show(line)
  end
  print()
  show(request.body)
end

print(ninedig._VERSION .. " against a mock of the service. Nothing real is deleted.")

print("\nclient:delete_inbox { accountID = 1, inboxID = 10 } sends, once:")
local gone = client:delete_inbox(inbox)
show_request(world:requests()[1])
print("and returns what the service confirms:")
show_fields(gone, { "accountID", "server", "inboxID", "whatsapp_number" })

print("\nThe same call once more raises an error:")
local ok, err = pcall(client.delete_inbox, client, inbox)
assert(not ok and ninedig.is_error(err))
show_wrapped(tostring(err))
print("with fields for programs:")
show_fields(err, { "kind", "name", "outcome", "reason" })

print(("\n2 calls, %d requests. Everything in inbox 10 is gone for ever."):format(world:count()))
