// The code cache on its own, with handlers that are never executed.
#include "core/host/code_cache.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "encode.hpp"
#include "machine.hpp"

namespace assay::test {
namespace {

using core::CodeCache;
using core::Rv;
using core::Slot;

constexpr std::size_t kTcmBytes = 65536;

class CodeCacheTest : public ::testing::Test {
 protected:
  CodeCacheTest() : tcm_(kTcmBytes), handlers_(256) {
    for (std::size_t i = 0; i < handlers_.size(); ++i) handlers_[i] = &handlers_[i];  // tells them apart
  }
  CodeCache make(std::uint32_t capacity) {
    return CodeCache({tcm_.data(), tcm_.size(), kBase}, HostCosts{}, handlers_.data(), capacity);
  }
  void place(std::size_t offset, std::uint32_t word) {
    std::memcpy(tcm_.data() + offset, &word, sizeof word);
  }
  const void* handler(Rv id) const { return handlers_[static_cast<std::size_t>(id)]; }

  std::vector<std::byte> tcm_;
  std::vector<const void*> handlers_;
};

TEST_F(CodeCacheTest, TranslatesOnceAndForgetsOnFlush) {
  place(0, addi(a0, a0, 1));
  place(4, wfi);
  CodeCache cache = make(1024);
  EXPECT_EQ(cache.cached(0), nullptr);
  const Slot* slot = cache.find(0);
  ASSERT_NE(slot, nullptr);
  EXPECT_EQ(slot->op.handler, handler(Rv::ADDI));
  EXPECT_EQ(cache.cached(0), slot);
  EXPECT_EQ(cache.find(0), slot);
  EXPECT_EQ(cache.find(kTcmBytes), nullptr);
  cache.flush();
  EXPECT_EQ(cache.cached(0), nullptr);
}

TEST_F(CodeCacheTest, FusesPairsAndLeavesTheSecondWhereItIs) {
  place(0, addi(a0, a0, 1));
  place(4, lw(a1, a0, 0));
  place(8, wfi);
  CodeCache cache = make(1024);
  const Slot* slot = cache.find(0);
  const void* const* first_pair = &handlers_[static_cast<std::size_t>(core::Pseudo::pairs)];
  EXPECT_GE(slot[0].op.handler, static_cast<const void*>(first_pair));
  EXPECT_EQ(slot[1].op.handler, handler(Rv::LW));
  EXPECT_EQ(cache.find_one(0)->op.handler, handler(Rv::ADDI)) << "one instruction is no pair";
}

TEST_F(CodeCacheTest, LinksAnExitToItsTarget) {
  place(0, beq(a0, a1, 256));
  place(256, wfi);
  CodeCache cache = make(1024);
  const Slot* exit = cache.find(0) + 1;
  EXPECT_EQ(exit->exit.next, nullptr);
  const Slot* target = cache.link(exit);
  EXPECT_EQ(target->op.handler, handler(Rv::WFI));
  EXPECT_EQ(exit->exit.next, target);
}

TEST_F(CodeCacheTest, LinkingThatFlushesDoesNotTouchTheNewCode) {
  // The exit lies in slot 2; after the flush that slot is the second operation of the target.
  place(0, beq(a0, a1, 2048));
  for (std::size_t i = 0; i < 64; ++i) place(2048 + 4 * i, mul(a0, a0, a1));
  CodeCache cache = make(1024);
  const Slot* exit = cache.find(0) + 1;
  // Blocks of one illegal operation each, until the next translation has to flush.
  for (std::size_t offset = 8192; cache.free_slots() >= CodeCache::kBlockSlots; offset += 4)
    cache.find(offset);
  const Slot* target = cache.link(exit);
  ASSERT_NE(target, nullptr);
  EXPECT_EQ(cache.cached(0), nullptr) << "the link was to flush";
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(target[i].op.handler, handler(Rv::MUL)) << "operation " << i;
}

}  // namespace
}  // namespace assay::test
