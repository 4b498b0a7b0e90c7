#include "sim/events.hpp"

namespace assay::sim {
namespace {

enum Unit : std::size_t { unit_host, unit_dma_in, unit_dma_out, unit_mxu, unit_vxu };  // as in RunCounters

}  // namespace

const std::vector<Event>& all_events() {
  static const std::vector<Event> events{
#define ASSAY_EVENT(number, name, unit, value, meaning) {number, #name, unit, meaning},
#include "isa/events.def"
#undef ASSAY_EVENT
  };
  return events;
}

std::optional<std::uint64_t> count_of(std::uint64_t number, const RunCounters& run) {
#define OWNED(unit, owner) run.accounts[unit_##unit].ledger.of(core::Owner::owner).count()
#define ENGINE(unit, counter) run.engines[unit_##unit - unit_dma_in].counter
#define COUNT(counter) run.counter
  switch (number) {
#define ASSAY_EVENT(number, name, unit, value, meaning) \
  case number:                                          \
    return value;
#include "isa/events.def"
#undef ASSAY_EVENT
    default: return std::nullopt;
  }
}

}  // namespace assay::sim
