-- What `make demo` shows: an inbox deleted at the mock of the service, and asked for once more.
local mock = require("spec.support.mock")
local ninedig = require("ninedig")

local world = mock.world()
local client = ninedig.client {
  base_url = world:base_url("live"),
  ca_file = mock.ca_file,
  access_token = mock.token,
}
local inbox = { accountID = 1, server = "online", inboxID = 10 }

local function title(text)
  print("\n" .. text .. "\n" .. ("-"):rep(#text))
end

local function show_table(what, fields)
  local names = {}
  for name in pairs(fields) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    print(("  %s.%-16s = %s"):format(what, name, tostring(fields[name])))
  end
end

-- As the mock saw it, but for the token.
local function show_request(request)
  print("  " .. request.method .. " " .. request.path)
  for _, name in ipairs { "authorization", "content-type", "accept", "user-agent" } do
    local value = request.headers[name]:gsub("Bearer .*", "Bearer [redacted]")
    print("  " .. name .. ": " .. value)
  end
  print("\n  " .. request.body)
end

print(ninedig._VERSION .. " against a mock of the service on this machine.")
print("Nothing leaves the machine, and nothing real is deleted.")

title("client:delete_inbox { accountID = 1, server = \"online\", inboxID = 10 }")
local gone = client:delete_inbox(inbox)

title("What the service was sent, once")
show_request(world:requests()[1])

title("What it answered")
show_table("gone", gone)
print("\n  The inbox is gone for ever, and " .. gone.whatsapp_number .. " is free again.")

title("The same inbox once more")
local ok, err = pcall(client.delete_inbox, client, inbox)
assert(not ok and ninedig.is_error(err))
print("  " .. tostring(err) .. "\n")
show_table("err", err)

print(("\n  %d requests for 2 calls. err.outcome says what is known: \"rejected\" is no deletion.")
  :format(world:count()))
