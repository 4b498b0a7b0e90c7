#include "ops/attributes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <type_traits>

#include "base/error.hpp"

namespace assay::ops {
namespace {

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || text.empty()) return std::nullopt;
  if constexpr (std::is_floating_point_v<T>)
    if (!std::isfinite(value)) return std::nullopt;
  return value;
}

template <typename T>
std::optional<std::vector<T>> numbers(std::string_view text) {
  std::vector<T> list;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const auto value = number<T>(text.substr(0, comma));
    if (!value || comma + 1 == text.size()) return std::nullopt;
    list.push_back(*value);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return list;
}

// False where there is no value to assign.
template <typename T>
bool assign(std::optional<T> value, AttributeValue& out) {
  if (value) out = std::move(*value);
  return value.has_value();
}

// Digits alone stay an integer, so that get_float() can refuse those that fp32 cannot hold.
bool read_float(std::string_view text, AttributeValue& out) {
  const auto integer = number<std::int64_t>(text);
  const bool negative_zero = integer == 0 && text.front() == '-';
  return integer && !negative_zero ? assign(integer, out) : assign(number<float>(text), out);
}

bool read_value(AttributeType type, std::string_view text, AttributeValue& out) {
  switch (type) {
    case AttributeType::Int: return assign(number<std::int64_t>(text), out);
    case AttributeType::Float: return read_float(text, out);
    case AttributeType::Ints: return assign(numbers<std::int64_t>(text), out);
    case AttributeType::Floats: return assign(numbers<float>(text), out);
    case AttributeType::String: out = std::string(text); return true;
  }
  return false;
}

constexpr std::int64_t kMaxExactInteger = std::int64_t{1} << 24;  // each up to here is an fp32 value

[[noreturn]] void fail_type(std::string_view op, const AttributeSpec& spec, const AttributeValue& value) {
  fail(ExitCode::Usage, "{}: attribute '{}' is {} '{}', expected {}", op, spec.name,
       to_string(type_of(value)), text_of(value), to_string(spec.type));
}

const AttributeValue& given_or_fallback(const Attributes& attributes, const AttributeSpec& spec) {
  const AttributeValue* given = attributes.find(spec.name);
  return given != nullptr ? *given : spec.fallback;
}

}  // namespace

std::string_view to_string(AttributeType type) {
  switch (type) {
    case AttributeType::Int: return "an integer";
    case AttributeType::Float: return "a number";
    case AttributeType::Ints: return "a list of integers";
    case AttributeType::Floats: return "a list of numbers";
    case AttributeType::String: return "a name";
  }
  return "?";
}

AttributeType type_of(const AttributeValue& value) { return static_cast<AttributeType>(value.index()); }

std::string text_of(const AttributeValue& value) {
  return std::visit(
      [](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::vector<std::int64_t>> || std::is_same_v<T, std::vector<float>>)
          return fmt::format("{}", fmt::join(v, ","));
        else return fmt::format("{}", v);
      },
      value);
}

AttributeValue parse_attribute(std::string_view op, const AttributeSpec& spec, std::string_view text) {
  AttributeValue value;
  if (!read_value(spec.type, text, value))
    fail(ExitCode::Usage, "{}: attribute '{}' = '{}' is not {}", op, spec.name, text, to_string(spec.type));
  return value;
}

const AttributeValue* Attributes::find(const std::string& name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? nullptr : &it->second;
}

std::int64_t Attributes::get_int(std::string_view op, const AttributeSpec& spec) const {
  const AttributeValue& value = given_or_fallback(*this, spec);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  fail_type(op, spec, value);
}

float Attributes::get_float(std::string_view op, const AttributeSpec& spec) const {
  const AttributeValue& value = given_or_fallback(*this, spec);
  if (const auto* number = std::get_if<float>(&value)) return *number;
  const auto* integer = std::get_if<std::int64_t>(&value);
  if (integer == nullptr) fail_type(op, spec, value);
  if (*integer < -kMaxExactInteger || *integer > kMaxExactInteger)
    fail(ExitCode::Usage, "{}: attribute '{}' = {} is not an fp32 value; write it as a decimal number", op,
         spec.name, *integer);
  return static_cast<float>(*integer);
}

std::vector<std::int64_t> Attributes::get_ints(std::string_view op, const AttributeSpec& spec) const {
  const AttributeValue& value = given_or_fallback(*this, spec);
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) return *list;
  fail_type(op, spec, value);
}

std::string Attributes::get_string(std::string_view op, const AttributeSpec& spec) const {
  const AttributeValue& value = given_or_fallback(*this, spec);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  fail_type(op, spec, value);
}

}  // namespace assay::ops
