// The operand patterns of the MXU: the address of element (line, k) as a sum over the digits of both indices.
// A line is a row of A or a column of B. This is what makes a convolution an implicit im2col: a row's index
// counts output positions, k counts kernel positions and channels, and the image lies in SPM once.
//
// A digit counts 0 .. count - 1 and moves the address by its stride (bytes); when it wraps, the next one
// counts. The last digit has no end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "isa/generated/commands.hpp"

namespace assay::core {

struct Digit {
  std::uint64_t count = 1;
  std::int64_t stride = 0;
};
inline constexpr std::size_t kLineDigits = 3, kProductDigits = 4;

// Indices first .. first + count - 1.
struct IndexRange {
  std::uint64_t first = 0, count = 0;
  friend bool operator==(IndexRange x, IndexRange y) { return x.first == y.first && x.count == y.count; }
};

struct OperandPattern {
  bool on = false;
  std::array<Digit, kLineDigits> lines;
  std::array<Digit, kProductDigits> products;
  std::uint64_t first_line = 0, first_product = 0;
  // Which index a repetition advances, by the command's m (n) or k.
  bool inner_lines = false, inner_products = false, outer_lines = false, outer_products = false;

  // Of a repetition: `count` indices; each repetition advances by `extent` where it advances.
  IndexRange line_range(std::uint64_t outer, std::uint64_t inner, std::uint64_t extent,
                        std::uint64_t count) const;
  IndexRange product_range(std::uint64_t outer, std::uint64_t inner, std::uint64_t extent,
                           std::uint64_t count) const;
};

OperandPattern pattern_of_a(const isa::MxuCommand& command);
OperandPattern pattern_of_b(const isa::MxuCommand& command);

// Bytes from the operand's address to each index of the range.
template <std::size_t N>
std::vector<std::int64_t> offsets_of(const std::array<Digit, N>& digits, IndexRange range) {
  std::vector<std::int64_t> offsets(range.count);
  for (std::uint64_t i = 0; i < range.count; ++i) {
    std::uint64_t rest = range.first + i;
    for (std::size_t d = 0; d + 1 < N; ++d) {
      offsets[i] += static_cast<std::int64_t>(rest % digits[d].count) * digits[d].stride;
      rest /= digits[d].count;
    }
    offsets[i] += static_cast<std::int64_t>(rest) * digits[N - 1].stride;
  }
  return offsets;
}

// A range of indices as boxes: each digit on its own runs from `first` over `count` values.
template <std::size_t N>
using DigitBox = std::array<IndexRange, N>;
template <std::size_t N>
std::vector<DigitBox<N>> boxes_of(const std::array<Digit, N>& digits, IndexRange range);

extern template std::vector<DigitBox<kLineDigits>> boxes_of(const std::array<Digit, kLineDigits>&,
                                                            IndexRange);
extern template std::vector<DigitBox<kProductDigits>> boxes_of(const std::array<Digit, kProductDigits>&,
                                                               IndexRange);

// The elements of lines x products, products contiguous, lines one behind the other.
void gather(const std::byte* base, const std::vector<std::int64_t>& lines,
            const std::vector<std::int64_t>& products, std::size_t element, std::vector<std::byte>& out);

}  // namespace assay::core
