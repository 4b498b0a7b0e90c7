// Makes a failing case small: fewer inputs and attributes, smaller extents, plainer data, as long as it
// fails.
#pragma once

#include <functional>

#include "testgen/case.hpp"

namespace assay::testgen {

// Whether a valid case fails as the first one did.
using StillFails = std::function<bool(const Case&)>;

struct Shrunk {
  Case c;
  int tried = 0, kept = 0;  // cases that were asked about, and those that failed
  bool complete = false;    // no smaller neighbour fails; false: `most_tries` ended it
};

// From a case that fails. Deterministic. In turn, until nothing helps any more, each where it leaves a valid
// problem:
//   an attribute becomes its fallback (an input that it lays out is laid out anew), or a smaller number
//   an optional input goes
//   an extent becomes smaller, and with it those that must be equal, or multiples of it; one of 1 goes
//   the data become of a plainer kind
// Where a smaller case passes, other seeds are tried at the end: a failure may need certain values.
Shrunk shrink(const Case& failing, const StillFails& fails, int most_tries = 500);

}  // namespace assay::testgen
