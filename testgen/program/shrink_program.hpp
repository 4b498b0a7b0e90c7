// Makes a failing program small: fewer items, fewer host instructions, plainer registers and sizes, plainer
// data, as long as it fails.
#pragma once

#include <functional>

#include "testgen/program/program.hpp"

namespace assay::testgen::program {

// Whether a program fails as the first one did. One that cannot be assembled or run does not.
using StillFails = std::function<bool(const Program&)>;

struct Shrunk {
  Program program;
  int tried = 0, kept = 0;  // programs that were asked about, and those that failed
  bool complete = false;    // no smaller neighbour fails; false: `most_tries` ended it
};

// From a program that fails. Deterministic. In turn, until nothing helps any more:
//   items go, in halves, quarters, ... and one by one; then single host instructions
//   what is beside the items becomes plain: extra orders, the style of synchronisation, the ending, the
//   machine a launch's registers, and then their fields, become what they are after a reset, or smaller
//   chunks of memory go, become shorter, and their data plainer
Shrunk shrink(const Program& failing, const StillFails& fails, int most_tries);

}  // namespace assay::testgen::program
