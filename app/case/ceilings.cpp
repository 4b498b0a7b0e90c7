#include "app/case/ceilings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace assay::app {
namespace {

// An operand stationary, in whole tiles: `streamed` rows for each tile, but no less than it takes to load the
// next one; and partial sums come back to a row no sooner than they have left the array.
std::uint64_t stationary_cycles(const ops::MatrixProducts& p, std::uint64_t streamed,
                                std::uint64_t stationary, const Machine& machine) {
  const Machine::MxuRate rate = machine.mxu.rate(p.operand);
  const std::uint64_t tile_k = std::uint64_t{machine.mxu.rows} * rate.chain, tail = p.k % tile_k;
  const auto tile = [&](std::uint64_t k) {
    const std::uint64_t load = ceil_div(ceil_div(k, rate.chain), machine.mxu.load_rows_per_cycle);
    return std::max(streamed * rate.cycles_per_step, load);
  };
  const std::uint64_t column = p.k / tile_k * tile(tile_k) + (tail != 0 ? tile(tail) : 0);
  const std::uint64_t turn = std::uint64_t{machine.mxu.rows} * machine.mxu.pe_latency + machine.mxu.cols;
  return std::max(ceil_div(stationary, machine.mxu.cols) * column * p.count,
                  (ceil_div(p.k, tile_k) - 1) * turn);
}

// The results stationary: the k steps of each tile, and a row of results a cycle. A set of accumulators, of
// two, is taken from a tile's first step until its last row has left.
std::uint64_t output_stationary_cycles(const ops::MatrixProducts& p, const Machine& machine) {
  const Machine::MxuRate rate = machine.mxu.rate(p.operand);
  const std::uint64_t steps = ceil_div(p.k, rate.chain) * rate.cycles_per_step;
  const std::uint64_t tiles = ceil_div(p.m, machine.mxu.rows) * ceil_div(p.n, machine.mxu.cols) * p.count;
  const std::uint64_t skew = machine.mxu.rows + machine.mxu.cols - 2;
  const std::uint64_t rows = p.m * ceil_div(p.n, machine.mxu.cols) * p.count;
  return std::max({tiles * steps, rows, (tiles * (steps + skew) + rows) / 2});
}

// The array's cycles for the shape: B, A or the results stationary, whichever is best.
std::uint64_t array_cycles(const ops::MatrixProducts& p, const Machine& machine) {
  return std::min({array_cycles(p, Stationary::left, machine), array_cycles(p, Stationary::right, machine),
                   array_cycles(p, Stationary::results, machine)});
}

// MACs a cycle of a full array.
double peak_rate(DType operand, const Machine& machine) {
  const Machine::MxuRate rate = machine.mxu.rate(operand);
  if (rate.chain == 0)
    fail(ExitCode::Unsupported, "{} is not supported by the MXU of {}", to_string(operand), machine.name);
  return static_cast<double>(machine.mxu.rows) * machine.mxu.cols * rate.chain / rate.cycles_per_step;
}

// The vector unit's cycles with all lanes in use; divisions take longer.
double vector_cycles(const ops::Work& work, const Machine& machine) {
  const auto plain = static_cast<double>(work.vector_elements - work.vector_divisions);
  const auto divisions = static_cast<double>(work.vector_divisions);
  return (plain + divisions * machine.vxu.divide_cycles_per_beat) / machine.vxu.lanes;
}

std::uint64_t rounded_up(double value) { return static_cast<std::uint64_t>(std::ceil(value - 1e-9)); }

std::vector<report::Loss> unit_losses(const report::CaseResult& r, const std::string& name) {
  const std::uint64_t floor = r.roofline.compute_floor;
  std::vector<report::Loss> list;
  for (const report::UnitCycles& unit : r.accounting) {
    if (unit.unit != name) continue;
    for (const auto& [owner, cycles] : unit.owners) {
      if (owner != "useful") list.push_back({fmt::format("{} {}", name, owner), cycles});
      else if (cycles > floor)
        list.push_back({fmt::format(name == "host" ? "{} instructions beside the arithmetic"
                                                   : "{} more passes than the roof counts",
                                    name),
                        cycles - floor});
    }
  }
  return list;
}

// When transfers were under way: the first one's start, the last one's end, and the cycles between with none.
struct TransferTime {
  std::uint64_t first = 0, last = 0, gaps = 0;
};

TransferTime transfer_time(const sim::RunResult& run) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> spans;
  for (const sim::CommandRecord& record : run.log)
    if (std::holds_alternative<isa::DmaCommand>(record.command))
      spans.emplace_back(record.start.count(), record.end.count());
  std::sort(spans.begin(), spans.end());
  TransferTime t;
  if (spans.empty()) return t;
  t.first = t.last = spans.front().first;
  for (const auto& [start, end] : spans) {
    if (start > t.last) t.gaps += start - t.last;
    t.last = std::max(t.last, end);
  }
  return t;
}

// HBM serves reads and writes over the same pins, so that what counts is whether either moves.
std::vector<report::Loss> memory_losses(const report::CaseResult& r, const sim::RunResult& run) {
  const TransferTime t = transfer_time(run);
  const std::uint64_t moving = t.last - t.first - t.gaps;
  const std::uint64_t slow = moving - std::min(moving, r.roofline.memory_floor);
  const std::uint64_t refresh = std::min(slow, r.roofline.attainable - r.roofline.memory_floor);
  return {{"before the first transfer", t.first},
          {"between transfers", t.gaps},
          {"after the last transfer", r.cycles - t.last},
          {"hbm refresh", refresh},
          {"hbm below pin rate", slow - refresh}};
}

}  // namespace

std::uint64_t array_cycles(const ops::MatrixProducts& p, Stationary stationary, const Machine& machine) {
  if (stationary == Stationary::results) return output_stationary_cycles(p, machine);
  return stationary == Stationary::right ? stationary_cycles(p, p.m, p.n, machine)
                                         : stationary_cycles(p, p.n, p.m, machine);
}

report::Roofline ceilings(const ops::Work& work, const Machine& machine) {
  report::Roofline f;
  double array = 0;  // cycles of a full array
  for (const ops::MatrixProducts& p : work.products) {
    const double rate = peak_rate(p.operand, machine);
    f.peak_macs_per_cycle = std::max(f.peak_macs_per_cycle, rate);
    array += static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k) *
             static_cast<double>(p.count) / rate;
    f.shape_cycles += array_cycles(p, machine);
  }
  const double bytes = static_cast<double>((work.compulsory_read + work.compulsory_written).count());
  f.pin_bytes_per_cycle = machine.hbm_bytes_per_cycle();
  f.refresh_fraction = machine.hbm.refresh_fraction();
  if (bytes > 0) f.intensity = static_cast<double>(work.macs) / bytes;
  f.lanes = machine.vxu.lanes;
  const double vector = vector_cycles(work, machine);
  const std::uint64_t scalar = work.scalar_operations * machine.host.fp;
  f.compute_floor = std::max(scalar, rounded_up(std::max(array, vector)));
  f.memory_floor = rounded_up(bytes / f.pin_bytes_per_cycle);
  const std::uint64_t memory = rounded_up(bytes / (f.pin_bytes_per_cycle * f.refresh_fraction));
  f.binding = rounded_up(vector) > f.shape_cycles ? "vxu" : "mxu";
  f.shape_cycles = std::max(f.shape_cycles, rounded_up(vector));
  if (scalar > f.shape_cycles) f.binding = "host";
  f.shape_cycles = std::max(f.shape_cycles, scalar);
  f.attainable = std::max(f.shape_cycles, memory);
  if (f.shape_cycles < memory) f.binding = "hbm";
  return f;
}

std::vector<report::Loss> losses(const report::CaseResult& r, const sim::RunResult& run) {
  const bool transfers = std::any_of(run.log.begin(), run.log.end(), [](const sim::CommandRecord& record) {
    return std::holds_alternative<isa::DmaCommand>(record.command);
  });
  const std::string unit = r.roofline.binding != "hbm" ? r.roofline.binding : transfers ? "" : "host";
  std::vector<report::Loss> list = unit.empty() ? memory_losses(r, run) : unit_losses(r, unit);
  list.erase(std::remove_if(list.begin(), list.end(), [](const report::Loss& l) { return l.cycles == 0; }),
             list.end());
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.cycles > b.cycles; });
  return list;
}

}  // namespace assay::app
