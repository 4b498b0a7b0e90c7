# Kernels: freestanding C++ for the simulated RISC-V host, built by the packaged cross compiler.

find_program(ASSAY_RISCV_CXX riscv64-unknown-elf-g++ REQUIRED)
find_program(ASSAY_RISCV_CC riscv64-unknown-elf-gcc REQUIRED)
# picolibc's release build: memcpy, printf and the like. Its specs bring a linker script of their own, so the
# library is named by its folder instead.
find_library(ASSAY_KERNEL_LIBC NAMES libc.a REQUIRED NO_DEFAULT_PATH
             PATHS /usr/lib/picolibc/riscv64-unknown-elf/lib/release/rv64imafdc/lp64d)
set(ASSAY_KERNEL_DIR ${PROJECT_BINARY_DIR}/kernels)
set(ASSAY_KERNEL_ARCH -march=rv64gc -mabi=lp64d -mcmodel=medany)
set(ASSAY_KERNEL_C_FLAGS
  ${ASSAY_KERNEL_ARCH} -O2 -g -ffreestanding -ffunction-sections -fdata-sections
  -isystem /usr/lib/picolibc/riscv64-unknown-elf/include -Wall -Wextra -Wshadow -Werror)
set(ASSAY_KERNEL_FLAGS ${ASSAY_KERNEL_C_FLAGS} -fno-exceptions -fno-rtti -fno-threadsafe-statics -std=c++17)
add_custom_target(assay_kernels ALL)

# assay_add_kernel(NAME SOURCES ... [DEFINITIONS ...] [DIRECTORY DIR]) builds DIR/NAME.elf; DIR is the kernel folder unless
# given. The target is kernel_NAME, or kernel_DIRNAME_NAME for a DIR of one's own.
function(assay_add_kernel name)
  cmake_parse_arguments(ARG "" "DIRECTORY" "SOURCES;DEFINITIONS" ${ARGN})
  list(TRANSFORM ARG_DEFINITIONS PREPEND -D)
  set(target kernel_${name})
  if(ARG_DIRECTORY)
    get_filename_component(folder ${ARG_DIRECTORY} NAME)
    set(target kernel_${folder}_${name})
  else()
    set(ARG_DIRECTORY ${ASSAY_KERNEL_DIR})
  endif()
  file(MAKE_DIRECTORY ${ARG_DIRECTORY})
  set(includes -I${PROJECT_SOURCE_DIR} -I${ASSAY_ISA_GENERATED_DIR})
  set(objects)
  foreach(source ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/ops/device/console.c ${PROJECT_SOURCE_DIR}/ops/device/crt0.S)
    get_filename_component(source ${source} ABSOLUTE)
    get_filename_component(stem ${source} NAME)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${target}.${stem}.o)
    if(source MATCHES "\\.S$")
      set(command ${ASSAY_RISCV_CC} ${ASSAY_KERNEL_ARCH})
    elseif(source MATCHES "\\.c$")
      set(command ${ASSAY_RISCV_CC} ${ASSAY_KERNEL_C_FLAGS} -std=c11)
    else()
      set(command ${ASSAY_RISCV_CXX} ${ASSAY_KERNEL_FLAGS} ${ARG_DEFINITIONS})
    endif()
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${command} ${includes} -MD -MF ${object}.d -c ${source} -o ${object}
      DEPENDS ${source} ${ASSAY_ISA_INTRINSICS}
      DEPFILE ${object}.d
      COMMENT "Building RISC-V object ${target}.${stem}.o")
    list(APPEND objects ${object})
  endforeach()
  set(script ${PROJECT_SOURCE_DIR}/ops/device/kernel.ld)
  set(elf ${ARG_DIRECTORY}/${name}.elf)
  add_custom_command(
    OUTPUT ${elf}
    COMMAND ${ASSAY_RISCV_CC} ${ASSAY_KERNEL_ARCH} -nostdlib -static -Wl,-T,${script}
            -Wl,--gc-sections -Wl,--no-warn-rwx-segments -Wl,--build-id=none ${objects} ${ASSAY_KERNEL_LIBC} -lgcc -o ${elf}
    DEPENDS ${objects} ${script}
    COMMENT "Linking kernel ${name}.elf")
  add_custom_target(${target} DEPENDS ${elf})
  add_dependencies(assay_kernels ${target})
endfunction()
