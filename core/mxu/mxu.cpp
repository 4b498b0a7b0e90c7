#include "core/mxu/mxu.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/command_fault.hpp"
#include "core/mxu/mxu_feed.hpp"
#include "core/mxu/tile_multiply.hpp"
#include "memory/bank_conflicts.hpp"

namespace assay::core {
namespace {

isa::LocalAddr advance(isa::LocalAddr address, std::int64_t bytes) {
  return isa::LocalAddr(static_cast<std::uint32_t>(address.raw() + static_cast<std::uint64_t>(bytes)));
}

// One operand as lines of contiguous bytes.
memory::LocalBlock lines_of(isa::LocalAddr base, bool outer_is_contiguous, std::uint64_t outer,
                            std::uint64_t k, std::uint64_t stride, std::uint64_t element) {
  const std::uint64_t lines = outer_is_contiguous ? k : outer;
  const std::uint64_t length = outer_is_contiguous ? outer : k;
  return {base, lines, length * element, static_cast<std::int64_t>(stride)};
}

}  // namespace

void Mxu::check_command(const isa::MxuCommand& c, bool output_stationary) const {
  const Machine::MxuRate rate = machine_.mxu.rate(c.dtype);
  require(rate.chain > 0, "{} is not supported by this machine's MXU", to_string(c.dtype));
  require(c.n <= machine_.mxu.cols, "n = {} exceeds the array's {} columns", c.n, machine_.mxu.cols);
  require(c.n_last <= c.n, "n_last = {} exceeds n = {}", c.n_last, c.n);
  require(c.k_last <= c.k, "k_last = {} exceeds k = {}", c.k_last, c.k);
  const std::uint64_t tile_k = std::uint64_t{machine_.mxu.rows} * rate.chain;
  if (output_stationary)
    require(c.m <= machine_.mxu.rows, "m = {} exceeds the array's {} rows", c.m, machine_.mxu.rows);
  else require(c.k <= tile_k, "k = {} exceeds the stationary tile's {} rows", c.k, tile_k);
}

void Mxu::check_tile(const isa::MxuCommand& c, const Tile& tile) const {
  const std::uint64_t element = size_of(c.dtype);
  const auto inside = [&](const char* name, const memory::LocalBlock& block, bool in_acc) {
    require(block.base.is_acc() == in_acc, "{} must lie in {}", name, in_acc ? "ACC" : "SPM");
    const std::string problem = local_.check(block);
    require(problem.empty(), "{}: {}", name, problem);
  };
  const MxuTile& t = tile.timing;
  inside("A", lines_of(tile.a, c.a_k_major, t.m, t.k, c.a_stride, element), false);
  inside("B", lines_of(tile.b, !c.b_n_major, t.n, t.k, c.b_stride, element), false);
  inside("the result", {tile.acc, t.m, t.n * 4, static_cast<std::int64_t>(c.acc_stride)}, true);
  require(t.m == 1 || c.acc_stride >= t.n * 4,
          "the result's rows overlap: acc_stride = {}, a row has {} bytes", c.acc_stride, t.n * 4);
}

Mxu::Tile Mxu::tile_at(const isa::MxuCommand& c, bool output_stationary, std::uint64_t outer,
                       std::uint64_t inner) const {
  const auto o = static_cast<std::int64_t>(outer);
  const auto i = static_cast<std::int64_t>(inner);
  const Machine::MxuRate rate = machine_.mxu.rate(c.dtype);
  Tile tile;
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
  add_bank_conflicts(c, t);
  return tile;
}

// Weight stationary: the rows of A stream across k, the loader brings lines of B across n.
// Output stationary: A streams across m, B across n, `chain` steps of k at a time.
void Mxu::add_bank_conflicts(const isa::MxuCommand& c, MxuTile& t) const {
  const std::uint64_t element = size_of(c.dtype);
  const Machine::LocalMemory& spm = machine_.spm;
  if (t.output_stationary) {
    const std::uint64_t a = feed_cycles(spm, {c.a_k_major, t.m, t.chain, element, c.a_stride});
    const std::uint64_t b = feed_cycles(spm, {!c.b_n_major, t.n, t.chain, element, c.b_stride});
    t.feed_factor = std::max(a, b);
    return;
  }
  const std::uint64_t rows = std::min<std::uint64_t>(machine_.mxu.load_rows_per_cycle * t.chain, t.k);
  t.feed_factor = feed_cycles(spm, {!c.a_k_major, t.k, 1, element, c.a_stride});
  t.load_factor = feed_cycles(spm, {!c.b_n_major, t.n, rows, element, c.b_stride});
}

void Mxu::multiply_values(const isa::MxuCommand& c, const Tile& tile) {
  TileProduct product;
  product.dtype = c.dtype;
  product.a = {local_.at(tile.a), c.a_stride, c.a_k_major};
  product.b = tile.resident ? TileOperand{shadow_.values.data(), shadow_.line_stride, shadow_.b_n_major}
                            : TileOperand{local_.at(tile.b), c.b_stride, c.b_n_major};
  product.acc = local_.at(tile.acc);
  product.acc_stride = c.acc_stride;
  product.m = tile.timing.m;
  product.n = tile.timing.n;
  product.k = tile.timing.k;
  product.accumulate = tile.timing.accumulate;
  multiply(product);
}

void Mxu::check_resident(const isa::MxuCommand& c, const Tile& tile) const {
  require(shadow_.loaded, "resident: no mxu.load filled the shadow buffer since the last tile");
  require(shadow_.dtype == c.dtype && shadow_.k == tile.timing.k && shadow_.n == tile.timing.n &&
              shadow_.b_n_major == c.b_n_major,
          "resident: the shadow buffer holds a {} tile of k = {}, n = {}", to_string(shadow_.dtype),
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
  const std::uint64_t element = size_of(c.dtype), results = t.m * t.n * 4;
  local_.reads(tile.a).book(times.stream_start, times.stream_end, t.m * t.k * element);
  if (t.output_stationary)
    local_.reads(tile.b).book(times.stream_start, times.stream_end, t.k * t.n * element);
  else if (t.load) local_.reads(tile.b).book(times.load_start, times.load_end, t.k * t.n * element);
  if (t.accumulate) local_.reads(tile.acc).book(times.stream_start, times.stream_end, results);
  local_.writes(tile.acc).book(times.first_write, times.last_write + Cycle(1), results);
}

CommandTimes Mxu::execute(const isa::MxuCommand& c, Cycle ready) {
  if (c.instruction == isa::Instruction::mxu_load) return load(c, ready);
  return compute(c, c.instruction == isa::Instruction::mxu_os, ready);
}

CommandTimes Mxu::load(const isa::MxuCommand& c, Cycle ready) {
  check_command(c, false);
  const std::uint64_t element = size_of(c.dtype);
  require(!c.b_addr.is_acc(), "B must lie in SPM");
  const memory::LocalBlock lines = lines_of(c.b_addr, !c.b_n_major, c.n, c.k, c.b_stride, element);
  const std::string problem = local_.check(lines);
  require(problem.empty(), "B: {}", problem);
  shadow_ = {true, c.dtype, c.k, c.n, c.b_n_major, lines.line_bytes, {}};
  for (std::uint64_t line = 0; line < lines.lines && local_.has_values(); ++line) {
    const std::byte* values = local_.at(c.b_addr) + line * c.b_stride;
    shadow_.values.insert(shadow_.values.end(), values, values + lines.line_bytes);
  }
  MxuTile tile;
  tile.k = c.k;
  tile.n = c.n;
  tile.chain = machine_.mxu.rate(c.dtype).chain;
  add_bank_conflicts(c, tile);
  const Cycle end = timing_.load(ready, ceil_div(tile.k, tile.chain), tile.load_factor);
  local_.reads(c.b_addr).book(timing_.load_start(), end, tile.k * tile.n * element);
  return {timing_.load_start(), end, timing_.load_start() + Cycle(1), timing_.load_start()};
}

CommandTimes Mxu::compute(const isa::MxuCommand& c, bool output_stationary, Cycle ready) {
  check_command(c, output_stationary);
  CommandTimes command{ready, ready, ready, ready};
  for (std::uint64_t outer = 0; outer < c.outer; ++outer) {
    for (std::uint64_t inner = 0; inner < c.inner; ++inner) {
      const Tile tile = tile_at(c, output_stationary, outer, inner);
      check_tile(c, tile);
      if (tile.resident) check_resident(c, tile);
      const MxuTileTimes times = timing_.tile(ready, tile.timing);
      require(times.stream_end <= time_limit_, "it streams beyond cycle {}", time_limit_.count());
      account(tile.timing, times);
      book_ports(c, tile, times);
      if (local_.has_values()) multiply_values(c, tile);
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
