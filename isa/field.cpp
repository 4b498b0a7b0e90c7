#include "isa/field.hpp"

#include <fmt/format.h>

#include <array>

namespace assay::isa {
namespace {

std::string code_names(const Field& field) {
  std::string text;
  for (const Code& code : field.codes) {
    const bool named = field.kind != FieldKind::Uint;
    text += fmt::format("{}{}", text.empty() ? "" : ", ",
                        named ? fmt::format("{} ({})", code.name, code.value) : std::string(code.name));
  }
  return text;
}

std::optional<std::string> problem_with_code(const Field& field, std::uint64_t bits) {
  for (const Code& code : field.codes)
    if (code.value == bits) return std::nullopt;
  return fmt::format("{} = {} is none of {}", field.name, bits, code_names(field));
}

}  // namespace

std::string_view to_string(FieldKind kind) {
  constexpr std::array<std::string_view, 7> kNames{"uint", "int", "flag", "dtype", "local", "hbm", "enum"};
  return kNames.at(static_cast<std::size_t>(kind));
}

std::optional<std::string> problem_with(const Field& field, std::uint64_t bits) {
  if (!field.codes.empty()) return problem_with_code(field, bits);
  if (field.kind == FieldKind::Int) {
    const std::int64_t value = sign_extend(bits, field.width);
    if (value < field.min || (value > 0 && static_cast<std::uint64_t>(value) > field.max))
      return fmt::format("{} = {} is outside {}..{}", field.name, value, field.min, field.max);
    if (value % static_cast<std::int64_t>(field.align) != 0)
      return fmt::format("{} = {} is no multiple of {}", field.name, value, field.align);
    return std::nullopt;
  }
  if (bits < static_cast<std::uint64_t>(field.min) || bits > field.max)
    return fmt::format("{} = {} is outside {}..{}", field.name, bits, field.min, field.max);
  if (bits % field.align != 0)
    return fmt::format("{} = {:#x} is no multiple of {}", field.name, bits, field.align);
  return std::nullopt;
}

}  // namespace assay::isa
