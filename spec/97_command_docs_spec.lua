-- What the pages show of the command: blocks of `console` run as they stand there, and print what
-- stands below each line; the block of `text terminal` is what a person sees who deletes an inbox.
local cli = require("spec.support.cli")
local mock = require("spec.support.mock")
local pages = require("spec.support.pages")

local SERVICE = "https://partners.99digital.co.il/api"
local MARK = "=== end of a command ==="

local quote = mock.shared.quote

local function remove(text, part)
  local first, last = text:find(part, 1, true)
  while first do
    text = text:sub(1, first - 1) .. text:sub(last + 1)
    first, last = text:find(part, 1, true)
  end
  return text
end

-- What a reader would see, who needs no flags for the mock.
local function as_shown(text, world)
  local base_url = world:base_url("live")
  for _, quoted in ipairs { "%s", "'%s'" } do
    text = remove(text, " --base-url " .. quoted:format(base_url))
    text = remove(text, " --ca-file " .. quoted:format(mock.ca_file))
  end
  return (text:gsub(base_url:gsub("%p", "%%%0"), SERVICE))
end

-- Every run has times of its own.
local function without_times(text)
  return (text:gsub('("time":)[%d.]+', "%1..."))
end

-- A block's lines that are typed, each with what is to be shown below it.
local function steps_of(block)
  local steps = {}
  for line in (block.code .. "\n"):gmatch("([^\n]*)\n") do
    local typed = line:match("^%$ (.*)")
    if typed then
      steps[#steps + 1] = { typed = typed, shown = "" }
    else
      local step = assert(steps[#steps], "a block begins with what is typed")
      step.shown = step.shown .. line .. "\n"
    end
  end
  return steps
end

-- A folder with a `ninedig` that goes to the mock.
local function workplace(world)
  local folder = cli.file() .. ".d"
  assert(os.execute(("mkdir -p %s/bin"):format(quote(folder))))
  local command = cli.line(nil, {}, {
    environment = {
      COLUMNS = "80", NINEDIG_BASE_URL = world:base_url("live"), NINEDIG_CA_FILE = mock.ca_file,
    },
  })
  local file = assert(io.open(folder .. "/bin/ninedig", "w"))
  file:write("#!/bin/sh\nexec ", command, ' "$@"\n')
  file:close()
  assert(os.execute(("chmod +x %s/bin/ninedig"):format(quote(folder))))
  return folder
end

-- Runs the lines in one shell; what each of them prints, on either output.
local function run(steps, world)
  local folder = workplace(world)
  local script = { "cd " .. quote(folder), "PATH=" .. quote(folder .. "/bin") .. ":$PATH" }
  for _, step in ipairs(steps) do
    script[#script + 1] = step.typed
    script[#script + 1] = "set -- $?; echo " .. quote(MARK) .. "; (exit $1)"
  end
  local path = cli.file(table.concat(script, "\n") .. "\n")
  local pipe = assert(io.popen("sh " .. quote(path) .. " 2>&1 </dev/null"))
  local output = as_shown(pipe:read("*a"), world)
  pipe:close()
  local shown = {}
  for part in output:gmatch("(.-)" .. MARK:gsub("%p", "%%%0") .. "\n") do
    shown[#shown + 1] = part
  end
  return shown
end

describe("what the pages show of the command", function()
  for i, block in ipairs(pages.blocks("console")) do
    it(("is so: %d, %s, %s"):format(i, block.page, block.heading), function()
      local steps = steps_of(block)
      local shown = run(steps, mock.world())
      for n, step in ipairs(steps) do
        local typed = "$ " .. step.typed .. "\n"
        assert.equal(without_times(typed .. step.shown), without_times(typed .. shown[n]))
      end
    end)
  end

  it("is what a person sees on a terminal", function()
    local world = mock.world()
    local shown_on_one = false
    for _, block in ipairs(pages.blocks("text")) do
      local question, answer = block.code:match("^(.*it: )(%d+)\n")
      if block.words.terminal then
        local step = steps_of(block)[1]
        local words = {}
        for word in step.typed:gsub("^ninedig ", ""):gmatch("%S+") do
          words[#words + 1] = word
        end
        local process =
          cli.start_on_terminal(world, words, { environment = { NO_COLOR = "1" } })
        process:expect(question:match("[^\n]*$"))
        process:type(answer .. "\n")
        assert.equal(0, process:wait())
        assert.equal(step.shown, as_shown(process.seen:gsub("\r", ""), world))
        assert.equal(1, world:count("deleteInbox"))
        shown_on_one = true
      end
    end
    assert.is_true(shown_on_one)
  end)
end)

describe("docs/command.md", function()
  local text = pages.text["docs/command.md"]

  local function help(command)
    return cli.run(nil, { command, "--help" }).out
  end

  local function commands()
    local names = {}
    for line in cli.run(nil, { "--help" }).out:match("\nCommands:\n(.-)\n\n"):gmatch("[^\n]+") do
      names[#names + 1] = line:match("^   (%l[%l-]*)")
    end
    return names
  end

  it("names each command and each of its options", function()
    local count = 0
    for _, command in ipairs(commands()) do
      assert.truthy(text:find(command, 1, true), command)
      for option in help(command):gmatch("%f[-]%-%-%l[%l-]*") do
        assert.truthy(text:find(option, 1, true), command .. " " .. option)
        count = count + 1
      end
    end
    assert.is_true(count > 0)
  end)

  -- The options of a command that the pages' table gives it.
  local function options_given(command)
    local found = {}
    for names, takers in text:gmatch("\n| (`%-%-[^|]*) | ([^|]*) | [^|\n]+ |") do
      if takers == "all" or takers:find("`" .. command .. "`", 1, true) then
        for name in names:gmatch("`(%-%-[%l-]+)`") do
          found[name] = true
        end
      end
    end
    return found
  end

  it("says which command takes which option", function()
    local of_a_list = text:match("\n## A list\n(.-)\n## ")
    for _, command in ipairs { "delete-inbox", "delete-inboxes", "verify", "find", "inboxes",
      "numbers", "accounts" } do
      local given, taken = options_given(command), {}
      local options = help(command):match("\nOptions:(\n.-)\n\n")
      for option in options:gmatch("\n   [-h, ]*(%-%-%l[%l-]*)") do
        taken[option] = true
        local is_said = given[option] or option == "--help"
          or command == "delete-inboxes" and of_a_list:find("`" .. option .. "`", 1, true)
        assert.truthy(is_said, command .. " " .. option)
      end
      for option in pairs(given) do
        assert.is_true(taken[option], command .. " " .. option)
      end
    end
  end)

  it("says what each exit status means", function()
    local count = 0
    for status in help("delete-inbox"):match("\nExit status:\n(.*)"):gmatch("%f[^\n ]%d+%f[ ]") do
      assert.truthy(text:find("\n| " .. status .. " |", 1, true), status)
      count = count + 1
    end
    assert.is_true(count > 5)
  end)
end)
