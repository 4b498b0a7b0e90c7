// The dequantising load against exact arithmetic: integers and the scalar model of golden/strict.
#include "core/mxu/dequantise.hpp"

#include <cmath>

#include "bits.hpp"
#include "core/mxu/mxu_kinds.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/dot.hpp"
#include "mxu_commands.hpp"

namespace assay {
namespace {

namespace strict = golden::strict;
using core::QuantisedTile;

std::vector<std::byte> random_bytes(std::size_t count, std::mt19937_64& random) {
  std::vector<std::byte> bytes(count);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

// Random patterns everywhere: scales of any kind, NaN and infinity included.
TEST(Dequantise, EveryTypeAndLayoutIsTheScalarModel) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 400; ++round) {
    QuantisedTile t;
    t.dtype = std::vector<DType>{DType::s4, DType::u4, DType::s8, DType::u8}[random() % 4];
    t.k = 1 + random() % 40;
    t.n = 1 + random() % 20;
    t.group = 1 + random() % 50;
    t.k_contiguous = random() % 2 != 0;
    const std::size_t lines = t.k_contiguous ? t.n : t.k, length = t.k_contiguous ? t.k : t.n;
    t.line_stride = storage_bytes(t.dtype, length) + random() % 3;
    const auto data = random_bytes(lines * t.line_stride, random);
    t.data = data.data();
    const std::size_t groups = (t.k + t.group - 1) / t.group;
    t.scales.dtype = std::vector<DType>{DType::f32, DType::f16, DType::bf16}[random() % 3];
    const auto size = static_cast<std::ptrdiff_t>(size_of(t.scales.dtype));
    const bool by_column = random() % 2 != 0;
    t.scales.col_stride = by_column ? size * static_cast<std::ptrdiff_t>(groups) : size;
    t.scales.group_stride = by_column ? size : size * static_cast<std::ptrdiff_t>(t.n);
    auto scales = random_bytes(groups * t.n * size_of(t.scales.dtype), random);
    t.scales.data = scales.data();
    const auto zeros = random_bytes(groups * t.n, random);
    const bool has_sign = kind_of(t.dtype) == DTypeKind::Signed;
    if (random() % 2 != 0)
      t.zeros = {zeros.data(), static_cast<std::ptrdiff_t>(t.n), 1, has_sign ? DType::s8 : DType::u8};
    else t.zero = has_sign ? -5 : 8;
    const DType to = random() % 2 != 0 ? DType::f16 : DType::bf16;
    std::vector<std::uint16_t> out(t.k * t.n);
    core::dequantise(t, to, reinterpret_cast<std::byte*>(out.data()));
    for (std::size_t k = 0; k < t.k; ++k)
      for (std::size_t j = 0; j < t.n; ++j) {
        const std::byte* line = t.data + (t.k_contiguous ? j : k) * t.line_stride;
        const std::int32_t q = strict::load_s32(t.dtype, line, t.k_contiguous ? k : j);
        const std::size_t g = k / t.group;
        const std::int32_t z =
            t.zeros.data != nullptr ? strict::load_s32(t.zeros.dtype, zeros.data(), g * t.n + j) : t.zero;
        const float s =
            strict::load_f32(t.scales.dtype, scales.data(), by_column ? j * groups + g : g * t.n + j);
        ASSERT_EQ(out[k * t.n + j], strict::dequantised(q, z, s, to))
            << to_string(t.dtype) << " q " << q << " z " << z << " s " << s << " to " << to_string(to);
      }
  }
}

// Every four-bit value with every zero point, scales at which the product lies half way between two values.
TEST(Dequantise, TheExactProductIsRoundedOnce) {
  std::mt19937_64 random(12);
  for (int q = 0; q < 16; ++q)
    for (int z = 0; z < 16; ++z)
      for (int round = 0; round < 100; ++round) {
        const float scale = test::float_of(0x3F800000U | static_cast<std::uint32_t>(random() & 0x7FFFFF));
        const auto byte = static_cast<std::byte>(q);
        QuantisedTile t;
        t.data = &byte;
        t.dtype = DType::u4;
        t.line_stride = t.k = t.n = t.group = 1;
        t.scales = {reinterpret_cast<const std::byte*>(&scale), 4, 4, DType::f32};
        t.zero = z;
        for (const DType to : {DType::f16, DType::bf16}) {
          std::uint16_t got = 0;
          core::dequantise(t, to, reinterpret_cast<std::byte*>(&got));
          ASSERT_EQ(got, strict::dequantised(q, z, scale, to)) << q << " " << z << " " << scale;
        }
      }
}

}  // namespace
}  // namespace assay
