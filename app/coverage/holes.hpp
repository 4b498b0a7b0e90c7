// What no recorded case has hit, and what would hit it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "testgen/coverage/database.hpp"

namespace assay::app {

struct Hole {
  coverage::BinId bin = 0;
  std::string name, asks;
  std::string line;  // a command that fills it; empty: none was found, or no case alone can
  std::string hint;  // of the model, where there is no line
  std::string near;  // the recorded case that hits a neighbouring bin, where there is no line
};

struct HoleOptions {
  std::string under;  // a group, point or cross; empty: all
  int tries = 200;    // cases to draw for a hole; 0: none
  std::uint64_t seed = 1;
  std::function<void(std::size_t done, std::size_t all)> progress;
};

// In the order of the model. Throws Error(Usage) for an unknown name.
std::vector<Hole> find_holes(const coverage::Database& database, const HoleOptions& options);

}  // namespace assay::app
