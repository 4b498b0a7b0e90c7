#include "memory/bank_conflicts.hpp"

#include <algorithm>
#include <vector>

namespace assay::memory {

Cycle conflict_cycles(const Machine::LocalMemory& memory, std::uint64_t lines, std::uint64_t line_bytes,
                      std::int64_t stride) {
  const std::uint64_t width = memory.bank_bytes, row = memory.banks * width;
  const std::uint64_t step = static_cast<std::uint64_t>(stride < 0 ? -stride : stride);
  // In ascending order of addresses, from the first line's place in its row of banks.
  const std::uint64_t back = (lines - 1) * step % row;
  const std::uint64_t base = stride < 0 ? (row - back) % row : 0;
  std::vector<std::uint64_t> load(memory.banks);
  std::uint64_t in_every_bank = 0, next = 0;  // words below `next` are counted
  for (std::uint64_t i = 0; i < lines; ++i) {
    const std::uint64_t begin = base + i * step;
    const std::uint64_t first = std::max(next, begin / width), end = ceil_div(begin + line_bytes, width);
    if (first >= end) continue;
    next = end;
    in_every_bank += (end - first) / memory.banks;
    for (std::uint64_t word = first + (end - first) / memory.banks * memory.banks; word < end; ++word)
      ++load[word % memory.banks];
  }
  return Cycle(std::max<std::uint64_t>(1, in_every_bank + *std::max_element(load.begin(), load.end())));
}

Cycle conflict_cycles(const Machine::LocalMemory& memory, std::vector<std::int64_t> places) {
  for (std::int64_t& place : places) place /= memory.bank_bytes;
  if (!std::is_sorted(places.begin(), places.end())) std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  std::vector<std::uint64_t> load(memory.banks);
  std::uint64_t fullest = 1;
  for (const std::int64_t word : places)
    fullest = std::max(fullest, ++load[static_cast<std::uint64_t>(word) % memory.banks]);
  return Cycle(fullest);
}

}  // namespace assay::memory
