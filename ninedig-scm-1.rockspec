-- `make rock` makes the rockspec of a version of this one.
rockspec_format = "3.0"
package = "ninedig"
version = "scm-1"

source = {
  url = "git+https://example.invalid/ninedig.git",
}

description = {
  summary = "Deletes WhatsApp inboxes of the 99digital service, at most once",
  detailed = [[
A client of the service's partner API, in C and Lua. It sends a deletion at
most once, says whether it happened, was refused, or cannot be known, and
waits without blocking in nginx and in event loops. With a command.]],
  homepage = "https://example.invalid/ninedig",
  issues_url = "https://example.invalid/ninedig/issues",
  labels = { "api", "client", "http", "nginx", "openresty", "whatsapp" },
  license = "MIT",
}

-- The command needs more, and says so: see the README.
dependencies = {
  "lua >= 5.1, < 5.6",
  "lua-cjson",
}

-- No header: LuaRocks does not look into Debian's multiarch folder.
external_dependencies = {
  CURL = { library = "curl" },
}

build = {
  type = "make",
  build_target = "all",
  install_target = "install-rock",
  variables = {
    DEPS = "true",
    VERSIONS = "rock",
    LUA_VERSION = "rock",
    -- A folder for each Lua, as a checkout may be built for one after another.
    BUILD = "build/rock$(LUA_INCDIR)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    CURL_INCDIR = "$(CURL_INCDIR)",
    CURL_LIBDIR = "$(CURL_LIBDIR)",
    CFLAGS = "$(CFLAGS)",
  },
  install_variables = {
    LUADIR = "$(LUADIR)",
    LIBDIR = "$(LIBDIR)",
    BINDIR = "$(BINDIR)",
  },
  copy_directories = { "docs" },
}

test = {
  type = "command",
  command = "make test",
}
