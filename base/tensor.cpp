#include "base/tensor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

Tensor::Tensor(std::string name_, DType dtype_, Shape shape_)
    : name(std::move(name_)), dtype(dtype_), shape(std::move(shape_)) {
  bytes.resize(static_cast<std::size_t>(element_count(shape)) * size_of(dtype));
}

}  // namespace assay
