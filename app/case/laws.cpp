#include "app/case/laws.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "memory/dram/timing.hpp"

namespace assay::app {
namespace {

using Clauses = std::vector<std::string>;

const core::Ledger* ledger_of(const sim::RunResult& run, const std::string& unit) {
  for (const sim::UnitAccount& account : run.accounts)
    if (account.unit == unit) return &account.ledger;
  return nullptr;
}

std::uint64_t cycles_of(const sim::RunResult& run, const std::string& unit, core::Owner owner) {
  const core::Ledger* ledger = ledger_of(run, unit);
  return ledger == nullptr ? 0 : ledger->of(owner).count();
}

// Products that the array can begin in a cycle, where the declared ones all have the same rate: as a
// fraction.
struct ArrayRate {
  std::uint64_t products, cycles;
};
std::optional<ArrayRate> array_rate(const Books& b) {
  std::optional<ArrayRate> rate;
  for (const ops::MatrixProducts& p : b.work.products) {
    const Machine::MxuRate r = b.machine.mxu.rate(p.operand);
    const ArrayRate one{std::uint64_t{b.machine.mxu.rows} * b.machine.mxu.cols * r.chain, r.cycles_per_step};
    if (rate && (rate->products != one.products || rate->cycles != one.cycles)) return std::nullopt;
    rate = one;
  }
  return rate;
}

Clauses when(bool broken, std::string clause) { return broken ? Clauses{std::move(clause)} : Clauses{}; }

Clauses cycles_accounted(const Books& b) {
  Clauses broken;
  for (const sim::UnitAccount& account : b.run.accounts)
    if (account.ledger.sum() != b.run.cycles)
      broken.push_back(fmt::format("{}: {} cycles have an owner, the run took {}", account.unit,
                                   account.ledger.sum().count(), b.run.cycles.count()));
  return broken;
}

Clauses products(const Books& b) {
  if (b.work.macs_masked == 0)
    return when(b.run.mxu.macs != b.work.macs,
                fmt::format("mxu: {} MACs executed, {} declared", b.run.mxu.macs, b.work.macs));
  return when(b.run.mxu.macs < b.work.macs || b.run.mxu.macs > b.work.macs + b.work.macs_masked,
              fmt::format("mxu: {} MACs executed, {} declared and {} of masked scores", b.run.mxu.macs,
                          b.work.macs, b.work.macs_masked));
}

Clauses array_slots(const Books& b) {
  const auto rate = array_rate(b);
  if (!rate) return {};
  const std::uint64_t cycles =
      cycles_of(b.run, "mxu", core::Owner::useful) + cycles_of(b.run, "mxu", core::Owner::padding);
  const std::uint64_t slots = b.run.mxu.macs + b.run.mxu.macs_padding;
  return when(
      cycles * rate->products != slots * rate->cycles,
      fmt::format("mxu: {} MACs and padding, but {} useful and padding cycles at {} MACs in {} cycles", slots,
                  cycles, rate->products, rate->cycles));
}

Clauses useful_array(const Books& b) {
  const auto rate = array_rate(b);
  if (!rate) return {};
  const std::uint64_t useful = cycles_of(b.run, "mxu", core::Owner::useful);
  return when(useful != ceil_div(b.run.mxu.macs * rate->cycles, rate->products),
              fmt::format("mxu: {} useful cycles for {} MACs at {} in {} cycles", useful, b.run.mxu.macs,
                          rate->products, rate->cycles));
}

Clauses useful_lanes(const Books& b) {
  const std::uint64_t useful = cycles_of(b.run, "vxu", core::Owner::useful);
  return when(useful * b.machine.vxu.lanes < b.run.vxu.elements,
              fmt::format("vxu: {} elements in {} useful cycles of {} lanes", b.run.vxu.elements, useful,
                          b.machine.vxu.lanes));
}

Clauses elements(const Books& b) {
  return when(
      b.run.vxu.elements < b.work.vector_elements,
      fmt::format("vxu: {} elements passed, {} declared", b.run.vxu.elements, b.work.vector_elements));
}

Clauses compulsory_bytes(const Books& b) {
  const Bytes moved = b.run.bytes_read() + b.run.bytes_written();
  const Bytes compulsory = b.work.compulsory_read + b.work.compulsory_written;
  return when(moved < compulsory,
              fmt::format("{} bytes moved, {} compulsory", moved.count(), compulsory.count()));
}

Clauses bytes_at_pins(const Books& b) {
  const sim::RunResult& run = b.run;
  return when(
      run.hbm.read_bytes < run.bytes_read() || run.hbm.written_bytes < run.bytes_written(),
      fmt::format("hbm: {} + {} bytes at the pins, {} + {} asked for", run.hbm.read_bytes.count(),
                  run.hbm.written_bytes.count(), run.bytes_read().count(), run.bytes_written().count()));
}

Clauses clocks_accounted(const Books& b) {
  const memory::DramCounters& hbm = b.run.hbm;
  std::uint64_t owned = 0;
  for (const std::uint64_t clocks : hbm.clocks) owned += clocks;
  return when(
      owned != hbm.total_clocks,
      fmt::format("hbm: {} clocks of the data buses have an owner, {} passed", owned, hbm.total_clocks));
}

Clauses bursts_on_bus(const Books& b) {
  const std::uint64_t clocks = b.run.hbm.of(memory::DramLoss::bus);
  const memory::Clock burst = memory::DramTiming(b.machine.hbm.table).burst;
  const std::uint64_t needed = b.run.hbm.bursts * burst;
  return when(clocks != needed,
              fmt::format("hbm: {} clocks of data for {} bursts of {}", clocks, b.run.hbm.bursts, burst));
}

Clauses pin_rate(const Books& b) {
  const Bytes bytes = b.run.hbm.read_bytes + b.run.hbm.written_bytes;
  const double least = static_cast<double>(bytes.count()) / b.machine.hbm_bytes_per_cycle();
  return when(static_cast<double>(b.run.cycles.count()) < std::floor(least),
              fmt::format("hbm: {} bytes in {} cycles, the pins need {:.0f}", bytes.count(),
                          b.run.cycles.count(), std::floor(least)));
}

Clauses compute_roof(const Books& b) {
  return when(b.run.cycles.count() < b.roofline.compute_floor,
              fmt::format("run: {} cycles, below the compute roof's {}", b.run.cycles.count(),
                          b.roofline.compute_floor));
}

Clauses memory_roof(const Books& b) {
  return when(b.run.cycles.count() < b.roofline.memory_floor,
              fmt::format("run: {} cycles, below the memory roof's {}", b.run.cycles.count(),
                          b.roofline.memory_floor));
}

void one_cycle_more(sim::RunResult& run, const std::string& unit, core::Owner owner) {
  for (sim::UnitAccount& account : run.accounts)
    if (account.unit == unit) account.ledger.mark(account.ledger.marked() + Cycle(1), owner);
}

const Law kLaws[] = {
    {"cycles-accounted", "the owners of every unit's cycles sum to the run's cycles", false, cycles_accounted,
     [](sim::RunResult& run, const Books&) { one_cycle_more(run, "dma_out", core::Owner::idle); }},
    {"bytes-at-pins", "the bytes at HBM's pins are at least those of the DMA engines and the host", false,
     bytes_at_pins,
     [](sim::RunResult& run, const Books&) { run.dma_in.bytes = run.hbm.read_bytes + Bytes(1); }},
    {"clocks-accounted", "the owners of every clock of HBM's data buses sum to the clocks", false,
     clocks_accounted, [](sim::RunResult& run, const Books&) { ++run.hbm.total_clocks; }},
    {"bursts-on-bus", "the clocks with data on HBM's buses are those of its bursts", false, bursts_on_bus,
     [](sim::RunResult& run, const Books&) { ++run.hbm.bursts; }},
    {"pin-rate", "the bytes at HBM's pins took at least as long as the pins need", false, pin_rate,
     [](sim::RunResult& run, const Books& b) {
       run.hbm.read_bytes += Bytes(static_cast<std::uint64_t>(b.machine.hbm_bytes_per_cycle() *
                                                              static_cast<double>(run.cycles.count() + 1)));
     }},
    {"useful-lanes", "the vector unit's useful cycles x lanes are at least the elements that passed", false,
     useful_lanes,
     [](sim::RunResult& run, const Books& b) {
       run.vxu.elements += run.cycles.count() * b.machine.vxu.lanes;
     }},
    {"products", "MACs executed = MACs declared; at most those of masked scores besides", true, products,
     [](sim::RunResult& run, const Books& b) { run.mxu.macs = b.work.macs + b.work.macs_masked + 1; }},
    {"array-slots", "the matrix unit's useful and padding cycles x peak rate = MACs executed + padding", true,
     array_slots, [](sim::RunResult& run, const Books&) { ++run.mxu.macs_padding; }},
    {"useful-array", "the matrix unit's useful cycles = MACs executed / peak rate, rounded up", true,
     useful_array,
     [](sim::RunResult& run, const Books&) { one_cycle_more(run, "mxu", core::Owner::useful); }},
    {"elements", "elements that passed the vector unit >= elements declared", true, elements,
     [](sim::RunResult& run, const Books& b) { run.vxu.elements = b.work.vector_elements / 2; }},
    {"compulsory-bytes", "bytes moved >= compulsory bytes", true, compulsory_bytes,
     [](sim::RunResult& run, const Books&) { run.dma_in.bytes = run.dma_out.bytes = Bytes(0); }},
    {"compute-roof", "cycles >= the compute roof", true, compute_roof,
     [](sim::RunResult& run, const Books& b) { run.cycles = Cycle(b.roofline.compute_floor - 1); }},
    {"memory-roof", "cycles >= the memory roof at the pins' rate", true, memory_roof,
     [](sim::RunResult& run, const Books& b) { run.cycles = Cycle(b.roofline.memory_floor - 1); }},
};

}  // namespace

const std::vector<Law>& all_laws() {
  static const std::vector<Law> laws(std::begin(kLaws), std::end(kLaws));
  return laws;
}

std::vector<std::string> broken_laws(const Books& books) {
  std::vector<std::string> broken;
  for (const Law& law : kLaws)
    if (books.work_declared || !law.of_declared_work)
      for (const std::string& clause : law.broken(books))
        broken.push_back(fmt::format("{}: {}", law.name, clause));
  return broken;
}

const Law& find_law(const std::string& name) {
  std::vector<std::string> names;
  for (const Law& law : kLaws) {
    if (name == law.name) return law;
    names.emplace_back(law.name);
  }
  fail(ExitCode::Usage, "unknown law '{}'; {}", name, expected_one_of(name, names));
}

}  // namespace assay::app
