// Gathers as commands: their lists, what is refused, and what they claim to touch. The bytes that they move
// are transfer_test.cpp's.
#include <gmock/gmock.h>

#include <cstring>

#include "core/footprint.hpp"
#include "transfers.hpp"

namespace assay {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Gather : public testing::Test {
 protected:
  // Rows of 16 bytes, 32 apart in HBM, by the four indices at SPM byte 64.
  Gather() {
    c.instruction = isa::Instruction::dma_in;
    c.hbm_addr = isa::HbmAddr(ASSAY_HBM_BASE + 1024);
    c.run_bytes = 16;
    c.count1 = c.count2 = c.count3 = 1;
    c.count4 = 4;
    c.hbm_stride4 = 32;
    c.local_stride4 = 16;
    c.gather = true;
    c.index_addr = isa::LocalAddr::spm(64);
    c.index_limit = 10;
  }
  void put(const std::vector<std::int32_t>& index) {
    std::memcpy(local.at(isa::LocalAddr::spm(64)), index.data(), index.size() * 4);
  }
  std::string check() const { return core::check_gather(c, local); }

  const Machine machine = test::small_machine();
  memory::LocalMemory local{machine, true};
  memory::HbmStorage hbm{Bytes(test::kHbmBytes)};
  isa::DmaCommand c{};
};

TEST_F(Gather, RowsComeInTheOrderOfTheList) {
  for (std::uint64_t row = 0; row < 10; ++row) {
    const std::vector<std::byte> bytes(16, static_cast<std::byte>(row));
    hbm.write(1024 + 32 * row, bytes.data(), 16);
  }
  put({7, 0, 7, 9});
  EXPECT_THAT(check(), IsEmpty());
  core::move_values(core::make_transfer(c, false, core::read_index(c, local)), local, hbm);
  for (std::uint32_t i = 0; i < 64; ++i)
    ASSERT_EQ(static_cast<int>(*local.at(isa::LocalAddr::spm(i))), (std::array{7, 0, 7, 9}[i / 16])) << i;
}

TEST_F(Gather, AnIndexOutsideItsLimitIsNamed) {
  put({9, 0, 10, 3});
  EXPECT_EQ(check(), "index 2 of its list is 10, not in 0..9");
  put({9, -1, 1, 3});
  EXPECT_EQ(check(), "index 1 of its list is -1, not in 0..9");
  put({INT32_MIN, 0, 0, 0});
  EXPECT_THAT(check(), HasSubstr("index 0 of its list is -2147483648"));
  c.index_limit = 0;
  put({0, 0, 0, 0});
  EXPECT_THAT(check(), HasSubstr("index 0 of its list is 0, not in 0..-1"));
  c.gather = false;
  EXPECT_THAT(check(), IsEmpty());
}

TEST_F(Gather, TheListLiesInSpmAndTheTransferReads) {
  c.index_addr = isa::LocalAddr::acc(0);
  EXPECT_THAT(check(), HasSubstr("the index list lies in ACC"));
  c.index_addr = isa::LocalAddr::spm(static_cast<std::uint32_t>(local.capacity(isa::LocalAddr::spm(0))) - 12);
  EXPECT_THAT(check(), testing::StartsWith("the index list: bytes 0x"));
  c.instruction = isa::Instruction::dma_out;
  EXPECT_THAT(check(), HasSubstr("dma.out does not gather"));
}

// Not where indices within the limit but without use would lead.
TEST_F(Gather, ItsRowsMustLieInHbm) {
  const auto problem = [&](std::vector<std::int32_t> index) {
    return core::check(core::make_transfer(c, false, std::move(index)), local, hbm);
  };
  EXPECT_THAT(problem({95, 0, 1, 2}), IsEmpty());
  EXPECT_THAT(problem({96, 0, 1, 2}), HasSubstr("outside HBM"));
  c.hbm_stride4 = -32;
  EXPECT_THAT(problem({32, 0, 1, 2}), IsEmpty());
  EXPECT_THAT(problem({33, 0, 1, 2}), HasSubstr("outside HBM"));
  c.hbm_stride4 = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(problem({2, 1, 1, 1}), HasSubstr("beyond 64-bit addresses"));
}

TEST_F(Gather, ReadsZerosWhereThereAreNoValues) {
  const memory::LocalMemory without(machine, false);
  EXPECT_THAT(core::read_index(c, without), testing::Each(0));
  EXPECT_THAT(core::check_gather(c, without), IsEmpty());
}

TEST_F(Gather, ClaimsItsListAndTheRowsThatItNames) {
  using core::Access;
  const std::vector<Access> unknown = core::footprint(c);
  ASSERT_EQ(unknown.size(), 2U);
  EXPECT_TRUE(unknown[0].write);
  EXPECT_STREQ(unknown[1].role, "the index list");
  EXPECT_EQ(unknown[1].base, 64);
  EXPECT_EQ(unknown[1].run, 16U);
  EXPECT_FALSE(unknown[1].write);
  const std::vector<Access> known = core::footprint(c, {3, 4, 5, 1});
  ASSERT_EQ(known.size(), 4U);
  EXPECT_EQ(known[2].base, 1024 + 3 * 32);
  EXPECT_EQ(known[2].dims[0].count, 3U);
  EXPECT_EQ(known[3].base, 1024 + 32);
  EXPECT_EQ(core::locate(known[3], 1024 + 32 + 5), "the source, dim4 3, byte 5");
  EXPECT_EQ(known[3].space, core::Space::hbm);
}

}  // namespace
}  // namespace assay
