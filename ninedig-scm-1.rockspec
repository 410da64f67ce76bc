rockspec_format = "3.0"
package = "ninedig"
version = "scm-1"

source = {
  url = "git+https://example.invalid/ninedig.git",
}

description = {
  summary = "Deletes WhatsApp inboxes of the 99digital service, at most once",
  detailed = "A client of the service's partner API, in C and Lua.",
  license = "MIT",
}

dependencies = {
  "lua >= 5.1",
  "lua-cjson",
}

-- No header: LuaRocks does not look into Debian's multiarch folder.
external_dependencies = {
  CURL = { library = "curl" },
}

build = {
  type = "builtin",
  -- It needs argparse and luaposix, which the library does not, and says so.
  install = { bin = { "bin/ninedig" } },
  modules = {
    ["ninedig.bulk"] = "lua/ninedig/bulk.lua",
    ["ninedig.call"] = "lua/ninedig/call.lua",
    ["ninedig.cli.arguments"] = "lua/ninedig/cli/arguments.lua",
    ["ninedig.cli.ask"] = "lua/ninedig/cli/ask.lua",
    ["ninedig.cli.credentials"] = "lua/ninedig/cli/credentials.lua",
    ["ninedig.cli"] = "lua/ninedig/cli/init.lua",
    ["ninedig.cli.input"] = "lua/ninedig/cli/input.lua",
    ["ninedig.cli.journal"] = "lua/ninedig/cli/journal.lua",
    ["ninedig.cli.json"] = "lua/ninedig/cli/json.lua",
    ["ninedig.cli.listing"] = "lua/ninedig/cli/listing.lua",
    ["ninedig.cli.many"] = "lua/ninedig/cli/many.lua",
    ["ninedig.cli.names"] = "lua/ninedig/cli/names.lua",
    ["ninedig.cli.one"] = "lua/ninedig/cli/one.lua",
    ["ninedig.cli.output"] = "lua/ninedig/cli/output.lua",
    ["ninedig.cli.preview"] = "lua/ninedig/cli/preview.lua",
    ["ninedig.cli.progress"] = "lua/ninedig/cli/progress.lua",
    ["ninedig.cli.recheck"] = "lua/ninedig/cli/recheck.lua",
    ["ninedig.cli.report"] = "lua/ninedig/cli/report.lua",
    ["ninedig.cli.stop"] = "lua/ninedig/cli/stop.lua",
    ["ninedig.cli.system"] = "lua/ninedig/cli/system.lua",
    ["ninedig.cli.text"] = "lua/ninedig/cli/text.lua",
    ["ninedig.cli.waiting"] = "lua/ninedig/cli/waiting.lua",
    ["ninedig.cli.width"] = "lua/ninedig/cli/width.lua",
    ["ninedig.client"] = "lua/ninedig/client.lua",
    ["ninedig.deletion"] = "lua/ninedig/deletion.lua",
    ["ninedig.error"] = "lua/ninedig/error.lua",
    ninedig = "lua/ninedig/init.lua",
    ["ninedig.lookup"] = "lua/ninedig/lookup.lua",
    ["ninedig.read"] = "lua/ninedig/read.lua",
    ["ninedig.safe"] = "lua/ninedig/safe.lua",
    ["ninedig.session"] = "lua/ninedig/session.lua",
    ["ninedig.task"] = "lua/ninedig/task.lua",
    ["ninedig.verify"] = "lua/ninedig/verify.lua",
    ["ninedig.wait.blocking"] = "lua/ninedig/wait/blocking.lua",
    ["ninedig.wait"] = "lua/ninedig/wait/init.lua",
    ["ninedig.wait.loop"] = "lua/ninedig/wait/loop.lua",
    ["ninedig.wait.nginx"] = "lua/ninedig/wait/nginx.lua",
    ["ninedig.wait.protect"] = "lua/ninedig/wait/protect.lua",
    ["ninedig.wait.workers"] = "lua/ninedig/wait/workers.lua",
    ["ninedig.core"] = {
      sources = {
        "src/core/answer.c",
        "src/core/buffer.c",
        "src/core/call.c",
        "src/core/engine.c",
        "src/core/error.c",
        "src/core/json_text.c",
        "src/core/outcome.c",
        "src/core/redact.c",
        "src/core/request.c",
        "src/core/settings.c",
        "src/core/sockets.c",
        "src/core/transfer.c",
        "src/core/url.c",
        "src/core/value.c",
        "src/lua/catalogue.c",
        "src/lua/json.c",
        "src/lua/module.c",
        "src/lua/objects.c",
        "src/lua/params.c",
        "src/lua/reply.c",
        "src/lua/values.c",
      },
      libraries = { "curl", "pthread" },
      -- Not a folder. The builtin back-end has no way to pass options to the
      -- linker, but makes "-Wl,-rpath,X" of this. These options are needed: see
      -- the Makefile. $ORIGIN, the folder of the library itself, is there as
      -- -rpath takes an argument, and is a harmless one.
      libdirs = { "$ORIGIN,-z,nodelete,--version-script,src/exports.map" },
    },
  },
}
