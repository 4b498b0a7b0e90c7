#include "testgen/metamorphic/tensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>
#include <utility>

#include "base/error.hpp"
#include "golden/formats.hpp"

namespace assay::testgen::metamorphic {
namespace {

std::int64_t product(const Shape& shape, std::size_t from, std::size_t to) {
  return std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(from),
                         shape.begin() + static_cast<std::ptrdiff_t>(to), std::int64_t{1},
                         std::multiplies<>());
}

// A tensor seen as [before][lines of the dimension][after].
struct Lines {
  std::int64_t before, count, after;
  Lines(const Shape& shape, std::size_t dim)
      : before(product(shape, 0, dim)), count(shape.at(dim)), after(product(shape, dim + 1, shape.size())) {}
};

void copy(Tensor& to, std::int64_t to_index, const Tensor& from, std::int64_t from_index) {
  set_element_bits(to.dtype, to.bytes.data(), static_cast<std::size_t>(to_index),
                   element_bits(from.dtype, from.bytes.data(), static_cast<std::size_t>(from_index)));
}

void copy_line(Tensor& to, const Lines& to_lines, std::int64_t to_line, const Tensor& from,
               const Lines& from_lines, std::int64_t from_line) {
  for (std::int64_t b = 0; b < from_lines.before; ++b)
    for (std::int64_t a = 0; a < from_lines.after; ++a)
      copy(to, (b * to_lines.count + to_line) * to_lines.after + a, from,
           (b * from_lines.count + from_line) * from_lines.after + a);
}

std::vector<std::int64_t> index_of(const Shape& shape, std::int64_t element) {
  std::vector<std::int64_t> index(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    index[d] = element % shape[d];
    element /= shape[d];
  }
  return index;
}

std::string value_text(DType type, std::uint64_t bits) {
  return fmt::format("{:0{}x} ({})", bits, bits_of(type) / 4, golden::decode(type, bits));
}

}  // namespace

Entries range(std::int64_t from, std::int64_t to) {
  Entries entries(static_cast<std::size_t>(to - from));
  std::iota(entries.begin(), entries.end(), from);
  return entries;
}

Entries with_fills(std::int64_t count, std::int64_t all) {
  Entries entries = range(0, count);
  entries.resize(static_cast<std::size_t>(all), kFill);
  return entries;
}

Entries shuffled(std::int64_t count, ElementRandom& random) {
  Entries order = range(0, count);
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  return order;
}

std::int64_t entries_at(const Tensor& tensor, const Place& place) {
  return tensor.shape.at(place.dim) / (place.outer * place.unit);
}

Tensor take(const Tensor& tensor, const Place& place, const Entries& entries, std::uint64_t fill) {
  const std::int64_t size = entries_at(tensor, place), count = static_cast<std::int64_t>(entries.size());
  Shape shape = tensor.shape;
  shape[place.dim] = place.outer * count * place.unit;
  Tensor result = filled(tensor.name, tensor.dtype, shape, fill);
  const Lines from(tensor.shape, place.dim), to(shape, place.dim);
  for (std::int64_t o = 0; o < place.outer; ++o)
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t u = 0; u < place.unit && entries[static_cast<std::size_t>(i)] != kFill; ++u)
        copy_line(result, to, (o * count + i) * place.unit + u, tensor, from,
                  (o * size + entries[static_cast<std::size_t>(i)]) * place.unit + u);
  return result;
}

Tensor with_first(Tensor into, const Tensor& from, const std::vector<Place>& places) {
  for (std::int64_t i = 0; i < from.elements(); ++i) {
    std::vector<std::int64_t> index = index_of(from.shape, i);
    for (const Place& place : places) {
      const std::int64_t part = entries_at(from, place) * place.unit;  // lines of one part
      index[place.dim] += index[place.dim] / part * (entries_at(into, place) * place.unit - part);
    }
    std::int64_t to = 0;
    for (std::size_t d = 0; d < index.size(); ++d) to = to * into.shape[d] + index[d];
    copy(into, to, from, i);
  }
  return into;
}

Tensor transposed(const Tensor& tensor, const std::vector<std::size_t>& order) {
  Shape shape;
  for (const std::size_t d : order) shape.push_back(tensor.shape.at(d));
  Tensor result(tensor.name, tensor.dtype, shape);
  std::vector<std::int64_t> stride(tensor.shape.size());
  for (std::size_t d = 0; d < stride.size(); ++d)
    stride[d] = product(tensor.shape, d + 1, tensor.shape.size());
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    const std::vector<std::int64_t> index = index_of(shape, i);
    std::int64_t from = 0;
    for (std::size_t d = 0; d < order.size(); ++d) from += index[d] * stride[order[d]];
    copy(result, i, tensor, from);
  }
  return result;
}

Tensor reshaped(Tensor tensor, Shape shape) {
  if (element_count(shape) != tensor.elements())
    fail(ExitCode::Error, "metamorphic: {} does not become {}", to_string(tensor.shape), to_string(shape));
  tensor.shape = std::move(shape);
  return tensor;
}

Tensor expanded(const Tensor& tensor, const Shape& shape) {
  Tensor result(tensor.name, tensor.dtype, shape);
  const std::size_t added = shape.size() - tensor.shape.size();
  for (std::int64_t i = 0; i < result.elements(); ++i) {
    const std::vector<std::int64_t> index = index_of(shape, i);
    std::int64_t from = 0;
    for (std::size_t d = 0; d < tensor.shape.size(); ++d)
      from = from * tensor.shape[d] + (tensor.shape[d] == 1 ? 0 : index[added + d]);
    copy(result, i, tensor, from);
  }
  return result;
}

Tensor filled(const std::string& name, DType type, const Shape& shape, std::uint64_t bits) {
  Tensor tensor(name, type, shape);
  if (bits == 0) return tensor;
  return mapped(std::move(tensor), [bits](std::uint64_t) { return bits; });
}

Tensor mapped(Tensor tensor, const BitsFunction& f) {
  const auto count = static_cast<std::size_t>(tensor.elements());
  for (std::size_t i = 0; i < count; ++i)
    set_element_bits(tensor.dtype, tensor.bytes.data(), i,
                     f(element_bits(tensor.dtype, tensor.bytes.data(), i)));
  return tensor;
}

std::uint64_t sign_bit(DType type) { return std::uint64_t{1} << (bits_of(type) - 1); }

bool is_nan(DType type, std::uint64_t bits) {
  const double value = golden::decode(type, bits);
  return value != value;
}

Tensor negated(Tensor tensor) {
  const std::uint64_t sign = sign_bit(tensor.dtype);
  return mapped(std::move(tensor), [sign](std::uint64_t bits) { return bits ^ sign; });
}

std::string first_difference(const Tensor& expected, const Tensor& got, const std::string& what) {
  return first_difference(expected, got, what, [](std::uint64_t a, std::uint64_t b) { return a == b; });
}

std::string first_difference(const Tensor& expected, const Tensor& got, const std::string& what,
                             const SameBits& equal) {
  if (expected.dtype != got.dtype || expected.shape != got.shape)
    return fmt::format("{}: {} {}, where {} {} was expected", what, to_string(got.dtype),
                       to_string(got.shape), to_string(expected.dtype), to_string(expected.shape));
  std::int64_t first = -1, count = 0;
  for (std::int64_t i = 0; i < got.elements(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (equal(element_bits(expected.dtype, expected.bytes.data(), at),
              element_bits(got.dtype, got.bytes.data(), at)))
      continue;
    if (count++ == 0) first = i;
  }
  if (count == 0) return {};
  const auto at = static_cast<std::size_t>(first);
  return fmt::format("{}: {}[{}] is {}, expected {}; {} of {} elements differ", what, got.name,
                     fmt::join(index_of(got.shape, first), ", "),
                     value_text(got.dtype, element_bits(got.dtype, got.bytes.data(), at)),
                     value_text(expected.dtype, element_bits(expected.dtype, expected.bytes.data(), at)),
                     count, got.elements());
}

}  // namespace assay::testgen::metamorphic
