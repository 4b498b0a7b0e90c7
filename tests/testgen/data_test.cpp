// What the data kinds promise.
#include "testgen/data.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>

#include "golden/backend.hpp"
#include "golden/formats.hpp"
#include "testgen/random.hpp"

namespace assay::testgen {
namespace {

const std::vector<DType> kFloats{DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2, DType::f64};

Tensor make(DType type, DataKind kind, Shape shape = {64, 64}) {
  return make_tensor({"A", type, std::move(shape)}, kind, 42, 8);
}

template <typename Predicate>
double share(const std::vector<double>& values, Predicate holds) {
  return static_cast<double>(std::count_if(values.begin(), values.end(), holds)) /
         static_cast<double>(values.size());
}

TEST(Random, WordsAreTheSameEverywhereAndForever) {
  EXPECT_EQ(mix(1), 0x5692161D100B05E5ULL);
  ElementRandom random(1, 2);
  EXPECT_EQ(random.next(), 0x87EB34B531FBB689ULL);
}

constexpr std::array kFirstKinds{
    DataKind::Uniform,      DataKind::Normal,    DataKind::Positive,   DataKind::Integers, DataKind::Random,
    DataKind::Cancellation, DataKind::Subnormal, DataKind::SignedZero, DataKind::Special,  DataKind::Mixed};
constexpr std::array kLaterKinds{DataKind::Equal, DataKind::OneHot, DataKind::Sorted, DataKind::Wide,
                                 DataKind::Huge};

std::string bytes_of(const Tensor& t) {
  return {reinterpret_cast<const char*>(t.bytes.data()), t.bytes.size()};
}

TEST(Data, BitsAreTheSameEverywhereAndForever) {
  std::string all, first_six, before_f64, later;
  for (const DType type : all_dtypes()) {
    if (type == DType::e4m3) first_six = all;
    if (type == DType::f64) before_f64 = std::exchange(all, {});
    for (const DataKind kind : kFirstKinds) all += bytes_of(make(type, kind, {7, 9}));
    for (const DataKind kind : kLaterKinds) later += bytes_of(make(type, kind, {7, 9}));
  }
  EXPECT_EQ(hash(first_six), 0x9004DD74ADBAFBC5ULL);
  EXPECT_EQ(hash(before_f64), 0x979CFE628CD698C8ULL);
  EXPECT_EQ(hash(all), 0xBF406DA7E8066119ULL);
  EXPECT_EQ(hash(later), 1110766070333608917ULL);
}

TEST(Data, EqualIsOneValueOfManyBits) {
  for (const DType type : all_dtypes()) {
    const std::vector<double> v = golden::decode(make(type, DataKind::Equal));
    EXPECT_EQ(share(v, [&](double x) { return x == v[0]; }), 1) << to_string(type);
  }
  EXPECT_NE(make(DType::f32, DataKind::Equal).as<float>()[0],
            make_tensor({"A", DType::f32, {1}}, DataKind::Equal, 43, 8).as<float>()[0]);
}

TEST(Data, OneHotHasOneElementInEachRow) {
  for (const DType type : all_dtypes()) {
    const std::vector<double> v = golden::decode(make(type, DataKind::OneHot, {50, 8}));
    std::array<int, 8> places{};
    int rows = 0;
    for (std::size_t row = 0; row < 50; ++row) {
      int hot = 0;
      for (std::size_t i = 0; i < 8; ++i) {
        hot += v[8 * row + i] != 0 ? 1 : 0;
        places[i] += v[8 * row + i] != 0 ? 1 : 0;
      }
      EXPECT_LE(hot, 1);
      rows += hot;
    }
    EXPECT_GT(rows, 35) << to_string(type);  // where the value itself is not 0
    EXPECT_GT(*std::min_element(places.begin(), places.end()), 0) << to_string(type);
  }
}

TEST(Data, SortedRowsGoUpOrDown) {
  for (const DType type : all_dtypes()) {
    const std::vector<double> v = golden::decode(make(type, DataKind::Sorted, {40, 16}));
    int up = 0;
    for (auto row = v.begin(); row != v.end(); row += 16) {
      const bool ascends = std::is_sorted(row, row + 16);
      EXPECT_TRUE(ascends || std::is_sorted(row, row + 16, std::greater<>())) << to_string(type);
      EXPECT_NE(*row, row[15]);
      up += ascends ? 1 : 0;
    }
    EXPECT_GT(up, 5);
    EXPECT_LT(up, 35);
  }
}

TEST(Data, WideHasScalesOfItsOwnByTensor) {
  std::array<int, 5> scales{};
  for (std::uint64_t key = 0; key < 60; ++key) {
    const std::vector<double> v =
        golden::decode(make_tensor({"A", DType::f32, {512}}, DataKind::Wide, key, 8));
    double squares = 0;
    for (const double x : v) squares += x * x;
    ++scales.at(static_cast<std::size_t>(std::lround(std::log2(std::sqrt(squares / 512)) / 2)));
  }
  EXPECT_GT(*std::min_element(scales.begin(), scales.end()), 0);
}

TEST(Data, HugeIsFiniteAndNearTheLargest) {
  for (const DType type : kFloats) {
    const double largest = golden::largest_finite(type);
    const std::vector<double> v = golden::decode(make(type, DataKind::Huge));
    EXPECT_EQ(share(v, [&](double x) { return std::fabs(x) <= largest && std::fabs(x) >= largest / 32; }), 1)
        << to_string(type);
  }
}

TEST(Data, UniformIsZeroMeanAndBelowOne) {
  for (const DType type : kFloats) {
    const std::vector<double> v = golden::decode(make(type, DataKind::Uniform));
    double sum = 0;
    for (const double x : v) sum += x;
    EXPECT_LT(std::fabs(sum / static_cast<double>(v.size())), 0.05);
    EXPECT_EQ(share(v, [](double x) { return std::fabs(x) <= 1; }), 1);
  }
}

TEST(Data, NormalHasMeanZeroAndVarianceOne) {
  const std::vector<double> v = golden::decode(make(DType::f32, DataKind::Normal));
  double sum = 0;
  double squares = 0;
  for (const double x : v) {
    sum += x;
    squares += x * x;
  }
  EXPECT_LT(std::fabs(sum / 4096), 0.06);
  EXPECT_NEAR(squares / 4096, 1, 0.08);
}

TEST(Data, PositiveIsPositive) {
  for (const DType type : all_dtypes())
    EXPECT_EQ(share(golden::decode(make(type, DataKind::Positive)), [](double x) { return x > 0; }), 1)
        << to_string(type);
}

TEST(Data, IntegersAreSmallAndNeverZero) {
  for (const DType type : kFloats)
    EXPECT_EQ(share(golden::decode(make(type, DataKind::Integers)),
                    [](double x) { return x == std::floor(x) && std::fabs(x) <= 8 && x != 0; }),
              1);
}

TEST(Data, SubnormalHoldsSubnormalOperandsOfItsType) {
  for (const DType type : kFloats) {
    const double smallest_normal = golden::half_smallest(type) * 2 / golden::unit_roundoff(type) / 2;
    const std::vector<double> v = golden::decode(make(type, DataKind::Subnormal));
    EXPECT_GT(share(v, [&](double x) { return x != 0 && std::fabs(x) < smallest_normal; }), 0.1)
        << to_string(type);
    EXPECT_GT(share(v, [&](double x) { return std::fabs(x) > 0.25; }), 0.1);
  }
}

TEST(Data, SignedZeroHoldsBothZeros) {
  for (const DType type : kFloats) {
    const std::vector<double> v = golden::decode(make(type, DataKind::SignedZero));
    EXPECT_GT(share(v, [](double x) { return x == 0 && std::signbit(x); }), 0.15);
    EXPECT_GT(share(v, [](double x) { return x == 0 && !std::signbit(x); }), 0.15);
  }
}

TEST(Data, SpecialHoldsInfinitiesAndNansButLeavesFiniteRows) {
  for (const DType type : kFloats) {
    const std::vector<double> v = golden::decode(make(type, DataKind::Special, {256, 32}));
    EXPECT_GT(share(v, [](double x) { return std::isnan(x); }), 0.0);
    const double infinite = share(v, [](double x) { return std::isinf(x); });
    EXPECT_EQ(infinite > 0.0, type != DType::e4m3) << to_string(type) << ": e4m3 has none";
    EXPECT_GT(share(v, [](double x) { return std::isfinite(x); }), 0.95);
  }
}

TEST(Data, SpecialNansCarryPayloads) {
  const Tensor t = make(DType::f32, DataKind::Special, {64, 64});
  bool payload = false;
  for (std::size_t i = 0; i < 4096; ++i) {
    const std::uint64_t word = golden::element_bits(t, i) & 0x7FFFFFFF;
    payload = payload || (word > 0x7F800000 && word != 0x7FC00000);
  }
  EXPECT_TRUE(payload);
}

TEST(Data, CancellationMakesSumsFarSmallerThanTheirTerms) {
  Case c;
  c.problem.op = "gemm";
  c.problem.inputs = {{"A", DType::f32, {16, 64}}, {"B", DType::f32, {64, 16}}};
  c.mode = golden::Mode::Bits;
  c.data = DataKind::Cancellation;
  validate(c);
  const golden::Reference r = golden::find_backend("cpu").evaluate(c.problem, make_inputs(c));
  const golden::Expected y = golden::with_magnitudes(r.outputs[0]);
  double smallest = 1;
  for (std::size_t i = 0; i < 256; ++i)
    smallest = std::min(smallest, std::fabs(y.values[i]) / y.magnitude[i]);
  EXPECT_LT(smallest, 1e-3);
}

TEST(Data, MixedHasEveryKindOfRow) {
  const std::vector<double> v = golden::decode(make(DType::f32, DataKind::Mixed, {64, 16}));
  EXPECT_GT(share(v, [](double x) { return x == 0; }), 0.02);
  EXPECT_GT(share(v, [](double x) { return x != 0 && std::fabs(x) < 0x1p-60; }), 0.02);
  EXPECT_GT(share(v, [](double x) { return std::fabs(x) > 0x1p20; }), 0.02);
}

TEST(Data, S8UsesItsWholeRange) {
  const std::vector<double> v = golden::decode(make(DType::s8, DataKind::Uniform));
  EXPECT_EQ(*std::min_element(v.begin(), v.end()), -128);
  EXPECT_EQ(*std::max_element(v.begin(), v.end()), 127);
}

TEST(ExactLimit, KeepsEverySumWithinTheExactIntegers) {
  for (const std::int64_t k : {1, 100, 65536, 1 << 20, 1 << 24}) {
    const ops::Problem p{"gemm", {}, {{"A", DType::f32, {1, k}}, {"B", DType::f32, {k, 1}}}, {}};
    const double q = exact_limit(p);
    EXPECT_GE(q, 1);
    EXPECT_LE(static_cast<double>(k) * q * q, 0x1p24);
  }
}

TEST(ExactLimit, AvoidsOverflowOfF16WhereItCan) {
  const ops::Problem p{"gemm", {}, {{"A", DType::f16, {1, 1024}}, {"B", DType::f16, {1024, 1}}}, {}};
  EXPECT_LE(1024 * exact_limit(p) * exact_limit(p), 65504);
}

}  // namespace
}  // namespace assay::testgen
