// Kernels: reading ELF64 little-endian RISC-V executables, strictly.
//
// Every offset and size of the file is checked before it is used; a truncated or hostile file is an
// Error(BadInput), one line that names the file and the problem. So is a kernel without the Assay note
// (isa/abi.h), or with the note of another ABI or ISA version.
// Source: System V ABI, ELF-64 Object File Format 1.5; RISC-V ELF psABI.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace assay::sim {

// A part of the program in TCM; memory beyond `data` is zero.
struct ElfSegment {
  std::uint64_t address = 0;
  std::uint64_t memory_bytes = 0;  // at least data.size()
  bool executable = false;
  std::vector<std::byte> data;

  std::uint64_t end() const { return address + memory_bytes; }
};

// A range of instructions.
struct ElfCode {
  std::string section;  // "segment" where the file has no section table
  std::uint64_t address = 0;
  std::vector<std::byte> data;
};

struct ElfSymbol {
  std::string name;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};

struct ElfImage {
  std::string file;
  std::uint64_t entry = 0;
  std::vector<ElfSegment> segments;  // by address, without overlap, all from ASSAY_TEXT_BASE on
  std::vector<ElfCode> code;         // by address
  std::vector<ElfSymbol> symbols;    // by address: functions and labels within the segments

  std::uint64_t end() const { return segments.back().end(); }
  // The last symbol at or before the address, or null.
  const ElfSymbol* symbol_at(std::uint64_t address) const;
};

ElfImage load_elf(const std::string& path);

// Throws Error(Usage) when the program does not fit a TCM of this size.
void require_fits(const ElfImage& image, Bytes tcm);

}  // namespace assay::sim
