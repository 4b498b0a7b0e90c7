#include "testgen/space/sampler.hpp"

#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "testgen/space/solver.hpp"

namespace assay::testgen {
namespace {

constexpr int kRedraws = 40;  // of what broken constraints are about, before Z3 is asked

constexpr std::size_t kTogether = 6;  // parameters that Z3 is asked for at first

std::int64_t within(const Corner& corner, ElementRandom& random) {
  const auto count = static_cast<std::uint64_t>(corner.high - corner.low + 1);
  return corner.low + static_cast<std::int64_t>(random.next() % count);
}

}  // namespace

Sampler::Sampler(const Space& space, std::uint64_t seed) : space_(space), random_(seed, hash(space.op())) {
  for (const Parameter& p : space.parameters()) {
    std::uint32_t sum = 0;
    for (const Corner& corner : p.corners) sum += corner.weight;
    weights_.push_back(sum);
  }
  for (const Constraint& c : space.constraints()) {
    std::set<std::size_t> parameters;
    c.holds.collect(parameters);
    used_.emplace_back(parameters.begin(), parameters.end());
  }
}

Sampler::~Sampler() = default;

std::int64_t Sampler::draw_parameter(std::size_t at, const Pins& pins) {
  if (const auto pin = pins.find(at); pin != pins.end()) return within(pin->second, random_);
  const std::vector<Corner>& corners = space_.parameters()[at].corners;
  std::uint32_t left = random_.below(weights_[at]);
  std::size_t i = 0;
  while (left >= corners[i].weight) left -= corners[i++].weight;
  return within(corners[i], random_);
}

// Whether the parameter matters there, and what decides that.
void Sampler::collect_inactive(std::size_t at, const Values& values,
                               std::set<std::size_t>& parameters) const {
  if (space_.parameters()[at].when.holds(values)) return;
  std::set<std::size_t> deciding;
  space_.parameters()[at].when.collect(deciding);
  parameters.insert(deciding.begin(), deciding.end());
  for (const std::size_t other : deciding) collect_inactive(other, values, parameters);
}

// Positions of the parameters that broken constraints are about.
std::vector<std::size_t> Sampler::broken(const Values& values, const Pins& pins) const {
  std::set<std::size_t> parameters;
  for (std::size_t i = 0; i < used_.size(); ++i)
    if (!space_.constraints()[i].holds.holds(values)) parameters.insert(used_[i].begin(), used_[i].end());
  for (const auto& [at, pin] : pins)
    if (must_matter(space_.parameters()[at], pin)) collect_inactive(at, values, parameters);
  return {parameters.begin(), parameters.end()};
}

// Constraints hold, and what is pinned matters.
bool Sampler::meets(const Values& values, const Pins& pins) const {
  for (const Constraint& c : space_.constraints())
    if (!c.holds.holds(values)) return false;
  for (const auto& [at, pin] : pins) {
    const Parameter& p = space_.parameters()[at];
    if (must_matter(p, pin) && !p.when.holds(values)) return false;
  }
  return true;
}

// What was drawn, but for parameters that do not matter.
Values Sampler::settled(Values values) const {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!space_.parameters()[i].when.holds(values)) values[i] = space_.parameters()[i].plain();
  return values;
}

// The settled values, whether they meet all constraints or not.
Values Sampler::draw_again(Values& drawn, const Pins& pins) {
  Values values = settled(drawn);
  for (int i = 0; i < kRedraws; ++i) {
    if (meets(values, pins)) break;
    if (i == 0) ++statistics_.redrawn;
    for (const std::size_t at : broken(values, pins)) drawn[at] = draw_parameter(at, pins);
    values = settled(drawn);
  }
  return values;
}

std::optional<Values> Sampler::draw(const Pins& pins) {
  ++statistics_.drawn;
  Values drawn(space_.parameters().size());
  for (std::size_t i = 0; i < drawn.size(); ++i) drawn[i] = draw_parameter(i, pins);
  const Values values = draw_again(drawn, pins);
  if (meets(values, pins)) return values;
  ++statistics_.solved;
  std::optional<Values> repaired = repair(values, pins);
  if (!repaired) ++statistics_.impossible;
  return repaired;
}

// First from what was drawn; then from plain values, which keep sizes small; at last from nothing: then there
// are values, or a proof that there are none.
std::optional<Values> Sampler::repair(const Values& values, const Pins& pins) {
  if (!solver_) solver_ = std::make_unique<Solver>(space_);
  Values plain(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto pin = pins.find(i);
    plain[i] = pin != pins.end() ? pin->second.low : space_.parameters()[i].plain();
  }
  for (const Values& from : {values, plain}) {
    if (meets(settled(from), pins)) return settled(from);
    if (auto found = repair_some(from, pins)) return found;
  }
  std::set<std::size_t> all;
  for (std::size_t i = 0; i < values.size(); ++i) all.insert(i);
  const Solver::Answer answer = solver_->repair(plain, all, pins, random_, Solver::Effort::Much);
  if (!answer.values && !answer.proved)
    fail(ExitCode::Error, "{}: Z3 finds neither values nor a proof that there are none; pin fewer parameters",
         space_.op());
  return answer.values;
}

// With one more of the parameters in question at a time, in random order, so that little changes and Z3's
// questions stay small.
std::optional<Values> Sampler::repair_some(const Values& values, const Pins& pins) {
  std::vector<std::size_t> wrong = broken(values, pins);
  for (std::size_t i = wrong.size(); i > 1; --i)
    std::swap(wrong[i - 1], wrong[random_.below(static_cast<std::uint32_t>(i))]);
  std::set<std::size_t> free;
  for (const auto& [at, corner] : pins) free.insert(at);
  if (wrong.size() > kTogether) wrong.resize(kTogether);
  for (const std::size_t at : wrong) {
    free.insert(at);
    if (auto answer = solver_->repair(values, free, pins, random_, Solver::Effort::Little); answer.values)
      return answer.values;
  }
  return std::nullopt;
}

namespace {

std::int64_t whole(const std::string& where, const std::string& all, const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    fail(ExitCode::Usage, "{} = '{}': expected a whole number, or two as in 1..9", where, all);
  return value;
}

}  // namespace

Pins parse_pins(const Space& space, const NamedPins& pins) {
  Pins result;
  for (const auto& [name, value] : pins) {
    const std::size_t at = space.find(name);
    const std::string where = space.op() + "." + name;
    if (result.count(at) != 0) fail(ExitCode::Usage, "{} is pinned twice", where);
    const std::size_t dots = value.find("..");
    Corner& pin = result[at];
    if (!space.parameters()[at].choices.empty()) {
      pin.low = pin.high = static_cast<std::int64_t>(space.find_choice(at, value));
    } else if (dots == std::string::npos) {
      pin.low = pin.high = whole(where, value, value);
    } else {
      pin.low = whole(where, value, value.substr(0, dots));
      pin.high = whole(where, value, value.substr(dots + 2));
    }
    std::int64_t low = INT64_MAX, high = INT64_MIN;
    for (const Corner& c : space.parameters()[at].corners) {
      low = std::min(low, c.low);
      high = std::max(high, c.high);
    }
    if (pin.low > pin.high) fail(ExitCode::Usage, "{} = {}: expected the smaller value first", where, value);
    if (pin.low < low || pin.high > high)
      fail(ExitCode::Usage, "{} = {}: expected values from {} to {}", where, value, low, high);
  }
  return result;
}

std::size_t corner_of(const Parameter& parameter, std::int64_t value) {
  std::size_t best = parameter.corners.size();
  const auto width = [&](std::size_t i) { return parameter.corners[i].high - parameter.corners[i].low; };
  for (std::size_t i = 0; i < parameter.corners.size(); ++i) {
    const Corner& c = parameter.corners[i];
    if (value < c.low || value > c.high) continue;
    if (best == parameter.corners.size() || width(i) < width(best)) best = i;
  }
  return best;
}

}  // namespace assay::testgen
