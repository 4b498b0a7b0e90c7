// Small helpers of the golden tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/tensor.hpp"
#include "golden/backend.hpp"
#include "golden/formats.hpp"

namespace assay::golden {

inline float f32(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline std::uint32_t bits(float value) {
  std::uint32_t word = 0;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

inline Tensor tensor(DType type, Shape shape, const std::vector<double>& values, std::string name = "t") {
  Tensor t(std::move(name), type, std::move(shape));
  for (std::size_t i = 0; i < values.size(); ++i) {
    set_element_bits(type, t.bytes.data(), i, encode(type, values[i]));
  }
  return t;
}

// The backends that need nothing of the computer.
inline std::vector<const Backend*> own_backends() {
  return {&find_backend("strict"), &find_backend("cpu"), &find_backend("dnnl")};
}

}  // namespace assay::golden
