#include "core/footprint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/dma/transfer.hpp"
#include "core/mxu/mxu_kinds.hpp"
#include "core/mxu/pattern.hpp"
#include "core/vxu/vector_pass.hpp"

namespace assay::core {
namespace {

Space space_of(isa::LocalAddr address) { return address.is_acc() ? Space::acc : Space::spm; }

// ----------------------------------------------------------------------------------------------- DMA

// Steps of dimension 4 that follow each other in the list and in HBM are one access.
void gathered(const Access& once, const std::vector<std::int32_t>& index, std::vector<Access>& list) {
  for (std::size_t i = 0; i < index.size();) {
    std::size_t end = i + 1;
    while (end < index.size() && index[end] == index[end - 1] + 1) ++end;
    Access part = once;
    const auto steps = static_cast<std::uint64_t>(index[i]);
    part.base += static_cast<std::int64_t>(steps * static_cast<std::uint64_t>(once.dims[0].stride));
    part.dims[0].count = end - i;
    part.dims[0].first = i;
    list.push_back(part);
    i = end;
  }
}

std::vector<Access> accesses(const isa::DmaCommand& command, const std::vector<std::int32_t>& index) {
  const Transfer t = make_transfer(command, command.instruction == isa::Instruction::dma_out);
  static constexpr const char* kNames[kDmaDims] = {"dim1", "dim2", "dim3", "dim4"};
  Access far, near;
  far.space = Space::hbm;
  near.space = space_of(t.local);
  far.write = t.to_hbm;
  near.write = !t.to_hbm;
  far.role = t.to_hbm ? "the destination" : "the source";
  near.role = t.to_hbm ? "the source" : "the destination";
  far.base = static_cast<std::int64_t>(t.hbm_offset);
  near.base = t.local.offset();
  far.run = t.run_bytes;
  near.run = t.run_pad_before + t.run_bytes + t.run_pad_after;
  for (std::size_t d = 0; d < kDmaDims; ++d) {
    const std::size_t place = kDmaDims - 1 - d;
    far.dims[place] = {kNames[d], t.count[d], t.hbm_stride[d], 0};
    near.dims[place] = {kNames[d], t.pad_before[d] + t.count[d] + t.pad_after[d], t.local_stride[d], 0};
  }
  if (!command.gather) return {far, near};
  Access indices;
  indices.space = space_of(command.index_addr);
  indices.role = "the index list";
  indices.element = 4;
  indices.base = command.index_addr.offset();
  indices.run = std::uint64_t{command.count4} * 4;
  std::vector<Access> list{near, indices};
  gathered(far, index, list);
  return list;
}

// ----------------------------------------------------------------------------------------------- MXU

// Repetitions outer_from..outer_to-1 by inner_from..inner_to-1, all with the same n and k.
struct Repetitions {
  std::uint64_t outer_from, outer_to, inner_from, inner_to;
  std::uint64_t n, k;
};

class MxuAccesses {
 public:
  explicit MxuAccesses(const isa::MxuCommand& c)
      : c_(c),
        b_type_(stationary_type(c)),
        resident_(c.resident && c.instruction != isa::Instruction::mxu_os) {}

  std::vector<Access> all() {
    if (c_.instruction == isa::Instruction::mxu_load) {
      const Repetitions once{0, 1, 0, 1, c_.n, c_.k};
      if (c_.b_pattern)
        add_pattern("B", c_.b_addr, size_of(b_type_), pattern_of_b(c_), {c_.n, c_.n, c_.k, c_.k, 1, 1});
      else add_b(once);
      return std::move(list_);
    }
    const std::uint64_t n_last = c_.n_last != 0 ? c_.n_last : c_.n,
                        k_last = c_.k_last != 0 ? c_.k_last : c_.k;
    if (c_.a_pattern)
      add_pattern("A", c_.a_addr, size_of(c_.dtype), pattern_of_a(c_),
                  {c_.m, c_.m, c_.k, k_last, c_.inner, c_.outer});
    if (c_.b_pattern && !resident_)
      add_pattern("B", c_.b_addr, size_of(b_type_), pattern_of_b(c_),
                  {c_.n, n_last, c_.k, k_last, c_.inner, c_.outer});
    const auto outer = cuts(c_.outer, resident_ || (c_.accumulate && c_.outer_acc_step == 0), c_.k_last != 0);
    const auto inner = cuts(c_.inner, resident_, c_.n_last != 0);
    for (std::size_t o = 0; o + 1 < outer.size(); ++o)
      for (std::size_t i = 0; i + 1 < inner.size(); ++i)
        add({outer[o], outer[o + 1], inner[i], inner[i + 1],
             c_.n_last != 0 && inner[i + 1] == c_.inner ? c_.n_last : c_.n,
             c_.k_last != 0 && outer[o + 1] == c_.outer ? c_.k_last : c_.k});
    return std::move(list_);
  }

 private:
  // Where a loop of `count` must be cut: behind the first and before the last repetition, as asked.
  static std::vector<std::uint64_t> cuts(std::uint64_t count, bool first, bool last) {
    std::vector<std::uint64_t> at{0};
    if (first && count > 1) at.push_back(1);
    if (last && count > 1 && at.back() < count - 1) at.push_back(count - 1);
    at.push_back(count);
    return at;
  }

  void add(const Repetitions& r) {
    const bool first = r.outer_from == 0 && r.inner_from == 0;
    if (!c_.a_pattern) add_a(r);
    if (!(resident_ && first) && !c_.b_pattern) add_b(r);
    if (c_.accumulate && (c_.outer_acc_step != 0 || r.outer_from == 0)) add_result(r, false);
    add_result(r, true);
  }

  // One loop of repetitions, cut so that each cut's steps have the same sizes: into single steps where both
  // of an operand's indices advance with it, or before its last step where that is shorter.
  struct Cut {
    std::uint64_t from, steps;
    bool last;
  };
  static std::vector<Cut> cuts_of(std::uint64_t count, bool singly, bool short_last) {
    std::vector<Cut> list;
    if (singly) {
      for (std::uint64_t i = 0; i < count; ++i) list.push_back({i, 1, i + 1 == count});
    } else {
      if (short_last && count > 1) list.push_back({0, count - 1, false});
      const std::uint64_t from = list.empty() ? 0 : count - 1;
      list.push_back({from, count - from, true});
    }
    return list;
  }

  // Sizes of an operand's tiles: lines and products, and those of the last inner and outer repetition.
  struct PatternTiles {
    std::uint64_t lines, last_lines, products, last_products, inner, outer;
  };
  // What the repetitions of an operand with a pattern read: within a cut either index goes on without a gap,
  // so that it is one range of lines by one of products.
  void add_pattern(const char* role, isa::LocalAddr base, std::uint64_t element, const OperandPattern& p,
                   const PatternTiles& t) {
    const auto range = [](std::uint64_t first, const Cut* cut, std::uint64_t each, std::uint64_t last) {
      if (cut == nullptr) return IndexRange{first, last};
      return IndexRange{first + cut->from * each, (cut->steps - 1) * each + last};
    };
    for (const Cut& outer :
         cuts_of(t.outer, p.outer_lines && p.outer_products, t.last_products != t.products))
      for (const Cut& inner : cuts_of(t.inner, p.inner_lines && p.inner_products, t.last_lines != t.lines)) {
        const std::uint64_t n = inner.last ? t.last_lines : t.lines;
        const std::uint64_t k = outer.last ? t.last_products : t.products;
        const Cut* by_line = p.inner_lines ? &inner : p.outer_lines ? &outer : nullptr;
        const Cut* by_product = p.inner_products ? &inner : p.outer_products ? &outer : nullptr;
        for (const auto& rows : boxes_of(p.lines, range(p.first_line, by_line, t.lines, n)))
          for (const auto& products : boxes_of(p.products, range(p.first_product, by_product, t.products, k)))
            add_box(role, base, element, p, rows, products);
      }
  }
  void add_box(const char* role, isa::LocalAddr base, std::uint64_t element, const OperandPattern& p,
               const DigitBox<kLineDigits>& lines, const DigitBox<kProductDigits>& products) {
    static constexpr const char* kLines[] = {"line digit 0", "line digit 1", "line digit 2"};
    static constexpr const char* kProducts[] = {"k digit 0", "k digit 1", "k digit 2", "k digit 3"};
    Access access;
    access.space = space_of(base);
    access.role = role;
    access.element = static_cast<std::uint32_t>(element);
    access.base = base.offset();
    access.run = element;
    std::size_t at = 0;
    const auto add = [&](const char* name, IndexRange box, std::int64_t stride) {
      access.base += static_cast<std::int64_t>(box.first) * stride;
      access.dims[at++] = {name, box.count, stride, box.first};
    };
    for (std::size_t d = kLineDigits; d-- > 0;) add(kLines[d], lines[d], p.lines[d].stride);
    for (std::size_t d = kProductDigits; d-- > 0;) add(kProducts[d], products[d], p.products[d].stride);
    list_.push_back(access);
  }

  void add_a(const Repetitions& r) {
    const std::uint64_t lines = c_.a_k_major ? r.k : c_.m, length = c_.a_k_major ? c_.m : r.k;
    add(r, "A", c_.a_addr, false, size_of(c_.dtype), c_.outer_a_step, c_.inner_a_step,
        {"line", lines, c_.a_stride, 0}, storage_bytes(c_.dtype, length));
  }
  void add_b(const Repetitions& r) {
    const std::uint64_t lines = c_.b_n_major ? r.n : r.k, length = c_.b_n_major ? r.k : r.n;
    const std::uint64_t element = std::max<std::uint64_t>(1, bits_of(b_type_) / 8);
    add(r, "B", c_.b_addr, false, element, c_.outer_b_step, c_.inner_b_step, {"line", lines, c_.b_stride, 0},
        storage_bytes(b_type_, length));
    if (dequantises(c_)) add_dequantisation(r);
  }
  void add_dequantisation(const Repetitions& r) {
    const std::uint64_t groups = (r.k + c_.group - 1) / c_.group;
    const auto table = [&](const char* role, isa::LocalAddr base, DType type, std::int64_t outer_step,
                           std::int64_t inner_step, std::int64_t group_stride, std::int64_t col_stride) {
      add(r, role, base, false, size_of(type), outer_step, inner_step, {"group", groups, group_stride, 0},
          size_of(type));
      list_.back().dims[3] = {"column", r.n, col_stride, 0};
    };
    table("the scales", c_.scale_addr, c_.scale_dtype, c_.outer_scale_step, c_.inner_scale_step,
          c_.scale_group_stride, c_.scale_col_stride);
    if (c_.zeros)
      table("the zero points", c_.zero_addr, DType::u8, c_.outer_zero_step, c_.inner_zero_step,
            c_.zero_group_stride, c_.zero_col_stride);
  }
  void add_result(const Repetitions& r, bool write) {
    add(r, write ? "the result" : "the partial", c_.acc_addr, write, 4, c_.outer_acc_step, c_.inner_acc_step,
        {"row", c_.m, c_.acc_stride, 0}, r.n * 4);
  }

  void add(const Repetitions& r, const char* role, isa::LocalAddr base, bool write, std::uint64_t element,
           std::int64_t outer_step, std::int64_t inner_step, const AccessDim& lines, std::uint64_t run) {
    Access access;
    access.space = space_of(base);
    access.write = write;
    access.role = role;
    access.element = static_cast<std::uint32_t>(element);
    access.base = std::int64_t{base.offset()} + static_cast<std::int64_t>(r.outer_from) * outer_step +
                  static_cast<std::int64_t>(r.inner_from) * inner_step;
    access.run = run;
    access.dims[0] = {"outer", r.outer_to - r.outer_from, outer_step, r.outer_from};
    access.dims[1] = {"inner", r.inner_to - r.inner_from, inner_step, r.inner_from};
    access.dims[2] = lines;
    list_.push_back(access);
  }

  const isa::MxuCommand& c_;
  const DType b_type_;
  const bool resident_;
  std::vector<Access> list_;
};

// ----------------------------------------------------------------------------------------------- VXU

Access rows_of(const char* role, isa::LocalAddr base, DType type, const isa::VxuCommand& c,
               std::int64_t row_stride, std::int64_t col_stride) {
  const std::uint64_t element = size_of(type);
  const bool dense = col_stride == static_cast<std::int64_t>(element);
  Access access;
  access.space = space_of(base);
  access.role = role;
  access.element = static_cast<std::uint32_t>(element);
  access.base = base.offset();
  access.run = dense ? c.cols * element : element;
  access.dims[0] = {"row", c.rows, row_stride, 0};
  if (!dense) access.dims[1] = {"column", c.cols, col_stride, 0};
  return access;
}

std::vector<Access> accesses(const isa::VxuCommand& c) {
  std::vector<Access> list{rows_of("x", c.x_addr, c.x_dtype, c, c.x_row_stride, c.x_col_stride)};
  if (c.scale_source == isa::OperandSource::memory)
    list.push_back(rows_of("scale", c.scale_addr, c.scale_dtype, c, c.scale_row_stride, c.scale_col_stride));
  if (c.bias_source == isa::OperandSource::memory)
    list.push_back(rows_of("bias", c.bias_addr, c.bias_dtype, c, c.bias_row_stride, c.bias_col_stride));
  if (c.mask_by_bytes) list.push_back(rows_of("the mask", c.mask_addr, DType::u8, c, c.mask_row_stride, 1));
  if (c.reduction != isa::Reduction::none) {
    Access reduction = rows_of("the reduction", c.reduce_addr, DType::f32, c, c.reduce_row_stride, 4);
    reduction.run = c.reduction == isa::Reduction::sum ? kSumStripes * 4 : 4;
    if (c.reduce_accumulate) list.push_back(reduction);
    reduction.write = true;
    list.push_back(reduction);
  }
  if (c.reduce_only) return list;
  const auto element = static_cast<std::int64_t>(size_of(c.out_dtype));
  list.push_back(rows_of("the output", c.out_addr, c.out_dtype, c, c.out_row_stride, element));
  list.back().write = true;
  return list;
}

// The lowest and the highest offset that the loops from `from` on reach.
struct Reach {
  double low, high;
};
Reach reach(const Access& access, std::size_t from = 0) {
  Reach r{0, static_cast<double>(access.run)};
  for (std::size_t d = from; d < kAccessDims; ++d) {
    const AccessDim& dim = access.dims[d];
    const double far = static_cast<double>(dim.count - 1) * static_cast<double>(dim.stride);
    (far < 0 ? r.low : r.high) += far;
  }
  return r;
}

}  // namespace

std::string_view to_string(Space space) {
  switch (space) {
    case Space::spm: return "SPM";
    case Space::acc: return "ACC";
    case Space::hbm: return "HBM";
  }
  return "?";
}

std::vector<Access> footprint(const isa::Command& command, const std::vector<std::int32_t>& index) {
  if (const auto* dma = std::get_if<isa::DmaCommand>(&command)) return accesses(*dma, index);
  if (const auto* mxu = std::get_if<isa::MxuCommand>(&command)) return MxuAccesses(*mxu).all();
  if (const auto* vxu = std::get_if<isa::VxuCommand>(&command)) return accesses(*vxu);
  return {};
}

std::optional<Region> Region::of(const Access& access, std::uint64_t capacity) {
  const Reach r = reach(access);
  const auto base = static_cast<double>(access.base);
  if (base + r.low < 0 || base + r.high > static_cast<double>(capacity)) return std::nullopt;
  Region region;
  region.space = access.space;
  region.low = static_cast<std::uint64_t>(access.base + static_cast<std::int64_t>(r.low));
  region.high = static_cast<std::uint64_t>(access.base + static_cast<std::int64_t>(r.high));
  region.run_ = access.run;
  std::array<Loop, kAccessDims> loops{};
  std::size_t rank = 0;
  for (const AccessDim& dim : access.dims) {
    if (dim.count <= 1 || dim.stride == 0) continue;
    const Loop loop{dim.count, static_cast<std::uint64_t>(std::abs(dim.stride)), 0};
    std::size_t at = rank++;
    for (; at > 0 && loops[at - 1].stride > loop.stride; --at) loops[at] = loops[at - 1];
    loops[at] = loop;
  }
  std::uint64_t span = access.run;
  for (std::size_t i = 0; i < rank; ++i) {
    Loop& loop = loops[i];
    loop.span = span;
    span += (loop.count - 1) * loop.stride;
    Loop* last = region.rank_ == 0 ? nullptr : &region.loops_[region.rank_ - 1];
    if (last == nullptr && loop.stride <= region.run_) region.run_ = span;
    else if (last != nullptr && last->stride * last->count == loop.stride) last->count *= loop.count;
    else region.loops_[region.rank_++] = loop;
  }
  return region;
}

std::uint64_t Region::bytes() const {
  std::uint64_t total = run_;
  for (std::size_t i = 0; i < rank_; ++i) total *= loops_[i].count;
  return total;
}

std::size_t Region::hash() const {
  std::uint64_t h = low * 0x9E3779B97F4A7C15U ^ (run_ << 8 | static_cast<std::uint64_t>(space));
  for (std::size_t i = 0; i < rank_; ++i)
    h = (h ^ (h >> 29) ^ loops_[i].count ^ loops_[i].stride << 20) * 0xBF58476D1CE4E5B9U;
  return h ^ h >> 32;
}

bool operator==(const Region& a, const Region& b) {
  if (a.space != b.space || a.low != b.low || a.high != b.high || a.run_ != b.run_ || a.rank_ != b.rank_)
    return false;
  for (std::size_t i = 0; i < a.rank_; ++i)
    if (a.loops_[i].count != b.loops_[i].count || a.loops_[i].stride != b.loops_[i].stride) return false;
  return true;
}

std::optional<std::uint64_t> common_byte(const Region& a, const Region& b) {
  if (a.space != b.space || a.high <= b.low || b.high <= a.low) return std::nullopt;
  std::optional<std::uint64_t> found;
  a.for_each_run(b.low, b.high, [&](std::uint64_t offset, std::uint64_t bytes) {
    b.for_each_run(offset, offset + bytes, [&](std::uint64_t common, std::uint64_t) {
      found = common;
      return false;
    });
    return !found;
  });
  return found;
}

bool overlaps_itself(const Access& access) {
  std::vector<AccessDim> dims;
  for (AccessDim dim : access.dims) {
    if (dim.count == 1) continue;
    if (dim.stride < 0) dim.stride = -dim.stride;
    dims.push_back(dim);
  }
  std::sort(dims.begin(), dims.end(), [](const auto& a, const auto& b) { return a.stride < b.stride; });
  std::uint64_t span = access.run;
  bool nested = true;  // each loop steps over all that lies inside it
  for (const AccessDim& dim : dims) {
    const auto stride = static_cast<std::uint64_t>(dim.stride);
    if (stride < access.run) return true;
    nested = nested && stride >= span;
    span += (dim.count - 1) * stride;
  }
  if (nested) return false;
  std::vector<std::uint64_t> starts{0};
  for (const AccessDim& dim : dims) {
    if (starts.size() * dim.count > (std::size_t{1} << 20)) return false;  // interleaved, too large to judge
    std::vector<std::uint64_t> more;
    for (const std::uint64_t start : starts)
      for (std::uint64_t i = 0; i < dim.count; ++i)
        more.push_back(start + i * static_cast<std::uint64_t>(dim.stride));
    starts = std::move(more);
  }
  std::sort(starts.begin(), starts.end());
  return std::adjacent_find(starts.begin(), starts.end(), [&](std::uint64_t a, std::uint64_t b) {
           return b - a < access.run;
         }) != starts.end();
}

namespace {

// Finds the steps of the loops from `d` on that reach `delta` bytes from the base.
bool find_steps(const Access& access, std::size_t d, std::int64_t delta,
                std::array<std::uint64_t, kAccessDims>& steps) {
  if (d == kAccessDims) return delta >= 0 && static_cast<std::uint64_t>(delta) < access.run;
  const Reach inside = reach(access, d + 1);
  const AccessDim& dim = access.dims[d];
  for (steps[d] = 0; steps[d] < dim.count; ++steps[d]) {
    const std::int64_t rest = delta - static_cast<std::int64_t>(steps[d]) * dim.stride;
    if (static_cast<double>(rest) < inside.low || static_cast<double>(rest) >= inside.high) continue;
    if (find_steps(access, d + 1, rest, steps)) return true;
  }
  return false;
}

}  // namespace

std::string locate(const Access& access, std::uint64_t offset) {
  std::array<std::uint64_t, kAccessDims> steps{};
  std::int64_t delta = static_cast<std::int64_t>(offset) - access.base;
  std::string text = access.role;
  if (!find_steps(access, 0, delta, steps)) return text;
  for (std::size_t d = 0; d < kAccessDims; ++d) {
    const AccessDim& dim = access.dims[d];
    delta -= static_cast<std::int64_t>(steps[d]) * dim.stride;
    if (dim.count > 1 || dim.first > 0) text += fmt::format(", {} {}", dim.name, dim.first + steps[d]);
  }
  return fmt::format("{}, byte {}", text, delta);
}

}  // namespace assay::core
