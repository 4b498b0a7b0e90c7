#include "testgen/shrink.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"

namespace assay::testgen {
namespace {

using Ints = std::vector<std::int64_t>;
using ops::Problem;

// A number that a problem consists of: an extent, an integer attribute, or an element of a list of them.
struct Slot {
  std::size_t input = 0, dim = 0;  // of an extent
  std::string attribute;           // of the others
  bool listed = false;             // element `dim` of the list

  bool is_extent() const { return attribute.empty(); }
  // In a problem that has become smaller since.
  bool is_in(const Problem& p) const {
    if (is_extent()) return input < p.inputs.size() && dim < p.inputs[input].shape.size();
    const ops::AttributeValue* value = p.attributes.find(attribute);
    return value != nullptr && (!listed || dim < std::get<Ints>(*value).size());
  }
  std::int64_t get(const Problem& p) const {
    if (is_extent()) return p.inputs[input].shape[dim];
    const ops::AttributeValue& value = *p.attributes.find(attribute);
    return listed ? std::get<Ints>(value)[dim] : std::get<std::int64_t>(value);
  }
  void set(Problem& p, std::int64_t to) const {
    if (is_extent()) {
      p.inputs[input].shape[dim] = to;
    } else if (listed) {
      Ints list = std::get<Ints>(*p.attributes.find(attribute));
      list[dim] = to;
      p.attributes.set(attribute, std::move(list));
    } else {
      p.attributes.set(attribute, to);
    }
  }
};

std::vector<Slot> slots_of(const Problem& p) {
  std::vector<Slot> slots;
  for (std::size_t i = 0; i < p.inputs.size(); ++i)
    for (std::size_t d = 0; d < p.inputs[i].shape.size(); ++d) slots.push_back({i, d, "", false});
  for (const auto& [name, value] : p.attributes.all()) {
    if (std::holds_alternative<std::int64_t>(value)) slots.push_back({0, 0, name, false});
    if (const auto* list = std::get_if<Ints>(&value))
      for (std::size_t d = 0; d < list->size(); ++d) slots.push_back({0, d, name, true});
  }
  // The largest first: what is tried after it takes less time.
  std::stable_sort(slots.begin(), slots.end(),
                   [&](const Slot& a, const Slot& b) { return a.get(p) > b.get(p); });
  return slots;
}

// Smaller values, the smallest first: constants, halves, and what tiles of powers of two are shorter.
std::vector<std::int64_t> smaller(std::int64_t value, bool extent) {
  std::set<std::int64_t> values;
  for (const std::int64_t v :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{2}, value / 4, value / 2, value / 4 * 3})
    values.insert(v);
  for (std::int64_t less = 1; less <= 256; less *= 2) values.insert(value - less);
  std::vector<std::int64_t> list;
  for (const std::int64_t v : values)
    if (v >= (extent ? 1 : 0) && v < value) list.push_back(v);
  return list;
}

// What another slot becomes where it must keep its ratio to one that goes from `from` to `to`; -1 where it
// has none.
std::int64_t in_ratio(std::int64_t other, std::int64_t from, std::int64_t to) {
  if (from > 0 && other % from == 0) return other / from * to;
  if (other > 1 && from % other == 0 && to % (from / other) == 0) return to / (from / other);
  return -1;
}

// Other layouts of the inputs, for an attribute that said how they lie: the last two dimensions of one
// swapped, or of all the second and third, or the last one behind the first.
std::vector<Problem> relaid(const Problem& p) {
  std::vector<Problem> list;
  for (std::size_t i = 0; i < p.inputs.size(); ++i)
    if (const std::size_t rank = p.inputs[i].shape.size(); rank >= 2) {
      Problem& other = list.emplace_back(p);
      std::swap(other.inputs[i].shape[rank - 1], other.inputs[i].shape[rank - 2]);
    }
  Problem heads = p, channels = p;
  for (ops::TensorInfo& t : heads.inputs)
    if (t.shape.size() == 4) std::swap(t.shape[1], t.shape[2]);
  for (ops::TensorInfo& t : channels.inputs)
    if (t.shape.size() >= 3) std::rotate(t.shape.begin() + 1, t.shape.end() - 1, t.shape.end());
  list.push_back(std::move(heads));
  list.push_back(std::move(channels));
  return list;
}

class Shrinker {
 public:
  Shrinker(const Case& failing, const StillFails& fails, int most) : fails_(fails), most_(most) {
    result_.c = failing;
    seen_.insert(key(failing));
  }

  Shrunk run() {
    for (const std::uint64_t seeds : {1, 3}) {
      seeds_ = seeds;
      while (result_.tried < most_ && one_round()) {}
    }
    result_.complete = result_.tried < most_;
    return result_;
  }

 private:
  const Case& best() const { return result_.c; }
  static std::string key(const Case& c) { return canonical_text(c) + " " + std::to_string(c.suite_seed); }

  // Any of the moves; false where none helped.
  bool one_round() {
    bool helped = drop_attributes();
    helped = drop_inputs() || helped;
    helped = shrink_numbers() || helped;
    helped = drop_dimensions() || helped;
    return plainer_data() || helped;
  }

  // A valid case, with its outputs; false for one that is not.
  static bool complete(Case& c) {
    c.problem.outputs.clear();
    try {
      validate(c);
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  // Whether a smaller valid case fails; then it is the best so far.
  bool keep(Case c) {
    const std::uint64_t first = c.suite_seed;
    for (std::uint64_t n = 0; n < seeds_ && result_.tried < most_; ++n) {
      c.suite_seed = first + n;
      if (!seen_.insert(key(c)).second) continue;
      ++result_.tried;
      if (!fails_(c)) continue;
      ++result_.kept;
      result_.c = std::move(c);
      return true;
    }
    return false;
  }
  bool keep(const Problem& p) {
    Case c = best();
    c.problem = p;
    return complete(c) && keep(std::move(c));
  }

  bool drop_attributes() {
    bool helped = false;
    const auto given = best().problem.attributes.all();
    for (const auto& [name, value] : given) {
      Problem p = best().problem;
      p.attributes.erase(name);
      bool dropped = keep(p);
      for (const Problem& other : relaid(p)) dropped = dropped || keep(other);
      helped = helped || dropped;
    }
    return helped;
  }

  bool drop_inputs() {
    bool helped = false;
    for (std::size_t i = best().problem.inputs.size(); i-- > 0;) {
      Problem p = best().problem;
      if (i >= p.inputs.size()) continue;
      p.inputs.erase(p.inputs.begin() + static_cast<std::ptrdiff_t>(i));
      helped = keep(p) || helped;
    }
    return helped;
  }

  // Of extent 1.
  bool drop_dimensions() {
    bool helped = false;
    for (std::size_t i = 0; i < best().problem.inputs.size(); ++i)
      for (std::size_t d = best().problem.inputs[i].shape.size(); d-- > 0;) {
        Problem p = best().problem;
        Shape& shape = p.inputs[i].shape;
        if (d >= shape.size() || shape[d] != 1) continue;
        shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(d));
        helped = keep(p) || helped;
      }
    return helped;
  }

  bool shrink_numbers() {
    bool helped = false;
    for (const Slot& slot : slots_of(best().problem)) helped = shrink_number(slot) || helped;
    return helped;
  }

  bool shrink_number(const Slot& slot) {
    bool helped = false;
    for (bool again = true; again && slot.is_in(best().problem);) {
      again = false;
      const std::int64_t value = slot.get(best().problem);
      for (const std::int64_t less : smaller(value, slot.is_extent()))
        if (!again) again = set_number(slot, less);
      helped = helped || again;
    }
    return helped;
  }

  // The slot alone, else with one other, two others, or all others that can keep their ratio to it.
  bool set_number(const Slot& slot, std::int64_t to) {
    const Problem& from = best().problem;
    std::vector<std::pair<Slot, std::int64_t>> others;
    for (const Slot& other : slots_of(from)) {
      const bool same =
          other.input == slot.input && other.dim == slot.dim && other.attribute == slot.attribute;
      const std::int64_t value = in_ratio(other.get(from), slot.get(from), to);
      if (!same && value >= (other.is_extent() ? 1 : 0)) others.emplace_back(other, value);
    }
    std::vector<Problem> changed(1, from);
    slot.set(changed[0], to);
    if (keep_any_valid(changed)) return true;
    std::vector<Problem> one, two, all(1, changed[0]);
    for (std::size_t i = 0; i < others.size(); ++i) {
      others[i].first.set(one.emplace_back(changed[0]), others[i].second);
      others[i].first.set(all[0], others[i].second);
      for (std::size_t j = 0; j < i; ++j) others[j].first.set(two.emplace_back(one.back()), others[j].second);
    }
    return keep_any_valid(one) || keep_any_valid(two) || keep_any_valid(all);
  }

  bool keep_any_valid(const std::vector<Problem>& problems) {
    return std::any_of(problems.begin(), problems.end(), [&](const Problem& p) { return keep(p); });
  }

  bool plainer_data() {
    for (int kind = 0; kind < static_cast<int>(best().data); ++kind) {
      Case c = best();
      c.data = static_cast<DataKind>(kind);
      if (complete(c) && keep(std::move(c))) return true;
    }
    return false;
  }

  const StillFails& fails_;
  const int most_;
  std::uint64_t seeds_ = 1;
  Shrunk result_;
  std::set<std::string> seen_;
};

}  // namespace

Shrunk shrink(const Case& failing, const StillFails& fails, int most_tries) {
  return Shrinker(failing, fails, most_tries).run();
}

}  // namespace assay::testgen
