# What the worked examples of docs/ edit a tree with; `tree` is that tree. An anchor that is not there exactly once
# ends the build and is named.

function(find_once file anchor text)
  string(FIND "${text}" "${anchor}" first)
  string(FIND "${text}" "${anchor}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR "${file}: expected once '${anchor}'")
  endif()
endfunction()

# replace_text(FILE ANCHOR TEXT)
function(replace_text file anchor new)
  file(READ ${tree}/${file} text)
  find_once(${file} "${anchor}" "${text}")
  string(REPLACE "${anchor}" "${new}" text "${text}")
  file(WRITE ${tree}/${file} "${text}")
endfunction()

# add_line(FILE AFTER LINE): inserts a line after the one that reads AFTER, indented like it, unless it is there.
function(add_line file after line)
  file(READ ${tree}/${file} text)
  string(FIND "${text}" "${line}\n" there)
  if(NOT there EQUAL -1)
    return()
  endif()
  find_once(${file} "${after}\n" "${text}")
  string(FIND "${text}" "${after}\n" first)
  string(SUBSTRING "${text}" 0 ${first} head)
  string(REGEX MATCH "\n[ ]*$" indent "\n${head}")  # the line break too
  replace_text(${file} "${after}\n" "${after}${indent}${line}\n")
endfunction()
