// An image as the bytes of an ELF executable that the platform loads: one segment, the Assay note, a symbol
// for each item. Source: System V ABI, ELF-64; isa/abi.h for the note.
#pragma once

#include <string>

#include "testgen/program/assemble.hpp"

namespace assay::testgen::program {

// Of a self-checking image: HBM's first contents would be lost.
std::string elf_file(const Image& image, const Program& program);

}  // namespace assay::testgen::program
