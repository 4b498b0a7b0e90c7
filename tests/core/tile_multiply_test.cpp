// The MXU's arithmetic against a scalar chain, under every SIMD target of this processor.
#include "core/mxu/tile_multiply.hpp"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "bits.hpp"

namespace assay {
namespace {

using core::TileOperand;
using core::TileProduct;
using test::bits_of;
using test::float_of;

enum class Data { Moderate, Any, Subnormal };  // s8: any, the least, the greatest value

float half_to_float(std::uint16_t h) {
  const int exponent = h >> 10 & 31, fraction = h & 1023;
  float magnitude = exponent == 0    ? std::ldexp(static_cast<float>(fraction), -24)
                    : exponent == 31 ? (fraction != 0 ? NAN : INFINITY)
                                     : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  return (h & 0x8000) != 0 ? -magnitude : magnitude;
}

// An operand in memory of its own: (i, k) for A, (k, j) for B.
class Operand {
 public:
  Operand(DType dtype, std::size_t outer, std::size_t k, bool outer_is_contiguous, Data data,
          std::mt19937_64& random)
      : dtype_(dtype), outer_is_contiguous_(outer_is_contiguous) {
    const std::size_t lines = outer_is_contiguous ? k : outer, length = outer_is_contiguous ? outer : k;
    stride_ = length * size_of(dtype) + random() % 9;
    bytes_.resize(lines * stride_);
    for (std::size_t line = 0; line < lines; ++line)
      for (std::size_t i = 0; i < length; ++i) put(line * stride_ + i * size_of(dtype), data, random);
  }

  TileOperand operand(bool transposed) const { return {bytes_.data(), stride_, transposed}; }
  float value(std::size_t outer, std::size_t k) const {
    const std::byte* at = place(outer, k);
    std::uint32_t bits = 0;
    std::memcpy(&bits, at, size_of(dtype_));
    if (dtype_ == DType::f32) return float_of(bits);
    return dtype_ == DType::bf16 ? float_of(bits << 16) : half_to_float(static_cast<std::uint16_t>(bits));
  }
  std::int32_t integer(std::size_t outer, std::size_t k) const {
    return static_cast<std::int8_t>(*place(outer, k));
  }

 private:
  const std::byte* place(std::size_t outer, std::size_t k) const {
    const std::size_t line = outer_is_contiguous_ ? k : outer, index = outer_is_contiguous_ ? outer : k;
    return &bytes_[line * stride_ + index * size_of(dtype_)];
  }

  void put(std::size_t at, Data data, std::mt19937_64& random) {
    std::uint32_t bits = 0;
    const auto moderate = static_cast<float>(static_cast<int>(random() % 2048) - 1024) / 64.0F;
    switch (dtype_) {
      case DType::s8:
        bits = data == Data::Any         ? 0x80
               : data == Data::Subnormal ? 0x7F
                                         : static_cast<std::uint32_t>(random());
        break;
      case DType::f32:
        bits = data == Data::Moderate    ? bits_of(moderate * (1 + 0x1p-20F))
               : data == Data::Subnormal ? bits_of(moderate * 0x1p-70F)
               : random() % 40 == 0      ? bits_of(test::any_float(random))
                                         : bits_of(moderate);
        break;
      case DType::bf16:
        bits = data == Data::Any && random() % 40 == 0
                   ? static_cast<std::uint32_t>(random())
                   : bits_of(moderate * (data == Data::Subnormal ? 0x1p-72F : 1)) >> 16;
        break;
      default:
        bits = data == Data::Any && random() % 40 == 0 ? static_cast<std::uint32_t>(random())
               : data == Data::Subnormal ? static_cast<std::uint32_t>(random() % 2048 | (random() & 0x8000))
                                         : static_cast<std::uint32_t>(0x3000 + random() % 0x1800);
    }
    std::memcpy(&bytes_[at], &bits, size_of(dtype_));
  }

  DType dtype_;
  bool outer_is_contiguous_;
  std::size_t stride_ = 0;
  std::vector<std::byte> bytes_;
};

struct Problem {
  DType dtype = DType::f32;
  std::size_t m = 1, n = 1, k = 1;
  bool a_k_major = false, b_n_major = false, accumulate = false;
  Data data = Data::Moderate;
};

// Runs multiply() and the scalar chain; both images of ACC, gaps between the rows included.
void expect_chain(const Problem& p, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const Operand a(p.dtype, p.m, p.k, p.a_k_major, p.data, random);
  const Operand b(p.dtype, p.n, p.k, !p.b_n_major, p.data, random);
  const std::size_t stride = p.n * 4 + 4 * (random() % 3);
  std::vector<std::byte> acc(p.m * stride);
  for (std::size_t at = 0; at < acc.size(); at += 4) {
    const std::uint32_t partial = p.dtype == DType::s8
                                      ? 0x7FFFFF00U + static_cast<std::uint32_t>(random() % 512)
                                      : bits_of(test::any_float(random));
    std::memcpy(&acc[at], &partial, 4);
  }
  std::vector<std::byte> expected = acc;
  for (std::size_t i = 0; i < p.m; ++i) {
    for (std::size_t j = 0; j < p.n; ++j) {
      std::uint32_t bits = 0;
      std::byte* place = &expected[i * stride + j * 4];
      if (p.accumulate) std::memcpy(&bits, place, 4);
      float sum = float_of(bits);
      for (std::size_t k = 0; k < p.k; ++k) {
        if (p.dtype == DType::s8) bits += static_cast<std::uint32_t>(a.integer(i, k) * b.integer(j, k));
        else sum = std::fma(a.value(i, k), b.value(j, k), sum);
      }
      if (p.dtype != DType::s8) bits = std::isnan(sum) ? test::kCanonicalNan : bits_of(sum);
      std::memcpy(place, &bits, 4);
    }
  }
  TileProduct product{
      p.dtype,     a.operand(p.a_k_major), b.operand(p.b_n_major), acc.data(), stride, p.m, p.n, p.k,
      p.accumulate};
  core::multiply(product);
  ASSERT_TRUE(acc == expected) << to_string(p.dtype) << " " << p.m << " x " << p.n << " x " << p.k << " seed "
                               << seed << (p.a_k_major ? " A^T" : "") << (p.b_n_major ? " B^T" : "")
                               << (p.accumulate ? " accumulate" : "") << " on " << core::simd_target();
}

// One run of everything for each target that Highway supports here.
class TileMultiply : public testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override { choose(GetParam()); }
  void TearDown() override { choose(0); }
  static void choose(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

std::vector<std::int64_t> targets() {
  std::vector<std::int64_t> result;
  for (std::int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1)
    result.push_back(rest & -rest);
  return result;
}

INSTANTIATE_TEST_SUITE_P(Simd, TileMultiply, testing::ValuesIn(targets()),
                         [](const auto& param) { return std::string(hwy::TargetName(param.param)); });

TEST_P(TileMultiply, EveryShapeLayoutAndTypeIsTheScalarChain) {
  std::mt19937_64 random(7);
  constexpr std::size_t kEdges[] = {1,  2,  5,  6,  7,  8,  9,  11, 12, 13, 15,
                                    16, 17, 24, 25, 31, 32, 33, 37, 63, 64, 65};
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    Problem p;
    p.dtype = all_dtypes()[random() % 4];
    p.m = kEdges[random() % 15];
    p.n = kEdges[random() % std::size(kEdges)];
    p.k = 1 + random() % (random() % 4 == 0 ? 200 : 20);
    p.a_k_major = random() % 2 != 0;
    p.b_n_major = random() % 2 != 0;
    p.accumulate = random() % 2 != 0;
    p.data = static_cast<Data>(random() % 3);
    expect_chain(p, seed);
  }
}

TEST_P(TileMultiply, IntegersWrapAndStayExactBeyondFp32Sums) {
  for (const std::size_t k : {1023u, 1024u, 1025u, 2048u, 2049u, 5000u}) {
    for (const bool accumulate : {false, true}) {
      for (const Data data :
           {Data::Moderate, Data::Any, Data::Subnormal})  // -128 x -128, 127 x 127 throughout
        expect_chain({DType::s8, 3, 17, k, false, true, accumulate, data}, k);
    }
  }
}

TEST_P(TileMultiply, SubnormalResultsAreKept) {
  const float a = 0x1p-75F, b = 0x1p-74F;
  float acc = 0;
  core::multiply({DType::f32,
                  {reinterpret_cast<const std::byte*>(&a), 4, false},
                  {reinterpret_cast<const std::byte*>(&b), 4, false},
                  reinterpret_cast<std::byte*>(&acc),
                  4,
                  1,
                  1,
                  1,
                  false});
  EXPECT_EQ(bits_of(acc), 1u);
}

TEST_P(TileMultiply, ProductAndSumAreOneRounding) {
  const float a = 1 + 0x1p-12F;
  float acc = -1;
  core::multiply({DType::f32,
                  {reinterpret_cast<const std::byte*>(&a), 4, false},
                  {reinterpret_cast<const std::byte*>(&a), 4, false},
                  reinterpret_cast<std::byte*>(&acc),
                  4,
                  1,
                  1,
                  1,
                  true});
  EXPECT_EQ(acc, 0x1p-11F + 0x1p-24F);
}

TEST(TileMultiplyTargets, ThoseWithoutFmaAreNotUsedAndTheBaselineIs) {
  std::set<std::string> names;
  for (const std::int64_t target : targets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    names.insert(core::simd_target());
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  EXPECT_EQ(names.count("SSSE3") + names.count("SSE4"), 0u);
  EXPECT_EQ(names.count(hwy::TargetName(HWY_STATIC_TARGET)), 1u) << "the baseline, by std::fma";
}

}  // namespace
}  // namespace assay
