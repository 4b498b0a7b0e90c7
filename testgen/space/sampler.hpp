// Draws values of a space's parameters that meet its constraints: at random with weighted corners; where the
// draw breaks constraints, by drawing what they are about again, and where that does not help, with Z3.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "testgen/random.hpp"
#include "testgen/space/space.hpp"

namespace assay::testgen {

// Parameters that a draw must give certain values: low to high, by position. Unless its plain value is one of
// them, a parameter that is pinned matters in the draw (Parameter::when).
using Pins = std::map<std::size_t, Corner>;
inline bool must_matter(const Parameter& p, const Corner& pin) {
  return p.plain() < pin.low || p.plain() > pin.high;
}

// Their text: a parameter's name, and a value, a range "low..high" or a choice. A range need not keep to the
// parameter's corners. Throws Error(Usage) naming the space, the parameter and the nearest choice.
using NamedPins = std::vector<std::pair<std::string, std::string>>;
Pins parse_pins(const Space& space, const NamedPins& pins);

struct DrawStatistics {
  std::uint64_t drawn = 0;       // asked for
  std::uint64_t redrawn = 0;     // of them some parameters had to be drawn again
  std::uint64_t solved = 0;      // of them Z3 gave some values
  std::uint64_t impossible = 0;  // there are no such values, as Z3 has proved
};

class Solver;

class Sampler {
 public:
  // The space must live as long.
  Sampler(const Space& space, std::uint64_t seed);
  ~Sampler();

  // The same sequence for the same seed. Nothing where no values meet the pins and the constraints.
  std::optional<Values> draw(const Pins& pins = {});
  const DrawStatistics& statistics() const { return statistics_; }

 private:
  std::int64_t draw_parameter(std::size_t at, const Pins& pins);
  Values settled(Values values) const;
  Values draw_again(Values& drawn, const Pins& pins);
  std::optional<Values> repair(const Values& values, const Pins& pins);
  std::optional<Values> repair_some(const Values& values, const Pins& pins);
  void collect_inactive(std::size_t at, const Values& values, std::set<std::size_t>& parameters) const;
  std::vector<std::size_t> broken(const Values& values, const Pins& pins) const;
  bool meets(const Values& values, const Pins& pins) const;

  const Space& space_;
  ElementRandom random_;
  std::vector<std::uint32_t> weights_;          // of each parameter, all corners
  std::vector<std::vector<std::size_t>> used_;  // parameters of each constraint
  std::unique_ptr<Solver> solver_;              // once there is need of it
  DrawStatistics statistics_;
};

// Which corner of the parameter a value belongs to: the narrowest that holds it, of these the first.
std::size_t corner_of(const Parameter& parameter, std::int64_t value);

}  // namespace assay::testgen
