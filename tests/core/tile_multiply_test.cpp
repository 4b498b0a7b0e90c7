// The MXU's arithmetic against a scalar chain, under every SIMD target of this processor.
#include "core/mxu/tile_multiply.hpp"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <optional>
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

// Bytes: any, the least, the greatest value. Zeros: mostly zeros, -0 the more frequent.
enum class Data { Moderate, Any, Subnormal, Zeros };

float half_to_float(std::uint16_t h) {
  const int exponent = h >> 10 & 31, fraction = h & 1023;
  float magnitude = exponent == 0    ? std::ldexp(static_cast<float>(fraction), -24)
                    : exponent == 31 ? (fraction != 0 ? NAN : INFINITY)
                                     : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  return (h & 0x8000) != 0 ? -magnitude : magnitude;
}

// An eight-bit float by its definition; e5m2 is the upper half of an f16.
float fp8_to_float(DType type, std::uint8_t byte) {
  if (type == DType::e5m2) return half_to_float(static_cast<std::uint16_t>(byte << 8));
  const int exponent = byte >> 3 & 15, fraction = byte & 7;
  const float magnitude = (byte & 127) == 127 ? NAN
                          : exponent == 0     ? std::ldexp(static_cast<float>(fraction), -9)
                                              : std::ldexp(static_cast<float>(8 + fraction), exponent - 10);
  return (byte & 128) != 0 ? -magnitude : magnitude;
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
    if (size_of(dtype_) == 1) return fp8_to_float(dtype_, static_cast<std::uint8_t>(bits));
    return dtype_ == DType::bf16 ? float_of(bits << 16) : half_to_float(static_cast<std::uint16_t>(bits));
  }
  std::int32_t integer(std::size_t outer, std::size_t k) const {
    const std::byte element = *place(outer, k);
    return dtype_ == DType::u8 ? std::to_integer<int>(element) : std::to_integer<std::int8_t>(element);
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
      case DType::u8:
        bits = data == Data::Any         ? (dtype_ == DType::s8 ? 0x80 : 0)
               : data == Data::Subnormal ? (dtype_ == DType::s8 ? 0x7F : 0xFF)
                                         : static_cast<std::uint32_t>(random());
        break;
      case DType::e4m3:
      case DType::e5m2:
        bits = static_cast<std::uint32_t>(random());
        if (data != Data::Any) bits &= 0xBF;  // no exponent of the greatest, NaN neither
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
    if (data == Data::Zeros && is_float(dtype_) && random() % 4 != 0)
      bits = random() % 3 != 0 ? 1U << (8 * size_of(dtype_) - 1) : 0;
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
  std::optional<DType> b_dtype = std::nullopt;
  std::int32_t a_zero = 0, b_zero = 0;
  bool skip = false;
};

bool minus_zero(float value) { return value == 0 && std::signbit(value); }

// The chain that the page describes, from `bits`.
std::uint32_t scalar_chain(const Problem& p, const Operand& a, const Operand& b, std::size_t i, std::size_t j,
                           std::uint32_t bits) {
  bool touched = false;
  for (std::size_t k = 0; k < p.k; ++k) {
    if (!is_float(p.dtype)) {
      bits += static_cast<std::uint32_t>((a.integer(i, k) - p.a_zero) * (b.integer(j, k) - p.b_zero));
    } else if (!p.skip || !minus_zero(a.value(i, k))) {
      bits = bits_of(std::fma(a.value(i, k), b.value(j, k), float_of(bits)));
      touched = true;
    }
  }
  return touched && std::isnan(float_of(bits)) ? test::kCanonicalNan : bits;
}

// Runs multiply() and the scalar chain; both images of ACC, gaps between the rows included.
void expect_chain(const Problem& p, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const Operand a(p.dtype, p.m, p.k, p.a_k_major, p.data, random);
  const Operand b(p.b_dtype.value_or(p.dtype), p.n, p.k, !p.b_n_major, p.data, random);
  const std::size_t stride = p.n * 4 + 4 * (random() % 3);
  std::vector<std::byte> acc(p.m * stride);
  for (std::size_t at = 0; at < acc.size(); at += 4) {
    const std::uint32_t partial = !is_float(p.dtype)
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
      bits = scalar_chain(p, a, b, i, j, bits);
      std::memcpy(place, &bits, 4);
    }
  }
  TileProduct product{p.dtype,
                      a.operand(p.a_k_major),
                      b.operand(p.b_n_major),
                      acc.data(),
                      stride,
                      p.m,
                      p.n,
                      p.k,
                      p.accumulate,
                      p.b_dtype,
                      p.a_zero,
                      p.b_zero,
                      p.skip};
  core::multiply(product);
  ASSERT_TRUE(acc == expected) << to_string(p.dtype) << " " << p.m << " x " << p.n << " x " << p.k << " seed "
                               << seed << (p.a_k_major ? " A^T" : "") << (p.b_n_major ? " B^T" : "")
                               << (p.accumulate ? " accumulate" : "") << (p.skip ? " skip" : "") << " on "
                               << core::simd_target();
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
    p.dtype = all_dtypes()[std::vector<std::size_t>{0, 1, 2, 3, 4, 6, 7}[random() % 7]];
    if (size_of(p.dtype) == 1) {
      if (is_float(p.dtype)) p.b_dtype = random() % 2 != 0 ? DType::e4m3 : DType::e5m2;
      else p.b_dtype = random() % 2 != 0 ? DType::s8 : DType::u8;
    }
    p.skip = is_float(p.dtype) && random() % 2 != 0;
    const auto zero = [&](DType type) {
      const auto any = static_cast<std::int32_t>(random() % 256);
      return is_float(type) || random() % 3 == 0 ? 0 : type == DType::s8 ? any - 128 : any;
    };
    p.a_zero = zero(p.dtype);
    p.b_zero = zero(p.b_dtype.value_or(p.dtype));
    p.m = kEdges[random() % 15];
    p.n = kEdges[random() % std::size(kEdges)];
    p.k = 1 + random() % (random() % 4 == 0 ? 200 : 20);
    p.a_k_major = random() % 2 != 0;
    p.b_n_major = random() % 2 != 0;
    p.accumulate = random() % 2 != 0;
    p.data = static_cast<Data>(random() % 4);
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

TEST_P(TileMultiply, UnsignedAndMixedIntegersStayExactAtTheirExtremes) {
  const auto low = [](DType t) { return t == DType::s8 ? -128 : 0; };
  for (const DType a : {DType::s8, DType::u8})
    for (const DType b : {DType::s8, DType::u8})
      for (const Data data : {Data::Any, Data::Subnormal})
        for (const std::size_t k : {256u, 257u, 258u, 259u, 1100u})
          for (const int za : {0, low(a), low(a) + 255})
            for (const int zb : {0, low(b), low(b) + 255})
              expect_chain({a, 2, 5, k, false, false, k % 2 != 0, data, b, za, zb}, k);
}

// Exhaustive: each pair of bytes, of every mix of signs, with several zero points.
TEST_P(TileMultiply, EveryPairOfBytesWithItsZeroPoints) {
  std::vector<std::uint8_t> bytes(256);
  for (std::size_t i = 0; i < 256; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  const auto value = [](DType t, std::size_t byte) {
    return t == DType::s8 ? int{static_cast<std::int8_t>(byte)} : static_cast<int>(byte);
  };
  const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
  std::vector<std::int32_t> acc(256 * 256);
  for (const DType a : {DType::s8, DType::u8})
    for (const DType b : {DType::s8, DType::u8})
      for (const int za : {0, 3, 127})
        for (const int zb : {0, 1, 100}) {
          TileProduct p{a,
                        {data, 1, false},
                        {data, 1, true},
                        reinterpret_cast<std::byte*>(acc.data()),
                        1024,
                        256,
                        256,
                        1,
                        false,
                        b,
                        za,
                        zb};
          core::multiply(p);
          for (std::size_t i = 0; i < 256; ++i)
            for (std::size_t j = 0; j < 256; ++j)
              ASSERT_EQ(acc[i * 256 + j], (value(a, i) - za) * (value(b, j) - zb))
                  << to_string(a) << " " << i << " x " << to_string(b) << " " << j << " zeros " << za << " "
                  << zb;
        }
}

// Exhaustive: each pair of fp8 of either format, with a partial that shows the sign of a zero.
TEST_P(TileMultiply, EveryPairOfEightBitFloats) {
  std::vector<std::uint8_t> bytes(256);
  for (std::size_t i = 0; i < 256; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
  std::vector<std::uint32_t> acc(256 * 256);
  for (const DType a : {DType::e4m3, DType::e5m2})
    for (const DType b : {DType::e4m3, DType::e5m2})
      for (const bool skip : {false, true}) {
        std::fill(acc.begin(), acc.end(), 0x80000000U);
        TileProduct p{a,
                      {data, 1, false},
                      {data, 1, true},
                      reinterpret_cast<std::byte*>(acc.data()),
                      1024,
                      256,
                      256,
                      1,
                      true,
                      b,
                      0,
                      0,
                      skip};
        core::multiply(p);
        for (std::size_t i = 0; i < 256; ++i)
          for (std::size_t j = 0; j < 256; ++j) {
            const float x = fp8_to_float(a, static_cast<std::uint8_t>(i));
            const float sum = std::fma(x, fp8_to_float(b, static_cast<std::uint8_t>(j)), -0.0F);
            const std::uint32_t expected = skip && minus_zero(x) ? 0x80000000U
                                           : std::isnan(sum)     ? test::kCanonicalNan
                                                                 : bits_of(sum);
            ASSERT_EQ(acc[i * 256 + j], expected)
                << to_string(a) << " " << i << " x " << to_string(b) << " " << j;
          }
      }
}

TEST_P(TileMultiply, ASkippedElementMeetsNeitherInfinityNorNanAndKeepsThePartial) {
  const float a[] = {-0.0F, -0.0F};
  for (const float b : {INFINITY, -INFINITY, static_cast<float>(NAN), 1.0F, -1.0F}) {
    const float column[] = {b, b};
    for (const std::uint32_t partial : {0x80000000U, 0xFFA00001U, 0x7F800000U, 0x00000001U}) {
      float acc = float_of(partial);
      TileProduct p{DType::f32,
                    {reinterpret_cast<const std::byte*>(a), 8, false},
                    {reinterpret_cast<const std::byte*>(column), 4, false},
                    reinterpret_cast<std::byte*>(&acc),
                    4,
                    1,
                    1,
                    2,
                    true};
      p.skip_minus_zero = true;
      core::multiply(p);
      EXPECT_EQ(bits_of(acc), partial) << b;
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
