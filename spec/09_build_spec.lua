-- What users build and install: by LuaRocks and by `make install`, each into
-- an empty folder, and used from there.  One run covers all versions of Lua.

if os.getenv("NINEDIG_LUA_VERSION") ~= "5.4" then
  return pending("an installation: the run on Lua 5.4 covers all versions", function() end)
end

local function output_of(command)
  local pipe = assert(io.popen("{ " .. command .. "; } 2>&1; echo $?"))
  local text, status = pipe:read("*a"):match("^(.-)(%d+)\n$")
  pipe:close()
  return text, tonumber(status)
end

local function run(command, ...)
  local text, status = output_of(command:format(...))
  assert.message(text).equal(0, status)
  return text
end

-- Loads what stands in a tree, from an empty folder, and nothing else of ours.
local function load_from(tree, version, lua)
  return run(
    "cd %s/empty && env -u LUA_PATH_5_4 -u LUA_CPATH_5_4 "
      .. "LUA_PATH='%s/share/lua/%s/?.lua;%s/share/lua/%s/?/init.lua;;' "
      .. "LUA_CPATH='%s/lib/lua/%s/?.so;;' "
      .. "%s -e 'print(require(\"ninedig\")._VERSION, package.loaded[\"ninedig.core\"])'",
    tree, tree, version, tree, version, tree, version, lua
  )
end

describe("an installation #novalgrind #nosanitize", function()
  local top

  setup(function()
    top = run("mktemp -d"):gsub("\n", "")
    run("mkdir %s/source && cp -r Makefile *.rockspec src lua tools docs %s/source", top, top)
    run("if [ -d bin ]; then cp -r bin %s/source; fi", top)
  end)

  teardown(function() run("rm -rf %s", top) end)

  local function assert_library(file)
    assert.equal(("luaopen_ninedig_%s\n"):format(file:match("(%w+)%.so$")),
      run("nm -D --defined-only %s | awk '{ print $NF }'", file))
    local dynamic = run("readelf -d %s", file)
    assert.not_matches("liblua", dynamic)
    assert.not_matches("R[UN]*PATH", dynamic)
  end

  local function assert_tree(tree, version, lua)
    run("mkdir -p %s/empty", tree)
    assert.matches("^ninedig %d+%.%d+%.%d+%s+table: ", load_from(tree, version, lua))
    for _, name in ipairs { "core", "posix" } do
      assert_library(("%s/lib/lua/%s/ninedig/%s.so"):format(tree, version, name))
    end
  end

  local function assert_command(tree)
    assert.matches("^ninedig %d+%.%d+%.%d+\n$", run("cd / && %s/bin/ninedig --version", tree))
    assert.matches("no credentials",
      output_of(("cd / && env -i PATH=\"$PATH\" %s/bin/ninedig accounts"):format(tree)))
  end

  for _, version in ipairs { "5.4", "5.1" } do
    it("by LuaRocks works on Lua " .. version, function()
      local tree = ("%s/rocks-%s"):format(top, version)
      run("cd %s/source && HOME=%s luarocks --lua-version %s make --deps-mode=none --tree=%s",
        top, top, version, tree)
      assert_tree(tree, version, "lua" .. version)
      assert_command(tree)
    end)
  end

  for _, name in ipairs { "5.4", "5.3", "5.2", "5.1", "jit" } do
    it("by make install works on Lua " .. name, function()
      local tree = ("%s/prefix-%s"):format(top, name)
      run("cd %s/source && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u VERSIONS "
        .. "make DEPS=true BUILD=build LUA_VERSION=%s PREFIX=%s install", top, name, tree)
      local lua = name == "jit" and "luajit" or "lua" .. name
      assert_tree(tree, name == "jit" and "5.1" or name, lua)
      assert.equal("#!/usr/bin/env " .. lua .. "\n", run("head -1 %s/bin/ninedig", tree))
      assert_command(tree)
    end)
  end

  it("goes below DESTDIR, and there alone", function()
    local stage = top .. "/stage"
    run("cd %s/source && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u VERSIONS "
      .. "make DEPS=true BUILD=build DESTDIR=%s PREFIX=%s/never install", top, stage, top)
    run("test -f %s%s/never/lib/lua/5.4/ninedig/core.so", stage, top)
    run("test ! -e %s/never", top)
  end)
end)
