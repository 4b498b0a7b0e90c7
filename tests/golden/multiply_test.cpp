// The fp64 product of the cpu golden: its order of summation, whatever the lines beside, on every target.
#include "golden/cpu/multiply.hpp"

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cmath>
#include <limits>

#include "testgen/random.hpp"

namespace assay::golden::cpu {
namespace {

constexpr std::size_t kChain = 256;  // as the header says

std::vector<float> random_values(std::size_t count, std::uint64_t key) {
  testgen::ElementRandom random(key, 0);
  std::vector<float> values(count);
  for (float& x : values) x = std::ldexp(static_cast<float>(random.unit()) - 0.5F, random.between(-20, 20));
  return values;
}

// Line i of `count`, whose elements are `stride` apart: rows where that is 1, else columns.
Lines lines_of(const std::vector<float>& values, std::size_t count, std::size_t length, bool columns) {
  Lines lines{{}, columns ? count : 1};
  for (std::size_t i = 0; i < count; ++i) lines.lines.push_back(values.data() + (columns ? i : i * length));
  return lines;
}

double in_order(const Lines& a, std::size_t i, const Lines& b, std::size_t j, std::size_t k, Terms terms) {
  double sum = 0;
  for (std::size_t first = 0; first < k; first += kChain) {
    double chain = 0;
    for (std::size_t step = first; step < std::min(k, first + kChain); ++step) {
      const double product = double{a.lines[i][step * a.stride]} * double{b.lines[j][step * b.stride]};
      chain += terms == Terms::magnitudes ? std::fabs(product) : product;
    }
    sum = first == 0 ? chain : sum + chain;
  }
  return sum;
}

void expect_in_order(std::size_t m, std::size_t n, std::size_t k, bool transpose_a, bool transpose_b) {
  const std::vector<float> a_values = random_values(m * k, 1), b_values = random_values(n * k, 2);
  const Lines a = lines_of(a_values, m, k, transpose_a), b = lines_of(b_values, n, k, !transpose_b);
  for (const Terms terms : {Terms::signed_products, Terms::magnitudes}) {
    std::vector<double> sums(m * n, std::numeric_limits<double>::quiet_NaN());
    multiply({{a, b, sums.data()}}, k, terms);
    for (std::size_t i = 0; i < m * n; ++i)
      ASSERT_EQ(sums[i], in_order(a, i / n, b, i % n, k, terms))
          << m << "x" << n << "x" << k << " at " << i << " transposed " << transpose_a << transpose_b;
  }
}

// Runs on every target that this processor has.
class Multiply : public testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override { use(GetParam()); }
  void TearDown() override { use(0); }

 private:
  static void use(std::int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

TEST_P(Multiply, SumsChainsOf256InOrder) {
  for (const std::size_t m : {1U, 3U, 4U, 9U, 130U})
    for (const std::size_t n : {1U, 11U, 12U, 25U})
      for (const std::size_t k : {1U, 255U, 256U, 257U, 600U}) expect_in_order(m, n, k, false, false);
}

TEST_P(Multiply, TakesEitherOperandTransposed) {
  for (const bool a : {false, true})
    for (const bool b : {false, true}) expect_in_order(17, 50, 300, a, b);
}

TEST_P(Multiply, NeverExceedsTheSumOfMagnitudes) {
  const std::size_t m = 16, n = 48, k = 1000;
  std::vector<float> a = random_values(m * k, 3), b = random_values(n * k, 4);
  for (std::size_t i = 0; i < a.size(); i += 2) a[i] = std::fabs(a[i]);
  for (float& x : b) x = std::fabs(x);  // rows of a: half of the products positive, half of either sign
  for (std::size_t i = 0; i < 8 * k; ++i) a[i] = std::fabs(a[i]);  // and all positive
  std::vector<double> sums(m * n), magnitudes(m * n);
  multiply({{lines_of(a, m, k, false), lines_of(b, n, k, false), sums.data()}}, k, Terms::signed_products);
  multiply({{lines_of(a, m, k, false), lines_of(b, n, k, false), magnitudes.data()}}, k, Terms::magnitudes);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    EXPECT_LE(std::fabs(sums[i]), magnitudes[i]);
    EXPECT_TRUE(i >= 8 * n || sums[i] == magnitudes[i]);
  }
}

TEST_P(Multiply, AnInfinityReachesItsOwnRowAlone) {
  std::vector<float> a(5 * 30, 1.0F), b(13 * 30, 2.0F);
  a[2 * 30 + 7] = std::numeric_limits<float>::infinity();
  b[12 * 30 + 7] = 0;
  std::vector<double> sums(5 * 13);
  multiply({{lines_of(a, 5, 30, false), lines_of(b, 13, 30, false), sums.data()}}, 30,
           Terms::signed_products);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const bool infinite = i / 13 == 2, last = i % 13 == 12;
    if (infinite && last) {
      EXPECT_TRUE(std::isnan(sums[i]));
    } else {
      EXPECT_EQ(sums[i], infinite ? std::numeric_limits<double>::infinity() : last ? 58 : 60);
    }
  }
}

std::vector<std::int64_t> targets() {
  std::vector<std::int64_t> single;
  for (std::int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1)
    single.push_back(left & -left);
  return single;
}

INSTANTIATE_TEST_SUITE_P(Targets, Multiply, testing::ValuesIn(targets()),
                         [](const auto& target) { return std::string(hwy::TargetName(target.param)); });

}  // namespace
}  // namespace assay::golden::cpu
