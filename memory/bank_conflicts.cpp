#include "memory/bank_conflicts.hpp"

#include <algorithm>
#include <numeric>

namespace assay::memory {

Cycle conflict_cycles(const Machine::LocalMemory& memory, std::uint64_t lines, std::uint64_t line_bytes,
                      std::int64_t stride) {
  const std::uint64_t width = memory.bank_bytes;
  const std::uint64_t words_per_line = std::max<std::uint64_t>(1, ceil_div(line_bytes, width));
  const std::uint64_t step = static_cast<std::uint64_t>(stride < 0 ? -stride : stride);
  // Lines closer together than a bank word share words: the block is as good as contiguous.
  if (step < width || lines == 1) {
    const std::uint64_t words = ceil_div((lines - 1) * step + line_bytes, width);
    return Cycle(std::max<std::uint64_t>(1, ceil_div(words, memory.banks)));
  }
  // Line i starts at bank (i * step / width) mod banks: it visits banks / gcd of them in turn.
  const std::uint64_t word_step = step / width;
  const std::uint64_t starts = memory.banks / std::gcd<std::uint64_t>(word_step, memory.banks);
  const std::uint64_t reached = std::min<std::uint64_t>(memory.banks, starts * words_per_line);
  const std::uint64_t per_bank = ceil_div(lines * words_per_line, std::min(lines * words_per_line, reached));
  return Cycle(per_bank);
}

}  // namespace assay::memory
