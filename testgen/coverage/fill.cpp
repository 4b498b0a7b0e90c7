#include "testgen/coverage/fill.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/machine_yaml.hpp"
#include "testgen/problems/random_problem.hpp"
#include "testgen/random.hpp"

namespace assay::coverage {
namespace {

using testgen::Case;
using testgen::Generator;
using Names = std::vector<std::string>;

constexpr std::int64_t kLargestExtent = 4096;

// What a bin asks of one feature.
class Wishes {
 public:
  Wishes(const Model& model, BinId bin) : table_(model.schema()[model.scope_of(bin)]), asks_(model.asks(bin)) {}

  // The words that every condition on the feature accepts; nothing where none speaks of it.
  std::optional<Names> words(const std::string& feature) const {
    std::optional<Names> common;
    for (const Condition* c : asks_) {
      if (table_[c->feature].name != feature) continue;
      Names own;
      for (const Term& term : c->any)
        if (term.word != nullptr && (!common || std::find(common->begin(), common->end(), *term.word) != common->end()))
          own.push_back(*term.word);
      common = own;
    }
    return common;
  }
  const std::vector<const Condition*>& all() const { return asks_; }
  const std::string& name(const Condition& c) const { return table_[c.feature].name; }

 private:
  const FeatureTable& table_;
  std::vector<const Condition*> asks_;
};

class Filler {
 public:
  Filler(const Model& model, Machines& machines, const FillOptions& options)
      : model_(model), machines_(machines), options_(options) {}

  // A case that hits the bin, or nothing.
  std::optional<Case> draw(BinId bin, int attempt) {
    const Wishes wishes(model_, bin);
    Generator random(testgen::mix(options_.seed ^ testgen::mix((std::uint64_t{bin} << 20) + static_cast<std::uint64_t>(attempt))));
    try {
      Case c = first_draw(wishes, random);
      if (model_.scope_of(bin) == Scope::Case) fit(wishes, c, random);
      if (hits(bin, c)) return c;
    } catch (const Error&) {
      // a draw that is no case
    }
    return std::nullopt;
  }

  bool hits(BinId bin, const Case& c) {
    const std::vector<BinId> bins = bins_of_case(model_, c, machines_.find(c.config));
    return std::binary_search(bins.begin(), bins.end(), bin);
  }

 private:
  static std::string any_of(const Names& names, Generator& random) { return names.at(random() % names.size()); }

  Case first_draw(const Wishes& wishes, Generator& random) {
    Names ops;
    for (const ops::Operator* op : ops::all_operators()) ops.emplace_back(op->name());
    const std::string op = any_of(wishes.words("op").value_or(ops), random);
    Names types;
    for (const DType type : types_of(op)) types.emplace_back(to_string(type));
    if (const auto wanted = wishes.words("dtype")) {
      types.erase(std::remove_if(types.begin(), types.end(),
                                 [&](const std::string& t) { return std::find(wanted->begin(), wanted->end(), t) == wanted->end(); }),
                  types.end());
      if (types.empty()) types = *wanted;
    }
    Case c;
    c.problem = testgen::random_problem(op, parse_dtype(any_of(types, random), "dtype"), random);
    c.config = any_of(wishes.words("config").value_or(Names{options_.config}), random);
    c.mode = golden::parse_mode(any_of(wishes.words("mode").value_or(Names{"bits"}), random));
    const auto data = wishes.words("data");
    c.data = data ? testgen::parse_data_kind(any_of(*data, random)) : testgen::default_data_kind(c.mode);
    validate(c);
    return c;
  }

  // Problems have types of their own, which take a while to find out.
  const std::vector<DType>& types_of(const std::string& op) {
    auto& known = types_[op];
    if (known.empty()) known = testgen::problem_types(op);
    return known;
  }

  // Puts what is asked for into the case, one wish after another, each only where a valid case comes of it.
  void fit(const Wishes& wishes, Case& c, Generator& random) {
    for (int turn = 0; turn < 2; ++turn)
      for (const Condition* wish : wishes.all()) {
        const Features features = case_features(model_.schema(), c, machines_.find(c.config));
        if (wish->holds(features)) continue;
        for (const Case& changed : changes(wishes.name(*wish), *wish, c, features, random)) {
          c = changed;
          break;
        }
      }
  }

  std::vector<Case> changes(const std::string& name, const Condition& wish, const Case& c, const Features& features,
                            Generator& random) {
    std::vector<Case> candidates;
    const auto consider = [&](const std::function<void(ops::Problem&)>& change) {
      Case changed = c;
      try {
        change(changed.problem);
        validate(changed);
        if (wish.holds(case_features(model_.schema(), changed, machines_.find(c.config)))) candidates.push_back(changed);
      } catch (const Error&) {
        // no valid case
      }
      return !candidates.empty();
    };
    if (name.rfind("given.", 0) == 0) {
      consider([&](ops::Problem& p) { p.attributes.erase(name.substr(6)); });
    } else if (name.rfind("has.", 0) == 0) {
      consider([&](ops::Problem& p) {
        const auto at = ops::find_input(p, name.substr(4));
        if (at) p.inputs.erase(p.inputs.begin() + static_cast<std::ptrdiff_t>(*at));
      });
    } else if (is_attribute(c.problem.op, name)) {
      set_attribute(name, wish, features, consider);
    } else if (model_.schema()[Scope::Case][wish.feature].is_number && features.count(wish.feature) > 0) {
      change_extents(wish, features, consider, random);
    }
    return candidates;
  }

  static bool is_attribute(const std::string& op, const std::string& name) {
    const auto& list = ops::find_operator(op).attributes();
    return std::any_of(list.begin(), list.end(), [&](const ops::AttributeSpec& s) { return s.name == name; });
  }

  template <typename Consider>
  static void set_attribute(const std::string& name, const Condition& wish, const Features& features,
                            const Consider& consider) {
    for (const Term& term : wish.any)
      if (term.word != nullptr && consider([&](ops::Problem& p) { p.attributes.set(name, *term.word); })) return;
    for (const std::int64_t number : wish.numbers(features)) {
      if (consider([&](ops::Problem& p) { p.attributes.set(name, number); })) return;
      if (consider([&](ops::Problem& p) { p.attributes.set(name, std::vector<std::int64_t>(p.outputs.at(0).shape.size() - 2, number)); })) return;
    }
  }

  // Where the feature's value is an extent of some input: every such extent becomes another.
  template <typename Consider>
  static void change_extents(const Condition& wish, const Features& features, const Consider& consider,
                             Generator& random) {
    const auto now = static_cast<std::int64_t>(features.first(wish.feature).number);
    std::vector<std::int64_t> numbers = wish.numbers(features);
    if (!numbers.empty()) std::rotate(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(random() % numbers.size()), numbers.end());
    for (const std::int64_t number : numbers) {
      if (number > kLargestExtent) continue;
      const bool done = consider([&](ops::Problem& p) {
        for (ops::TensorInfo& input : p.inputs)
          for (std::int64_t& extent : input.shape)
            if (extent == now) extent = number;
      });
      if (done) return;
    }
  }

  const Model& model_;
  Machines& machines_;
  const FillOptions& options_;
  std::map<std::string, std::vector<DType>> types_;
};

bool by_case(const Model& model, BinId bin) {
  if (model.scope_of(bin) == Scope::Case) return true;
  if (model.scope_of(bin) != Scope::Tensor) return false;
  const auto roles = Wishes(model, bin).words("role");
  return roles && *roles == Names{"input"};
}

}  // namespace

const Machine& Machines::find(const std::string& name) {
  const auto known = machines_.find(name);
  return known != machines_.end() ? known->second : machines_.emplace(name, find_machine(name)).first->second;
}

std::vector<BinId> bins_of_case(const Model& model, const Case& c, const Machine& machine) {
  Sampler sampler(model);
  sampler.sample(Scope::Case, case_features(model.schema(), c, machine));
  for (const Tensor& input : make_inputs(c))
    sampler.sample(Scope::Tensor, tensor_features(model.schema(), c, input, Role::Input));
  return sampler.bins();
}

std::map<BinId, Case> find_cases(const Model& model, const std::vector<BinId>& holes, Machines& machines,
                                 const FillOptions& options) {
  std::set<BinId> open;
  for (const BinId bin : holes)
    if (by_case(model, bin)) open.insert(bin);
  Filler filler(model, machines, options);
  std::map<BinId, Case> found;
  const std::vector<BinId> all(open.begin(), open.end());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (options.progress) options.progress(i, all.size());
    for (int attempt = 0; attempt < options.tries && open.count(all[i]) != 0; ++attempt) {
      const auto c = filler.draw(all[i], attempt);
      if (!c) continue;
      for (const BinId bin : bins_of_case(model, *c, machines.find(c->config)))
        if (open.erase(bin) != 0) found.emplace(bin, *c);
    }
  }
  return found;
}

}  // namespace assay::coverage
