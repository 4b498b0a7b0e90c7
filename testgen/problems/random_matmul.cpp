// Members of the GEMM family.
#include <array>

#include "testgen/problems/random_problem.hpp"

namespace assay::testgen {
namespace {

constexpr std::array<std::int64_t, 16> kEdges{1, 2, 3, 4, 5, 8, 15, 16, 17, 33, 64, 127, 128, 129, 255, 300};
constexpr std::array<std::int64_t, 16> kGroupedEdges{1,  2,  3,  4,  5,   8,   15,  16,
                                                     17, 33, 64, 65, 127, 128, 129, 200};

DType byte_type(Generator& random) { return random() % 2 != 0 ? DType::u8 : DType::s8; }

// Of one value, written in one of ONNX's ways.
Shape one(Generator& random) { return random() % 2 != 0 ? Shape{} : Shape{1}; }

// Shapes that broadcast to m x n.
Shape c_shape(std::int64_t m, std::int64_t n, Generator& random) {
  const std::array<Shape, 6> forms{Shape{}, Shape{1}, Shape{n}, Shape{1, n}, Shape{m, 1}, Shape{m, n}};
  return forms[random() % forms.size()];
}

void draw_scaling(ops::Problem& p, Generator& random) {
  p.attributes.set("alpha", static_cast<float>(pick(random, -2, 2)));
  p.attributes.set("beta", static_cast<float>(pick(random, -2, 2)));
}

}  // namespace

// Every transpose, alpha, beta and form of C, with and without a residual; batches of matmul.
ops::Problem random_gemm(std::string_view op, DType type, Generator& random) {
  const std::int64_t m = pick(random, 1, 70), n = pick(random, 1, 70);
  const std::int64_t k = random() % 8 == 0 ? pick(random, 500, 2000) : pick(random, 1, 70);
  const bool gemm = op == "gemm", floats = is_float(type);
  const bool trans_a = gemm && random() % 2 != 0, trans_b = gemm && random() % 2 != 0;
  DType b = type;
  if (type == DType::e4m3 || type == DType::e5m2) b = random() % 2 != 0 ? DType::e4m3 : DType::e5m2;
  ops::Problem p{std::string(op), {}, {}, {}};
  p.inputs = {{"A", type, trans_a ? Shape{k, m} : Shape{m, k}},
              {"B", b, trans_b ? Shape{n, k} : Shape{k, n}}};
  if (!gemm && random() % 2 != 0) p.inputs[0].shape.insert(p.inputs[0].shape.begin(), pick(random, 1, 3));
  if (trans_a) p.attributes.set("transA", std::int64_t{1});
  if (trans_b) p.attributes.set("transB", std::int64_t{1});
  if (floats && random() % 2 != 0) p.attributes.set("out_dtype", std::string("f32"));
  if (gemm) draw_scaling(p, random);
  ops::find_operator(op).infer(p);
  const ops::TensorInfo y = p.outputs[0];
  const DType c = type == DType::s8 || type == DType::u8 ? DType::s32
                  : b == type && !(bits_of(type) == 8)   ? type
                                                         : y.dtype;
  if (gemm && random() % 2 != 0) p.inputs.push_back({"C", c, c_shape(m, n, random)});
  if (random() % 3 == 0) p.inputs.push_back({"R", y.dtype, y.shape});
  return p;
}

ops::Problem random_quantised(const std::string& op, Generator& random) {
  const auto edge = [&] { return kEdges[random() % kEdges.size()]; };
  std::int64_t m = edge(), n = edge(), k = edge();
  const bool whole = random() % 5 == 0;  // tiles
  if (whole) m = n = k = 64;
  while (m * n * k > 600'000) k = (k + 1) / 2, m = (m + 1) / 2;
  Shape a{m, k}, b{k, n};
  if (random() % 3 == 0) a.insert(a.begin(), 3);
  if (random() % 4 == 0) b.insert(b.begin(), 3);
  const DType at = byte_type(random), bt = whole ? at : byte_type(random);
  ops::Problem p;
  p.op = op;
  if (op == "matmulinteger") {
    p.inputs = {{"A", at, a}, {"B", bt, b}};
    if (random() % 3 != 0) p.inputs.push_back({"a_zero_point", at, one(random)});
    if (random() % 3 != 0) p.inputs.push_back({"b_zero_point", bt, one(random)});
    return p;
  }
  const Shape b_scale = random() % 2 != 0 ? Shape{n} : one(random);
  p.inputs = {{"a", at, a},
              {"a_scale", DType::f32, one(random)},
              {"a_zero_point", at, one(random)},
              {"b", bt, b},
              {"b_scale", DType::f32, b_scale},
              {"b_zero_point", bt, one(random)},
              {"y_scale", DType::f32, one(random)},
              {"y_zero_point", byte_type(random), one(random)}};
  return p;
}

ops::Problem random_grouped(DType type, Generator& random) {
  const auto edge = [&] { return kGroupedEdges[random() % kGroupedEdges.size()]; };
  const std::int64_t tokens = edge(), n = edge(), slots = 1 + static_cast<std::int64_t>(random() % 4);
  std::int64_t k = edge();
  constexpr std::array<std::int64_t, 6> kExperts{1, 2, 3, 8, 17, 300};
  const std::int64_t experts = kExperts[random() % kExperts.size()];
  while (tokens * slots * n * k > 600'000 || experts * n * k > 600'000) {
    if (k == 1) break;
    k = (k + 1) / 2;
  }
  const bool trans = random() % 2 != 0, own = random() % 3 == 0, floats = is_float(type);
  const bool fp8 = type == DType::e4m3 || type == DType::e5m2;
  DType w = type;
  if (fp8) w = random() % 2 != 0 ? DType::e4m3 : DType::e5m2;
  if (type == DType::s8) w = random() % 2 != 0 ? DType::s8 : DType::u8;
  ops::Problem p;
  p.op = "grouped_gemm";
  p.inputs = {{"X", type, own ? Shape{tokens, slots, k} : Shape{tokens, k}},
              {"W", w, trans ? Shape{experts, n, k} : Shape{experts, k, n}},
              {"ids", DType::s32, {tokens, slots}}};
  if (random() % 2 != 0) p.inputs.push_back({"B", floats ? type : DType::s32, {experts, n}});
  if (floats && random() % 2 != 0) p.inputs.push_back({"weights", DType::f32, {tokens, slots}});
  p.attributes.set("transW", std::int64_t{trans});
  constexpr std::array kActivations{"none", "relu", "clip", "silu"};
  if (floats) p.attributes.set("activation", std::string(kActivations[random() % 4]));
  if (floats && random() % 3 == 0) p.attributes.set("out_dtype", std::string("f32"));
  return p;
}

ops::Problem random_nbits(DType b, Generator& random) {
  constexpr std::array<std::int64_t, 8> kGroups{0, 2, 16, 32, 48, 64, 128, 200};
  constexpr std::array kScales{DType::f32, DType::f16, DType::bf16};
  const std::int64_t m = random() % 4 == 0 ? pick(random, 1, 300) : pick(random, 1, 6);
  const std::int64_t n = 2 * pick(random, 1, random() % 4 == 0 ? 1200 : 80), k = 2 * pick(random, 1, 220);
  const std::int64_t group = kGroups[random() % kGroups.size()];
  const bool transposed = random() % 2 != 0, is_signed = kind_of(b) == DTypeKind::Signed;
  const std::int64_t groups = group == 0 ? 1 : (k + group - 1) / group;
  const auto shape = [&](std::int64_t depth) { return transposed ? Shape{n, depth} : Shape{depth, n}; };
  ops::Problem p;
  p.op = "matmul_nbits";
  p.inputs = {{"A", random() % 2 != 0 ? DType::bf16 : DType::f16, {m, k}},
              {"B", b, shape(k)},
              {"scales", kScales[random() % 3], shape(groups)}};
  if (random() % 2 != 0) p.inputs.push_back({"zeros", is_signed ? DType::s8 : DType::u8, shape(groups)});
  else p.attributes.set("zero", is_signed ? std::int64_t{-3} : std::int64_t{8});
  p.attributes.set("group", group);
  p.attributes.set("transB", std::int64_t{transposed});
  if (random() % 3 == 0) p.attributes.set("out_dtype", std::string("f32"));
  return p;
}

}  // namespace assay::testgen
