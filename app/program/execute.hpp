// Instruction programs on the simulated machine: what it leaves behind, for whoever compares or samples it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/platform.hpp"
#include "testgen/program/assemble.hpp"

namespace assay::app::program {

using testgen::program::Image;
using testgen::program::Program;

// The machine as a run left it. HBM by pages of kHbmPage bytes, those that anything was written in.
struct MachineState {
  static constexpr std::uint64_t kHbmPage = 65536;
  std::vector<std::uint8_t> tcm, spm, acc;
  std::map<std::uint64_t, std::vector<std::uint8_t>> hbm;  // by page number
  std::array<std::uint64_t, 32> x{}, f{};
  std::uint64_t fcsr = 0, mcause = 0, mepc = 0, mtval = 0, instret = 0;
};

struct ExecuteOptions {
  std::uint64_t jitter = 0;  // as of assay run
  bool sanitize = true;
  Cycle quantum{1000};
  Cycle watchdog{50'000'000};
  std::vector<sim::Observer*> observers;
};

struct Execution {
  sim::RunResult result;
  MachineState state;
};

// Loads the image and runs it. Errors: as of sim::Platform.
Execution execute(const Image& image, const Machine& machine, const ExecuteOptions& options = {});
// The same of a program: assembles it first.
Execution execute(const Program& program, const Machine& machine, const ExecuteOptions& options = {});

}  // namespace assay::app::program
