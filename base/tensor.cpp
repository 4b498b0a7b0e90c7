#include "base/tensor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <utility>

#include "base/error.hpp"

namespace assay {

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  bool empty = false;
  for (const std::int64_t dim : shape) {
    if (dim < 0) fail(ExitCode::Usage, "shape {}: dimension {} is negative", to_string(shape), dim);
    if (dim == 0) empty = true;
    else if (__builtin_mul_overflow(count, dim, &count) || count > (std::int64_t{1} << 62))
      fail(ExitCode::Usage, "shape {}: more than 2^62 elements", to_string(shape));
  }
  return empty ? 0 : count;
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

std::uint64_t element_bits(DType type, const std::byte* storage, std::size_t index) {
  if (bits_of(type) == 4) return std::to_integer<std::uint64_t>(storage[index / 2]) >> (index % 2 * 4) & 15;
  std::uint64_t bits = 0;
  const std::size_t size = size_of(type);
  std::memcpy(&bits, storage + index * size, size);  // little endian, as the machine
  return bits;
}

void set_element_bits(DType type, std::byte* storage, std::size_t index, std::uint64_t bits) {
  if (bits_of(type) == 4) {
    const auto shift = static_cast<int>(index % 2 * 4);
    std::byte& place = storage[index / 2];
    place = (place & ~(std::byte{15} << shift)) | (static_cast<std::byte>(bits & 15) << shift);
    return;
  }
  const std::size_t size = size_of(type);
  std::memcpy(storage + index * size, &bits, size);  // little endian
}

Tensor::Tensor(std::string name_, DType dtype_, Shape shape_)
    : name(std::move(name_)), dtype(dtype_), shape(std::move(shape_)) {
  bytes.resize(storage_bytes(dtype, static_cast<std::uint64_t>(element_count(shape))));
}

}  // namespace assay
