// The coverage model: covergroups of points with bins, and crosses of points. docs/coverage.md says how it is
// written; model/*.yaml is the one that ships.
//
// A sample of a scope passes the groups of that scope whose `when` holds. A point looks at one feature; each
// of its bins that accepts one of the feature's values is hit. A cross is hit at every combination of the
// bins that its points hit. A value in no bin counts nowhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "testgen/coverage/condition.hpp"

namespace assay::coverage {

using BinId = std::uint32_t;

struct Bin {
  std::string name, doc;
  Condition condition;
  std::string unreachable;  // why; empty: reachable
};

struct Point {
  std::string name, doc, hint;
  FeatureId feature = 0;
  std::vector<Condition> when;
  std::vector<Bin> bins;
  BinId first = 0;  // of its bins
  bool symbolic = false;
};

struct Cross {
  std::string name, doc;
  std::vector<std::size_t> points, radix;  // of the group; how many bins each has
  // By combination, the last point fastest: why it is no bin, or cannot be reached. Empty: neither.
  std::vector<std::string> excluded, unreachable;
  std::vector<std::optional<BinId>> bins;  // of each combination; none: excluded
};

struct Group {
  std::string name, doc, hint;
  Scope scope = Scope::Case;
  std::vector<Condition> when;
  std::vector<Point> points;
  std::vector<Cross> crosses;
};

// One bin of a point or a cross.
struct BinInfo {
  std::string name;         // "gemm/m/one", "gemm/m_x_n/one*tile"
  std::string unreachable;  // why; empty: reachable
  std::size_t group = 0;
  bool of_cross = false;
  std::size_t item = 0;             // the point or cross of the group
  std::vector<std::size_t> choice;  // the bin of each point of it
};

class Model {
 public:
  // Every *.yaml of the folder, in the order of their names. Throws Error(Usage) "file:line: ...".
  static Model read(const std::filesystem::path& folder, const Schema& schema);
  static Model parse(const std::string& text, const std::string& file_name, const Schema& schema);

  const Schema& schema() const { return *schema_; }
  const std::vector<Group>& groups() const { return groups_; }
  const std::vector<BinInfo>& bins() const { return bins_; }
  std::size_t size() const { return bins_.size(); }
  std::size_t cross_bins() const;
  std::optional<BinId> find(std::string_view name) const;
  // As above; throws Error(Usage) with the nearest name.
  BinId bin(std::string_view name) const;
  // The bins whose name is `name` or begins with it and a slash. Throws Error(Usage) where there are none.
  std::vector<BinId> bins_under(const std::string& name) const;

  // --- for generators that aim at a bin ---
  // What the bin asks for, each of one feature of its group's scope; all must hold, in one sample.
  std::vector<const Condition*> asks(BinId bin) const;
  // Whether this sample alone hits the bin.
  bool hit_by(BinId bin, const Features& sample) const;
  Scope scope_of(BinId bin) const { return groups_[bins_[bin].group].scope; }
  // "op = gemm, m = rows-1"
  std::string ask_text(BinId bin) const;

 private:
  friend class ModelReader;
  void number_bins();
  template <typename Add>
  void number_cross(std::size_t g, std::size_t c, Add add);

  const Schema* schema_ = nullptr;  // outlives the model
  std::vector<Group> groups_;
  std::vector<BinInfo> bins_;
  std::map<std::string, BinId, std::less<>> by_name_;
};

// Takes samples, and knows which bins they hit so far.
class Sampler {
 public:
  explicit Sampler(const Model& model);

  void sample(Scope scope, const Features& features);
  const Model& model() const { return model_; }
  bool hit(BinId bin) const { return hit_[bin] != 0; }
  std::vector<BinId> bins() const;  // ascending
  void clear();

 private:
  // What a point's last value hit: neighbouring commands mostly agree.
  struct Last {
    Value value;
    bool valid = false;
    std::vector<std::uint32_t> bins;
  };

  const std::vector<std::uint32_t>& hits_of(const Point& point, Last& last, const Features& features);
  void cross(const Cross& cross, const std::vector<const std::vector<std::uint32_t>*>& hits);

  const Model& model_;
  std::vector<std::uint8_t> hit_;
  std::vector<std::vector<const Group*>> groups_;  // by scope
  std::vector<std::vector<Last>> last_;            // by group and point
};

}  // namespace assay::coverage
