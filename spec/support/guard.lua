--- Keeps the specs away from the real service.
--
--   local ninedig = require("spec.support.guard").install(require("ninedig"))
--
-- After `install`, a call or a client whose base_url (or proxy) is not on a loopback host raises
-- "the suite refuses ...", before anything is sent. Errors about the options come first, so that
-- they can be tested. `ninedig.safe` is guarded with it.
local guard = {}

local PROXIES = {
  "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
}

local INSTALLED = {}

local function host_of(url)
  local authority = url:match("^%a[%w+.-]*://([^/?#]*)")
  if not authority then
    return nil
  end
  authority = authority:gsub("^.*@", "")
  return authority:match("^(%b[])$") or authority:match("^(%b[]):%d+$")
    or authority:match("^([^:]+)$") or authority:match("^([^:]+):%d+$")
end

--- Whether the host of a URL is this machine's loopback.
function guard.is_loopback(url)
  local host = type(url) == "string" and host_of(url)
  return host == "localhost" or host == "[::1]"
    or (host and host:match("^127%.%d+%.%d+%.%d+$") ~= nil) or false
end

local function is_safe(options)
  if type(options) ~= "table" or not guard.is_loopback(rawget(options, "base_url")) then
    return false
  end
  local proxy = rawget(options, "proxy")
  return proxy == nil or proxy == "" or guard.is_loopback(proxy)
end

local function describe(options)
  local url = type(options) == "table" and rawget(options, "base_url")
  return "the suite refuses a call that could leave this machine: base_url is " .. tostring(url)
end

-- Calls `make_client`, which sends nothing, for the error that the options deserve.
local function refuse(make_client, options)
  local client, err = make_client(options)
  if client == nil then
    return nil, err
  end
  pcall(function()
    client:close()
  end)
  error(describe(options), 0)
end

local function wrap(module)
  if INSTALLED[module] then
    return module
  end
  INSTALLED[module] = true
  local make_client, delete_inbox = module.client, module.delete_inbox

  function module.client(options, ...)
    if is_safe(options) then
      return make_client(options, ...)
    end
    return refuse(make_client, options)
  end

  function module.delete_inbox(params, options, ...)
    if is_safe(options) then
      return delete_inbox(params, options, ...)
    end
    return refuse(make_client, options == nil and {} or options)
  end

  return module
end

--- Takes the proxies out of this process's environment.
function guard.unset_proxies()
  for _, name in ipairs(PROXIES) do
    require("spec.support.process").unset(name)
  end
end

--- Guards the module, and `ninedig.safe`.
-- @treturn table the module
function guard.install(ninedig)
  guard.unset_proxies()
  wrap(ninedig)
  wrap(require("ninedig.safe"))
  return ninedig
end

return guard
