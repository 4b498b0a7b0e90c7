#include "base/dtype.hpp"

#include <array>

#include "base/error.hpp"
#include "base/suggest.hpp"

namespace assay {
namespace {

struct Row {
  DType type;
  std::string_view name;
  std::size_t bits;
  DTypeKind kind;
};

constexpr std::array kRows{
#define ASSAY_DTYPE(name, code, bits, kind) Row{DType::name, #name, bits, DTypeKind::kind},
#include "base/dtype.def"
#undef ASSAY_DTYPE
};

struct Alias {
  std::string_view name;
  DType type;
};

constexpr std::array kAliases{
    Alias{"fp32", DType::f32},        Alias{"float32", DType::f32},       Alias{"float", DType::f32},
    Alias{"fp16", DType::f16},        Alias{"float16", DType::f16},       Alias{"half", DType::f16},
    Alias{"bfloat16", DType::bf16},   Alias{"int8", DType::s8},           Alias{"i8", DType::s8},
    Alias{"uint8", DType::u8},        Alias{"int32", DType::s32},         Alias{"i32", DType::s32},
    Alias{"fp8e4m3", DType::e4m3},    Alias{"float8e4m3fn", DType::e4m3}, Alias{"fp8e5m2", DType::e5m2},
    Alias{"float8e5m2", DType::e5m2}, Alias{"int4", DType::s4},           Alias{"i4", DType::s4},
    Alias{"uint4", DType::u4},        Alias{"fp64", DType::f64},          Alias{"float64", DType::f64},
    Alias{"double", DType::f64},
};

// By code.
constexpr auto kTable = [] {
  std::array<Row, 32> table{};
  for (const Row& row : kRows) table[static_cast<std::size_t>(row.type)] = row;
  return table;
}();

const Row& row(DType type) { return kTable.at(static_cast<std::size_t>(type)); }

}  // namespace

const std::vector<DType>& all_dtypes() {
  static const std::vector<DType> types = [] {
    std::vector<DType> list;
    for (const Row& r : kRows) list.push_back(r.type);
    return list;
  }();
  return types;
}

const std::vector<DType>& engine_dtypes() {
  static const std::vector<DType> types = [] {
    std::vector<DType> list;
    for (const DType type : all_dtypes())
      if (is_engine_type(type)) list.push_back(type);
    return list;
  }();
  return types;
}

std::string_view to_string(DType type) { return row(type).name; }
std::size_t bits_of(DType type) { return row(type).bits; }

std::size_t size_of(DType type) {
  const std::size_t bits = bits_of(type);
  if (bits < 8)
    fail(ExitCode::Unsupported, "{}: elements that share a byte are not supported here", to_string(type));
  return bits / 8;
}

std::uint64_t storage_bytes(DType type, std::uint64_t count) { return (count * bits_of(type) + 7) / 8; }

DTypeKind kind_of(DType type) { return row(type).kind; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const Row& r : kRows)
    if (r.name == name) return r.type;
  for (const Alias& a : kAliases)
    if (a.name == name) return a.type;
  return std::nullopt;
}

DType parse_dtype(std::string_view name, std::string_view what) {
  if (const auto type = dtype_from_name(name)) return *type;
  std::vector<std::string> names;
  for (const Row& r : kRows) names.emplace_back(r.name);
  fail(ExitCode::Usage, "{}: unknown dtype '{}'; {}", what, name, expected_one_of(name, names));
}

DType accumulator_of(DType operand) {
  if (!is_engine_type(operand)) return operand;
  return is_float(operand) ? DType::f32 : DType::s32;
}

}  // namespace assay
