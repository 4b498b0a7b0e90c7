// Source lines of a kernel, from its ELF's DWARF.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace assay::sim {

struct SourceLine {
  std::string file;  // without its folder
  int line = 0;
  std::string function;  // may be empty
};

class SourceLines {
 public:
  // A file without line information, or that has gone, gives no lines.
  explicit SourceLines(const std::string& elf_file);
  ~SourceLines();
  SourceLines(const SourceLines&) = delete;
  SourceLines& operator=(const SourceLines&) = delete;

  // The innermost line first, then the calls through which it was inlined. The wrappers of single AI
  // instructions (assay_intrinsics.h) are left out.
  std::vector<SourceLine> at(std::uint64_t pc) const;

  // "gemm_kernel.cpp:210 in load_operands, called at gemm_kernel.cpp:150 in run_tile"; empty where unknown.
  std::string text_at(std::uint64_t pc) const;

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace assay::sim
