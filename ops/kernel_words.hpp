// Attribute words that several kernels take.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace assay::ops {

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
