#include "testgen/coverage/fill.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "base/error.hpp"
#include "base/machine_yaml.hpp"
#include "testgen/data.hpp"
#include "testgen/random.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay::coverage {
namespace {

using testgen::Case;
using testgen::Generator;
using Names = std::vector<std::string>;

constexpr std::int64_t kLargestExtent = 4096;
constexpr std::int64_t kMostElements = 400'000;      // of all tensors
constexpr std::uint64_t kMostProducts = 20'000'000;  // so that a case fills its hole in well under a second

// What a bin asks of one feature.
class Wishes {
 public:
  Wishes(const Model& model, BinId bin)
      : table_(model.schema()[model.scope_of(bin)]), asks_(model.asks(bin)) {}

  // The words that every condition on the feature accepts; nothing where none speaks of it.
  std::optional<Names> words(const std::string& feature) const {
    std::optional<Names> common;
    for (const Condition* c : asks_) {
      if (table_[c->feature].name != feature) continue;
      Names own;
      for (const Term& term : c->any)
        if (term.word != nullptr &&
            (!common || std::find(common->begin(), common->end(), *term.word) != common->end()))
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
    Generator random(testgen::mix(
        options_.seed ^ testgen::mix((std::uint64_t{bin} << 20) + static_cast<std::uint64_t>(attempt))));
    try {
      Case c = first_draw(wishes, random);
      if (model_.scope_of(bin) == Scope::Case) fit(wishes, c, random);
      if (c.mode == golden::Mode::Exact) testgen::exact_limit(c.problem);  // throws where it has none
      if (is_small(c.problem) && hits(bin, c)) return c;
    } catch (const Error&) {
      // a draw that is no case
    }
    return std::nullopt;
  }

  static bool is_small(const ops::Problem& p) {
    std::int64_t elements = 0;
    for (const auto* list : {&p.inputs, &p.outputs})
      for (const ops::TensorInfo& t : *list) elements += element_count(t.shape);
    return elements <= kMostElements && ops::find_operator(p.op).work(p).macs <= kMostProducts;
  }

 private:
  bool hits(BinId bin, const Case& c) {
    const Schema& schema = model_.schema();
    if (model_.scope_of(bin) == Scope::Case)
      return model_.hit_by(bin, case_features(schema, c, machines_.find(c.config)));
    for (const Tensor& input : make_inputs(c))
      if (model_.hit_by(bin, tensor_features(schema, c, input, Role::Input))) return true;
    return false;
  }

  static std::string any_of(const Names& names, Generator& random) {
    return names.at(random() % names.size());
  }

  Case first_draw(const Wishes& wishes, Generator& random) {
    Names ops;
    for (const ops::Operator* op : ops::all_operators()) ops.emplace_back(op->name());
    const std::string op = any_of(wishes.words("op").value_or(ops), random);
    Names types;
    for (const DType type : types_of(op)) types.emplace_back(to_string(type));
    if (const auto wanted = wishes.words("dtype")) {
      types.erase(std::remove_if(types.begin(), types.end(),
                                 [&](const std::string& t) {
                                   return std::find(wanted->begin(), wanted->end(), t) == wanted->end();
                                 }),
                  types.end());
      if (types.empty()) fail(ExitCode::Unsupported, "{} takes none of the types", op);
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

  std::vector<Case> changes(const std::string& name, const Condition& wish, const Case& c,
                            const Features& features, Generator& random) {
    std::vector<Case> candidates;
    const auto consider = [&](const std::function<void(ops::Problem&)>& change) {
      Case changed = c;
      try {
        change(changed.problem);
        validate(changed);
        if (is_small(changed.problem) &&
            wish.holds(case_features(model_.schema(), changed, machines_.find(c.config))))
          candidates.push_back(changed);
      } catch (const Error&) {
        // no valid case
      } catch (const std::out_of_range&) {
        // an input or a dimension that it does not have
      }
      return !candidates.empty();
    };
    if (name.rfind("given.", 0) == 0) {
      give_attribute(name.substr(6), c, consider);
    } else if (name.rfind("has.", 0) == 0) {
      give_input(name.substr(4), consider);
    } else if (is_attribute(c.problem.op, name)) {
      set_attribute(name, wish, features, consider);
      if (candidates.empty() && c.problem.op == "conv" && name == "algorithm") use_algorithm(wish, consider);
    } else if (name == "out" || name.find("dtype") != std::string::npos) {
      change_type(name, wish, consider);
    } else if (name == "group_size") {
      set_attribute("group", wish, features, consider);
    } else if (name == "zero_source") {
      consider([&](ops::Problem& p) {
        p.attributes.erase("zero");
        p.inputs.resize(3);
      });
    } else if (c.problem.op == "matmul" && name.find("batch") != std::string::npos) {
      give_batch(consider);
    } else if (name == "rank" || name == "index_rank" || name == "vector_operand" || name == "empty" ||
               name == "positions_of_queries") {
      change_shapes(name, consider);
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
  static void give_attribute(const std::string& attribute, const Case& c, const Consider& consider) {
    if (consider([&](ops::Problem& p) { p.attributes.erase(attribute); })) return;
    const ops::AttributeSpec& spec = ops::find_attribute(ops::find_operator(c.problem.op), attribute);
    for (const char* text : {"2", "1", "-1", "0.5", "8", "1,1", "1,1,1,1"}) try {
        const ops::AttributeValue value = ops::parse_attribute(c.problem.op, spec, text);
        if (consider([&](ops::Problem& p) { p.attributes.set(attribute, value); })) return;
      } catch (const Error&) {
        // not of its type
      }
  }

  // Taken away; or, of an operator of any number of inputs, given again until that one is there.
  template <typename Consider>
  static void give_input(const std::string& name, const Consider& consider) {
    const bool done = consider([&](ops::Problem& p) {
      const auto at = ops::find_input(p, name);
      if (at) p.inputs.erase(p.inputs.begin() + static_cast<std::ptrdiff_t>(*at));
    });
    if (done) return;
    consider([&](ops::Problem& p) {
      const ops::Operator& op = ops::find_operator(p.op);
      if (op.inputs_by_name()) return;
      const Names& names = op.input_names();
      const auto at = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
      while (p.inputs.size() <= at && !p.inputs.empty()) {
        p.inputs.push_back(p.inputs.back());
        p.inputs.back().name.clear();
      }
    });
  }

  template <typename Consider>
  static void change_type(const std::string& name, const Condition& wish, const Consider& consider) {
    for (const Term& term : wish.any) {
      if (term.word == nullptr) continue;
      if (name == "out" && consider([&](ops::Problem& p) { p.attributes.set("out_dtype", *term.word); }))
        return;
      const DType type = parse_dtype(*term.word, name);
      for (std::size_t first = 1; first < 4; ++first)
        for (std::size_t last = first; last < 4; ++last) {
          const bool done = consider([&](ops::Problem& p) {
            for (std::size_t i = first; i <= last && i < p.inputs.size(); ++i) p.inputs[i].dtype = type;
          });
          if (done) return;
        }
    }
  }

  // Leading dimensions of matmul's operands, which broadcast in every way.
  template <typename Consider>
  static void give_batch(const Consider& consider) {
    const std::vector<std::pair<Shape, Shape>> batches{{{2}, {2}},    {{3}, {3}},       {{9}, {9}},
                                                       {{1}, {2}},    {{2}, {1}},       {{2, 1}, {1, 3}},
                                                       {{2, 3}, {3}}, {{3, 1}, {3, 2}}, {{}, {}}};
    for (const auto& [a, b] : batches) {
      const bool done = consider([&, left = a, right = b](ops::Problem& p) {
        for (const auto& [i, dims] : {std::pair{0U, left}, std::pair{1U, right}}) {
          Shape& shape = p.inputs.at(i).shape;
          if (shape.size() > 2) shape.erase(shape.begin(), shape.end() - 2);
          shape.insert(shape.begin(), dims.begin(), dims.end());
        }
        p.inputs.resize(2);  // a residual has the shape of before
      });
      if (done) return;
    }
  }

  // A convolution that every named algorithm takes, for wishes that few others meet.
  template <typename Consider>
  static void use_algorithm(const Condition& wish, const Consider& consider) {
    for (const Term& term : wish.any)
      consider([&](ops::Problem& p) {
        const DType type = p.inputs.at(0).dtype;
        p = {p.op, {}, {{"X", type, {1, 9, 8, 5}}, {"W", type, {6, 3, 3, 5}}}, {}};
        p.attributes.set("layout", std::string("NHWC"));
        p.attributes.set("algorithm", *term.word);
      });
  }

  template <typename Consider>
  static void change_shapes(const std::string& name, const Consider& consider) {
    if (name == "vector_operand") {
      for (const bool both : {false, true})
        for (const std::size_t i : {0U, 1U})
          if (consider([&](ops::Problem& p) {
                for (const std::size_t at : {i, both ? 1 - i : i})
                  p.inputs.at(at).shape = {
                      p.inputs[at].shape.at(at == 0 ? p.inputs[at].shape.size() - 1 : 0)};
                p.inputs.resize(2);  // a residual has the shape of before
              }))
            return;
    } else if (name == "positions_of_queries") {
      for (const std::int64_t beyond : {0, 1})
        consider([&](ops::Problem& p) {
          const std::size_t at = p.attributes.find("layout") != nullptr ? 1 : 2;
          p.inputs.at(0).shape.at(at) = p.inputs.at(1).shape.at(at) + beyond;
          p.inputs.resize(3);
        });
    } else if (name == "empty") {
      for (std::size_t d = 0; d < 4; ++d)
        if (consider([&](ops::Problem& p) {
              const std::int64_t now = p.inputs.at(0).shape.at(d);
              for (ops::TensorInfo& t : p.inputs)
                for (std::int64_t& extent : t.shape)
                  if (extent == now) extent = 0;
            }))
          return;
    } else {
      for (std::size_t more = 1; more < 8; ++more)
        if (consider([&](ops::Problem& p) {
              for (std::size_t i = name == "rank" ? 0 : 1; i < p.inputs.size(); ++i)
                p.inputs[i].shape.insert(p.inputs[i].shape.begin(), more, 1);
            }))
          return;
    }
  }

  template <typename Consider>
  static void set_attribute(const std::string& name, const Condition& wish, const Features& features,
                            const Consider& consider) {
    for (const Term& term : wish.any)
      if (term.word != nullptr && consider([&](ops::Problem& p) { p.attributes.set(name, *term.word); }))
        return;
    for (const float number : {0.5F, -0.5F, 1.5F, -1.5F})
      if (consider([&](ops::Problem& p) { p.attributes.set(name, number); })) return;
    for (const std::int64_t number : wish.numbers(features)) {
      if (consider([&](ops::Problem& p) { p.attributes.set(name, number); })) return;
      if (consider([&](ops::Problem& p) { p.attributes.set(name, static_cast<float>(number)); })) return;
      if (consider([&](ops::Problem& p) {
            p.attributes.set(name, std::vector<std::int64_t>(p.outputs.at(0).shape.size() - 2, number));
          }))
        return;
    }
  }

  // Where the feature's value is an extent of some input: every such extent becomes another.
  template <typename Consider>
  static void change_extents(const Condition& wish, const Features& features, const Consider& consider,
                             Generator& random) {
    const auto now = static_cast<std::int64_t>(features.first(wish.feature).number);
    std::vector<std::int64_t> numbers = wish.numbers(features);
    if (!numbers.empty())
      std::rotate(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(random() % numbers.size()),
                  numbers.end());
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
      open.erase(all[i]);
      found.emplace(all[i], *c);
      for (const BinId bin : bins_of_case(model, *c, machines.find(c->config)))
        if (open.erase(bin) != 0) found.emplace(bin, *c);
    }
  }
  return found;
}

}  // namespace assay::coverage
