// Attribute words that several kernels take.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <vector>

#include "isa/abi.h"

namespace assay::ops {

// A kernel's own struct of 64-bit words, as KernelCall::attributes.
template <typename Words>
std::vector<std::uint64_t> attribute_words(const Words& words) {
  constexpr std::size_t kCount = sizeof words / sizeof(std::uint64_t);
  static_assert(std::is_trivially_copyable_v<Words> && sizeof words % sizeof(std::uint64_t) == 0 &&
                kCount <= ASSAY_MAX_ATTRIBUTES);
  std::vector<std::uint64_t> list(kCount);
  std::memcpy(list.data(), &words, sizeof words);
  return list;
}

inline std::uint64_t fp32_word(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// What is stationary: the codes of gemm_args.h and conv_args.h, which each check that they are these.
inline constexpr std::uint64_t kDataflowAuto = 0, kDataflowWs = 1, kDataflowOs = 2, kDataflowAs = 3;
inline std::uint64_t dataflow_word(std::string_view name) {
  if (name == "ws") return kDataflowWs;
  if (name == "as") return kDataflowAs;
  return name == "os" ? kDataflowOs : kDataflowAuto;
}

}  // namespace assay::ops
