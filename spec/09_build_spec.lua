-- What users build, pack and install, each into an empty folder, and use from there. One run covers
-- all versions of Lua that are there; nothing is asked of another machine.

if os.getenv("NINEDIG_LUA_VERSION") ~= "5.4" then
  return pending("an installation: the run on Lua 5.4 covers all versions", function() end)
end

local output_of = require("spec.support.mock").shared.output_of

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

-- make and luarocks on their own, and quick to compile.
local ALONE = "env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u VERSIONS -u DEBEMAIL HOME=%s "
local MAKE = ALONE .. "make -s DEPS=true BUILD=build CFLAGS=-O0 "

local function is_there(lua)
  local _, status = output_of("command -v " .. lua)
  return status == 0
end

local function lua_of(name)
  return name == "jit" and "luajit" or "lua" .. name
end

local function folder_of(name)
  return name == "jit" and "5.1" or name
end

describe("an installation #novalgrind #nosanitize", function()
  local top

  -- Runs in the sources, "%s" being their parent.
  local function in_source(command, ...)
    return run("cd %s/source && " .. command, top, top, ...)
  end

  setup(function()
    top = run("mktemp -d"):gsub("\n", "")
    run("mkdir %s/source && cp -r Makefile CHANGELOG.md LICENSE README.md *.rockspec bin src lua"
      .. " tools types docs %s/source", top, top)
    run("cd %s/source && git init -q && git add -A && git -c user.name=spec"
      .. " -c user.email=spec@localhost commit -q -m all", top)
  end)

  teardown(function() run("rm -rf %s", top) end)

  local function assert_library(file)
    assert.equal(("luaopen_ninedig_%s\n"):format(file:match("(%w+)%.so$")),
      run("nm -D --defined-only %s | awk '{ print $NF }'", file))
    local dynamic = run("readelf -d %s", file)
    assert.not_matches("liblua", dynamic)
    assert.not_matches("R[UN]*PATH", dynamic)
  end

  local function assert_tree(tree, name)
    local version = folder_of(name)
    run("mkdir -p %s/empty", tree)
    run("test -f %s/share/lua/%s/ninedig/types/ninedig/safe.lua", tree, version)
    assert.matches("^ninedig %d+%.%d+%.%d+%s+table: ", load_from(tree, version, lua_of(name)))
    for _, library in ipairs { "core", "posix" } do
      assert_library(("%s/lib/lua/%s/ninedig/%s.so"):format(tree, version, library))
    end
  end

  local function assert_command(tree)
    assert.matches("^ninedig %d+%.%d+%.%d+\n$", run("cd / && %s/bin/ninedig --version", tree))
    assert.matches("no credentials",
      output_of(("cd / && env -i PATH=\"$PATH\" %s/bin/ninedig accounts"):format(tree)))
  end

  it("from the checkout by LuaRocks works, on one Lua after another", function()
    for _, version in ipairs { "5.4", "5.1" } do
      local tree = ("%s/checkout-%s"):format(top, version)
      in_source(ALONE .. "luarocks --lua-version %s make --deps-mode=none --tree=%s"
        .. " CFLAGS='-O0 -fPIC'", version, tree)
      assert_tree(tree, version)
      assert_command(tree)
    end
  end)

  it("from the packed rock works", function()
    in_source(MAKE .. "rock")
    local rockspec = run("ls %s/source/build/dist/*.rockspec", top):gsub("\n", "")
    run("cd / && luarocks lint %s", rockspec)
    local rock = rockspec:gsub("rockspec$", "src.rock")
    for _, version in ipairs { "5.4", "5.1" } do
      local tree = ("%s/rock-%s"):format(top, version)
      run("mkdir %s && cd %s && " .. ALONE .. "luarocks --lua-version %s install --deps-mode=none"
        .. " --tree=%s %s CFLAGS='-O0 -fPIC'", tree, tree, top, version, tree, rock)
      assert_tree(tree, version)
      assert_command(tree)
    end
  end)

  it("packs the same bytes each time", function()
    local first = in_source(MAKE .. "rock && md5sum build/dist/*")
    in_source("rm -r build/dist && find . -not -path './.git*' -exec touch {} +")
    assert.equal(first, in_source("umask 077; " .. MAKE .. "rock && md5sum build/dist/*"))
    assert.matches("ninedig%-[%d.]+%.tar%.gz", first)
  end)

  it("packs a checkout alone, and says so", function()
    in_source(MAKE .. "dist")
    run("mkdir %s/unpacked && tar -x -z -f %s/source/build/dist/*.tar.gz -C %s/unpacked",
      top, top, top)
    local text, status = output_of(("cd %s/unpacked/* && " .. MAKE .. "dist"):format(top, top))
    assert.not_equal(0, status)
    assert.matches("^make dist needs git and a checkout[^\n]*\n", text)
  end)

  for _, name in ipairs { "5.5", "5.4", "5.3", "5.2", "5.1", "jit" } do
    if is_there(lua_of(name)) then
      it("by make install works on Lua " .. name .. ", and goes by make uninstall", function()
        local tree = ("%s/prefix-%s"):format(top, name)
        in_source(MAKE .. "LUA_VERSION=%s PREFIX=%s install", name, tree)
        assert_tree(tree, name)
        assert.equal("#!/usr/bin/env " .. lua_of(name) .. "\n", run("head -1 %s/bin/ninedig", tree))
        assert_command(tree)
        in_source(MAKE .. "LUA_VERSION=%s PREFIX=%s uninstall", name, tree)
        assert.equal("", run("find %s -type f", tree))
      end)
    end
  end

  it("goes below DESTDIR, and there alone", function()
    local stage = top .. "/stage"
    in_source(MAKE .. "DESTDIR=%s PREFIX=%s/never install", stage, top)
    run("test -f %s%s/never/lib/lua/5.4/ninedig/core.so", stage, top)
    run("test ! -e %s/never", top)
  end)

  -- What make says where it refuses, before it has built or written anything.
  local function refusal(arguments)
    run("rm -rf %s/source/build", top)
    local text, status = output_of(("cd %s/source && " .. MAKE .. arguments):format(top, top))
    assert.equal(2, status, text)
    run("test ! -e %s/source/build", top)
    return text
  end

  it("is refused for a Lua that there is not", function()
    for _, goal in ipairs { "install", "uninstall", "deps" } do
      assert.matches('LUA_VERSION is 5.1, 5.2, 5.3, 5.4,? ?5?%.?5? or jit, not "luajit"',
        refusal("LUA_VERSION=luajit " .. goal))
    end
  end)

  it("is refused once where it cannot be written", function()
    run("touch %s/file", top)
    local text = refusal("PREFIX=" .. top .. "/file/tree LUA_VERSION=5.4 install")
    assert.matches("/file/tree/share/lua/5.4 cannot be written: be root, or give another PREFIX",
      text, 1, true)
    assert.equal(1, select(2, text:gsub("\n", "")), text)
  end)

  it("in a prefix of OpenResty is found by its LuaJIT without a path", function()
    local prefix = top .. "/openresty"
    run("mkdir -p %s/lualib %s/luajit/include", prefix, prefix)
    run("cp -r \"$(tools/incdir jit)\" %s/luajit/include/luajit-2.1", prefix)
    local cjson = run("luajit -e 'io.write(package.searchpath(\"cjson\", package.cpath))'")
    run("cp %s %s/lualib/cjson.so", cjson, prefix)
    in_source(MAKE .. "LUA_VERSION=jit LUA_INCDIR=%s/luajit/include/luajit-2.1 BIN="
      .. " LUADIR=%s/site/lualib LIBDIR=%s/site/lualib install", prefix, prefix, prefix)
    -- The paths that are built into it.
    assert.matches("^ninedig ", run("cd / && LUA_PATH='%s/site/lualib/?.ljbc;%s/site/lualib/?.lua;"
      .. "%s/site/lualib/?/init.lua;%s/lualib/?.lua' LUA_CPATH='%s/site/lualib/?.so;%s/lualib/?.so'"
      .. " luajit -e 'print(require(\"ninedig\")._VERSION)'",
      prefix, prefix, prefix, prefix, prefix, prefix))
  end)
end)
