// What coverage looks at: named features of a case, a tensor, a run, a command, a hazard. A sample is one of
// these, with the values that its features have; a feature may have none (it does not apply) or several (the
// kinds of values in a tensor).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace assay::coverage {

// What one sample is of.
enum class Scope : std::uint8_t {
  Case,     // an operator's problem on a machine, before it is run
  Tensor,   // an input or output of a case, with its values
  Plan,     // what a case's kernel did with its problem
  Run,      // a whole run of the machine
  Unit,     // a unit of the machine and one owner of its cycles
  Command,  // one AI command of a run
  Hazard    // two commands of a run, of which the second touches a byte after the first
};
inline constexpr std::size_t kScopes = 7;
std::string_view to_string(Scope scope);  // "case"
std::vector<std::string> scope_names();

// A name that is stored once: equal words have equal addresses. Safe in several threads.
using Word = const std::string*;
Word intern(std::string_view text);

struct Value {
  double number = 0;
  Word word = nullptr;  // null: a number

  bool operator==(const Value& other) const { return number == other.number && word == other.word; }
};
std::string to_string(const Value& value);

using FeatureId = std::uint32_t;

// A feature as it is declared: where its words or numbers come from a table, with that table's.
struct Feature {
  std::string name, doc;
  bool is_number = false;
  std::vector<std::string> words;  // all that there are; empty: any (or numbers)
  bool is_signed = false;          // numbers: negative ones are legal
  double least = 0;                // numbers that are not signed
  double most = 0;                 // 0: any
  double align = 1;                // of all numbers a divisor
};

// The features of one scope.
class FeatureTable {
 public:
  FeatureId add(Feature feature);  // the same again: its words are added
  bool has(std::string_view name) const { return ids_.find(name) != ids_.end(); }
  FeatureId id(std::string_view name) const;  // Error(Error) for a name that is none: a fault of the program
  const Feature& operator[](FeatureId id) const { return features_[id]; }
  std::size_t size() const { return features_.size(); }
  const std::vector<Feature>& all() const { return features_; }

 private:
  std::vector<Feature> features_;
  std::map<std::string, FeatureId, std::less<>> ids_;
};

// Whether a combination of values can be at all, by a table of the program: why not, or empty. By feature.
using Rule = std::function<std::string(const std::map<std::string, std::string>&)>;

struct Schema {
  FeatureTable scopes[kScopes];
  std::map<std::string, Rule> rules;
  FeatureTable& operator[](Scope scope) { return scopes[static_cast<std::size_t>(scope)]; }
  const FeatureTable& operator[](Scope scope) const { return scopes[static_cast<std::size_t>(scope)]; }
};

// The values of one sample.
class Features {
 public:
  explicit Features(const FeatureTable& table) : table_(&table), first_(table.size()), count_(table.size()) {}

  void add(FeatureId id, const Value& value);
  void add(FeatureId id, double number) { add(id, Value{number, nullptr}); }
  void add(FeatureId id, Word word) { add(id, Value{0, word}); }
  template <typename T>
  void number(std::string_view name, T value) {
    add(table_->id(name), static_cast<double>(value));
  }
  void word(std::string_view name, std::string_view value) { add(table_->id(name), intern(value)); }
  void flag(std::string_view name, bool value) { word(name, value ? "yes" : "no"); }
  void clear();

  std::size_t count(FeatureId id) const { return count_[id]; }
  const Value& first(FeatureId id) const { return first_[id]; }
  // Calls visit(value) for each value until it returns true; whether one did.
  template <typename Visit>
  bool any(FeatureId id, Visit visit) const {
    if (count_[id] == 0) return false;
    if (visit(first_[id])) return true;
    if (count_[id] > 1)
      for (const auto& [other, value] : more_)
        if (other == id && visit(value)) return true;
    return false;
  }
  const FeatureTable& table() const { return *table_; }

 private:
  const FeatureTable* table_;
  std::vector<Value> first_;
  std::vector<std::uint32_t> count_;
  std::vector<std::pair<FeatureId, Value>> more_;
};

}  // namespace assay::coverage
