// Operands of the random instructions: half of them from the corners.
#include <iterator>

#include "instruction_stream.hpp"

namespace assay::test {
namespace {

constexpr std::uint64_t kBoxed = 0xffffffff00000000;

}  // namespace

std::uint64_t InstructionStream::operand() {
  constexpr std::uint64_t kCorners[] = {0,
                                        1,
                                        2,
                                        ~0ull,
                                        1ull << 63,
                                        ~0ull >> 1,
                                        1ull << 31,
                                        0x7fffffff,
                                        0xffffffff,
                                        0xffffffff80000000,
                                        0xffffffff7fffffff,
                                        31,
                                        32,
                                        63,
                                        64};
  if (chance(50)) return kCorners[below(std::size(kCorners))];
  return chance(50) ? random_() : random_() >> below(64);
}

std::uint64_t InstructionStream::double_bits() {
  const std::uint64_t sign = random_() << 63;
  // Fractions: sparse ones make ties and exact results.
  std::uint64_t fraction = random_() >> 12;
  if (chance(60)) fraction &= ~0ull << below(53);
  if (chance(15)) fraction = 0xfffffffffffff & (~0ull << below(53));
  std::uint64_t exponent = 1023 + below(9) - 4;
  switch (below(12)) {
    case 0: return sign;
    case 1: return sign | 0x7ff0000000000000;
    case 2: return sign | 0x7ff8000000000000 | fraction;           // quiet
    case 3: return sign | 0x7ff0000000000000 | fraction >> 1 | 1;  // signaling
    case 4: return sign | fraction;                                // subnormal
    case 5: exponent = 1 + below(60); break;
    case 6: exponent = 2046 - below(4); break;
    case 7: exponent = 1023 + 29 + below(5) + (chance(50) ? 31 : 0); break;  // near the integers' limits
    case 8: exponent = 1023 - 160 + below(40); break;                        // single's subnormals
    case 9: exponent = 1023 + 124 + below(6); break;                         // single's largest
    default: break;
  }
  return sign | exponent << 52 | fraction;
}

std::uint64_t InstructionStream::float_operand() {
  if (chance(50)) return double_bits();
  const std::uint32_t sign = static_cast<std::uint32_t>(random_()) << 31;
  std::uint32_t fraction = static_cast<std::uint32_t>(random_()) >> 9;
  if (chance(60)) fraction &= ~0u << below(24);
  if (chance(15)) fraction = 0x7fffff & (~0u << below(24));
  auto exponent = static_cast<std::uint32_t>(127 + below(9) - 4);
  switch (below(11)) {
    case 0: return kBoxed | sign;
    case 1: return kBoxed | sign | 0x7f800000;
    case 2: return kBoxed | sign | 0x7fc00000 | fraction;
    case 3: return kBoxed | sign | 0x7f800000 | fraction >> 1 | 1;
    case 4: return kBoxed | sign | fraction;
    case 5: exponent = static_cast<std::uint32_t>(1 + below(30)); break;
    case 6: exponent = static_cast<std::uint32_t>(254 - below(4)); break;
    case 7: exponent = static_cast<std::uint32_t>(127 + 29 + below(5) + (chance(50) ? 31 : 0)); break;
    case 8: return random_();  // not boxed
    default: break;
  }
  return kBoxed | sign | exponent << 23 | fraction;
}

}  // namespace assay::test
