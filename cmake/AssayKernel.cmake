# Kernels: freestanding C++ for the simulated RISC-V host, built by the packaged cross compiler. Used by Assay's own
# build and, through find_package(Assay), by yours. Whoever includes this file has set
#   ASSAY_KERNEL_INCLUDES   folders of "isa/abi.h", "isa/generated/assay_intrinsics.h", "ops/device/device.hpp"
#   ASSAY_KERNEL_DEVICE     folder of crt0.S, console.c and kernel.ld
#   ASSAY_KERNEL_DEPENDS    files to build first
#   ASSAY_KERNEL_DIR        where kernels go unless DIRECTORY says otherwise

find_program(ASSAY_RISCV_CXX riscv64-unknown-elf-g++ REQUIRED)
find_program(ASSAY_RISCV_CC riscv64-unknown-elf-gcc REQUIRED)
# picolibc's release build: memcpy, printf and the like. Its specs bring a linker script of their own, so the
# library is named by its folder instead.
find_library(ASSAY_KERNEL_LIBC NAMES libc.a REQUIRED NO_DEFAULT_PATH
             PATHS /usr/lib/picolibc/riscv64-unknown-elf/lib/release/rv64imafdc/lp64d)
set(ASSAY_KERNEL_ARCH -march=rv64gc -mabi=lp64d -mcmodel=medany)
set(ASSAY_KERNEL_C_FLAGS
  ${ASSAY_KERNEL_ARCH} -O2 -g -ffp-contract=off -ffreestanding -ffunction-sections -fdata-sections
  -isystem /usr/lib/picolibc/riscv64-unknown-elf/include -Wall -Wextra -Wshadow -Werror)
set(ASSAY_KERNEL_FLAGS ${ASSAY_KERNEL_C_FLAGS} -fno-exceptions -fno-rtti -fno-threadsafe-statics -std=c++17)
add_custom_target(assay_kernels ALL)

# assay_add_kernel(NAME SOURCES ... [DEFINITIONS ...] [DIRECTORY DIR] [FIRST DIR] [DEPENDS ...]) builds DIR/NAME.elf; DIR is
# ASSAY_KERNEL_DIR unless given. FIRST: where headers are looked for first. DEPENDS: files to build first. Sources are C++17 (.cpp), C11 (.c) or assembler (.S). The target is kernel_NAME, or kernel_DIRNAME_NAME for a
# DIR of one's own, and part of assay_kernels.
function(assay_add_kernel name)
  cmake_parse_arguments(ARG "" "DIRECTORY;FIRST" "SOURCES;DEFINITIONS;DEPENDS" ${ARGN})
  list(TRANSFORM ARG_DEFINITIONS PREPEND -D)
  set(target kernel_${name})
  set(own_directory ${ARG_DIRECTORY})
  if(ARG_DIRECTORY)
    get_filename_component(folder ${ARG_DIRECTORY} NAME)
    set(target kernel_${folder}_${name})
  else()
    set(ARG_DIRECTORY ${ASSAY_KERNEL_DIR})
  endif()
  file(MAKE_DIRECTORY ${ARG_DIRECTORY})
  set(includes ${ARG_FIRST} ${ASSAY_KERNEL_INCLUDES})
  list(TRANSFORM includes PREPEND -I)
  set(objects)
  foreach(source ${ARG_SOURCES} ${ASSAY_KERNEL_DEVICE}/console.c ${ASSAY_KERNEL_DEVICE}/crt0.S)
    get_filename_component(source ${source} ABSOLUTE)
    get_filename_component(stem ${source} NAME)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${target}.${stem}.o)
    if(source MATCHES "\\.S$")
      set(command ${ASSAY_RISCV_CC} ${ASSAY_KERNEL_ARCH} -g)
    elseif(source MATCHES "\\.c$")
      set(command ${ASSAY_RISCV_CC} ${ASSAY_KERNEL_C_FLAGS} -std=c11 ${ARG_DEFINITIONS})
    else()
      set(command ${ASSAY_RISCV_CXX} ${ASSAY_KERNEL_FLAGS} ${ARG_DEFINITIONS})
    endif()
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${command} ${includes} -MD -MF ${object}.d -c ${source} -o ${object}
      DEPENDS ${source} ${ASSAY_KERNEL_DEPENDS} ${ARG_DEPENDS}
      DEPFILE ${object}.d
      COMMENT "Building RISC-V object ${target}.${stem}.o")
    list(APPEND objects ${object})
  endforeach()
  set(script ${ASSAY_KERNEL_DEVICE}/kernel.ld)
  set(elf ${ARG_DIRECTORY}/${name}.elf)
  add_custom_command(
    OUTPUT ${elf}
    COMMAND ${ASSAY_RISCV_CC} ${ASSAY_KERNEL_ARCH} -nostdlib -static -Wl,-T,${script}
            -Wl,--gc-sections -Wl,--no-warn-rwx-segments -Wl,--build-id=none ${objects} ${ASSAY_KERNEL_LIBC} -lgcc -o ${elf}
    DEPENDS ${objects} ${script}
    COMMENT "Linking kernel ${name}.elf")
  add_custom_target(${target} DEPENDS ${elf})
  add_dependencies(assay_kernels ${target})
  if(ASSAY_FAULTS STREQUAL "all" AND NOT own_directory AND NOT ARG_FIRST)
    assay_add_faulty_kernels(${name} ${ARG_SOURCES})
  endif()
endfunction()
