// Cases that fill holes: drawn at random, with what the bin asks for put into them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "testgen/coverage/case_features.hpp"
#include "testgen/coverage/model.hpp"

namespace assay::coverage {

// Machines by their name, each read once.
class Machines {
 public:
  const Machine& find(const std::string& name);

 private:
  std::map<std::string, Machine> machines_;
};

// The bins of scopes Case and, of inputs, Tensor that the case hits. Nothing is run.
std::vector<BinId> bins_of_case(const Model& model, const testgen::Case& c, const Machine& machine);

struct FillOptions {
  std::uint64_t seed = 1;
  int tries = 200;                // of one hole
  std::string config = "edge16";  // where the bin does not ask for another
  std::function<void(std::size_t done, std::size_t all)> progress;
};

// For each hole that a case alone can fill, one that does; a hole without is left out. Deterministic.
std::map<BinId, testgen::Case> find_cases(const Model& model, const std::vector<BinId>& holes,
                                          Machines& machines, const FillOptions& options);

}  // namespace assay::coverage
