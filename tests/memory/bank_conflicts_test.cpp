// conflict_cycles() against a simulation of the banks, word by word.
#include "memory/bank_conflicts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace assay {
namespace {

// Every distinct bank word that the lines touch is one access to its bank; the base lies on a multiple of
// all banks' width, far from zero.
std::uint64_t simulated(const Machine::LocalMemory& m, std::uint64_t lines, std::uint64_t line_bytes,
                        std::int64_t stride) {
  const std::int64_t base = std::int64_t{m.banks} * m.bank_bytes * 1'000'000;
  std::set<std::int64_t> words;
  for (std::uint64_t i = 0; i < lines; ++i)
    for (std::uint64_t b = 0; b < line_bytes; ++b)
      words.insert((base + static_cast<std::int64_t>(i) * stride + static_cast<std::int64_t>(b)) /
                   m.bank_bytes);
  std::map<std::int64_t, std::uint64_t> load;
  std::uint64_t fullest = 1;
  for (const std::int64_t word : words) fullest = std::max(fullest, ++load[word % m.banks]);
  return fullest;
}

TEST(BankConflicts, EveryPatternOfSmallBanksTakesWhatTheFullestBankTakes) {
  for (const std::uint32_t banks : {1u, 2u, 4u, 8u}) {
    for (const std::uint32_t width : {1u, 2u, 4u}) {
      const Machine::LocalMemory m{1, banks, width};
      const std::int64_t wrap = std::int64_t{banks} * width;
      for (std::uint64_t lines = 1; lines <= 9; ++lines)
        for (std::uint64_t bytes = 1; bytes <= static_cast<std::uint64_t>(wrap) + 3; bytes += 1 + bytes / 6)
          for (std::int64_t stride = -wrap - 2; stride <= 2 * wrap + 1; ++stride)
            ASSERT_EQ(memory::conflict_cycles(m, lines, bytes, stride).count(),
                      simulated(m, lines, bytes, stride))
                << banks << " banks of " << width << ": " << lines << " x " << bytes << ", stride " << stride;
    }
  }
}

TEST(BankConflicts, OfServer128AreThoseOfItsSimulation) {
  const Machine::LocalMemory m{16384, 64, 64};
  for (const std::uint64_t lines : {1, 3, 4, 5, 63, 64, 65, 128})
    for (const std::uint64_t bytes : {1, 2, 63, 64, 65, 128, 512})
      for (const std::int64_t stride :
           {0, 2, 64, 100, 128, 192, 256, 320, 1024, 4032, 4096, 4160, -64, -4096})
        ASSERT_EQ(memory::conflict_cycles(m, lines, bytes, stride).count(),
                  simulated(m, lines, bytes, stride))
            << lines << " x " << bytes << ", stride " << stride;
}

TEST(BankConflicts, ContiguousLinesDoNotConflictAndOneBankServesOneAtATime) {
  const Machine::LocalMemory m{16384, 64, 64};
  EXPECT_EQ(memory::conflict_cycles(m, 64, 64, 64), Cycle(1));
  EXPECT_EQ(memory::conflict_cycles(m, 64, 2, 4096), Cycle(64)) << "all in one bank";
  EXPECT_EQ(memory::conflict_cycles(m, 64, 2, 4096 + 64), Cycle(1)) << "a padded stride";
  EXPECT_EQ(memory::conflict_cycles(m, 1, 8192, 0), Cycle(2)) << "two words of each bank";
}

}  // namespace
}  // namespace assay
