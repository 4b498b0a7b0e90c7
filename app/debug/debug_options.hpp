// The options of assay run that look inside a run, and the observers that they stand for (docs/debugging.md).
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "app/case/case_run.hpp"
#include "app/debug/dump.hpp"
#include "app/debug/output_file.hpp"
#include "sim/debug/gdb_server.hpp"
#include "sim/debug/instruction_trace.hpp"

namespace assay::app {

struct DebugOptions {
  std::string trace;  // file, "-" for standard output; empty: none
  std::uint64_t trace_from = 0, trace_to = ~std::uint64_t{0};
  std::vector<std::string> dumps;
  std::string gdb;  // where a debugger may call; empty: none

  bool any() const { return !trace.empty() || !dumps.empty() || !gdb.empty(); }
};

void add_debug_options(CLI::App& verb, DebugOptions& options);

// Throws Error(Usage) for what cannot go together.
struct RunKind {
  bool json = false, values = true;
  std::size_t cases = 1;
};
void check(const DebugOptions& options, const RunKind& kind);

// The observers of one case's run.
class DebugSession {
 public:
  DebugSession(const DebugOptions& options, const CaseInput& input);

  std::vector<sim::Observer*> observers();
  // After the run: completes all files. Returns one line for everything that could not be shown.
  std::vector<std::string> finish();

 private:
  std::unique_ptr<OutputFile> trace_file_;
  std::unique_ptr<sim::InstructionTrace> trace_;
  std::unique_ptr<Dumper> dumper_;
  std::unique_ptr<sim::GdbServer> gdb_;
};

}  // namespace assay::app
