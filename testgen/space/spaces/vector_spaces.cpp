// softmax, rotary and gather.
#include <array>

#include "testgen/space/spaces/spaces.hpp"

namespace assay::testgen {
namespace {

// Up to three small dimensions.
struct Outer {
  Expr rank;
  std::array<Expr, 3> dims;
  Expr count() const { return dims[0] * dims[1] * dims[2]; }
  Shape shape(const Draw& d) const {
    Shape s;
    for (std::size_t i = 0; i < static_cast<std::size_t>(d[rank]); ++i) s.push_back(d[dims[i]]);
    return s;
  }
};

class VectorSpace : public Space {
 protected:
  using Space::Space;
  Outer outer(const std::string& name, std::int64_t rank, std::int64_t most) {
    Outer o;
    o.rank = number(name + "_rank", 0, rank);
    for (std::int64_t i = 0; i < rank; ++i)
      o.dims[static_cast<std::size_t>(i)] = size(name + std::to_string(i), most, o.rank > i);
    for (std::size_t i = static_cast<std::size_t>(rank); i < 3; ++i) o.dims[i] = 1;
    return o;
  }
};

class SoftmaxSpace final : public VectorSpace {
 public:
  explicit SoftmaxSpace(const SpaceLimits& limits) : VectorSpace("softmax", limits) {
    others = outer("dim", 3, 300);
    length = size("length", 4200, 1, {1024, 2048});  // blocks of the kernel
    axis = number("axis", 0, 3);
    negative = flag("axis_from_back");
    require(axis <= others.rank, "no such axis");
    require(others.count() * length <= limits.elements, "a tensor is too large");
  }

  ops::Problem build(const Draw& d) const override {
    Shape shape = others.shape(d);
    shape.insert(shape.begin() + d[axis], d[length]);
    ops::Problem p{"softmax", {}, {{"X", d.type(type()), shape}}, {}};
    p.attributes.set("axis", d.on(negative) ? d[axis] - static_cast<std::int64_t>(shape.size()) : d[axis]);
    return p;
  }

 private:
  Outer others;
  Expr length, axis, negative;
};

class RotarySpace final : public VectorSpace {
 public:
  explicit RotarySpace(const SpaceLimits& limits) : VectorSpace("rotary", limits) {
    others = outer("dim", 2, 40);
    positions = size("positions", 600);
    half = size("half", 300);
    wide = flag("angles_f32");
    require(others.count() * positions * half * 2 <= limits.elements, "a tensor is too large");
  }

  ops::Problem build(const Draw& d) const override {
    Shape shape = others.shape(d);
    shape.insert(shape.end(), {d[positions], 2 * d[half]});
    const DType own = d.type(type()), angles = d.on(wide) ? DType::f32 : own;
    return {"rotary",
            {},
            {{"X", own, shape},
             {"cos", angles, {d[positions], d[half]}},
             {"sin", angles, {d[positions], d[half]}}},
            {}};
  }

 private:
  Outer others;
  Expr positions, half, wide;
};

class GatherSpace final : public VectorSpace {
 public:
  explicit GatherSpace(const SpaceLimits& limits) : VectorSpace("gather", limits) {
    rows = size("rows", 1100);
    row = outer("dim", 2, 600);
    list = outer("index", 3, 80);
    require(rows * row.count() <= limits.elements, "the table is too large");
    require(list.count() * row.count() <= limits.elements, "the result is too large");
    require(list.count() <= 3000, "the list is too long");
  }

  ops::Problem build(const Draw& d) const override {
    Shape data = row.shape(d);
    data.insert(data.begin(), d[rows]);
    return {"gather", {}, {{"data", d.type(type()), data}, {"indices", DType::s32, list.shape(d)}}, {}};
  }

 private:
  Expr rows;
  Outer row, list;
};

}  // namespace

std::unique_ptr<Space> vector_space(const std::string& op, const SpaceLimits& limits) {
  if (op == "softmax") return std::make_unique<SoftmaxSpace>(limits);
  if (op == "rotary") return std::make_unique<RotarySpace>(limits);
  if (op == "gather") return std::make_unique<GatherSpace>(limits);
  return nullptr;
}

}  // namespace assay::testgen
