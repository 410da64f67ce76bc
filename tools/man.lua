-- Writes the man page from what `--help` is made of: man.lua VERSION.
package.path = "./lua/?.lua;" .. package.path
local arguments = require("ninedig.cli.arguments")
local manual = require("ninedig.cli.manual")

local version = arg[1]
local parser = arguments.parser(version)

local function write(line, ...)
  io.write(select("#", ...) > 0 and line:format(...) or line, "\n")
end

-- A text as roff takes it literally.
local function escape(text)
  local escaped = text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("`([^`]*)`", "\\fB%1\\fR")
  return (escaped:gsub("^([.'])", "\\&%1"):gsub("\n([.'])", "\n\\&%1"))
end

local function paragraphs(text)
  for paragraph in (text .. "\n\n"):gmatch("(.-)\n\n+") do
    write(".PP\n%s", escape(paragraph))
  end
end

local function names_of(option)
  local names = {}
  for i, name in ipairs(option._aliases) do
    names[i] = "\\fB" .. escape(name) .. "\\fR"
  end
  local shown = table.concat(names, ", ")
  return option._argname and shown .. " \\fI" .. escape(option._argname:match("[^<>]+")) .. "\\fR"
    or shown
end

local function options_of(element)
  for _, argument in ipairs(element._arguments) do
    write(".TP\n\\fI%s\\fR\n%s", escape(argument._name), escape(argument._description))
  end
  for _, option in ipairs(element._options) do
    write(".TP\n%s\n%s", names_of(option), escape(option._description))
  end
end

local function pairs_of(list, font)
  for _, pair in ipairs(list) do
    write(".TP\n\\f%s%s\\fR\n%s", font, escape(pair[1]), escape(pair[2]))
  end
end

local function usage_of(element)
  local usage = element:get_usage():gsub("^Usage: ", ""):gsub("%s+", " ")
  return escape(usage):gsub("^ninedig", "\\fBninedig\\fR")
end

-- argparse's own command `help` needs no words of ours.
local function commands()
  local found = {}
  for _, command in ipairs(parser._commands) do
    if manual.pages[command._name] then
      found[#found + 1] = command
    end
  end
  return found
end

local main = manual.pages.ninedig
write('.TH NINEDIG 1 "" "ninedig %s" "User Commands"', version)
write(".SH NAME\nninedig \\- %s", escape(main.summary))
write(".SH SYNOPSIS")
for _, command in ipairs(commands()) do
  write(".PP\n%s", (usage_of(command)))
end
write(".SH DESCRIPTION")
paragraphs(main.description)
write(".SH EXAMPLES")
pairs_of(main.examples, "B")
write(".SH OPTIONS")
options_of(parser)
for _, command in ipairs(commands()) do
  local page = manual.pages[command._name]
  write(".SH COMMAND: %s", escape(command._name:upper()))
  paragraphs(page.description)
  write(".SS Examples")
  pairs_of(page.examples, "B")
  write(".SS Options")
  options_of(command)
  if page.statuses ~= main.statuses then
    write(".SS Exit status")
    pairs_of(page.statuses, "B")
  end
end
write(".SH EXIT STATUS")
pairs_of(main.statuses, "B")
for _, section in ipairs(manual.sections) do
  write(".SH %s", section.title:upper())
  if section.text then
    paragraphs(section.text)
  end
  pairs_of(section.pairs or {}, "B")
end
