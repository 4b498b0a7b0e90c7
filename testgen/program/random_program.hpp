// Constrained-random programs, drawn from the instruction table: docs/programs.md, "The generator".
#pragma once

#include <cstdint>
#include <string>

#include "testgen/program/program.hpp"

namespace assay::testgen::program {

struct RandomOptions {
  std::uint64_t seed = 1;
  std::string config = "edge16";
  std::size_t commands = 48;  // launches, at least 4: then every engine has some
  bool vary_machine = true;   // queue depth, banks, lanes, the array and the like are drawn too
  bool host_code = true;
  bool traps = true;  // items that trap, and runs that end other than well
};

// A legal program: the machine executes all its commands but, at its very end, one that it cannot execute.
// A function of the options alone. Throws Error(Usage) where the machine is too small.
Program random_program(const RandomOptions& options);

}  // namespace assay::testgen::program
