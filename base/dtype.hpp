// Element types: names, codes and sizes. What a bit pattern means is said in docs/numerics.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

enum class DType : std::uint8_t {
#define ASSAY_DTYPE(name, code, bits, kind) name = code,
#include "base/dtype.def"
#undef ASSAY_DTYPE
};

enum class DTypeKind : std::uint8_t { Float, Signed, Unsigned };

// Every element type, in the order of its code.
const std::vector<DType>& all_dtypes();
// Those that commands can name; the others are the host's alone.
const std::vector<DType>& engine_dtypes();
constexpr bool is_engine_type(DType type) { return static_cast<std::uint8_t>(type) < 16; }

std::string_view to_string(DType type);
std::size_t bits_of(DType type);  // per element
// Bytes per element. Throws Error(Unsupported) for types of less than a byte.
std::size_t size_of(DType type);
// Bytes of `count` elements side by side; four-bit ones fill their last byte with 0.
std::uint64_t storage_bytes(DType type, std::uint64_t count);
DTypeKind kind_of(DType type);
inline bool is_float(DType type) { return kind_of(type) == DTypeKind::Float; }

// Accepts Assay's names (f32, bf16, ...) and the usual aliases (fp32, float, int8, ...).
std::optional<DType> dtype_from_name(std::string_view name);
// As above; throws Error(Usage) that names `what`, the value and the nearest valid name.
DType parse_dtype(std::string_view name, std::string_view what);

// The type in which products of `operand` accumulate: f32 for the MXU's floats, s32 for integers, the host's
// types in themselves.
DType accumulator_of(DType operand);

}  // namespace assay
