#include "core/mxu/mxu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/command_fault.hpp"
#include "core/mxu/dequantise.hpp"
#include "core/mxu/mxu_feed.hpp"
#include "core/mxu/mxu_kinds.hpp"
#include "core/mxu/tile_multiply.hpp"
#include "memory/bank_conflicts.hpp"

namespace assay::core {
namespace {

memory::LocalBlock result_of(isa::LocalAddr acc, const MxuTile& t) {
  return {acc, t.m, t.n * 4, static_cast<std::int64_t>(t.acc_stride)};
}

// One operand as lines of contiguous bytes.
memory::LocalBlock lines_of(isa::LocalAddr base, bool outer_is_contiguous, std::uint64_t outer,
                            std::uint64_t k, std::uint64_t stride, DType type) {
  const std::uint64_t lines = outer_is_contiguous ? k : outer;
  const std::uint64_t length = outer_is_contiguous ? outer : k;
  return {base, lines, storage_bytes(type, length), static_cast<std::int64_t>(stride)};
}

}  // namespace

void Mxu::check_command(const isa::MxuCommand& c, bool output_stationary) const {
  const Machine::MxuRate rate = machine_.mxu.rate(c.dtype);
  check_kinds(c, machine_, output_stationary);
  require(c.n <= machine_.mxu.cols, "n = {} exceeds the array's {} columns", c.n, machine_.mxu.cols);
  require(c.n_last <= c.n, "n_last = {} exceeds n = {}", c.n_last, c.n);
  require(c.k_last <= c.k, "k_last = {} exceeds k = {}", c.k_last, c.k);
  const std::uint64_t tile_k = std::uint64_t{machine_.mxu.rows} * rate.chain;
  if (output_stationary)
    require(c.m <= machine_.mxu.rows, "m = {} exceeds the array's {} rows", c.m, machine_.mxu.rows);
  else require(c.k <= tile_k, "k = {} exceeds the stationary tile's {} rows", c.k, tile_k);
}

void Mxu::check_tile(const isa::MxuCommand& c, const Tile& tile) const {
  const auto inside = [&](const char* name, const memory::LocalBlock& block, bool in_acc) {
    require(block.base.is_acc() == in_acc, "{} must lie in {}", name, in_acc ? "ACC" : "SPM");
    const std::string problem = local_.check(block);
    require(problem.empty(), "{}: {}", name, problem);
  };
  const MxuTile& t = tile.timing;
  const DType b_type = stationary_type(c);
  if (a_pattern_.on) check_pattern("A", tile.a, a_pattern_, tile.a_rows, tile.a_products, size_of(c.dtype));
  else inside("A", lines_of(tile.a, c.a_k_major, t.m, t.k, c.a_stride, c.dtype), false);
  if (b_pattern_.on) check_pattern("B", tile.b, b_pattern_, tile.b_cols, tile.b_products, size_of(b_type));
  else inside("B", lines_of(tile.b, !c.b_n_major, t.n, t.k, c.b_stride, b_type), false);
  if (dequantises(c) && !tile.resident) check_dequantisation(c, tile);
  inside("the result", result_of(tile.acc, tile.timing), true);
  require(t.m == 1 || c.acc_stride >= t.n * 4,
          "the result's rows overlap: acc_stride = {}, a row has {} bytes", c.acc_stride, t.n * 4);
}

void Mxu::check_patterns(const isa::MxuCommand& c) const {
  const auto check = [&](const char* name, const OperandPattern& p, bool last_lines) {
    if (!p.on) return;
    require(!(p.inner_lines && p.outer_lines) && !(p.inner_products && p.outer_products),
            "{}: inner and outer repetitions advance the same index", name);
    require(!p.inner_products || c.k_last == 0, "{}: k_last where inner repetitions advance k", name);
    require(!p.outer_lines || !last_lines, "{}: n_last where outer repetitions advance its columns", name);
  };
  check("A", a_pattern_, false);
  check("B", b_pattern_, c.n_last != 0);
  const bool resident = c.resident && c.instruction != isa::Instruction::mxu_os;
  require(!b_pattern_.on || !resident || std::uint64_t{c.inner} * c.outer == 1,
          "resident: a pattern of B takes one repetition");
}

namespace {
// The lowest and the highest place that the digits of a range lead to.
template <std::size_t N>
std::pair<std::int64_t, std::int64_t> reach(const std::array<Digit, N>& digits, IndexRange range) {
  std::pair<std::int64_t, std::int64_t> all{std::numeric_limits<std::int64_t>::max(),
                                            std::numeric_limits<std::int64_t>::min()};
  for (const DigitBox<N>& box : boxes_of(digits, range)) {
    std::int64_t low = 0, high = 0;
    for (std::size_t d = 0; d < N; ++d) {
      const auto first = static_cast<std::int64_t>(box[d].first) * digits[d].stride;
      const auto last = static_cast<std::int64_t>(box[d].first + box[d].count - 1) * digits[d].stride;
      low += std::min(first, last);
      high += std::max(first, last);
    }
    all = {std::min(all.first, low), std::max(all.second, high)};
  }
  return all;
}
}  // namespace

void Mxu::check_pattern(const char* name, isa::LocalAddr base, const OperandPattern& pattern,
                        IndexRange lines, IndexRange products, std::uint64_t element) const {
  require(!base.is_acc(), "{} must lie in SPM", name);
  const auto [line_low, line_high] = reach(pattern.lines, lines);
  const auto [low, high] = reach(pattern.products, products);
  const std::int64_t from = std::int64_t{base.offset()} + line_low + low;
  const std::int64_t to = std::int64_t{base.offset()} + line_high + high + static_cast<std::int64_t>(element);
  require(from >= 0 && to <= static_cast<std::int64_t>(local_.capacity(base)),
          "{}: its pattern reaches from SPM byte {} to {}; SPM has {} bytes", name, from, to,
          local_.capacity(base));
}

// The tables of scales and zero points, a line of columns for each group.
void Mxu::check_dequantisation(const isa::MxuCommand& c, const Tile& tile) const {
  const auto inside = [&](const char* name, const QuantTable& table) {
    for (std::uint64_t g = 0; g < table.groups; ++g) {
      const isa::LocalAddr base = advance(table.base, static_cast<std::int64_t>(g) * table.group_stride);
      const std::string problem = local_.check({base, tile.timing.n, size_of(table.dtype), table.col_stride});
      require(!base.is_acc() && problem.empty(), "{} of group {}: {}", name, g,
              problem.empty() ? "beyond SPM" : problem);
    }
  };
  inside("the scales", scales_of(c, tile.outer, tile.inner, tile.timing.k));
  if (c.zeros) inside("the zero points", zeros_of(c, tile.outer, tile.inner, tile.timing.k));
}

std::uint64_t Mxu::dequantisation_bytes(const isa::MxuCommand& c, const MxuTile& tile) const {
  if (!dequantises(c)) return 0;
  return ceil_div(tile.k, c.group) * tile.n * (size_of(c.scale_dtype) + (c.zeros ? 1 : 0));
}

Mxu::Tile Mxu::tile_at(const isa::MxuCommand& c, bool output_stationary, std::uint64_t outer,
                       std::uint64_t inner, const Tile& before) const {
  const auto o = static_cast<std::int64_t>(outer);
  const auto i = static_cast<std::int64_t>(inner);
  const Machine::MxuRate rate = machine_.mxu.rate(c.dtype);
  Tile tile;
  tile.outer = outer;
  tile.inner = inner;
  tile.a = advance(c.a_addr, o * c.outer_a_step + i * c.inner_a_step);
  tile.b = advance(c.b_addr, o * c.outer_b_step + i * c.inner_b_step);
  tile.acc = advance(c.acc_addr, o * c.outer_acc_step + i * c.inner_acc_step);
  MxuTile& t = tile.timing;
  t.output_stationary = output_stationary;
  tile.resident = !output_stationary && c.resident && outer == 0 && inner == 0;
  t.load = !tile.resident;
  t.accumulate = c.accumulate || (outer > 0 && c.outer_acc_step == 0);
  t.m = c.m;
  t.n = inner + 1 == c.inner && c.n_last != 0 ? c.n_last : c.n;
  t.k = outer + 1 == c.outer && c.k_last != 0 ? c.k_last : c.k;
  t.chain = rate.chain;
  t.cycles_per_step = rate.cycles_per_step;
  t.acc_base = tile.acc.offset();
  t.acc_stride = c.acc_stride;
  if (a_pattern_.on) {
    tile.a = c.a_addr;
    tile.a_rows = a_pattern_.line_range(outer, inner, c.m, t.m);
    tile.a_products = a_pattern_.product_range(outer, inner, c.k, t.k);
  }
  if (b_pattern_.on) {
    tile.b = c.b_addr;
    tile.b_cols = b_pattern_.line_range(outer, inner, c.n, t.n);
    tile.b_products = b_pattern_.product_range(outer, inner, c.k, t.k);
  }
  add_bank_conflicts(c, tile, before);
  return tile;
}

// Weight stationary: the rows of A stream across k, the loader brings lines of B across n.
// Output stationary: A streams across m, B across n, `chain` steps of k at a time.
// A tile that differs from the one before it by its place alone meets the same conflicts.
void Mxu::add_bank_conflicts(const isa::MxuCommand& c, Tile& tile, const Tile& before) const {
  MxuTile& t = tile.timing;
  const bool same_k = before.timing.k == t.k;
  const bool same_a = same_k && before.timing.m == t.m && before.a_rows == tile.a_rows &&
                      before.a_products == tile.a_products;
  const bool same_b = same_k && before.timing.n == t.n && before.b_cols == tile.b_cols &&
                      before.b_products == tile.b_products;
  const std::uint64_t steps = t.output_stationary
                                  ? t.chain
                                  : std::min<std::uint64_t>(machine_.mxu.load_rows_per_cycle * t.chain, t.k);
  tile.a_feed = same_a && before.a_feed != 0 ? before.a_feed : feed_of_a(c, tile);
  tile.b_feed = same_b && before.b_feed != 0 ? before.b_feed : feed_of_b(c, tile, steps);
  t.feed_factor = t.output_stationary ? std::max(tile.a_feed, tile.b_feed) : tile.a_feed;
  if (!t.output_stationary) t.load_factor = tile.b_feed;
}

namespace {
PatternFeed pattern_feed(isa::LocalAddr base, std::vector<std::int64_t> across,
                         std::vector<std::int64_t> along, std::uint64_t per_step) {
  for (std::int64_t& place : across) place += base.offset();
  return {std::move(across), std::move(along), per_step};
}
}  // namespace

std::uint64_t Mxu::feed_of_a(const isa::MxuCommand& c, const Tile& tile) const {
  const MxuTile& t = tile.timing;
  if (!a_pattern_.on)
    return t.output_stationary ? feed_cycles(machine_.spm, {c.a_k_major, t.m, t.chain, c.dtype, c.a_stride})
                               : feed_cycles(machine_.spm, {!c.a_k_major, t.k, 1, c.dtype, c.a_stride});
  std::vector<std::int64_t> rows = offsets_of(a_pattern_.lines, tile.a_rows);
  std::vector<std::int64_t> products = offsets_of(a_pattern_.products, tile.a_products);
  return t.output_stationary
             ? feed_cycles(machine_.spm, pattern_feed(tile.a, std::move(rows), std::move(products), t.chain))
             : feed_cycles(machine_.spm, pattern_feed(tile.a, std::move(products), std::move(rows), 1));
}

// `steps` of k are read a cycle.
std::uint64_t Mxu::feed_of_b(const isa::MxuCommand& c, const Tile& tile, std::uint64_t steps) const {
  if (!b_pattern_.on)
    return feed_cycles(machine_.spm, {!c.b_n_major, tile.timing.n, steps, stationary_type(c), c.b_stride});
  return feed_cycles(machine_.spm, pattern_feed(tile.b, offsets_of(b_pattern_.lines, tile.b_cols),
                                                offsets_of(b_pattern_.products, tile.b_products), steps));
}

// The tile as it enters the array: k x n of A's type, n contiguous.
std::vector<std::byte> Mxu::dequantised(const isa::MxuCommand& c, const Tile& tile) const {
  const auto table = [&](const QuantTable& t) {
    return GroupValues{read_at(t.base), static_cast<std::ptrdiff_t>(t.group_stride),
                       static_cast<std::ptrdiff_t>(t.col_stride), t.dtype};
  };
  QuantisedTile q;
  q.data = read_at(tile.b);
  q.dtype = stationary_type(c);
  q.line_stride = c.b_stride;
  q.k_contiguous = c.b_n_major;
  q.k = tile.timing.k;
  q.n = tile.timing.n;
  q.group = c.group;
  q.scales = table(scales_of(c, tile.outer, tile.inner, q.k));
  if (c.zeros) q.zeros = table(zeros_of(c, tile.outer, tile.inner, q.k));
  q.zero = static_cast<std::int32_t>(c.b_zero);
  std::vector<std::byte> values(q.k * q.n * size_of(c.dtype));
  dequantise(q, c.dtype, values.data());
  return values;
}

void Mxu::multiply_values(const isa::MxuCommand& c, const Tile& tile, bool same_a) {
  TileProduct product;
  product.dtype = c.dtype;
  product.a = {read_at(tile.a), c.a_stride, c.a_k_major};
  product.b = tile.resident ? TileOperand{shadow_.values.data(), shadow_.line_stride, shadow_.b_n_major}
                            : TileOperand{read_at(tile.b), c.b_stride, c.b_n_major};
  const std::size_t gathered = tile.timing.k * size_of(c.dtype);  // bytes of a line
  if (a_pattern_.on && !same_a) {
    gather(read_at(tile.a), offsets_of(a_pattern_.lines, tile.a_rows),
           offsets_of(a_pattern_.products, tile.a_products), size_of(c.dtype), a_values_);
  }
  if (a_pattern_.on) product.a = {a_values_.data(), gathered, false};
  if (b_pattern_.on && !tile.resident) {
    gather(read_at(tile.b), offsets_of(b_pattern_.lines, tile.b_cols),
           offsets_of(b_pattern_.products, tile.b_products), size_of(c.dtype), b_values_);
    product.b = {b_values_.data(), gathered, true};
  }
  std::vector<std::byte> weights;
  if (dequantises(c) && !tile.resident) {
    weights = dequantised(c, tile);
    product.b = {weights.data(), tile.timing.n * size_of(c.dtype), false};
  }
  if (!dequantises(c)) {
    product.b_dtype = stationary_type(c);
    product.b_zero = static_cast<std::int32_t>(c.b_zero);
  }
  product.a_zero = static_cast<std::int32_t>(c.a_zero);
  product.skip_minus_zero = c.skip_minus_zero;
  product.same_a = same_a;
  product.acc = local_.writable(result_of(tile.acc, tile.timing));
  product.acc_stride = c.acc_stride;
  product.m = tile.timing.m;
  product.n = tile.timing.n;
  product.k = tile.timing.k;
  product.accumulate = tile.timing.accumulate;
  multiply(product);
}

void Mxu::check_resident(const isa::MxuCommand& c, const Tile& tile) const {
  require(shadow_.loaded, "resident: no mxu.load filled the shadow buffer since the last tile");
  const bool layout = shadow_.dequantised || shadow_.b_n_major == (c.b_pattern || c.b_n_major);
  require(shadow_.dtype == c.dtype && shadow_.b_dtype == stationary_type(c) &&
              shadow_.dequantised == dequantises(c) && shadow_.k == tile.timing.k &&
              shadow_.n == tile.timing.n && layout,
          "resident: the shadow buffer holds a {} tile of k = {}, n = {}", to_string(shadow_.b_dtype),
          shadow_.k, shadow_.n);
}

void Mxu::account(const MxuTile& tile, const MxuTileTimes& times) {
  ledger_.mark(times.stream_start - times.stall_acc, Owner::stall_load);
  ledger_.mark(times.stream_start, Owner::stall_acc);
  const std::uint64_t macs = tile.m * tile.n * tile.k;
  const Cycle useful = split_.useful(macs * tile.cycles_per_step * (kMostChain / tile.chain));
  ledger_.mark(times.stream_start + useful, Owner::useful);
  ledger_.mark(times.stream_end - times.stall_feed, Owner::padding);
  ledger_.mark(times.stream_end, Owner::stall_bank);
  const std::uint64_t steps = tile.output_stationary ? ceil_div(tile.k, tile.chain) : tile.m;
  const std::uint64_t slots = steps * machine_.mxu.rows * machine_.mxu.cols * tile.chain;
  counters_.macs += macs;
  counters_.macs_padding += slots - macs;
  ++counters_.tiles;
}

// The array's share of the ports: each operand's bytes while they stream or load, a row of partials and one
// of results for every row.
void Mxu::book_ports(const isa::MxuCommand& c, const Tile& tile, const MxuTileTimes& times) {
  const MxuTile& t = tile.timing;
  const std::uint64_t results = t.m * t.n * 4;
  const std::uint64_t b_bytes = storage_bytes(stationary_type(c), t.k * t.n) + dequantisation_bytes(c, t);
  local_.reads(tile.a).book(times.stream_start, times.stream_end, t.m * t.k * size_of(c.dtype));
  if (t.output_stationary) local_.reads(tile.b).book(times.stream_start, times.stream_end, b_bytes);
  else if (t.load) local_.reads(tile.b).book(times.load_start, times.load_end, b_bytes);
  if (t.accumulate) local_.reads(tile.acc).book(times.stream_start, times.stream_end, results);
  local_.writes(tile.acc).book(times.first_write, times.last_write + Cycle(1), results);
}

CommandTimes Mxu::execute(const isa::MxuCommand& c, Cycle ready) {
  if (c.instruction == isa::Instruction::mxu_load) return load(c, ready);
  return compute(c, c.instruction == isa::Instruction::mxu_os, ready);
}

void Mxu::fill_shadow(const isa::MxuCommand& c, const Tile& tile) {
  const DType b_type = stationary_type(c);
  const bool lines_are_columns = c.b_pattern || c.b_n_major;
  const std::uint64_t length = lines_are_columns ? c.k : c.n;
  shadow_ = {
      true, c.dtype, b_type, dequantises(c), c.k, c.n, lines_are_columns, storage_bytes(b_type, length), {}};
  if (!local_.has_values()) return;
  if (b_pattern_.on)
    return gather(read_at(tile.b), offsets_of(b_pattern_.lines, tile.b_cols),
                  offsets_of(b_pattern_.products, tile.b_products), size_of(b_type), shadow_.values);
  if (dequantises(c)) {
    shadow_.values = dequantised(c, tile);
    shadow_.line_stride = c.n * size_of(c.dtype);
    shadow_.b_n_major = false;
    return;
  }
  const memory::LocalBlock lines = lines_of(c.b_addr, !c.b_n_major, c.n, c.k, c.b_stride, b_type);
  for (std::uint64_t line = 0; line < lines.lines; ++line) {
    const std::byte* values = read_at(c.b_addr) + line * c.b_stride;
    shadow_.values.insert(shadow_.values.end(), values, values + lines.line_bytes);
  }
}

CommandTimes Mxu::load(const isa::MxuCommand& c, Cycle ready) {
  take(c, false);
  const DType b_type = stationary_type(c);
  Tile tile;
  tile.b = c.b_addr;
  tile.b_cols = {b_pattern_.first_line, c.n};
  tile.b_products = {b_pattern_.first_product, c.k};
  tile.timing.k = c.k;
  tile.timing.n = c.n;
  tile.timing.chain = machine_.mxu.rate(c.dtype).chain;
  require(!c.b_addr.is_acc(), "B must lie in SPM");
  if (b_pattern_.on) check_pattern("B", tile.b, b_pattern_, tile.b_cols, tile.b_products, size_of(b_type));
  else {
    const std::string problem = local_.check(lines_of(c.b_addr, !c.b_n_major, c.n, c.k, c.b_stride, b_type));
    require(problem.empty(), "B: {}", problem);
  }
  if (dequantises(c)) check_dequantisation(c, tile);
  fill_shadow(c, tile);
  const std::uint64_t chain = tile.timing.chain;
  const std::uint64_t rows = std::min<std::uint64_t>(machine_.mxu.load_rows_per_cycle * chain, c.k);
  const Cycle end = timing_.load(ready, ceil_div(std::uint64_t{c.k}, chain), feed_of_b(c, tile, rows));
  local_.reads(c.b_addr).book(
      timing_.load_start(), end,
      storage_bytes(b_type, std::uint64_t{c.k} * c.n) + dequantisation_bytes(c, tile.timing));
  return {timing_.load_start(), end, timing_.load_start() + Cycle(1), timing_.load_start()};
}

// The command's own: its patterns, and whether the array can do it.
void Mxu::take(const isa::MxuCommand& c, bool output_stationary) {
  a_pattern_ = pattern_of_a(c);
  b_pattern_ = pattern_of_b(c);
  check_command(c, output_stationary);
  check_patterns(c);
}

// Within a command no operand changes: products write to ACC alone.
bool Mxu::a_repeats(const Tile& x, const Tile& y) {
  return x.a.raw() == y.a.raw() && x.a_rows == y.a_rows && x.a_products == y.a_products &&
         x.timing.m == y.timing.m && x.timing.k == y.timing.k;
}

CommandTimes Mxu::compute(const isa::MxuCommand& c, bool output_stationary, Cycle ready) {
  take(c, output_stationary);
  CommandTimes command{ready, ready, ready, ready};
  Tile before;
  for (std::uint64_t outer = 0; outer < c.outer; ++outer) {
    for (std::uint64_t inner = 0; inner < c.inner; ++inner) {
      const Tile tile = tile_at(c, output_stationary, outer, inner, before);
      check_tile(c, tile);
      if (tile.resident) check_resident(c, tile);
      const MxuTileTimes times = timing_.tile(ready, tile.timing);
      require(times.stream_end <= time_limit_, "it streams beyond cycle {}", time_limit_.count());
      account(tile.timing, times);
      book_ports(c, tile, times);
      if (local_.has_values()) multiply_values(c, tile, (outer > 0 || inner > 0) && a_repeats(tile, before));
      before = tile;
      shadow_.loaded = false;
      const bool prepares = output_stationary ? tile.timing.accumulate : tile.timing.load;
      if (outer == 0 && inner == 0) {
        command.start = prepares ? times.load_start : times.stream_start;
        command.work_start = times.stream_start;
      }
      command.next_accept = std::max(times.stream_start, ready + Cycle(1));
    }
  }
  command.end = timing_.writes_visible();
  return command;
}

}  // namespace assay::core
