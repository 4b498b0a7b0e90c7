// Elementwise operators: how operands broadcast.
#include <algorithm>
#include <array>

#include "ops/elementwise/elementwise_spec.hpp"
#include "testgen/space/spaces/spaces.hpp"

namespace assay::testgen {
namespace {

constexpr std::size_t kRank = 4;
constexpr std::size_t kPatterns = 3;  // of further inputs, which have them in turn

class ElementwiseSpace final : public Space {
 public:
  ElementwiseSpace(const std::string& op, const SpaceLimits& limits) : Space(op, limits) {
    const std::size_t names = ops::find_operator(op).input_names().size();
    const auto most = static_cast<std::int64_t>(names);
    if (names <= 2) inputs = add({"inputs", {{most, most, 1}}, {}, 1});
    else inputs = add({"inputs", {{2, 2, 3}, {1, 1, 1}, {3, 5, 2}, {15, 15, 1}}, {}, 1});
    rank = number("rank", 0, kRank);
    long_at = number("long_at", 0, kRank - 1);
    Expr all = 1;
    for (std::size_t i = 0; i < kRank; ++i) {
      const Expr here = rank > static_cast<std::int64_t>(i);
      const std::string at = std::to_string(i);
      dims[i] = if_else(long_at == static_cast<std::int64_t>(i),
                        size("long" + at, 3000, here && long_at == static_cast<std::int64_t>(i)),
                        size("dim" + at, 40, here && long_at != static_cast<std::int64_t>(i)));
      all = all * dims[i];
    }
    require(all <= limits.elements, "a tensor is too large");
    for (std::size_t i = 0; i < std::min(names == 1 ? 0 : names, kPatterns); ++i) {
      const Expr here = inputs > static_cast<std::int64_t>(i);
      const std::string at = std::to_string(i);
      dropped[i] = add({"dropped" + at, {{0, 0, 3}, {1, 4, 2}}, {}, here});
      for (std::size_t j = 0; j < kRank; ++j)
        ones[i][j] = add({"one" + at + std::to_string(j),
                          {{0, 0, 3}, {1, 1, 1}},
                          {},
                          here && rank > static_cast<std::int64_t>(j)});
    }
  }

  ops::Problem build(const Draw& d) const override {
    ops::Problem p{op(), {}, {}, {}};
    for (std::int64_t i = 0; i < d[inputs]; ++i)
      p.inputs.push_back({"", d.type(type()), operand(d, static_cast<std::size_t>(i) % kPatterns)});
    return p;
  }

 private:
  Shape operand(const Draw& d, std::size_t pattern) const {
    Shape shape;
    for (std::size_t j = 0; j < static_cast<std::size_t>(d[rank]); ++j)
      shape.push_back(d.on(ones[pattern][j]) ? 1 : d[dims[j]]);
    shape.erase(shape.begin(), shape.begin() + std::min<std::int64_t>(d[dropped[pattern]], d[rank]));
    return shape;
  }

  Expr inputs, rank, long_at;
  std::array<Expr, kRank> dims;
  std::array<Expr, kPatterns> dropped;
  std::array<std::array<Expr, kRank>, kPatterns> ones;
};

bool is_elementwise(const std::string& op) {
  const auto& all = ops::elementwise_operators();
  return std::any_of(all.begin(), all.end(), [&](const ops::Operator* o) { return o->name() == op; });
}

}  // namespace

std::unique_ptr<Space> elementwise_space(const std::string& op, const SpaceLimits& limits) {
  if (is_elementwise(op)) return std::make_unique<ElementwiseSpace>(op, limits);
  return nullptr;
}

}  // namespace assay::testgen
