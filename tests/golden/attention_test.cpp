// Attention's references: the contract's edge cases in known bits, that the fp64 reference accepts the
// contract's results, and the 2x rule against an unfused implementation.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "bits.hpp"
#include "golden/backend.hpp"
#include "golden/compare.hpp"

namespace assay::golden {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Attributes = std::vector<std::pair<std::string, ops::AttributeValue>>;

ops::Problem problem(const std::vector<Tensor>& inputs, const Attributes& attributes = {}) {
  static const std::vector<std::string> names{"Q", "K", "V", "mask"};
  ops::Problem p{"attention", {}, {}, {}};
  for (std::size_t i = 0; i < inputs.size(); ++i)
    p.inputs.push_back({names[i], inputs[i].dtype, inputs[i].shape});
  for (const auto& [name, value] : attributes) p.attributes.set(name, value);
  return p;
}

Tensor strict(const std::vector<Tensor>& inputs, const Attributes& attributes = {}) {
  return *find_backend("strict").evaluate(problem(inputs, attributes), inputs).outputs[0].bits;
}

// One head whose scores are `scores` (scale 1, depth 1), values given: a row of results for each query.
std::vector<double> attend(const std::vector<double>& queries, const std::vector<double>& keys,
                           const std::vector<double>& values, Attributes attributes = {},
                           const std::vector<Tensor>& mask = {}, DType type = DType::f32) {
  const auto n = static_cast<std::int64_t>(keys.size());
  attributes.emplace_back("scale", 1.0F);
  std::vector<Tensor> inputs{tensor(type, {1, 1, static_cast<std::int64_t>(queries.size()), 1}, queries),
                             tensor(type, {1, 1, n, 1}, keys),
                             tensor(type, {1, 1, n, static_cast<std::int64_t>(values.size()) / n}, values)};
  inputs.insert(inputs.end(), mask.begin(), mask.end());
  return decode(strict(inputs, attributes));
}

TEST(StrictAttention, EqualScoresGiveTheMean) {
  EXPECT_EQ(attend({1}, {0, 0, 0, 0}, {1, 2, 3, 6}), std::vector<double>{3});
  EXPECT_EQ(attend({0}, std::vector<double>(1024, 7), std::vector<double>(1024, 5)), std::vector<double>{5});
}

TEST(StrictAttention, AGreatScoreTakesAll) {
  EXPECT_EQ(attend({1}, {0, 1000, 0}, {1, 2, 3}), std::vector<double>{2});
  std::vector<double> keys(600, 0), values(600, 1);
  keys[599] = 1000;  // in the last block: O and the sums of those before vanish
  values[599] = 7;
  EXPECT_EQ(attend({1}, keys, values), std::vector<double>{7});
}

TEST(StrictAttention, AQueryThatSeesNoKeyGivesPlusZero) {
  const Attributes causal{{"causal", std::int64_t{1}}};
  const std::vector<double> y = attend({1, 1, 1}, {kNan}, {4}, causal);
  EXPECT_TRUE(y[0] == 0 && !std::signbit(y[0]));
  EXPECT_TRUE(y[1] == 0 && !std::signbit(y[1]));
  EXPECT_TRUE(std::isnan(y[2]));
  const Tensor none = tensor(DType::u8, {1, 2}, {0, 0});
  const std::vector<double> hidden = attend({1}, {kNan, kInf}, {-kInf, kNan}, {}, {none});
  EXPECT_TRUE(hidden[0] == 0 && !std::signbit(hidden[0]));
}

TEST(StrictAttention, AQueryWhoseScoresAreAllMinusInfinityGivesPlusZero) {
  const Tensor mask = tensor(DType::f32, {1, 3}, {-kInf, -kInf, -kInf});
  const std::vector<double> y = attend({1}, {1, 2, 3}, {-1, -2, -3}, {}, {mask});
  EXPECT_TRUE(y[0] == 0 && !std::signbit(y[0]));
  EXPECT_TRUE(std::isnan(attend({1}, {1, 2, 3}, {kInf, 2, 3}, {}, {mask})[0]));  // 0 times Inf
}

TEST(StrictAttention, ScoresWithoutAnAnswerMakeTheRowNan) {
  for (const double bad : {kNan, kInf})
    for (const std::size_t at : {0U, 2U, 400U}) {
      std::vector<double> keys(401, 1), values(401, 1);
      keys[at] = bad;
      const std::vector<double> y = attend({1, 0.5}, keys, values);
      EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1])) << bad << " at " << at;
    }
  // The product with F alone overflows, and nothing follows.
  EXPECT_TRUE(std::isnan(attend({0x1p127}, {1.5}, {1})[0]));
  EXPECT_EQ(attend({1}, {-kInf, 0}, {5, 6}), std::vector<double>{6});
}

TEST(StrictAttention, HiddenKeysHaveNoEffect) {
  const Tensor bytes = tensor(DType::u8, {1, 3}, {1, 0, 255});
  EXPECT_EQ(attend({1}, {0, kNan, 0}, {2, kNan, 4}, {}, {bytes}), std::vector<double>{3});
  const Attributes causal{{"causal", std::int64_t{1}}};
  EXPECT_EQ(attend({1, 1}, {0, kNan}, {2, kInf}, causal)[0], 2);
  const Attributes window{{"causal", std::int64_t{1}}, {"window", std::int64_t{1}}};
  EXPECT_EQ(attend({1, 1, 1}, {0, 3, 5}, {2, 4, 8}, window), (std::vector<double>{2, 4, 8}));
  const Attributes around{{"window", std::int64_t{2}}};
  EXPECT_EQ(attend({0, 0, 0}, {0, 3, 5}, {2, 4, 12}, around), (std::vector<double>{3, 6, 8}));
}

// Of 70 queries, more than the reference takes together, each sees one key more than the one before it.
TEST(CpuAttention, HiddenKeysHaveNoEffectWhateverTheirValues) {
  constexpr std::int64_t kTokens = 70;
  std::vector<double> zeros(kTokens), values(kTokens);
  for (std::size_t j = 0; j < values.size(); ++j) values[j] = static_cast<double>(j);
  values[40] = kInf;
  values[68] = kNan;
  const std::vector<Tensor> inputs{tensor(DType::f32, {1, 1, kTokens, 1}, zeros),
                                   tensor(DType::f32, {1, 1, kTokens, 1}, zeros),
                                   tensor(DType::f32, {1, 1, kTokens, 1}, values)};
  const ops::Problem p = problem(inputs, {{"causal", std::int64_t{1}}});
  const Expected e = find_backend("cpu").evaluate(p, inputs).outputs[0];
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_NEAR(e.values[i], static_cast<double>(i) / 2, 1e-12) << i;
    EXPECT_TRUE(std::isfinite(e.magnitude[i])) << i;
  }
  for (std::size_t i = 40; i < 68; ++i) EXPECT_EQ(e.values[i], kInf) << i;
  EXPECT_TRUE(std::isnan(e.values[68]) && std::isnan(e.values[69]));
}

TEST(StrictAttention, TheSumIsOfUnconvertedExponentials) {
  // In bf16 both P are rounded for the product with V, and the sum is not.
  const double p = 0.6999969482421875;  // 2^-0.51458 or so
  const std::vector<double> y = attend({1}, {0, std::log(p)}, {1, 1}, {}, {}, DType::bf16);
  EXPECT_NEAR(y[0], 1, 0x1p-8);
}

TEST(StrictAttention, ASoftcapBoundsTheScores) {
  // Scores of +-1000 become +-2: weights 1 and exp(-4).
  const std::vector<double> y = attend({1}, {1000, -1000}, {1, 0}, {{"softcap", 2.0F}});
  EXPECT_NEAR(y[0], 1 / (1 + std::exp(-4.0)), 0x1p-22);
}

TEST(StrictAttention, ValueScaleIsAFactorOfTheResults) {
  EXPECT_EQ(attend({1}, {0, 0}, {1, 2}, {{"value_scale", 4.0F}}), std::vector<double>{6});
}

// 256 keys whose exponentials f16 does not hold beside the last key's: their own block is scaled in f32.
TEST(StrictAttention, UnfusedHasOneBlockOfAllKeys) {
  std::vector<double> keys(257, 0), values(257, 1024);
  keys[256] = 18.015625;  // 2^26 times as heavy
  values[256] = 1;
  const double fused = attend({1}, keys, values, {}, {}, DType::f16)[0];
  EXPECT_NEAR(fused, 1 + 0x1p-8, 0x1p-10);
  EXPECT_EQ(attend({1}, keys, values, {{"algorithm", std::string("unfused")}}, {}, DType::f16)[0], 1);
}

TEST(StrictAttention, PagesLieWhereTheTableSays) {
  const Tensor q = tensor(DType::f32, {1, 1, 1, 1}, {0});
  const Tensor k = tensor(DType::f32, {3, 1, 2, 1}, {0, 0, kNan, kNan, 0, 0});
  const Tensor v = tensor(DType::f32, {3, 1, 2, 1}, {1, 2, kNan, kNan, 3, 10});
  const std::vector<Tensor> inputs{q, k, v, tensor(DType::s32, {1, 2}, {2, 0})};
  ops::Problem p{"attention", {}, {}, {}};
  const char* names[]{"Q", "K", "V", "block_table"};
  for (std::size_t i = 0; i < 4; ++i) p.inputs.push_back({names[i], inputs[i].dtype, inputs[i].shape});
  EXPECT_EQ(decode(*find_backend("strict").evaluate(p, inputs).outputs[0].bits), std::vector<double>{4});
}

TEST(StrictAttention, HeadsOfAGroupShareKeysAndLayoutsAgree) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  const auto values = [&](std::size_t n) {
    std::vector<double> list(n);
    for (double& v : list) v = round_to(DType::f16, normal(random));
    return list;
  };
  const std::vector<double> q = values(4 * 3 * 8), k = values(2 * 5 * 8), v = values(2 * 5 * 6);
  const auto swapped = [](const std::vector<double>& x, std::size_t heads, std::size_t rows,
                          std::size_t depth) {
    std::vector<double> y(x.size());
    for (std::size_t h = 0; h < heads; ++h)
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t d = 0; d < depth; ++d)
          y[(r * heads + h) * depth + d] = x[(h * rows + r) * depth + d];
    return y;
  };
  const std::vector<double> y =
      decode(strict({tensor(DType::f16, {1, 4, 3, 8}, q), tensor(DType::f16, {1, 2, 5, 8}, k),
                     tensor(DType::f16, {1, 2, 5, 6}, v)}));
  const std::vector<double> other = decode(strict({tensor(DType::f16, {1, 3, 4, 8}, swapped(q, 4, 3, 8)),
                                                   tensor(DType::f16, {1, 5, 2, 8}, swapped(k, 2, 5, 8)),
                                                   tensor(DType::f16, {1, 5, 2, 6}, swapped(v, 2, 5, 6))},
                                                  {{"layout", std::string("bshd")}}));
  EXPECT_EQ(other, swapped(y, 4, 3, 6));
  // The second head of a group alone.
  const std::vector<double> one(q.begin() + 24, q.begin() + 48), key(k.begin(), k.begin() + 40),
      val(v.begin(), v.begin() + 30);
  const std::vector<double> alone =
      decode(strict({tensor(DType::f16, {1, 1, 3, 8}, one), tensor(DType::f16, {1, 1, 5, 8}, key),
                     tensor(DType::f16, {1, 1, 5, 6}, val)}));
  EXPECT_EQ(alone, std::vector<double>(y.begin() + 18, y.begin() + 36));
}

class AttentionReferences : public ::testing::TestWithParam<DType> {
 protected:
  Tensor drawn(Shape shape, double spread) {
    std::vector<double> values(static_cast<std::size_t>(element_count(shape)));
    std::normal_distribution<double> normal(0, spread);
    for (double& v : values) v = round_to(GetParam(), normal(random_));
    return tensor(GetParam(), std::move(shape), values);
  }
  std::mt19937_64 random_{17};
};

TEST_P(AttentionReferences, TheContractIsWithinTheBound) {
  for (const double spread : {0.1, 1.0, 4.0})
    for (const std::int64_t keys : {1, 5, 256, 300, 1500})
      for (const Attributes& attributes : {Attributes{}, Attributes{{"causal", std::int64_t{1}}},
                                           Attributes{{"window", std::int64_t{40}}}}) {
        const std::vector<Tensor> inputs{drawn({1, 4, 9, 24}, spread), drawn({1, 2, keys, 24}, spread),
                                         drawn({1, 2, keys, 16}, 1)};
        const Reference cpu = find_backend("cpu").evaluate(problem(inputs, attributes), inputs);
        const Comparison c = compare(strict(inputs, attributes), cpu.outputs[0], {Mode::Real, false});
        ASSERT_TRUE(c.passed) << keys << ": " << c.to_line();
      }
}

TEST_P(AttentionReferences, AnErrorBeyondTheBoundIsSeen) {
  const std::vector<Tensor> inputs{drawn({1, 1, 9, 24}, 1), drawn({1, 1, 300, 24}, 1),
                                   drawn({1, 1, 300, 16}, 1)};
  const Reference cpu = find_backend("cpu").evaluate(problem(inputs), inputs);
  std::vector<double> values = decode(strict(inputs));
  for (double& v : values) v *= 1 + 0x1p-2;
  EXPECT_FALSE(
      compare(tensor(GetParam(), {1, 1, 9, 16}, values), cpu.outputs[0], {Mode::Real, false}).passed);
}

// Largest distance from the fp64 values.
double largest_error(const Tensor& y, const Expected& reference) {
  const std::vector<double> values = decode(y);
  double largest = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    largest = std::max(largest, std::fabs(values[i] - reference.values[i]));
  return largest;
}

Tensor evaluate(const ops::Problem& p, const std::vector<Tensor>& inputs) {
  Tensor y = *find_backend("strict").evaluate(p, inputs).outputs[0].bits;
  return y;
}

// MatMul, Mul, Softmax, MatMul, each rounded to the type.
Tensor unfused(const Tensor& q, const Tensor& k, const Tensor& v) {
  const std::int64_t keys = k.shape[2], depth = k.shape[3];
  std::vector<double> columns = decode(k);
  std::vector<double> rows(columns.size());
  for (std::int64_t j = 0; j < keys; ++j)
    for (std::int64_t d = 0; d < depth; ++d)
      rows[static_cast<std::size_t>(d * keys + j)] = columns[static_cast<std::size_t>(j * depth + d)];
  const Tensor kt = tensor(k.dtype, {1, 1, depth, keys}, rows);
  const Tensor scale = tensor(k.dtype, {1}, {1 / std::sqrt(static_cast<double>(depth))});
  const auto info = [](const char* name, const Tensor& t) { return ops::TensorInfo{name, t.dtype, t.shape}; };
  const Tensor x = evaluate({"matmul", {}, {info("A", q), info("B", kt)}, {}}, {q, kt});
  const Tensor scaled = evaluate({"mul", {}, {info("A", x), info("B", scale)}, {}}, {x, scale});
  const Tensor p = evaluate({"softmax", {}, {info("X", scaled)}, {}}, {scaled});
  return evaluate({"matmul", {}, {info("A", p), info("B", v)}, {}}, {p, v});
}

TEST_P(AttentionReferences, TheErrorIsAtMostTwiceThatOfAnUnfusedImplementation) {
  for (const double spread : {0.3, 1.0, 2.0})
    for (const std::int64_t keys : {64, 300, 1024})
      for (const std::int64_t depth : {32, 64, 128}) {
        const std::vector<Tensor> inputs{drawn({1, 1, 32, depth}, spread), drawn({1, 1, keys, depth}, spread),
                                         drawn({1, 1, keys, depth}, 1)};
        const Expected cpu = find_backend("cpu").evaluate(problem(inputs), inputs).outputs[0];
        ASSERT_TRUE(cpu.rival);
        EXPECT_EQ(cpu.rival->elements.size(), static_cast<std::size_t>(32 * depth));
        // The contract's own operators in a chain are a rival of the same class.
        const double ratio =
            cpu.rival->largest_error / largest_error(unfused(inputs[0], inputs[1], inputs[2]), cpu);
        EXPECT_GE(ratio, 1.0 / 3) << keys << " keys, depth " << depth << ", spread " << spread;
        EXPECT_LE(ratio, 3) << keys << " keys, depth " << depth << ", spread " << spread;
        const Comparison c = compare(strict(inputs), cpu, {Mode::Real, false});
        EXPECT_TRUE(c.passed) << c.to_line();
      }
}

// One element three times as far off as the rival ever is. In f32 that is within the bound, which must allow
// for every order of summation.
TEST_P(AttentionReferences, MoreThanTwiceTheRivalsErrorIsRefused) {
  const std::vector<Tensor> inputs{drawn({1, 1, 64, 32}, 1), drawn({1, 1, 300, 32}, 1),
                                   drawn({1, 1, 300, 32}, 1)};
  Expected cpu = find_backend("cpu").evaluate(problem(inputs), inputs).outputs[0];
  std::vector<double> values = decode(strict(inputs));
  values[77] = cpu.values[77] + 3 * cpu.rival->largest_error;
  const Tensor spoiled = tensor(GetParam(), {1, 1, 64, 32}, values);
  const Comparison c = compare(spoiled, cpu, {Mode::Real, false});
  EXPECT_FALSE(c.passed);
  if (GetParam() != DType::f32) return;
  EXPECT_EQ(c.mismatches, 0);
  EXPECT_NE(c.to_line().find("more than twice"), std::string::npos) << c.to_line();
  cpu.rival.reset();
  EXPECT_TRUE(compare(spoiled, cpu, {Mode::Real, false}).passed);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, AttentionReferences, ::testing::Values(DType::f32, DType::f16, DType::bf16),
                         [](const auto& test) { return std::string(to_string(test.param)); });

}  // namespace
}  // namespace assay::golden
