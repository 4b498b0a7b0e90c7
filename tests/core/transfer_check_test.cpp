// What the DMA engines refuse, at every edge, and that no number of a command overflows on the way.
#include <gmock/gmock.h>

#include <limits>

#include "transfers.hpp"

namespace assay {
namespace {

using core::Transfer;
using testing::HasSubstr;
using testing::IsEmpty;

class DmaCheck : public testing::Test {
 protected:
  // 16 bytes at HBM byte 0 and SPM byte 0.
  static isa::DmaCommand plain() {
    isa::DmaCommand command{};
    command.hbm_addr = isa::HbmAddr(ASSAY_HBM_BASE);
    command.run_bytes = 16;
    command.count1 = command.count2 = command.count3 = command.count4 = 1;
    return command;
  }
  std::string check(const isa::DmaCommand& command, bool to_hbm = false) const {
    return core::check(core::make_transfer(command, to_hbm), local, hbm);
  }

  const Machine machine = test::small_machine();
  const memory::LocalMemory local{machine, false};
  const memory::HbmStorage hbm{Bytes(test::kHbmBytes)};
  isa::DmaCommand c = plain();
};

TEST_F(DmaCheck, HbmSideEndsWithItsLastByte) {
  c.hbm_addr = isa::HbmAddr(ASSAY_HBM_BASE + test::kHbmBytes - 16);
  EXPECT_THAT(check(c), IsEmpty());
  c.hbm_addr = isa::HbmAddr(ASSAY_HBM_BASE + test::kHbmBytes - 15);
  EXPECT_THAT(check(c), HasSubstr("bytes 0xff1..0x1000 lie outside HBM"));
  c.hbm_addr = isa::HbmAddr(ASSAY_HBM_BASE - 1);
  EXPECT_THAT(check(c), HasSubstr("outside HBM"));
  for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    c.hbm_addr = isa::HbmAddr(address);
    EXPECT_THAT(check(c), HasSubstr("outside HBM")) << address;
  }
}

TEST_F(DmaCheck, HbmStridesReachBothEnds) {
  c.count1 = 3;
  c.hbm_stride1 = (test::kHbmBytes - 16) / 2;
  EXPECT_THAT(check(c), IsEmpty());
  c.hbm_stride1 += 1;
  EXPECT_THAT(check(c), HasSubstr("outside HBM"));
  c.hbm_stride1 = -8;
  EXPECT_THAT(check(c), HasSubstr("bytes -0x10..0xf lie outside HBM"));
  c.hbm_addr = isa::HbmAddr(ASSAY_HBM_BASE + 16);
  EXPECT_THAT(check(c), IsEmpty());
  c.count4 = 2;
  c.hbm_stride4 = -1;
  EXPECT_THAT(check(c), HasSubstr("outside HBM"));
}

TEST_F(DmaCheck, NoHbmStrideOverflows) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  for (const std::int64_t stride : {kMost, kLeast, kMost / 2 + 1, std::int64_t{1} << 62,
                                    std::int64_t{1} << 40, -(std::int64_t{1} << 40)}) {
    for (const std::uint32_t count : {2u, 3u, 5u, 1u << 24}) {
      c = plain();
      c.run_bytes = 1;
      c.count1 = count;
      c.hbm_stride1 = stride;
      EXPECT_THAT(check(c), HasSubstr("HBM")) << count << " x " << stride;
      c.count2 = c.count3 = 2;
      c.hbm_stride2 = c.hbm_stride3 = stride;
      EXPECT_THAT(check(c), HasSubstr("HBM")) << count << " x " << stride << ", three times";
      c.hbm_stride2 = kLeast;  // the sum of all comes back to where it began, its runs do not
      c.hbm_stride3 = kMost;
      EXPECT_THAT(check(c), HasSubstr("HBM")) << count << " x " << stride << ", to and fro";
    }
  }
  c = plain();
  c.hbm_stride1 = kLeast;  // of a single run: not used
  EXPECT_THAT(check(c), IsEmpty());
}

TEST_F(DmaCheck, LocalSideIsCheckedAtBothEnds) {
  c.local_addr = isa::LocalAddr::spm(8192 - 16);
  EXPECT_THAT(check(c), IsEmpty());
  c.local_addr = isa::LocalAddr::spm(8192 - 15);
  EXPECT_THAT(check(c), HasSubstr("of SPM lie outside"));
  c.local_addr = isa::LocalAddr::acc(4096 - 16);
  EXPECT_THAT(check(c), IsEmpty());
  c.local_addr = isa::LocalAddr::acc(4096 - 15);
  EXPECT_THAT(check(c), HasSubstr("of ACC lie outside"));
  c.local_addr = isa::LocalAddr::spm(32);
  c.count2 = 3;
  c.local_stride2 = -16;
  EXPECT_THAT(check(c), IsEmpty());
  c.local_stride2 = -17;
  EXPECT_THAT(check(c), HasSubstr("of SPM lie outside"));
}

TEST_F(DmaCheck, NoLocalStrideOverflows) {
  for (const std::int32_t stride :
       {std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()}) {
    c = plain();
    c.run_bytes = 1;
    c.count1 = 1u << 24;
    c.count2 = 255;
    c.local_stride1 = c.local_stride2 = stride;
    EXPECT_THAT(check(c), HasSubstr("of SPM lie outside"));
  }
}

TEST_F(DmaCheck, PaddingIsPartOfTheLocalBlock) {
  c.fill_bytes = 4;
  c.pad_before0 = 3;
  c.pad_after0 = 1;
  c.local_addr = isa::LocalAddr::acc(4096 - 32);
  EXPECT_THAT(check(c), IsEmpty());
  c.pad_after0 = 2;
  EXPECT_THAT(check(c), HasSubstr("of ACC lie outside"));
  c = plain();
  c.fill_bytes = 1;
  c.pad_before3 = 2;
  c.pad_after3 = 1;
  c.local_stride3 = -100;
  c.local_addr = isa::LocalAddr::spm(300);
  EXPECT_THAT(check(c), IsEmpty());
  c.local_addr = isa::LocalAddr::spm(299);
  EXPECT_THAT(check(c), HasSubstr("of SPM lie outside"));
}

TEST_F(DmaCheck, PaddingIsForDmaInAlone) {
  c.fill_bytes = 1;
  c.pad_after4 = 1;
  EXPECT_THAT(check(c, true), HasSubstr("dma.out has no padding"));
}

TEST_F(DmaCheck, PaddingNeedsAPattern) {
  c.pad_before2 = 1;
  EXPECT_THAT(check(c), HasSubstr("fill_bytes is 0; padding needs 1, 2 or 4"));
  c = plain();
  c.pad_before0 = 1;  // counted in patterns of no bytes
  EXPECT_THAT(check(c), HasSubstr("fill_bytes is 0; padding needs 1, 2 or 4"));
  EXPECT_THAT(check(c, true), HasSubstr("dma.out has no padding"));
}

TEST_F(DmaCheck, ThePatternFitsTheRun) {
  c.fill_bytes = 4;
  c.run_bytes = 18;
  c.pad_after0 = 1;
  EXPECT_THAT(check(c), HasSubstr("run_bytes = 18 is no multiple of fill_bytes = 4"));
  c.run_bytes = 20;
  EXPECT_THAT(check(c), IsEmpty());
}

TEST_F(DmaCheck, FourGibibytesAtMostPaddingIncluded) {
  c.run_bytes = 1;
  c.count1 = 1u << 24;
  c.count2 = 256;
  EXPECT_THAT(check(c), IsEmpty());
  c.count2 = 257;
  EXPECT_THAT(check(c), HasSubstr("a transfer moves at most"));
  c = plain();
  c.fill_bytes = 1;
  c.pad_before1 = c.pad_before2 = c.pad_before3 = c.pad_before4 = 65535;
  EXPECT_THAT(check(c), HasSubstr("a transfer moves at most"));
}

}  // namespace
}  // namespace assay
