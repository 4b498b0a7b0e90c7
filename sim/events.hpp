// The performance events of isa/events.def: what each is, and its count from a run's counters.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/run_counters.hpp"

namespace assay::sim {

struct Event {
  std::uint64_t number;
  std::string_view name, unit, meaning;
};

// In the order of their numbers.
const std::vector<Event>& all_events();

// Nothing for a number without an event.
std::optional<std::uint64_t> count_of(std::uint64_t number, const RunCounters& run);

}  // namespace assay::sim
