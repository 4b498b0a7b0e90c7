# cmake -P examples/add-an-instruction/apply.cmake [-- TREE]: adds vxu.iota to the tree that it lies in, or to TREE.
cmake_minimum_required(VERSION 3.25)
math(EXPR last "${CMAKE_ARGC} - 1")
set(tree ${CMAKE_CURRENT_LIST_DIR}/../..)
if(CMAKE_ARGV${last} MATCHES "^/")
  set(tree ${CMAKE_ARGV${last}})
endif()
include(${CMAKE_CURRENT_LIST_DIR}/../edit_tree.cmake)
file(STRINGS ${tree}/isa/instructions.yaml there REGEX "mnemonic: vxu.iota")
if(there)
  return()
endif()

# 1. The table: encoding, operands, registers.
set(last_row "    doc: Writes two adjacent configuration registers of an engine.\n")
replace_text(isa/instructions.yaml "${last_row}" "${last_row}  - mnemonic: vxu.iota
    opcode: custom-0
    funct3: 2
    funct7: 1
    engine: vxu
    command: vxu
    registers: vxu
    rs1: []
    rs2: [{name: out_addr, bits: \"31:0\", type: local, doc: first element of the output}]
    reads: []
    writes: [spm, acc]
    doc: Writes bias_imm + column_base + column to each element of rows x cols, modulo 2^32; integers only.
")

# 2. The unit: what it does, and when.
add_line(core/vxu/vxu.hpp "CommandTimes pass(const isa::VxuCommand& command, Cycle ready);  // throws CommandFault"
         "CommandTimes iota(const isa::VxuCommand& command, Cycle ready);  // throws CommandFault")
set(end_of_values "  run_pass(pass);\n}\n")
file(READ ${CMAKE_CURRENT_LIST_DIR}/iota.inc iota)
replace_text(core/vxu/vxu.cpp "${end_of_values}" "${end_of_values}\n${iota}")
add_line(core/vxu/vxu.cpp [[#include "core/command_fault.hpp"]] [[#include "core/numerics/convert.hpp"]])

# 3. The unit's dispatch.
replace_text(core/vxu/vxu.cpp "{ return pass(c, ready); }" "{
  return c.instruction == isa::Instruction::vxu_iota ? iota(c, ready) : pass(c, ready);
}")

# 4. Its footprint, for the sanitizer.
set(begin "std::vector<Access> accesses(const isa::VxuCommand& c) {\n")
replace_text(core/footprint.cpp "${begin}" "${begin}  if (c.instruction == isa::Instruction::vxu_iota) {
    Access out = rows_of(\"the output\", c.out_addr, c.out_dtype, c, c.out_row_stride,
                         static_cast<std::int64_t>(size_of(c.out_dtype)));
    out.write = true;
    return {out};
  }\n")
