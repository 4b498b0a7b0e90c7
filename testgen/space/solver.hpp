// Values that meet a space's constraints, from Z3: as close as may be to those of a draw that does not.
#pragma once

#include <memory>
#include <optional>
#include <set>

#include "testgen/random.hpp"
#include "testgen/space/sampler.hpp"

namespace assay::testgen {

class Solver {
 public:
  explicit Solver(const Space& space);
  ~Solver();

  enum class Effort : std::uint8_t { Little, Much };
  struct Answer {
    std::optional<Values> values;
    bool proved = false;  // that there are none; else, without values, Z3 has given up
  };
  // Of the parameters in `free` as many as possible, in random order, keep their value or have another one of
  // their corners; the others keep theirs. Deterministic: Z3's work is limited by count, not by time.
  Answer repair(const Values& values, const std::set<std::size_t>& free, const Pins& pins,
                ElementRandom& random, Effort effort);

 private:
  struct Z3;
  std::unique_ptr<Z3> z3_;
  const Space& space_;
};

}  // namespace assay::testgen
