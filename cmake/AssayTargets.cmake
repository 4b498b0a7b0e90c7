# One library target per folder, and the arrows between folders.
#
# Each library sees only its own headers and those of the libraries it links: a folder's headers are
# reached as "folder/file.hpp" through a directory that holds nothing but a link to that folder. An
# include against the arrows of docs/architecture.md therefore does not compile.

add_library(assay_flags INTERFACE)
target_compile_options(assay_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror
  -ffp-contract=off -fno-fast-math)
# SystemC is compiled as C++17 in Debian; every unit must agree or the link fails.
target_compile_definitions(assay_flags INTERFACE SC_CPLUSPLUS=201703L)
if(ASSAY_SANITIZE)
  # GCC 12 takes instrumented std::variant members for uninitialised: that warning is left to release.
  target_compile_options(assay_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
                         -fno-omit-frame-pointer -Wno-maybe-uninitialized)
  target_link_options(assay_flags INTERFACE -fsanitize=address,undefined)
endif()

# assay_library(FOLDER SOURCES ... [LINKS ...] [PRIVATE_LINKS ...]) makes target assay_FOLDER.
function(assay_library folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  set(view ${PROJECT_BINARY_DIR}/include/${folder})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${view}/${folder} SYMBOLIC)
  if(ASSAY_FAULTS STREQUAL "all" OR folder IN_LIST ASSAY_FAULTS)
    assay_add_faults(${folder} ARG_SOURCES)
  endif()
  add_library(assay_${folder} STATIC ${ARG_SOURCES})
  if(TARGET faults_${folder})
    target_include_directories(assay_${folder} PUBLIC ${PROJECT_BINARY_DIR}/faults)
    target_compile_definitions(assay_${folder} PUBLIC ASSAY_FAULTY_HEADERS_${folder}="${FAULTY_HEADERS}")
    add_dependencies(assay_${folder} faults_${folder})
  endif()
  target_include_directories(assay_${folder} PUBLIC ${view})
  target_link_libraries(assay_${folder} PUBLIC ${ARG_LINKS} PRIVATE assay_flags ${ARG_PRIVATE_LINKS})
endfunction()

# assay_test(NAME SOURCES ... LINKS ... [LABELS ...] [ARGS ...] [MAIN]) makes one test program.
# Labels: unit (milliseconds), integration (a whole run), slow. MAIN: the test brings its own main().
function(assay_test name)
  cmake_parse_arguments(ARG "MAIN" "" "SOURCES;LINKS;LABELS;ARGS;ENVIRONMENT" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE assay_flags ${ARG_LINKS} GTest::gmock)
  if(NOT ARG_MAIN)
    target_link_libraries(${name} PRIVATE GTest::gmock_main)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 900)
  if(ARG_ENVIRONMENT)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${ARG_ENVIRONMENT}")
  endif()
endfunction()
