# The sources and kernels of the special build in which faults can be switched on (docs/faults.md).

# Tables of FOLDER, as paths below tests/faults/FOLDER: those of the host's code, or those of kernels, whose entries say
# which ("kernels:").
function(assay_fault_tables folder kind tables)
  set(dir ${PROJECT_SOURCE_DIR}/tests/faults/${folder})
  file(GLOB_RECURSE all RELATIVE ${dir} CONFIGURE_DEPENDS ${dir}/*.yaml)
  set(chosen)
  foreach(table ${all})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${dir}/${table})
    file(STRINGS ${dir}/${table} of_kernels REGEX "^  kernels:")
    if((of_kernels AND kind STREQUAL kernels) OR (NOT of_kernels AND kind STREQUAL host))
      list(APPEND chosen ${table})
    endif()
  endforeach()
  set(${tables} ${chosen} PARENT_SCOPE)
endfunction()

# A copy whose table is gone would go on hiding its original.
function(assay_remove_old_faults folder tables)
  set(dir ${PROJECT_BINARY_DIR}/faults/${folder})
  file(GLOB_RECURSE copies RELATIVE ${dir} ${dir}/*)
  foreach(copy ${copies})
    string(REGEX REPLACE "[.]faults[.]hpp$" "" source ${copy})
    if(NOT "${source}.yaml" IN_LIST tables)
      file(REMOVE ${dir}/${copy})
    endif()
  endforeach()
endfunction()

# assay_add_faults(FOLDER SOURCES_VARIABLE): for each table tests/faults/FOLDER/SOURCE.yaml, the source's copy with
# switches takes its place in the list; a header's is found before its original. Which headers have one, ninja cannot
# know by itself: FAULTY_HEADERS, a hash, is to be part of what compiles whatever may include them.
function(assay_add_faults folder sources)
  set(tables_dir ${PROJECT_SOURCE_DIR}/tests/faults/${folder})
  assay_fault_tables(${folder} host tables)
  assay_remove_old_faults(${folder} "${tables}")
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
  set(headers ${tables})
  list(FILTER headers EXCLUDE REGEX "[.]cpp[.]yaml$")
  string(MD5 hash "${headers}")
  set(FAULTY_HEADERS ${hash} PARENT_SCOPE)
  set(${sources} ${list} PARENT_SCOPE)
endfunction()

# assay_add_faulty_kernels(NAME SOURCES...): for each fault of a table that names the kernel, NAME+FAULT.elf. Its switch is
# in a header that app/case/execution.cpp, which chooses kernels, is compiled with.
function(assay_add_faulty_kernels kernel)
  assay_fault_tables(ops kernels tables)
  foreach(table ${tables})
    string(REGEX REPLACE "[.]yaml$" "" source ${table})
    set(path ${PROJECT_SOURCE_DIR}/tests/faults/ops/${table})
    file(STRINGS ${path} lines REGEX "^(- name:|  kernels:)")
    foreach(line ${lines})
      if(line MATCHES "^- name: *([a-z0-9-]+)")
        set(fault ${CMAKE_MATCH_1})
      elseif(line MATCHES "[[, ]${kernel}[], ]")
        set(tree ${PROJECT_BINARY_DIR}/faulty_kernels/${fault})
        set(copy ${tree}/ops/${source})
        get_filename_component(directory ${copy} DIRECTORY)
        file(MAKE_DIRECTORY ${directory})
        get_property(made GLOBAL PROPERTY ASSAY_FAULT_${fault})
        if(NOT made)
          set_property(GLOBAL PROPERTY ASSAY_FAULT_${fault} TRUE)
          add_custom_command(OUTPUT ${copy}
            COMMAND faultgen ${path} ops/${source} ${PROJECT_SOURCE_DIR}/ops/${source} ${copy} ${fault}
            DEPENDS faultgen ${path} ${PROJECT_SOURCE_DIR}/ops/${source}
            VERBATIM)
          add_custom_target(faulty_source_${fault} DEPENDS ${copy})
        endif()
        set(sources ${ARGN})
        list(TRANSFORM sources REPLACE "^${source}$" ${copy})
        assay_add_kernel(${kernel}+${fault} SOURCES ${sources} FIRST ${tree} DEPENDS ${copy})
        add_dependencies(kernel_${kernel}+${fault} faulty_source_${fault})
      endif()
    endforeach()
  endforeach()
endfunction()

# assay_add_kernel_switches(TARGET SOURCE): SOURCE of TARGET knows the switches of all kernels' faults.
function(assay_add_kernel_switches target source)
  assay_fault_tables(ops kernels tables)
  set(headers)
  set(includes "")
  foreach(table ${tables})
    string(REGEX REPLACE "[.]yaml$" "" file ${table})
    set(copy ${PROJECT_BINARY_DIR}/faulty_kernels/switches/ops/${file})
    get_filename_component(directory ${copy} DIRECTORY)
    file(MAKE_DIRECTORY ${directory})
    add_custom_command(OUTPUT ${copy}.faults.hpp BYPRODUCTS ${copy}
      COMMAND faultgen ${PROJECT_SOURCE_DIR}/tests/faults/ops/${table} ops/${file} ${PROJECT_SOURCE_DIR}/ops/${file} ${copy}
      DEPENDS faultgen ${PROJECT_SOURCE_DIR}/tests/faults/ops/${table} ${PROJECT_SOURCE_DIR}/ops/${file}
      VERBATIM)
    list(APPEND headers ${copy}.faults.hpp)
    string(APPEND includes " -include ${copy}.faults.hpp")
  endforeach()
  if(headers)
    add_custom_target(faults_of_kernels DEPENDS ${headers})
    add_dependencies(${target} faults_of_kernels)
    set_source_files_properties(${source} PROPERTIES COMPILE_FLAGS "${includes}")
  endif()
endfunction()
