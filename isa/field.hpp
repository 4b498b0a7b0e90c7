// Bit fields of operands and configuration registers: where they lie and which values are legal.
// The constraints for random generation are these descriptors (isa/table.hpp lists them).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::isa {

// A view of a constant array.
template <typename T>
struct Span {
  const T* first = nullptr;
  std::size_t count = 0;

  constexpr const T* begin() const { return first; }
  constexpr const T* end() const { return first + count; }
  constexpr std::size_t size() const { return count; }
  constexpr bool empty() const { return count == 0; }
  constexpr const T& operator[](std::size_t i) const { return first[i]; }
};

template <typename T, std::size_t N>
constexpr Span<T> span_of(const T (&array)[N]) {
  return {array, N};
}

enum class FieldKind : std::uint8_t { Uint, Int, Flag, DType, Local, Hbm, Enum };
std::string_view to_string(FieldKind kind);  // the table's name of it: "uint"

struct Code {
  std::string_view name;
  std::uint64_t value;
};

struct Field {
  std::string_view name;
  std::uint8_t lsb, width;  // bits
  FieldKind kind;
  std::int64_t min;     // legal range of the value, sign-extended where kind is Int
  std::uint64_t max;    // never negative
  std::uint64_t align;  // the value is a multiple of this
  Span<Code> codes;     // where not empty: the legal values
  std::string_view doc;

  constexpr std::uint64_t ones() const {
    return width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  }
  constexpr std::uint64_t mask() const { return ones() << lsb; }
  constexpr std::uint64_t extract(std::uint64_t word) const { return (word >> lsb) & ones(); }
  constexpr std::uint64_t insert(std::uint64_t word, std::uint64_t bits) const {
    return (word & ~mask()) | ((bits & ones()) << lsb);
  }
};

// Why `bits` (right-aligned) is no legal value of the field, as "name = value is ..."; nothing when it is.
std::optional<std::string> problem_with(const Field& field, std::uint64_t bits);

// `bits` of the given width as a two's complement number.
constexpr std::int64_t sign_extend(std::uint64_t bits, unsigned width) {
  const std::uint64_t sign = std::uint64_t{1} << (width - 1);
  return static_cast<std::int64_t>((bits ^ sign) - sign);
}

}  // namespace assay::isa
