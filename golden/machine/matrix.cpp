#include <fmt/format.h>

#include <array>
#include <optional>

#include "golden/machine/commands.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/dot.hpp"

namespace assay::golden::machine {
namespace {

bool is_byte(DType type) { return type == DType::s8 || type == DType::u8; }
bool is_fp8(DType type) { return type == DType::e4m3 || type == DType::e5m2; }

DType type_of_b(const isa::MxuCommand& c) {
  switch (c.b_format) {
    case isa::StationaryFormat::s8: return DType::s8;
    case isa::StationaryFormat::u8: return DType::u8;
    case isa::StationaryFormat::e4m3: return DType::e4m3;
    case isa::StationaryFormat::e5m2: return DType::e5m2;
    case isa::StationaryFormat::s4: return DType::s4;
    case isa::StationaryFormat::u4: return DType::u4;
    case isa::StationaryFormat::same: break;
  }
  return c.dtype;
}

bool dequantised(const isa::MxuCommand& c) { return c.group != 0; }

// One element, at `place`; of four-bit types the low nibble, or the high one.
struct Element {
  DType type;
  std::array<std::byte, 4> storage{};
  std::size_t index = 0;

  float real() const { return strict::load_f32(type, storage.data(), index); }
  std::int32_t integer() const { return strict::load_s32(type, storage.data(), index); }
};

std::optional<Element> element_at(Memories& memories, Place line, std::int64_t index, DType type) {
  Element e{type, {}, 0};
  const std::size_t bits = bits_of(type);
  const Place at = line + (bits == 4 ? index / 2 : index * static_cast<std::int64_t>(bits / 8));
  e.index = bits == 4 ? static_cast<std::size_t>(index % 2) : 0;
  const std::uint64_t bytes = bits == 4 ? 1 : bits / 8;
  if (!memories.contains(at, bytes)) return std::nullopt;
  memories.read(at, reinterpret_cast<std::uint8_t*>(e.storage.data()), bytes);
  return e;
}

// The digits of an index, the first counting fastest, the last without end; each times its stride.
std::int64_t by_digits(std::uint64_t index,
                       std::initializer_list<std::pair<std::uint64_t, std::int64_t>> digits,
                       std::int64_t last_stride) {
  std::int64_t offset = 0;
  for (const auto& [count, stride] : digits) {
    offset += static_cast<std::int64_t>(index % count) * stride;
    index /= count;
  }
  return offset + static_cast<std::int64_t>(index) * last_stride;
}

// Outer and inner repetitions so far, where each advances the index.
std::uint64_t turns(bool by_inner, std::uint64_t inner, bool by_outer, std::uint64_t outer) {
  return (by_inner ? inner : 0) + (by_outer ? outer : 0);
}

std::int64_t advanced(std::uint64_t outer, std::int64_t outer_step, std::uint64_t inner,
                      std::int64_t inner_step) {
  return static_cast<std::int64_t>(outer) * outer_step + static_cast<std::int64_t>(inner) * inner_step;
}

}  // namespace

std::string MatrixUnit::refuse_kinds(const isa::MxuCommand& c) const {
  const DType a = c.dtype, b = type_of_b(c);
  const auto unsupported = [&](DType type) { return machine_.mxu.rate(type).chain == 0; };
  if (unsupported(a)) return fmt::format("the array does not multiply {}", to_string(a));
  const auto no_value = [](std::int64_t zero, DType type) {
    switch (type) {
      case DType::s8: return zero < -128 || zero > 127;
      case DType::u8: return zero < 0 || zero > 255;
      case DType::s4: return zero < -8 || zero > 7;
      case DType::u4: return zero < 0 || zero > 15;
      default: return zero != 0;
    }
  };
  if (dequantised(c)) {
    if (is_float(b) || (a != DType::f16 && a != DType::bf16)) return "no such dequantisation";
    if (c.instruction == isa::Instruction::mxu_os) return "mxu.os dequantises nothing";
    if (place_of(c.scale_addr).space != Space::spm) return "the scales lie outside SPM";
    if (c.zeros && place_of(c.zero_addr).space != Space::spm) return "the zero points lie outside SPM";
    if (c.b_pattern) return "B has a pattern and is dequantised";
    if (c.zeros && c.b_zero != 0) return "b_zero beside zero points in memory";
  } else {
    if (a != b && !(is_byte(a) && is_byte(b)) && !(is_fp8(a) && is_fp8(b)))
      return "A and B do not go together";
    if (a != b && unsupported(b)) return fmt::format("the array does not multiply {}", to_string(b));
  }
  if (!is_float(a) && c.skip_minus_zero) return "skip_minus_zero of integers";
  if (no_value(c.a_zero, a)) return "a_zero is no value of A's type";
  if (no_value(c.b_zero, b)) return "b_zero is no value of B's type";
  return {};
}

std::string MatrixUnit::refuse_sizes(const isa::MxuCommand& c) const {
  const bool stationary_results = c.instruction == isa::Instruction::mxu_os;
  if (c.n > machine_.mxu.cols) return "n exceeds the array's columns";
  if (c.n_last > c.n) return "n_last exceeds n";
  if (c.k_last > c.k) return "k_last exceeds k";
  const std::uint64_t tile_rows = std::uint64_t{machine_.mxu.rows} * machine_.mxu.rate(c.dtype).chain;
  if (stationary_results && c.m > machine_.mxu.rows) return "m exceeds the array's rows";
  if (!stationary_results && c.k > tile_rows) return "k exceeds the stationary tile";
  return {};
}

std::string MatrixUnit::refuse_patterns(const isa::MxuCommand& c) const {
  if (c.a_pattern) {
    if (c.a_inner_rows && c.a_outer_rows) return "A: both repetitions advance its rows";
    if (c.a_inner_k && c.a_outer_k) return "A: both repetitions advance k";
    if (c.a_inner_k && c.k_last != 0) return "A: k_last where inner repetitions advance k";
  }
  if (c.b_pattern) {
    if (c.b_inner_cols && c.b_outer_cols) return "B: both repetitions advance its columns";
    if (c.b_inner_k && c.b_outer_k) return "B: both repetitions advance k";
    if (c.b_inner_k && c.k_last != 0) return "B: k_last where inner repetitions advance k";
    if (c.b_outer_cols && c.n_last != 0) return "B: n_last where outer repetitions advance its columns";
    const bool resident = c.resident && c.instruction == isa::Instruction::mxu_ws;
    if (resident && (c.inner > 1 || c.outer > 1)) return "resident, with a pattern and several repetitions";
  }
  return {};
}

std::string MatrixUnit::refuse_resident(const isa::MxuCommand& c, const Step& step) const {
  if (!resident_.filled) return "resident, and nothing was loaded since the last product";
  const bool layout = resident_.dequantised || resident_.by_columns == (c.b_pattern || c.b_n_major);
  const bool same = resident_.a == c.dtype && resident_.b == type_of_b(c) &&
                    resident_.dequantised == dequantised(c) && resident_.k == step.k && resident_.n == step.n;
  return same && layout ? std::string() : "resident, and another kind of tile was loaded";
}

std::string MatrixUnit::read_a(const isa::MxuCommand& c, const Step& s, Memories& memories,
                               Tile& tile) const {
  const Place base = place_of(c.a_addr);
  if (base.space != Space::spm) return "A lies outside SPM";
  const Place start = base + advanced(s.outer, c.outer_a_step, s.inner, c.inner_a_step);
  const std::uint64_t first_row =
      c.a_first_row + turns(c.a_inner_rows, s.inner, c.a_outer_rows, s.outer) * c.m;
  const std::uint64_t first_k = c.a_first_k + turns(c.a_inner_k, s.inner, c.a_outer_k, s.outer) * c.k;
  for (std::uint64_t i = 0; i < s.m; ++i)
    for (std::uint64_t k = 0; k < s.k; ++k) {
      Place line = start + static_cast<std::int64_t>((c.a_k_major ? k : i) * std::uint64_t{c.a_stride});
      auto index = static_cast<std::int64_t>(c.a_k_major ? i : k);
      if (c.a_pattern) {
        line =
            base +
            by_digits(first_row + i, {{c.a_row_count0, c.a_row_stride0}, {c.a_row_count1, c.a_row_stride1}},
                      c.a_row_stride2) +
            by_digits(
                first_k + k,
                {{c.a_k_count0, c.a_k_stride0}, {c.a_k_count1, c.a_k_stride1}, {c.a_k_count2, c.a_k_stride2}},
                c.a_k_stride3);
        index = 0;
      }
      const auto e = element_at(memories, line, index, c.dtype);
      if (!e) return fmt::format("A reaches beyond SPM in row {}, k {}", i, k);
      if (is_float(c.dtype)) tile.real.push_back(e->real());
      else tile.integer.push_back(e->integer() - static_cast<std::int32_t>(c.a_zero));
    }
  return {};
}

std::string MatrixUnit::read_b(const isa::MxuCommand& c, const Step& s, Memories& memories,
                               Tile& tile) const {
  const DType type = type_of_b(c);
  const Place base = place_of(c.b_addr);
  if (base.space != Space::spm) return "B lies outside SPM";
  const Place start = base + advanced(s.outer, c.outer_b_step, s.inner, c.inner_b_step);
  const Place scales =
      place_of(c.scale_addr) + advanced(s.outer, c.outer_scale_step, s.inner, c.inner_scale_step);
  const Place zeros =
      place_of(c.zero_addr) + advanced(s.outer, c.outer_zero_step, s.inner, c.inner_zero_step);
  const DType zero_type = kind_of(type) == DTypeKind::Signed ? DType::s8 : DType::u8;
  const std::uint64_t first_col =
      c.b_first_col + turns(c.b_inner_cols, s.inner, c.b_outer_cols, s.outer) * c.n;
  const std::uint64_t first_k = c.b_first_k + turns(c.b_inner_k, s.inner, c.b_outer_k, s.outer) * c.k;
  for (std::uint64_t k = 0; k < s.k; ++k)
    for (std::uint64_t j = 0; j < s.n; ++j) {
      Place line = start + static_cast<std::int64_t>((c.b_n_major ? j : k) * std::uint64_t{c.b_stride});
      auto index = static_cast<std::int64_t>(c.b_n_major ? k : j);
      if (c.b_pattern) {
        line =
            base +
            by_digits(first_col + j, {{c.b_col_count0, c.b_col_stride0}, {c.b_col_count1, c.b_col_stride1}},
                      c.b_col_stride2) +
            by_digits(
                first_k + k,
                {{c.b_k_count0, c.b_k_stride0}, {c.b_k_count1, c.b_k_stride1}, {c.b_k_count2, c.b_k_stride2}},
                c.b_k_stride3);
        index = 0;
      }
      const auto e = element_at(memories, line, index, type);
      if (!e) return fmt::format("B reaches beyond SPM in column {}, k {}", j, k);
      if (!dequantised(c)) {
        if (is_float(type)) tile.real.push_back(e->real());
        else tile.integer.push_back(e->integer());
        continue;
      }
      const auto g = static_cast<std::int64_t>(k / c.group), col = static_cast<std::int64_t>(j);
      const auto scale = element_at(memories, scales + g * c.scale_group_stride + col * c.scale_col_stride, 0,
                                    c.scale_dtype);
      if (!scale) return "the scales reach beyond SPM";
      auto zero = static_cast<std::int32_t>(c.b_zero);
      if (c.zeros) {
        const auto z =
            element_at(memories, zeros + g * c.zero_group_stride + col * c.zero_col_stride, 0, zero_type);
        if (!z) return "the zero points reach beyond SPM";
        zero = z->integer();
      }
      const std::uint16_t bits = strict::dequantised(e->integer(), zero, scale->real(), c.dtype);
      tile.real.push_back(c.dtype == DType::f16 ? strict::f32_from_f16(bits) : strict::f32_from_bf16(bits));
    }
  return {};
}

std::string MatrixUnit::load(const isa::MxuCommand& c, Memories& memories) {
  resident_ = {};
  if (std::string problem = read_b(c, {0, 0, c.m, c.n, c.k}, memories, resident_.tile); !problem.empty())
    return problem;
  resident_.filled = true;
  resident_.a = c.dtype;
  resident_.b = type_of_b(c);
  resident_.dequantised = dequantised(c);
  resident_.by_columns = c.b_pattern || c.b_n_major;
  resident_.k = c.k;
  resident_.n = c.n;
  return {};
}

std::string MatrixUnit::product(const isa::MxuCommand& c, const Step& s, Memories& memories) {
  const bool resident =
      c.instruction == isa::Instruction::mxu_ws && c.resident && s.outer == 0 && s.inner == 0;
  Tile a, b;
  if (std::string problem = read_a(c, s, memories, a); !problem.empty()) return problem;
  if (resident) {
    if (std::string problem = refuse_resident(c, s); !problem.empty()) return problem;
    b = resident_.tile;
  } else if (std::string problem = read_b(c, s, memories, b); !problem.empty()) {
    return problem;
  }
  resident_.filled = false;
  if (s.m > 1 && c.acc_stride < s.n * 4) return "the result's rows overlap";
  const Place result = place_of(c.acc_addr) + advanced(s.outer, c.outer_acc_step, s.inner, c.inner_acc_step);
  if (result.space != Space::acc) return "the result lies outside ACC";
  const auto at = [&](std::uint64_t i, std::uint64_t j) {
    return result + static_cast<std::int64_t>(i * c.acc_stride + j * 4);
  };
  if (!memories.contains(at(0, 0), 4) || !memories.contains(at(s.m - 1, s.n - 1), 4))
    return "the result reaches beyond ACC";
  const bool accumulates = c.accumulate || (s.outer > 0 && c.outer_acc_step == 0);
  std::vector<std::uint32_t> partial(s.m * s.n, 0);
  if (accumulates)
    for (std::uint64_t i = 0; i < s.m; ++i)
      for (std::uint64_t j = 0; j < s.n; ++j)
        partial[i * s.n + j] = static_cast<std::uint32_t>(memories.load(at(i, j), 4));
  if (is_float(c.dtype)) {
    std::vector<float> acc(partial.size());
    for (std::size_t e = 0; e < acc.size(); ++e) acc[e] = strict::from_bits(partial[e]);
    (c.skip_minus_zero
         ? strict::multiply_skipping
         : static_cast<void (*)(const float*, const float*, float*, std::size_t, std::size_t, std::size_t)>(
               strict::multiply))(a.real.data(), b.real.data(), acc.data(), s.m, s.n, s.k);
    for (std::size_t e = 0; e < acc.size(); ++e) partial[e] = strict::bits_of(acc[e]);
  } else {
    for (std::int32_t& value : b.integer) value -= static_cast<std::int32_t>(c.b_zero);
    std::vector<std::int32_t> acc(partial.begin(), partial.end());
    strict::multiply(a.integer.data(), b.integer.data(), acc.data(), s.m, s.n, s.k);
    partial.assign(acc.begin(), acc.end());
  }
  for (std::uint64_t i = 0; i < s.m; ++i)
    for (std::uint64_t j = 0; j < s.n; ++j) memories.store(at(i, j), 4, partial[i * s.n + j]);
  return {};
}

std::string MatrixUnit::execute(const isa::MxuCommand& c, Memories& memories) {
  for (const auto refuse :
       {&MatrixUnit::refuse_kinds, &MatrixUnit::refuse_sizes, &MatrixUnit::refuse_patterns})
    if (std::string problem = (this->*refuse)(c); !problem.empty()) return problem;
  if (c.instruction == isa::Instruction::mxu_load) return load(c, memories);
  for (std::uint64_t outer = 0; outer < c.outer; ++outer)
    for (std::uint64_t inner = 0; inner < c.inner; ++inner) {
      Step step{outer, inner, c.m, c.n, c.k};
      if (inner + 1 == c.inner && c.n_last != 0) step.n = c.n_last;
      if (outer + 1 == c.outer && c.k_last != 0) step.k = c.k_last;
      if (std::string problem = product(c, step, memories); !problem.empty()) return problem;
    }
  return {};
}

}  // namespace assay::golden::machine
