// A dense tensor in host memory: element type, shape, and its bytes in row-major order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/dtype.hpp"

namespace assay {

// Dimensions, outermost first. A rank-0 shape is a scalar (one element); a zero dimension is an
// empty tensor.
using Shape = std::vector<std::int64_t>;

// Number of elements. Throws Error(Usage) on a negative dimension or a product beyond 2^62.
std::int64_t element_count(const Shape& shape);
std::string to_string(const Shape& shape);  // "[2, 3, 4]"

// The bits of element `index` of dense storage, in the low end. Of four-bit elements the even ones lie in a
// byte's low nibble.
std::uint64_t element_bits(DType type, const std::byte* storage, std::size_t index);
void set_element_bits(DType type, std::byte* storage, std::size_t index, std::uint64_t bits);

struct Tensor {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  std::vector<std::byte> bytes;

  Tensor() = default;
  Tensor(std::string name, DType dtype, Shape shape);  // zero-filled

  std::int64_t elements() const { return element_count(shape); }
  // The storage as an array of T; T must have the element's size.
  template <typename T>
  T* as() {
    return reinterpret_cast<T*>(bytes.data());
  }
  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
};

}  // namespace assay
