// What the operand feed asks of the SPM banks.
#include "core/mxu/mxu_feed.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

using core::Feed;
using core::feed_cycles;

constexpr Machine::LocalMemory kSpm{16384, 64, 64};  // server128's

TEST(MxuFeed, ALineAStepFlowsAtFullRate) {
  EXPECT_EQ(feed_cycles(kSpm, {true, 128, 1, DType::bf16, 0}), 1u);
  EXPECT_EQ(feed_cycles(kSpm, {true, 128, 4, DType::f32, 512}), 1u) << "four lines side by side";
}

TEST(MxuFeed, LinesInTheSameBanksAreReadInTurn) {
  EXPECT_EQ(feed_cycles(kSpm, {true, 128, 4, DType::bf16, 4096}), 4u);
  EXPECT_EQ(feed_cycles(kSpm, {true, 128, 2, DType::bf16, 2048}), 1u) << "half a row of banks apart";
}

TEST(MxuFeed, LineBuffersRefillOnceAWord) {
  // 128 words, two of each bank, serve 32 steps of two bytes.
  EXPECT_EQ(feed_cycles(kSpm, {false, 128, 1, DType::bf16, 64}), 1u);
  // All 128 in one bank: 128 cycles for 32 steps of bf16, for 16 of fp32.
  EXPECT_EQ(feed_cycles(kSpm, {false, 128, 1, DType::bf16, 4096}), 4u);
  EXPECT_EQ(feed_cycles(kSpm, {false, 128, 1, DType::f32, 4096}), 8u);
  EXPECT_EQ(feed_cycles(kSpm, {false, 128, 2, DType::s8, 4096}), 4u) << "two s8 a step";
  EXPECT_EQ(feed_cycles(kSpm, {false, 128, 1, DType::bf16, 4096 + 64}), 1u) << "a padded stride";
}

TEST(MxuFeed, FourBitsTakeHalfOfWhatAByteTakes) {
  EXPECT_EQ(feed_cycles(kSpm, {true, 128, 1, DType::u4, 64}), 1u);
  EXPECT_EQ(feed_cycles(kSpm, {false, 128, 2, DType::u4, 4096}), 2u);
  EXPECT_EQ(feed_cycles(kSpm, {false, 128, 4, DType::u4, 4096}), 4u);
}

TEST(MxuFeed, OneBankServesOneWordACycle) {
  constexpr Machine::LocalMemory kOne{16, 1, 16};
  EXPECT_EQ(feed_cycles(kOne, {true, 4, 1, DType::f32, 0}), 1u);
  EXPECT_EQ(feed_cycles(kOne, {true, 8, 1, DType::f32, 0}), 2u);
  EXPECT_EQ(feed_cycles(kOne, {false, 4, 1, DType::f32, 16}), 1u);
  EXPECT_EQ(feed_cycles(kOne, {false, 8, 1, DType::f32, 16}), 2u);
}

}  // namespace
}  // namespace assay
