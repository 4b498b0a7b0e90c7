// What kinds of values a tensor holds.
#include <array>
#include <cstring>
#include <optional>

#include "testgen/coverage/case_features.hpp"

namespace assay::coverage {
namespace {

constexpr std::uint64_t kMostElements = 16'384;

enum Kind : unsigned {
  Zero,
  MinusZero,
  Subnormal,
  LeastNormal,
  Normal,
  Negative,
  Largest,
  Infinity,
  MinusInfinity,
  NaN,
  OtherNaN,
  Least,
  Greatest,
  kKinds
};
constexpr std::array<const char*, kKinds> kNames{
    "zero",     "minus_zero",     "subnormal", "least_normal", "normal", "negative", "largest",
    "infinity", "minus_infinity", "nan",       "nan_payload",  "least",  "greatest"};

struct FloatLayout {
  unsigned exponent, fraction;
  bool infinities;
  std::uint64_t canonical_nan;
};

std::optional<FloatLayout> layout_of(DType type) {
  switch (type) {
    case DType::f64: return FloatLayout{11, 52, true, 0x7FF8000000000000};
    case DType::f32: return FloatLayout{8, 23, true, 0x7FC00000};
    case DType::f16: return FloatLayout{5, 10, true, 0x7E00};
    case DType::bf16: return FloatLayout{8, 7, true, 0x7FC0};
    case DType::e5m2: return FloatLayout{5, 2, true, 0x7E};
    case DType::e4m3: return FloatLayout{4, 3, false, 0x7F};
    default: return std::nullopt;
  }
}

unsigned float_kinds(const FloatLayout& l, std::uint64_t bits) {
  const std::uint64_t fraction_ones = (std::uint64_t{1} << l.fraction) - 1;
  const std::uint64_t exponent_ones = (std::uint64_t{1} << l.exponent) - 1;
  const bool negative = (bits >> (l.exponent + l.fraction) & 1) != 0;
  const std::uint64_t fraction = bits & fraction_ones, exponent = bits >> l.fraction & exponent_ones;
  const std::uint64_t magnitude = bits & (exponent_ones << l.fraction | fraction_ones);
  if (magnitude == 0) return 1U << (negative ? MinusZero : Zero);
  const std::uint64_t top = exponent_ones << l.fraction | fraction_ones;  // e4m3: its NaN
  const bool nan = l.infinities ? exponent == exponent_ones && fraction != 0 : magnitude == top;
  if (nan) return 1U << (bits == l.canonical_nan ? NaN : OtherNaN);
  if (l.infinities && exponent == exponent_ones) return 1U << (negative ? MinusInfinity : Infinity);
  const std::uint64_t largest = l.infinities ? (exponent_ones << l.fraction) - 1 : top - 1;
  unsigned kinds = negative ? 1U << Negative : 0U;
  if (magnitude == largest) kinds |= 1U << Largest;
  if (exponent == 0) return kinds | 1U << Subnormal;
  if (exponent == 1 && fraction == 0) kinds |= 1U << LeastNormal;
  return kinds | 1U << Normal;
}

unsigned integer_kinds(DType type, std::uint64_t bits) {
  const unsigned width = static_cast<unsigned>(bits_of(type));
  const bool is_signed = kind_of(type) == DTypeKind::Signed;
  const std::uint64_t top = std::uint64_t{1} << (width - 1);
  if (bits == 0) return 1U << Zero | (is_signed ? 0U : 1U << Least);
  if (is_signed && bits == top) return 1U << Least | 1U << Negative;
  if (bits == (is_signed ? top - 1 : (top << 1) - 1)) return 1U << Greatest | 1U << Normal;
  return is_signed && (bits & top) != 0 ? 1U << Negative : 1U << Normal;
}

unsigned kinds_in(const Tensor& tensor) {
  const auto count = static_cast<std::uint64_t>(tensor.elements());
  const std::uint64_t step = count / kMostElements + 1;
  const auto layout = layout_of(tensor.dtype);
  const std::size_t bits = bits_of(tensor.dtype);
  unsigned kinds = 0;
  for (std::uint64_t i = 0; i < count; i += step) {
    std::uint64_t element = 0;
    if (bits < 8) element = element_bits(tensor.dtype, tensor.bytes.data(), i);
    else std::memcpy(&element, tensor.bytes.data() + i * (bits / 8), bits / 8);
    kinds |= layout ? float_kinds(*layout, element) : integer_kinds(tensor.dtype, element);
  }
  return kinds;
}

}  // namespace

void declare_tensor_features(Schema& schema) {
  FeatureTable& table = schema[Scope::Tensor];
  for (const char* name : {"op", "data", "mode"}) {
    const FeatureTable& of_case = schema[Scope::Case];
    table.add(of_case[of_case.id(name)]);
  }
  std::vector<std::string> types;
  for (const DType type : all_dtypes()) types.emplace_back(to_string(type));
  table.add({"dtype", "the tensor's element type", false, types});
  table.add({"from", "outputs: the type in which they were accumulated", false, types});
  table.add({"role", "input or output of the operator", false, {"input", "output"}});
  table.add({"name", "the tensor's name in its operator", false, {}});
  table.add({"values", "kinds of values among its elements", false, {kNames.begin(), kNames.end()}});
}

Features tensor_features(const Schema& schema, const testgen::Case& c, const Tensor& tensor, Role role) {
  static const auto words = [] {
    std::array<Word, kKinds> list{};
    for (unsigned k = 0; k < kKinds; ++k) list[k] = intern(kNames[k]);
    return list;
  }();
  Features f(schema[Scope::Tensor]);
  f.word("op", c.problem.op);
  f.word("data", to_string(c.data));
  f.word("mode", golden::to_string(c.mode));
  f.word("dtype", to_string(tensor.dtype));
  f.word("role", role == Role::Input ? "input" : "output");
  f.word("name", tensor.name);
  if (role == Role::Output) f.word("from", to_string(accumulator_of(c.problem.inputs.at(0).dtype)));
  const unsigned kinds = kinds_in(tensor);
  const FeatureId values = f.table().id("values");
  for (unsigned k = 0; k < kKinds; ++k)
    if ((kinds >> k & 1) != 0) f.add(values, words[k]);
  return f;
}

}  // namespace assay::coverage
