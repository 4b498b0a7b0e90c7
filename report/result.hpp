// The result of one case as plain data: what every report is made from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace assay::report {

// What one golden said about one output.
struct GoldenVerdict {
  std::string backend;
  std::string output;
  bool passed = false;
  std::int64_t elements = 0;
  std::int64_t mismatches = 0;
  double max_error_in_bounds =
      0;  // largest error as a fraction of its bound; bit-exact comparisons: 0 or Inf
  double max_ulps = 0;
  double cosine = 1, snr_db = 0;
  std::string line;  // the comparison in one line
};

// What one metamorphic relation said (docs/metamorphic.md).
struct RelationVerdict {
  enum class Outcome : std::uint8_t {
    Held,
    Broken,
    Refused,  // no run that it derives can be run: too large for the machine, or not supported
    Idle      // the case's values meet its condition nowhere
  };
  std::string relation;
  Outcome outcome = Outcome::Idle;
  std::string what;       // what was derived: "m, n permuted"
  std::string message;    // where it is broken, or why it was refused
  std::string reproduce;  // the command line that runs it alone
};
std::string_view to_string(RelationVerdict::Outcome outcome);

// Cycles of one unit by owner; they sum to the run's cycles.
struct UnitCycles {
  std::string unit;
  std::vector<std::pair<std::string, std::uint64_t>> owners;
};

// Ceilings for this case on this machine. Cycles are core cycles.
struct Roofline {
  double peak_macs_per_cycle = 0;   // of this dtype; 0 where no MACs are declared
  double lanes = 0;                 // of the vector unit: elements a cycle
  double pin_bytes_per_cycle = 0;   // HBM at the pins
  double refresh_fraction = 1;      // what refresh leaves of it
  double intensity = 0;             // declared MACs per compulsory byte
  std::uint64_t compute_floor = 0;  // the larger of MACs / peak and vector elements / lanes
  std::uint64_t memory_floor = 0;   // compulsory bytes / pin rate
  // The larger of the array's cycles for this shape in whole tiles, best dataflow, and the vector unit's.
  std::uint64_t shape_cycles = 0;
  std::uint64_t attainable = 0;  // max(shape_cycles, compulsory bytes / (pin rate x refresh_fraction))
  std::string binding;           // "mxu", "vxu", "host" or "hbm"
};

// What went wrong in the kernel: a finding of the sanitizer, or how the run ended where it did not halt.
struct Finding {
  struct Site {
    std::string text;    // "mxu.ws #12 reads A, line 5, byte 12"
    std::string source;  // "k.cpp:12 in f, called at k.cpp:30 in g"; empty: unknown
    std::uint64_t pc = 0;
  };
  std::string name;  // docs/sanitizer.md
  std::string text;  // where, or what
  std::uint64_t count = 1;
  std::vector<Site> sites;  // the offender first
};

// The chain of work and waits that the run's time consists of: the parts sum to its cycles.
struct CriticalPath {
  struct Part {
    std::string unit, owner;
    std::uint64_t cycles = 0;
  };
  struct Site {  // of the kernel: the same instruction, all its turns on the path
    std::string unit;
    std::string what;    // "mxu.ws", "before dma.in", "to the end"
    std::string source;  // empty: unknown
    std::uint64_t pc = 0;
    std::uint64_t times = 0, cycles = 0;
  };
  std::vector<Part> parts;  // largest first
  std::vector<Site> sites;  // the largest ones
};

// What the run would take on a machine with other resources.
struct WhatIf {
  std::string change;           // "vxu.lanes=x2"
  std::uint64_t predicted = 0;  // cycles, by timing the run's commands anew; 0: it would never end
  std::uint64_t simulated = 0;  // by a run there; 0: not made, or it did not halt
  std::string ended;            // how that run ended, where it did not halt
};

// A cost model's figures beside what the run did.
struct Explanation {
  std::vector<std::pair<std::string, std::uint64_t>> model;  // cycles of a unit, were it alone
  std::vector<std::string> plan;                             // what the commands were
  std::string dataflow;                                      // of them: ws, as, os; empty: no products
  std::uint64_t predicted = 0;                               // the largest that applies
  std::string bound;                                         // its unit
};

struct Loss {
  std::string name;
  std::uint64_t cycles = 0;
};

// What main memory did, and the owners of its data buses' clocks: of all channels together.
struct Memory {
  std::uint64_t row_hits = 0, activates = 0, refreshes = 0, turnarounds = 0, forwarded = 0;
  std::vector<std::pair<std::string, std::uint64_t>> clocks;
};

// A performance event's count over the run (docs/counters.md).
struct Counter {
  std::uint64_t number = 0;
  std::string name, unit, meaning;
  std::uint64_t count = 0;
};

struct CaseResult {
  std::string id, text, config, reproduce;
  std::string source;  // the ONNX data set or YAML file, where the case came from one
  ExitCode verdict = ExitCode::Error;
  std::string message;  // why, where the verdict is not PASS

  std::uint64_t cycles = 0;
  std::uint32_t freq_mhz = 0;
  std::uint64_t host_instructions = 0, commands = 0;
  bool work_declared = true;  // false: a user's computation that does not say how much work it is
  std::uint64_t macs_declared = 0, macs_executed = 0, macs_padding = 0;
  std::uint64_t elements_declared = 0, elements_executed = 0;  // of the vector unit
  std::uint64_t scalar_operations = 0;  // floating-point instructions of the host that the work declares
  std::uint64_t bytes_compulsory = 0, bytes_moved = 0;
  Memory memory;
  Roofline roofline;
  std::vector<UnitCycles> accounting;
  std::vector<Loss> losses;                   // of the binding unit, largest first
  std::optional<CriticalPath> critical_path;  // where it was asked for
  std::optional<Explanation> explanation;     // likewise
  std::vector<WhatIf> what_if;
  std::vector<Counter> counters;  // likewise
  std::vector<GoldenVerdict> goldens;
  std::vector<RelationVerdict> relations;  // where they were asked for
  bool sanitized = false;
  std::vector<Finding> findings;   // causes first
  std::vector<std::string> notes;  // mismatch details, provenance, kernel output
};

}  // namespace assay::report
