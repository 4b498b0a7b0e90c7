// --dump WHAT[/DTYPE][@COMMAND][:FIRST+COUNT][=FILE]: what a memory or a tensor holds at one point of the
// run.
//
// - WHAT: spm, acc, or the name of a tensor of the case
// - DTYPE: of spm and acc, the elements to show; default: bytes, as a hexadecimal dump
// - COMMAND: right after this command, by the number that --commands and messages give it; default: the end
// - FIRST: where it begins: a byte offset in spm and acc, an element in a tensor (both decimal or 0x...)
// - COUNT: bytes, or elements of a tensor; default: everything
// - FILE: FILE.npy (numpy; bf16 as its bits in u2), FILE.bin (the bytes), any other name: text; default: text
//   on standard output
//
// Right after a command means: its values have moved, and so have those of every command that began before.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/case/case_run.hpp"
#include "app/debug/output_file.hpp"
#include "base/tensor.hpp"
#include "sim/observer.hpp"

namespace assay::app {

struct DumpRequest {
  std::string text;  // as given, for messages
  std::string what;
  std::optional<DType> dtype;
  std::optional<std::uint64_t> command;
  std::uint64_t first = 0;
  std::optional<std::uint64_t> count;
  std::string file;  // empty: standard output
};

// Throws Error(Usage) that shows the grammar.
DumpRequest parse_dump(const std::string& text);

// The place that a request means on one machine, in one case.
struct DumpPlace {
  enum class Memory { spm, acc, hbm };
  Memory memory = Memory::spm;
  std::uint64_t offset = 0, bytes = 0;  // in that memory
  std::optional<DType> dtype;           // none: plain bytes
  Shape shape;                          // of the elements shown; one dimension unless a whole tensor
};
// Throws Error(Usage): unknown name, with the nearest; beyond the memory or the tensor; no whole elements.
DumpPlace place_of(const DumpRequest& request, const CaseInput& input, const Machine& machine);

// Takes its snapshots during a run. Its files are opened before, so that a run is not lost to a wrong name.
class Dumper : public sim::Observer {
 public:
  Dumper(const std::vector<std::string>& requests, const CaseInput& input);

  void start(sim::MachineView& view) override { view_ = &view; }
  void executed(const sim::CommandRecord& record) override;
  void end(const sim::RunResult& result) override;

  // Prints and writes what was taken; returns a line for each request whose command never executed.
  std::vector<std::string> finish();

 private:
  struct Snapshot {
    DumpRequest request;
    DumpPlace place;
    bool taken = false;
    std::string when;
    std::vector<std::byte> bytes;
    std::unique_ptr<OutputFile> out;
  };
  void take(Snapshot& snapshot, std::string when);

  std::vector<Snapshot> snapshots_;
  sim::MachineView* view_ = nullptr;
  std::uint64_t commands_ = 0;  // of the run
};

// How bytes are shown and written; for tests, too.
std::string dump_text(const DumpPlace& place, const std::vector<std::byte>& bytes);
std::string dump_npy(const DumpPlace& place, const std::vector<std::byte>& bytes);

}  // namespace assay::app
