// What relations do with tensors: parts of them, in another order, negated, scaled, and compared.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "testgen/random.hpp"

namespace assay::testgen::metamorphic {

// Where an axis of `size` entries lies in dimension `dim`: entry i of part o is the `unit` lines from
// (o * size + i) * unit on. Most have one part and a unit of 1; kv heads are units of query heads, the query
// heads of a kv head lie in as many parts as there are kv heads.
struct Place {
  std::size_t dim = 0;
  std::int64_t outer = 1, unit = 1;
};

// Entries of an axis, in order; kFill: none of them, but a new one.
using Entries = std::vector<std::int64_t>;
constexpr std::int64_t kFill = -1;
Entries range(std::int64_t from, std::int64_t to);         // from, ..., to - 1
Entries with_fills(std::int64_t count, std::int64_t all);  // 0, ..., count - 1, and new ones behind
Entries shuffled(std::int64_t count, ElementRandom& random);

std::int64_t entries_at(const Tensor& tensor, const Place& place);
// The tensor with these entries; new ones hold `fill` in every element.
Tensor take(const Tensor& tensor, const Place& place, const Entries& entries, std::uint64_t fill = 0);
// `into` with its first entries along each of the places replaced by those of `from`, which has fewer there.
Tensor with_first(Tensor into, const Tensor& from, const std::vector<Place>& places);

// The dimensions in another order: dimension i of the result is dimension order[i].
Tensor transposed(const Tensor& tensor, const std::vector<std::size_t>& order);
Tensor reshaped(Tensor tensor, Shape shape);
// Repeated along dimensions of 1, and new outermost ones, as NumPy broadcasts.
Tensor expanded(const Tensor& tensor, const Shape& shape);
Tensor filled(const std::string& name, DType type, const Shape& shape, std::uint64_t bits);

using BitsFunction = std::function<std::uint64_t(std::uint64_t bits)>;
Tensor mapped(Tensor tensor, const BitsFunction& f);

// Floats alone: -0 of the type, the sign of a pattern, whether it is NaN.
std::uint64_t sign_bit(DType type);
bool is_nan(DType type, std::uint64_t bits);
Tensor negated(Tensor tensor);  // floats

// The first element whose bits differ, in one line that names `what` stands on the left; empty: none. Shapes
// and types that differ are a difference.
std::string first_difference(const Tensor& expected, const Tensor& got, const std::string& what);
// The same with a rule: elements for which `equal` holds are equal.
using SameBits = std::function<bool(std::uint64_t expected, std::uint64_t got)>;
std::string first_difference(const Tensor& expected, const Tensor& got, const std::string& what,
                             const SameBits& equal);

}  // namespace assay::testgen::metamorphic
