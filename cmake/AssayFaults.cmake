# The sources of the special build in which faults can be switched on (docs/faults.md).

# assay_add_faults(FOLDER SOURCES_VARIABLE): for each table tests/faults/FOLDER/SOURCE.yaml, the source's copy with
# switches takes its place in the list; a header's is found before its original.
function(assay_add_faults folder sources)
  set(tables_dir ${PROJECT_SOURCE_DIR}/tests/faults/${folder})
  file(GLOB_RECURSE tables RELATIVE ${tables_dir} CONFIGURE_DEPENDS ${tables_dir}/*.yaml)
  set(list ${${sources}})
  set(generated)
  foreach(table ${tables})
    string(REGEX REPLACE "[.]yaml$" "" source ${table})
    set(original ${PROJECT_SOURCE_DIR}/${folder}/${source})
    if(NOT EXISTS ${original})
      message(FATAL_ERROR "tests/faults/${folder}/${table}: there is no ${folder}/${source}")
    endif()
    set(copy ${PROJECT_BINARY_DIR}/faults/${folder}/${source})
    get_filename_component(directory ${copy} DIRECTORY)
    file(MAKE_DIRECTORY ${directory})
    add_custom_command(OUTPUT ${copy} ${copy}.faults.hpp
      COMMAND faultgen ${tables_dir}/${table} ${folder}/${source} ${original} ${copy}
      DEPENDS faultgen ${tables_dir}/${table} ${original}
      VERBATIM)
    list(APPEND generated ${copy})
    list(TRANSFORM list REPLACE "^${source}$" ${copy})
  endforeach()
  if(generated)
    add_custom_target(faults_${folder} DEPENDS ${generated})
  endif()
  set(${sources} ${list} PARENT_SCOPE)
endfunction()
