// The model's reader: strict YAML to groups, and groups that follow from the program's tables.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "base/yaml.hpp"
#include "ops/operator.hpp"
#include "testgen/coverage/model.hpp"

namespace assay::coverage {
namespace {

using Names = std::vector<std::string>;

// Numbers by size, as the bins of a field of the table that nobody has described.
struct Band {
  const char* name;
  const char* text;
  double low, high;
};
constexpr double kAny = 1e18;
constexpr Band kBands[] = {{"negative", "..-1", -kAny, -1},
                           {"0", "0", 0, 0},
                           {"1", "1", 1, 1},
                           {"2-15", "2..15", 2, 15},
                           {"16-255", "16..255", 16, 255},
                           {"256-", "256..", 256, kAny}};

// Whether the feature has a legal value there.
bool reaches(const Feature& f, const Band& band) {
  if (f.most > 0 && band.low > f.most) return false;
  if (band.high < (f.is_signed ? -kAny : f.least)) return false;
  return band.low != 1 || band.high != 1 || f.align <= 1;
}

int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

// A mapping whose keys the model chooses; repeated ones are refused.
std::vector<std::pair<std::string, YAML::Node>> entries(const YAML::Node& node, const std::string& file,
                                                        const std::string& what) {
  Names keys;
  if (node.IsMap())
    for (const auto& entry : node)
      if (entry.first.IsScalar()) keys.push_back(entry.first.Scalar());
  const YamlMap checked(node, file, what, keys);
  std::vector<std::pair<std::string, YAML::Node>> list;
  for (const auto& entry : node) list.emplace_back(entry.first.Scalar(), entry.second);
  return list;
}

}  // namespace

class ModelReader {
 public:
  explicit ModelReader(const Schema& schema) : schema_(schema) { model_.schema_ = &schema; }

  void read_sets(const YAML::Node& root, const std::string& file) {
    const YamlMap top(root, file, "coverage model", {"bin_sets", "covergroups"});
    if (!top.has("bin_sets")) return;
    for (const auto& [name, node] : entries(top.at("bin_sets"), file, "bin_sets"))
      if (!sets_.emplace(name, std::pair(node, file)).second)
        fail(ExitCode::Usage, "{}:{}: bin_sets.{} is given twice", file, line_of(node), name);
  }

  void read_groups(const YAML::Node& root, const std::string& file) {
    file_ = file;
    const YamlMap top(root, file, "coverage model", {"bin_sets", "covergroups"});
    if (!top.has("covergroups")) return;
    const YAML::Node list = top.at("covergroups");
    if (!list.IsSequence()) complain(list, "covergroups: expected a list");
    for (const YAML::Node& node : list) read_group(node);
  }

  Model finish() {
    model_.number_bins();
    if (model_.size() != model_.by_name_.size())
      fail(ExitCode::Usage, "{}: two bins of the coverage model have one name", file_);
    return std::move(model_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void complain(const YAML::Node& node, fmt::format_string<Args...> format,
                             Args&&... args) const {
    fail(ExitCode::Usage, "{}:{}: {}", file_, line_of(node),
         fmt::format(format, std::forward<Args>(args)...));
  }

  void check_name(const YAML::Node& at, const std::string& what, const std::string& name) const {
    if (name.empty() || name.find_first_of("/* ,\t") != std::string::npos)
      complain(at, "{}: a name without '/', '*', ',' and spaces is expected, not '{}'", what, name);
  }

  std::string doc_of(const YamlMap& map) const {
    const std::string doc = map.text("doc");
    if (doc.empty()) map.complain("doc", "a line that says what this is");
    return doc;
  }

  // --- groups ---

  void read_group(const YAML::Node& node) {
    const YamlMap map(node, file_, "covergroup",
                      {"name", "doc", "sample", "each", "when", "hint", "points", "expand", "crosses"});
    const std::string name = map.text("name");
    if (!map.has("each")) return add_group(map, name, nullptr);
    if (map.text("each") != "operator")
      map.complain("each", "'{}'; {}", map.text("each"), expected_one_of(map.text("each"), {"operator"}));
    if (name.find("{op}") == std::string::npos)
      map.complain("name", "'{}' lacks {{op}}, the operator's name", name);
    for (const ops::Operator* op : ops::all_operators()) {
      std::string own = name;
      own.replace(own.find("{op}"), 4, op->name());
      add_group(map, own, op);
    }
  }

  void add_group(const YamlMap& map, const std::string& name, const ops::Operator* op) {
    Group group;
    group.name = name;
    check_name(map.at("name"), "covergroup.name", name);
    for (const Group& other : model_.groups_)
      if (other.name == name) map.complain("name", "'{}' is given twice", name);
    what_ = "covergroup " + name;
    group.doc = doc_of(map);
    if (map.has("hint")) group.hint = map.text("hint");
    const std::string scope = map.text("sample");
    const Names scopes = scope_names();
    const auto found = std::find(scopes.begin(), scopes.end(), scope);
    if (found == scopes.end()) map.complain("sample", "'{}'; {}", scope, expected_one_of(scope, scopes));
    group.scope = static_cast<Scope>(found - scopes.begin());
    table_ = &schema_[group.scope];
    op_ = op;
    if (op != nullptr) group.when.push_back(word_condition(map.at("name"), "op", std::string(op->name())));
    if (map.has("when")) read_when(map.at("when"), group.when);
    if (map.has("points"))
      for (const auto& [key, node] : entries(map.at("points"), file_, what_ + ".points"))
        read_point(key, node, group);
    if (map.has("expand")) {
      if (!map.at("expand").IsSequence()) map.complain("expand", "expected a list");
      for (const YAML::Node& node : map.at("expand")) expand(node, group);
    }
    if (op != nullptr && group.points.empty()) return;  // an operator of which the table says nothing
    if (group.points.empty()) complain(map.at("name"), "{}: no points", what_);
    if (map.has("crosses"))
      for (const auto& [key, node] : entries(map.at("crosses"), file_, what_ + ".crosses"))
        read_cross(key, node, group);
    model_.groups_.push_back(std::move(group));
  }

  // --- conditions ---

  FeatureId feature(const YAML::Node& at, const std::string& name) const {
    if (table_->has(name)) return table_->id(name);
    Names names;
    for (const Feature& f : table_->all()) names.push_back(f.name);
    const std::string near = nearest(name, names);
    complain(at, "{}: unknown feature '{}'{}", what_, name,
             near.empty() ? "; docs/coverage.md lists them" : "; did you mean '" + near + "'?");
  }

  Term term(const YAML::Node& at, FeatureId id, const std::string& text, const std::string& argument) const {
    try {
      return parse_term(text, *table_, id, argument);
    } catch (const Error& error) {
      complain(at, "{}: {}", what_, error.what());
    }
  }

  // One value, or a list of which one holds.
  void read_terms(const YAML::Node& node, FeatureId id, const std::string& argument, std::vector<Term>& terms,
                  std::string& text) const {
    if (node.IsScalar()) {
      terms.push_back(term(node, id, node.Scalar(), argument));
      text += (text.empty() ? "" : " and ") + node.Scalar();
      return;
    }
    if (!node.IsSequence() || node.size() == 0)
      complain(node, "{}: expected a value or a list of values", what_);
    std::string list;
    for (const YAML::Node& item : node) {
      if (!item.IsScalar()) complain(item, "{}: expected a list of plain values", what_);
      terms.push_back(term(item, id, item.Scalar(), argument));
      list += (list.empty() ? "" : " or ") + item.Scalar();
    }
    text += (text.empty() ? "" : " and ") + list;
  }

  Condition word_condition(const YAML::Node& at, const std::string& name, const std::string& value) const {
    Condition c;
    c.feature = feature(at, name);
    c.any.push_back(term(at, c.feature, value, ""));
    c.text = value;
    return c;
  }

  void read_when(const YAML::Node& node, std::vector<Condition>& when) const {
    for (const auto& [name, value] : entries(node, file_, what_ + ".when")) {
      Condition c;
      c.feature = feature(node, name);
      read_terms(value, c.feature, "", c.any, c.text);
      when.push_back(std::move(c));
    }
  }

  // --- points ---

  void read_point(const std::string& name, const YAML::Node& node, Group& group) {
    check_name(node, what_ + ".points", name);
    const std::string outer = what_;
    what_ += ".points." + name;
    const YamlMap map(node, file_, what_, {"doc", "feature", "bins", "when", "hint"});
    Point point;
    point.name = name;
    point.doc = doc_of(map);
    point.feature = feature(node, map.has("feature") ? map.text("feature") : name);
    if (map.has("hint")) point.hint = map.text("hint");
    if (map.has("when")) read_when(map.at("when"), point.when);
    read_bins(map.at("bins"), point);
    add_point(node, std::move(point), group);
    what_ = outer;
  }

  void add_point(const YAML::Node& at, Point point, Group& group) const {
    std::set<std::string> names;
    for (const Bin& bin : point.bins) {
      check_name(at, what_ + ".bins", bin.name);
      if (!names.insert(bin.name).second) complain(at, "{}: bin '{}' is given twice", what_, bin.name);
      for (const auto* terms : {&bin.condition.any, &bin.condition.all})
        for (const Term& t : *terms) point.symbolic |= t.is_symbolic();
    }
    if (point.bins.empty()) complain(at, "{}: no bins", what_);
    for (const Point& other : group.points)
      if (other.name == point.name) complain(at, "{}: point '{}' is given twice", what_, point.name);
    group.points.push_back(std::move(point));
  }

  void read_bins(const YAML::Node& node, Point& point) {
    if (node.IsScalar()) return named_bins(node, point);
    if (node.IsSequence()) {
      for (const YAML::Node& item : node) {
        if (!item.IsScalar()) complain(item, "{}: expected a list of plain values", what_);
        point.bins.push_back(bin_of(item, item.Scalar(), point.feature, item, ""));
      }
      return;
    }
    for (const auto& [name, value] : entries(node, file_, what_ + ".bins"))
      point.bins.push_back(bin_of(node, name, point.feature, value, ""));
  }

  // `all`: those of the feature's table. Otherwise a set of bins, with its edge: extent(rows).
  void named_bins(const YAML::Node& node, Point& point) {
    const std::string text = node.Scalar();
    if (text == "all") return table_bins(node, point, (*table_)[point.feature]);
    const std::size_t open = text.find('(');
    const std::string name = text.substr(0, open);
    std::string argument;
    if (open != std::string::npos) {
      if (text.back() != ')') complain(node, "{}: '{}' lacks its ')'", what_, text);
      argument = text.substr(open + 1, text.size() - open - 2);
      feature(node, argument);
    }
    const auto set = sets_.find(name);
    if (set == sets_.end()) {
      Names names{"all"};
      for (const auto& entry : sets_) names.push_back(entry.first);
      complain(node, "{}: no set of bins is called '{}'; {}", what_, name, expected_one_of(name, names));
    }
    for (const auto& [bin, value] : entries(set->second.first, set->second.second, "bin_sets." + name))
      point.bins.push_back(bin_of(node, bin, point.feature, value, argument));
  }

  // NAME: value, or NAME: {is:, and:, doc:, unreachable:}.
  Bin bin_of(const YAML::Node& at, const std::string& name, FeatureId id, const YAML::Node& value,
             const std::string& argument) {
    Bin bin;
    bin.name = name;
    bin.condition.feature = id;
    if (!value.IsMap()) {
      read_terms(value, id, argument, bin.condition.any, bin.condition.text);
    } else {
      const YamlMap map(value, file_, what_ + ".bins." + name, {"is", "and", "doc", "unreachable"});
      read_terms(map.at("is"), id, argument, bin.condition.any, bin.condition.text);
      if (map.has("and")) read_terms(map.at("and"), id, argument, bin.condition.all, bin.condition.text);
      if (map.has("doc")) bin.doc = map.text("doc");
      if (map.has("unreachable")) bin.unreachable = reason(map, "unreachable");
    }
    if (!argument.empty()) {
      for (std::size_t i; (i = bin.condition.text.find("edge")) != std::string::npos;)
        bin.condition.text.replace(i, 4, argument);
    }
    (void)at;
    return bin;
  }

  std::string reason(const YamlMap& map, const std::string& key) const {
    const std::string text = map.text(key);
    if (text.size() < 8) map.complain(key, "a reason in words is expected");
    return text;
  }

  void table_bins(const YAML::Node& at, Point& point, const Feature& f) const {
    if (f.words.empty() && !f.is_number)
      complain(at, "{}: feature '{}' has no table of values", what_, f.name);
    for (const std::string& word : f.words) {
      const Term t = term(at, point.feature, word, "");
      point.bins.push_back({word, "", {point.feature, {t}, {}, word}, ""});
    }
    if (!f.words.empty()) return;
    for (const Band& band : kBands)
      if (reaches(f, band))
        point.bins.push_back(
            {band.name, "", {point.feature, {term(at, point.feature, band.text, "")}, {}, band.text}, ""});
  }

  // --- points that follow from a table ---

  void expand(const YAML::Node& node, Group& group) {
    const YamlMap map(node, file_, what_ + ".expand", {"features", "table", "except", "when", "unreachable"});
    if (map.has("table") == map.has("features"))
      complain(node, "{}.expand: either features or table is expected", what_);
    std::map<std::string, std::string> unreachable;
    if (map.has("unreachable"))
      for (const auto& [name, value] : entries(map.at("unreachable"), file_, what_ + ".expand.unreachable")) {
        if (!value.IsScalar()) complain(value, "{}.expand.unreachable: expected a reason in words", what_);
        unreachable.emplace(name, value.Scalar());
      }
    const std::size_t first = group.points.size();
    if (map.has("table")) expand_operator(map, group);
    else expand_features(map, group);
    std::vector<Condition> when;
    if (map.has("when")) read_when(map.at("when"), when);
    for (std::size_t p = first; p < group.points.size(); ++p) {
      Point& point = group.points[p];
      point.when.insert(point.when.end(), when.begin(), when.end());
      for (Bin& bin : point.bins) {
        const std::string name = point.name + "/" + bin.name;
        auto found = unreachable.find(name);  // of each operator, or of one: gather/axis/other
        if (found == unreachable.end() && op_ != nullptr)
          found = unreachable.find(std::string(op_->name()) + "/" + name);
        if (found == unreachable.end()) continue;
        bin.unreachable = found->second;
        unreachable.erase(found);
      }
    }
    if (!unreachable.empty() && op_ == nullptr)
      map.complain("unreachable", "no bin '{}' here", unreachable.begin()->first);
  }

  // "mxu.a_*": every feature of the table whose name begins so and that is no point yet.
  void expand_features(const YamlMap& map, Group& group) {
    const Names except = map.has("except") ? map.list("except") : Names{};
    for (const std::string& name : except) feature(map.at("except"), name);
    const Names patterns =
        map.at("features").IsSequence() ? map.list("features") : Names{map.text("features")};
    for (const std::string& pattern : patterns) {
      const bool open = !pattern.empty() && pattern.back() == '*';
      const std::string prefix = pattern.substr(0, pattern.size() - (open ? 1 : 0));
      bool found = false;
      for (const Feature& f : table_->all()) {
        if (open ? f.name.rfind(prefix, 0) != 0 : f.name != prefix) continue;
        found = true;
        const bool known = std::any_of(group.points.begin(), group.points.end(),
                                       [&](const Point& p) { return p.name == f.name; });
        if (known || std::find(except.begin(), except.end(), f.name) != except.end()) continue;
        Point point;
        point.name = f.name;
        point.doc = f.doc;
        point.feature = table_->id(f.name);
        table_bins(map.at("features"), point, f);
        add_point(map.at("features"), std::move(point), group);
      }
      if (!found) feature(map.at("features"), prefix);
    }
  }

  // attributes: a point for each, with its choices, or its fallback and others. optional_inputs: given or
  // not.
  void expand_operator(const YamlMap& map, Group& group) {
    const std::string table = map.text("table");
    if (op_ == nullptr) map.complain("table", "'{}' is of an operator: it needs each: operator", table);
    if (table == "attributes") return expand_attributes(map, group);
    if (table != "optional_inputs")
      map.complain("table", "'{}'; {}", table, expected_one_of(table, {"attributes", "optional_inputs"}));
    const Names& names = op_->input_names();
    for (std::size_t i = op_->required_inputs(); i < names.size(); ++i) {
      Point point;
      point.name = "has." + names[i];
      point.doc = "whether the optional input is given";
      point.feature = feature(map.at("table"), point.name);
      for (const char* value : {"yes", "no"})
        point.bins.push_back({value, "", word_condition(map.at("table"), point.name, value), ""});
      add_point(map.at("table"), std::move(point), group);
    }
  }

  void expand_attributes(const YamlMap& map, Group& group) {
    for (const ops::AttributeSpec& spec : op_->attributes()) {
      Point point;
      point.name = spec.name;
      point.doc = spec.doc;
      const std::string name = spec.choices.empty() ? "given." + spec.name : spec.name;
      point.feature = feature(map.at("table"), name);
      Names values = spec.choices;
      if (values.empty()) values = {"default", "other"};
      for (const std::string& value : values)
        point.bins.push_back({value, "", word_condition(map.at("table"), name, value), ""});
      add_point(map.at("table"), std::move(point), group);
    }
  }

  // --- crosses ---

  void read_cross(const std::string& name, const YAML::Node& node, Group& group) {
    check_name(node, what_ + ".crosses", name);
    const std::string outer = what_;
    what_ += ".crosses." + name;
    const YamlMap map(node, file_, what_, {"doc", "of", "exclude", "exclude_by", "unreachable"});
    Cross cross;
    cross.name = name;
    cross.doc = doc_of(map);
    Names names;
    for (const Point& p : group.points) names.push_back(p.name);
    if (std::find(names.begin(), names.end(), name) != names.end())
      complain(node, "{}: a point has that name", what_);
    std::size_t count = 1;
    for (const std::string& of : map.list("of")) {
      const auto found = std::find(names.begin(), names.end(), of);
      if (found == names.end())
        map.complain("of", "the group has no point '{}'; {}", of, expected_one_of(of, names));
      cross.points.push_back(static_cast<std::size_t>(found - names.begin()));
      cross.radix.push_back(group.points[cross.points.back()].bins.size());
      count *= cross.radix.back();
    }
    if (cross.points.size() < 2) map.complain("of", "a cross is of two points or more");
    if (count > 100'000) map.complain("of", "{} bins: at most 100000", count);
    cross.excluded.resize(count);
    cross.unreachable.resize(count);
    if (map.has("exclude_by")) exclude_by(map, group, cross);
    for (const char* key : {"exclude", "unreachable"})
      if (map.has(key)) read_combinations(map, key, group, cross);
    const auto kept = std::count(cross.excluded.begin(), cross.excluded.end(), "");
    if (kept == 0) complain(node, "{}: every combination is excluded", what_);
    group.crosses.push_back(std::move(cross));
    what_ = outer;
  }

  static std::vector<std::size_t> choice_of(const Cross& cross, std::size_t index) {
    std::vector<std::size_t> choice(cross.radix.size());
    for (std::size_t i = choice.size(); i-- > 0; index /= cross.radix[i]) choice[i] = index % cross.radix[i];
    return choice;
  }

  void exclude_by(const YamlMap& map, const Group& group, Cross& cross) const {
    const std::string name = map.text("exclude_by");
    const auto rule = schema_.rules.find(name);
    if (rule == schema_.rules.end()) {
      Names names;
      for (const auto& entry : schema_.rules) names.push_back(entry.first);
      map.complain("exclude_by", "'{}'; {}", name, expected_one_of(name, names));
    }
    for (std::size_t index = 0; index < cross.excluded.size(); ++index) {
      const std::vector<std::size_t> choice = choice_of(cross, index);
      std::map<std::string, std::string> values;
      for (std::size_t i = 0; i < choice.size(); ++i) {
        const Point& point = group.points[cross.points[i]];
        values.emplace((*table_)[point.feature].name, point.bins[choice[i]].name);
      }
      cross.excluded[index] = rule->second(values);
    }
  }

  // - {POINT: BIN or [BIN, ...], ..., because: REASON}: points that are not named match every bin.
  void read_combinations(const YamlMap& map, const std::string& key, const Group& group, Cross& cross) const {
    const YAML::Node list = map.at(key);
    if (!list.IsSequence()) map.complain(key, "expected a list");
    Names valid{"because"};
    for (const std::size_t p : cross.points) valid.push_back(group.points[p].name);
    for (const YAML::Node& node : list) {
      const YamlMap entry(node, file_, what_ + "." + key, valid);
      const std::string because = reason(entry, "because");
      std::vector<std::set<std::size_t>> chosen(cross.points.size());
      for (std::size_t i = 0; i < cross.points.size(); ++i)
        chosen[i] = chosen_bins(entry, group.points[cross.points[i]]);
      std::size_t matched = 0;
      for (std::size_t index = 0; index < cross.excluded.size(); ++index) {
        const std::vector<std::size_t> choice = choice_of(cross, index);
        bool match = true;
        for (std::size_t i = 0; i < choice.size(); ++i) match &= chosen[i].count(choice[i]) != 0;
        if (!match) continue;
        ++matched;
        (key == "exclude" ? cross.excluded : cross.unreachable)[index] = because;
      }
      if (matched == 0) complain(node, "{}.{}: no combination is meant", what_, key);
    }
  }

  static std::set<std::size_t> chosen_bins(const YamlMap& entry, const Point& point) {
    std::set<std::size_t> chosen;
    Names names;
    for (const Bin& bin : point.bins) names.push_back(bin.name);
    if (!entry.has(point.name)) {
      for (std::size_t b = 0; b < names.size(); ++b) chosen.insert(b);
      return chosen;
    }
    const Names given =
        entry.at(point.name).IsSequence() ? entry.list(point.name) : Names{entry.text(point.name)};
    for (const std::string& name : given) {
      const auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end())
        entry.complain(point.name, "no bin '{}'; {}", name, expected_one_of(name, names));
      chosen.insert(static_cast<std::size_t>(found - names.begin()));
    }
    return chosen;
  }

  const Schema& schema_;
  Model model_;
  std::map<std::string, std::pair<YAML::Node, std::string>> sets_;
  std::string file_, what_;
  const FeatureTable* table_ = nullptr;
  const ops::Operator* op_ = nullptr;
};

Model Model::read(const std::filesystem::path& folder, const Schema& schema) {
  std::error_code error;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path().string());
  if (files.empty()) fail(ExitCode::Usage, "{}: no coverage model (*.yaml) is there", folder.string());
  std::sort(files.begin(), files.end());
  ModelReader reader(schema);
  std::vector<YAML::Node> roots;
  for (const std::string& file : files) reader.read_sets(roots.emplace_back(load_yaml(file)), file);
  for (std::size_t i = 0; i < files.size(); ++i) reader.read_groups(roots[i], files[i]);
  return reader.finish();
}

Model Model::parse(const std::string& text, const std::string& file_name, const Schema& schema) {
  ModelReader reader(schema);
  try {
    const YAML::Node root = YAML::Load(text);
    reader.read_sets(root, file_name);
    reader.read_groups(root, file_name);
  } catch (const YAML::Exception& e) {
    fail(ExitCode::Usage, "{}:{}: not valid YAML: {}", file_name, e.mark.line + 1, e.msg);
  }
  return reader.finish();
}

}  // namespace assay::coverage
