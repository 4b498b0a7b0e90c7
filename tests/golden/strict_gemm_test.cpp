// The strict golden's gemm and matmul: epilogue, transposes, broadcasting.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "../support/expect_error.hpp"
#include "bits.hpp"
#include "golden/backend.hpp"

namespace assay::golden {
namespace {

using test::expect_error;

Tensor run(ops::Problem problem, const std::vector<Tensor>& inputs) {
  problem.inputs.clear();
  for (const Tensor& t : inputs) problem.inputs.push_back({t.name == "R" ? "R" : "", t.dtype, t.shape});
  ops::name_inputs(ops::find_operator(problem.op), problem);
  return *find_backend("strict").evaluate(problem, inputs).outputs[0].bits;
}

ops::Problem gemm(std::initializer_list<std::pair<std::string, ops::AttributeValue>> attributes = {}) {
  ops::Problem p;
  p.op = "gemm";
  for (const auto& [name, value] : attributes) p.attributes.set(name, value);
  return p;
}

// One product x * 1 with acc = x, in fp32.
Tensor scalar(double value, DType type = DType::f32) { return tensor(type, {1, 1}, {value}); }
float single(const Tensor& t) { return t.as<float>()[0]; }

TEST(StrictGemm, AlphaRoundsBeforeBetaTimesCIsFused) {
  const float x = 1 + 0x1p-12F;
  // alpha * acc = x * x needs 25 bits: rounded to 1 + 2^-11 first, so the fma sees no 2^-24.
  const Tensor y = run(gemm({{"alpha", x}}), {scalar(x), scalar(1), scalar(-1)});
  EXPECT_EQ(single(y), 0x1p-11F);
  // beta * C is not rounded: fma(x, x, acc) with acc = -1 keeps it.
  const Tensor z = run(gemm({{"beta", x}}), {scalar(-1), scalar(1), scalar(x)});
  EXPECT_EQ(single(z), 0x1p-11F + 0x1p-24F);
}

TEST(StrictGemm, BetaZeroDoesNotReadC) {
  const Tensor y = run(gemm({{"beta", 0.0F}}), {scalar(3), scalar(5), scalar(std::nan(""))});
  EXPECT_EQ(single(y), 15);
}

TEST(StrictGemm, AlphaZeroMultiplies) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(bits(single(run(gemm({{"alpha", 0.0F}}), {scalar(inf), scalar(1)}))), 0x7FC00000U);
  EXPECT_EQ(bits(single(run(gemm({{"alpha", 0.0F}}), {scalar(-1), scalar(1)}))), 0x80000000U);
}

TEST(StrictGemm, TheOutputConversionComesLastAndOnce) {
  // 1 + 2^-8 is a tie of bf16 and 2^-20 breaks it only if nothing was rounded to bf16 before.
  const Tensor a = tensor(DType::bf16, {1, 3}, {1, 0x1p-8, 0x1p-20});
  const Tensor b = tensor(DType::bf16, {3, 1}, {1, 1, 1});
  EXPECT_EQ(element_bits(run(gemm(), {a, b}), 0), 0x3F81U);
  const Tensor wide = run(gemm({{"out_dtype", std::string("f32")}}), {a, b});
  EXPECT_EQ(single(wide), 1 + 0x1p-8F + 0x1p-20F);
}

TEST(StrictGemm, EveryTransposeGivesTheSameBits) {
  std::vector<double> a(15);
  std::vector<double> b(35);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = std::sin(i);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = std::cos(i);
  const auto transposed = [](const std::vector<double>& v, std::size_t rows, std::size_t cols) {
    std::vector<double> t(v.size());
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < cols; ++j) t[j * rows + i] = v[i * cols + j];
    return t;
  };
  const Tensor plain = run(gemm(), {tensor(DType::f32, {3, 5}, a), tensor(DType::f32, {5, 7}, b)});
  const Tensor ta = tensor(DType::f32, {5, 3}, transposed(a, 3, 5));
  const Tensor tb = tensor(DType::f32, {7, 5}, transposed(b, 5, 7));
  const std::int64_t yes = 1;
  EXPECT_EQ(run(gemm({{"transA", yes}, {"transB", yes}}), {ta, tb}).bytes, plain.bytes);
  EXPECT_EQ(run(gemm({{"transA", yes}}), {ta, tensor(DType::f32, {5, 7}, b)}).bytes, plain.bytes);
  EXPECT_EQ(run(gemm({{"transB", yes}}), {tensor(DType::f32, {3, 5}, a), tb}).bytes, plain.bytes);
}

TEST(StrictGemm, CBroadcastsOverRowsAndColumns) {
  const Tensor a = tensor(DType::f32, {2, 1}, {1, 2});
  const Tensor b = tensor(DType::f32, {1, 3}, {10, 20, 30});
  const auto values = [&](Shape shape, const std::vector<double>& c) {
    return decode(run(gemm(), {a, b, tensor(DType::f32, std::move(shape), c)}));
  };
  EXPECT_EQ(values({}, {5}), (std::vector<double>{15, 25, 35, 25, 45, 65}));
  EXPECT_EQ(values({1}, {5}), (std::vector<double>{15, 25, 35, 25, 45, 65}));
  EXPECT_EQ(values({3}, {1, 2, 3}), (std::vector<double>{11, 22, 33, 21, 42, 63}));
  EXPECT_EQ(values({1, 3}, {1, 2, 3}), (std::vector<double>{11, 22, 33, 21, 42, 63}));
  EXPECT_EQ(values({2, 1}, {1, 2}), (std::vector<double>{11, 21, 31, 22, 42, 62}));
  EXPECT_EQ(values({2, 3}, {1, 2, 3, 4, 5, 6}), (std::vector<double>{11, 22, 33, 24, 45, 66}));
}

TEST(StrictGemm, IntegersWrapThroughTheEpilogue) {
  const Tensor a = tensor(DType::s8, {1, 2}, {127, -128});
  const Tensor b = tensor(DType::s8, {2, 1}, {127, -128});  // 16129 + 16384
  const Tensor c = tensor(DType::s32, {1, 1}, {2147483647});
  const Tensor y = run(gemm({{"alpha", std::int64_t{100000}}, {"beta", std::int64_t{3}}}), {a, b, c});
  const auto want =
      static_cast<std::int32_t>(static_cast<std::uint32_t>(100000ULL * 32513 + 3ULL * 2147483647));
  EXPECT_EQ(y.as<std::int32_t>()[0], want);
}

// Of the residual's name, so that it may stand where C would.
Tensor residual(double value, DType type = DType::f32) { return tensor(type, {1, 1}, {value}, "R"); }

TEST(StrictGemm, TheResidualIsARoundingOfItsOwnBeforeTheActivation) {
  const double tiny = 0x1p-24;  // 1 + tiny is a tie that goes to 1
  EXPECT_EQ(single(run(gemm(), {scalar(1), scalar(1), residual(tiny)})), 1);
  EXPECT_EQ(single(run(gemm(), {scalar(1), scalar(1), scalar(tiny), residual(tiny)})), 1) << "two roundings";
  EXPECT_EQ(single(run(gemm({{"beta", 0.0F}}), {scalar(1), scalar(1), scalar(9), residual(2)})), 3);
  // Neither alpha nor beta multiplies it.
  EXPECT_EQ(
      single(run(gemm({{"alpha", 4.0F}, {"beta", 8.0F}}), {scalar(1), scalar(1), scalar(1), residual(1)})),
      13);
  const ops::Problem relu = gemm({{"activation", std::string("relu")}});
  EXPECT_EQ(single(run(relu, {scalar(-3), scalar(1), residual(5)})), 2) << "not relu(-3) + 5";
  EXPECT_EQ(bits(single(run(gemm(), {scalar(1), scalar(1), residual(std::nan(""))}))), 0x7FC00000U);
}

TEST(StrictGemm, AnIntegerResidualWraps) {
  const Tensor r = tensor(DType::s32, {1, 1}, {2147483647}, "R");
  const Tensor y = run(gemm(), {scalar(1, DType::s8), scalar(1, DType::s8), r});
  EXPECT_EQ(y.as<std::int32_t>()[0], INT32_MIN);
}

TEST(StrictMatmul, EachBatchHasItsResidual) {
  ops::Problem p;
  p.op = "matmul";
  const Tensor a = tensor(DType::f32, {2, 1, 2}, {1, 2, 3, 4}),
               b = tensor(DType::f32, {2, 2, 1}, {1, 10, 5, 7});
  const Tensor r = tensor(DType::f32, {2, 1, 1}, {100, 200}, "R");
  EXPECT_EQ(decode(run(p, {a, b, r})), (std::vector<double>{121, 243}));
}

TEST(StrictMatmul, BatchesBroadcastAsInNumPy) {
  ops::Problem p;
  p.op = "matmul";
  // A [2,1,1,2], B [3,2,1]: y[i][j] = A[i] . B[j]
  const Tensor a = tensor(DType::f32, {2, 1, 1, 2}, {1, 2, 3, 4});
  const Tensor b = tensor(DType::f32, {3, 2, 1}, {1, 10, 100, 1000, 5, 7});
  const Tensor y = run(p, {a, b});
  EXPECT_EQ(y.shape, (Shape{2, 3, 1, 1}));
  EXPECT_EQ(decode(y), (std::vector<double>{21, 2100, 19, 43, 4300, 43}));
}

TEST(StrictMatmul, OneDimensionalOperandsAreRowAndColumn) {
  ops::Problem p;
  p.op = "matmul";
  const Tensor v = tensor(DType::f32, {2}, {1, 10});
  const Tensor m = tensor(DType::f32, {2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(decode(run(p, {v, v})), std::vector<double>{101});
  EXPECT_EQ(decode(run(p, {v, m})), (std::vector<double>{31, 42}));
  EXPECT_EQ(decode(run(p, {m, v})), (std::vector<double>{21, 43}));
}

TEST(Backends, CudaSaysWhyItCannotBeUsed) {
  const std::optional<Unavailable> missing = find_backend("cuda").unavailable();
  if (!missing) return;  // there is a GPU
  EXPECT_EQ(missing->code, ExitCode::NoDevice);
  EXPECT_EQ(missing->why.substr(0, 11), "no device: ");
  ops::Problem p = gemm();
  p.inputs = {{"A", DType::f32, {1, 1}}, {"B", DType::f32, {1, 1}}};
  expect_error(ExitCode::NoDevice, "golden cuda: no device: ", [&] {
    find_backend("cuda").evaluate(p, {scalar(1), scalar(1)});
  });
}

TEST(Backends, InputsThatAreNotTheProblemsAreRefused) {
  ops::Problem p = gemm();
  p.inputs = {{"A", DType::f32, {1, 1}}, {"B", DType::f32, {1, 1}}};
  for (const Backend* backend : all_backends()) {
    expect_error(ExitCode::Usage, "1 input tensors for 2 inputs", [&] { backend->evaluate(p, {scalar(1)}); });
    expect_error(ExitCode::Usage, "input 'B' is bf16 [1, 1]", [&] {
      backend->evaluate(p, {scalar(1), scalar(1, DType::bf16)});
    });
    Tensor cut = scalar(1);
    cut.bytes.pop_back();
    expect_error(ExitCode::Usage, "(3 bytes)", [&] { backend->evaluate(p, {scalar(1), cut}); });
  }
}

TEST(Backends, AnUnknownOneIsRefusedWithTheNearest) {
  expect_error(ExitCode::Usage,
               "unknown golden 'stric'; expected one of strict, cpu, dnnl, ort, cuda; did you mean 'strict'?",
               [] { find_backend("stric"); });
}

TEST(Backends, OneDnnRefusesIntegers) {
  ops::Problem p = gemm();
  p.inputs = {{"A", DType::s8, {1, 1}}, {"B", DType::s8, {1, 1}}};
  expect_error(ExitCode::Unsupported, "golden dnnl: integer operands", [&] {
    find_backend("dnnl").evaluate(p, {scalar(1, DType::s8), scalar(1, DType::s8)});
  });
}

}  // namespace
}  // namespace assay::golden
