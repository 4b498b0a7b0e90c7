// The GEMM family: gemm, matmul, matmulinteger, qlinearmatmul, grouped_gemm, matmul_nbits.
#include "testgen/space/spaces/spaces.hpp"

namespace assay::testgen {
namespace {

const std::vector<std::pair<std::string, std::uint32_t>> kActivations{
    {"none", 9},    {"relu", 1}, {"clip", 1}, {"tanh", 1},
    {"sigmoid", 1}, {"silu", 1}, {"gelu", 1}, {"gelu_tanh", 1}};
const std::vector<std::pair<std::string, std::uint32_t>> kDataflows{
    {"auto", 3}, {"ws", 1}, {"os", 1}, {"as", 1}};

// How matrices of A and of B are many: by shape.
const std::vector<std::pair<std::string, std::uint32_t>> kBatches{
    {"none", 4},    {"a", 2},     {"b", 2},     {"both", 2},    {"inner_a", 1},
    {"inner_b", 1}, {"cross", 2}, {"row_a", 1}, {"column_b", 1}};

Shape matrix(std::int64_t rows, std::int64_t cols, bool transposed) {
  return transposed ? Shape{cols, rows} : Shape{rows, cols};
}

Shape with_batch(std::vector<std::int64_t> batch, const Shape& matrix) {
  batch.insert(batch.end(), matrix.begin(), matrix.end());
  return batch;
}

// What the whole family shares: sizes, types that may differ, batches, and what follows the sum.
class MatmulSpace : public Space {
 protected:
  using Space::Space;

  Expr fp8() const { return is(type(), {"e4m3", "e5m2"}); }
  Expr bytes() const { return is(type(), {"s8", "u8"}); }
  Expr floats() const { return is_float_type(type()); }

  void add_sizes(std::int64_t most, std::int64_t most_k) {
    m = size("m", most);
    n = size("n", most);
    k = size("k", most_k);
    // The other of two types of eight bits.
    mixed = flag("b_type", fp8() || bytes());
  }

  void add_batches() {
    batch = weighted_choice("batch", kBatches);
    outer = number("batch0", 1, 4, !is(batch, {"none", "row_a", "column_b"}));
    inner = number("batch1", 1, 4, !is(batch, {"none", "row_a", "column_b"}));
    require(implies(is(batch, {"row_a"}), m == 1), "a row is one row");
    require(implies(is(batch, {"column_b"}), n == 1), "a column is one column");
    limit(outer * inner);
  }

  void limit(const Expr& count) {
    require(count * m * n * k <= limits().products, "too many products");
    require(count * m * k <= limits().elements && count * k * n <= limits().elements &&
                count * m * n <= limits().elements,
            "a tensor is too large");
  }

  void add_epilogue() {
    out = choice("out_dtype", {"auto", "f32", "f16", "e4m3", "e5m2"}, floats());
    require(implies(is(out, {"f16", "e4m3", "e5m2"}), fp8()), "only fp8 has that output");
    activation = weighted_choice("activation", kActivations, floats());
    low = number("low", -3, 1, is(activation, {"clip"}));
    high = number("high", 1, 6, is(activation, {"clip"}));
  }

  static DType other(DType type) {
    switch (type) {
      case DType::e4m3: return DType::e5m2;
      case DType::e5m2: return DType::e4m3;
      case DType::s8: return DType::u8;
      case DType::u8: return DType::s8;
      default: return type;
    }
  }
  DType b_type(const Draw& d) const { return d.on(mixed) ? other(d.type(type())) : d.type(type()); }

  DType out_type(const Draw& d) const {
    const DType own = d.type(type());
    if (!d.is(out, "auto")) return d.type(out);
    return !is_float(own) ? DType::s32 : bits_of(own) == 8 ? DType::bf16 : own;
  }

  void set_epilogue(const Draw& d, ops::Problem& p) const {
    if (!d.is(out, "auto")) p.attributes.set("out_dtype", d.choice(out));
    if (d.is(activation, "none")) return;
    p.attributes.set("activation", d.choice(activation));
    if (!d.is(activation, "clip")) return;
    p.attributes.set("low", static_cast<float>(d[low]));
    p.attributes.set("high", static_cast<float>(d[high]));
  }

  // Batch dimensions of A, of B and of the result.
  struct Batches {
    std::vector<std::int64_t> a, b, y;
  };
  Batches batches(const Draw& d) const {
    const std::int64_t i = d[outer], j = d[inner];
    const std::string& form = d.choice(batch);
    if (form == "a") return {{i, j}, {}, {i, j}};
    if (form == "b") return {{}, {i, j}, {i, j}};
    if (form == "both") return {{i, j}, {i, j}, {i, j}};
    if (form == "inner_a") return {{j}, {i, j}, {i, j}};
    if (form == "inner_b") return {{i, j}, {j}, {i, j}};
    if (form == "cross") return {{i, 1}, {1, j}, {i, j}};
    return {};
  }
  Shape a_shape(const Draw& d) const {
    return d.is(batch, "row_a") ? Shape{d[k]} : with_batch(batches(d).a, {d[m], d[k]});
  }
  Shape b_shape(const Draw& d) const {
    return d.is(batch, "column_b") ? Shape{d[k]} : with_batch(batches(d).b, {d[k], d[n]});
  }

  Expr m, n, k, mixed, batch, outer, inner;
  Expr out, activation, low, high, dataflow;
};

class GemmSpace final : public MatmulSpace {
 public:
  explicit GemmSpace(const SpaceLimits& limits) : MatmulSpace("gemm", limits) {
    add_sizes(600, 2100);
    limit(1);
    trans_a = flag("transA");
    trans_b = flag("transB");
    alpha = weighted_choice("alpha", {{"1", 6}, {"0", 1}, {"-1", 1}, {"2", 1}, {"0.5", 1}, {"-1.7", 1}});
    c = choice("C", {"none", "scalar", "one", "n", "1xn", "mx1", "mxn"});
    beta = weighted_choice("beta", {{"1", 6}, {"0", 1}, {"-1", 1}, {"2", 1}, {"0.25", 1}, {"-1.3", 1}},
                           !is(c, {"none"}));
    c_wide = flag("C_f32", !is(c, {"none"}) && floats());
    residual = flag("R");
    for (const Expr& factor : {alpha, beta})
      require(implies(bytes(), !is(factor, {"0.5", "-1.7", "0.25", "-1.3"})), "bytes take whole factors");
    add_epilogue();
    dataflow = weighted_choice("dataflow", kDataflows);
  }

  ops::Problem build(const Draw& d) const override {
    const DType own = d.type(type());
    ops::Problem p{"gemm", {}, {}, {}};
    p.inputs = {{"A", own, matrix(d[m], d[k], d.on(trans_a))},
                {"B", b_type(d), matrix(d[k], d[n], d.on(trans_b))}};
    p.attributes.set("transA", d[trans_a]);
    p.attributes.set("transB", d[trans_b]);
    for (const auto& [name, factor] : {std::pair{"alpha", alpha}, {"beta", beta}})
      p.attributes.set(name, std::stof(d.choice(factor)));
    p.attributes.set("dataflow", d.choice(dataflow));
    set_epilogue(d, p);
    if (!d.is(c, "none"))
      p.inputs.push_back({"C", !is_float(own) ? DType::s32 : d.on(c_wide) ? DType::f32 : own, c_shape(d)});
    if (d.on(residual)) p.inputs.push_back({"R", out_type(d), {d[m], d[n]}});
    return p;
  }

 private:
  Shape c_shape(const Draw& d) const {
    const std::string& form = d.choice(c);
    if (form == "scalar") return {};
    if (form == "one") return {1};
    if (form == "n") return {d[n]};
    if (form == "1xn") return {1, d[n]};
    if (form == "mx1") return {d[m], 1};
    return {d[m], d[n]};
  }

  Expr trans_a, trans_b, alpha, beta, c, c_wide, residual;
};

class BatchedSpace final : public MatmulSpace {
 public:
  explicit BatchedSpace(const SpaceLimits& limits) : MatmulSpace("matmul", limits) {
    add_sizes(600, 2100);
    add_batches();
    residual = flag("R");
    add_epilogue();
    dataflow = weighted_choice("dataflow", kDataflows);
  }

  ops::Problem build(const Draw& d) const override {
    ops::Problem p{"matmul", {}, {}, {}};
    p.inputs = {{"A", d.type(type()), a_shape(d)}, {"B", b_type(d), b_shape(d)}};
    p.attributes.set("dataflow", d.choice(dataflow));
    set_epilogue(d, p);
    if (d.on(residual)) {
      Shape y = batches(d).y;
      if (!d.is(batch, "row_a")) y.push_back(d[m]);
      if (!d.is(batch, "column_b")) y.push_back(d[n]);
      p.inputs.push_back({"R", out_type(d), y});
    }
    return p;
  }

 private:
  Expr residual;
};

class QuantisedSpace final : public MatmulSpace {
 public:
  QuantisedSpace(const std::string& op, const SpaceLimits& limits) : MatmulSpace(op, limits) {
    add_sizes(400, 1100);
    add_batches();
    if (op == "matmulinteger") {
      a_zero = flag("a_zero_point");
      b_zero = flag("b_zero_point");
    } else {
      scale_n = flag("b_scale");
      signed_y = flag("y_type");
    }
    scalars = flag("scalars");
    dataflow = weighted_choice("dataflow", kDataflows);
  }

  ops::Problem build(const Draw& d) const override {
    const DType a = d.type(type()), b = b_type(d);
    const Shape one = d.on(scalars) ? Shape{} : Shape{1};
    ops::Problem p{op(), {}, {}, {}};
    p.attributes.set("dataflow", d.choice(dataflow));
    if (op() == "matmulinteger") {
      p.inputs = {{"A", a, a_shape(d)}, {"B", b, b_shape(d)}};
      if (d.on(a_zero)) p.inputs.push_back({"a_zero_point", a, one});
      if (d.on(b_zero)) p.inputs.push_back({"b_zero_point", b, one});
      return p;
    }
    const Shape columns = d.on(scale_n) ? Shape{d[n]} : one;
    p.inputs = {{"a", a, a_shape(d)},
                {"a_scale", DType::f32, one},
                {"a_zero_point", a, one},
                {"b", b, b_shape(d)},
                {"b_scale", DType::f32, columns},
                {"b_zero_point", b, one},
                {"y_scale", DType::f32, one},
                {"y_zero_point", d.on(signed_y) ? DType::s8 : DType::u8, one}};
    return p;
  }

 private:
  Expr a_zero, b_zero, scale_n, signed_y, scalars;
};

class GroupedSpace final : public MatmulSpace {
 public:
  explicit GroupedSpace(const SpaceLimits& limits) : MatmulSpace("grouped_gemm", limits) {
    add_sizes(300, 300);  // m: tokens
    slots = number("slots", 1, 4);
    experts =
        add({"experts", {{1, 1, 1}, {2, 3, 2}, {8, 8, 1}, {17, 17, 1}, {4, 40, 1}, {300, 300, 1}}, {}, 1});
    require(m * slots * n * k <= limits.products && experts * n * k <= limits.products, "too many products");
    require(experts * n * k <= 4 * limits.elements && m * slots * maximum(n, k) <= limits.elements,
            "a tensor is too large");
    own_rows = flag("own_rows");
    trans_w = flag("transW");
    bias = flag("B");
    weights = flag("weights", floats());
    add_epilogue();
  }

  ops::Problem build(const Draw& d) const override {
    const DType own = d.type(type());
    ops::Problem p{"grouped_gemm", {}, {}, {}};
    p.inputs = {
        {"X", own, d.on(own_rows) ? Shape{d[m], d[slots], d[k]} : Shape{d[m], d[k]}},
        {"W", b_type(d), d.on(trans_w) ? Shape{d[experts], d[n], d[k]} : Shape{d[experts], d[k], d[n]}},
        {"ids", DType::s32, {d[m], d[slots]}}};
    if (d.on(bias)) p.inputs.push_back({"B", is_float(own) ? own : DType::s32, {d[experts], d[n]}});
    if (d.on(weights)) p.inputs.push_back({"weights", DType::f32, {d[m], d[slots]}});
    p.attributes.set("transW", d[trans_w]);
    set_epilogue(d, p);
    return p;
  }

 private:
  Expr slots, experts, own_rows, trans_w, bias, weights;
};

// `type` is that of B.
class NbitsSpace final : public MatmulSpace {
 public:
  explicit NbitsSpace(const SpaceLimits& limits) : MatmulSpace("matmul_nbits", limits) {
    m = size("m", 300);
    n = size("n", 2400);
    k = size("k", 1100);
    group = add({"group",
                 {{0, 0, 2},
                  {2, 2, 1},
                  {16, 16, 1},
                  {32, 32, 2},
                  {48, 48, 1},
                  {64, 64, 1},
                  {128, 128, 2},
                  {200, 200, 1},
                  {1, 300, 2}},
                 {},
                 1});
    trans_b = flag("transB");
    const Expr nibbles = is(type(), {"s4", "u4"});
    require(implies(nibbles, if_else(trans_b, k, n) % 2 == 0), "rows of nibbles are of even length");
    require(implies(nibbles && trans_b == 1, group % 2 == 0), "groups of nibbles begin at whole bytes");
    const Expr groups = if_else(group == 0, 1, divided_up(k, maximum(group, 1)));
    require(m * n * k <= limits.products, "too many products");
    require(m * n <= limits.elements && k * n <= 2 * limits.elements && groups * n <= limits.elements,
            "a tensor is too large");
    a_half = flag("A_f16");
    scales = choice("scales", {"f32", "f16", "bf16"});
    zeros = flag("zeros");
    zero = number("zero", -8, 15, !zeros);
    require(zeros == 1 || if_else(is(type(), {"s4", "s8"}), zero <= 7, zero >= 0), "no such zero point");
    wide = flag("out_f32");
  }

  ops::Problem build(const Draw& d) const override {
    const DType b = d.type(type());
    const bool is_signed = kind_of(b) == DTypeKind::Signed, transposed = d.on(trans_b);
    const std::int64_t groups = d[group] == 0 ? 1 : (d[k] + d[group] - 1) / d[group];
    ops::Problem p{"matmul_nbits", {}, {}, {}};
    p.inputs = {{"A", d.on(a_half) ? DType::f16 : DType::bf16, {d[m], d[k]}},
                {"B", b, matrix(d[k], d[n], transposed)},
                {"scales", d.type(scales), matrix(groups, d[n], transposed)}};
    if (d.on(zeros))
      p.inputs.push_back({"zeros", is_signed ? DType::s8 : DType::u8, matrix(groups, d[n], transposed)});
    else p.attributes.set("zero", d[zero]);
    p.attributes.set("group", d[group]);
    p.attributes.set("transB", d[trans_b]);
    if (d.on(wide)) p.attributes.set("out_dtype", std::string("f32"));
    return p;
  }

 private:
  Expr group, trans_b, a_half, scales, zeros, zero, wide;
};

}  // namespace

std::unique_ptr<Space> matmul_space(const std::string& op, const SpaceLimits& limits) {
  if (op == "gemm") return std::make_unique<GemmSpace>(limits);
  if (op == "matmul") return std::make_unique<BatchedSpace>(limits);
  if (op == "grouped_gemm") return std::make_unique<GroupedSpace>(limits);
  if (op == "matmul_nbits") return std::make_unique<NbitsSpace>(limits);
  if (op == "matmulinteger" || op == "qlinearmatmul") return std::make_unique<QuantisedSpace>(op, limits);
  return nullptr;
}

}  // namespace assay::testgen
