// SPM and ACC: what lies inside, and that the two do not mix.
#include "memory/local_memory.hpp"

#include <gmock/gmock.h>

#include "base/machine_yaml.hpp"

namespace assay {
namespace {

using isa::LocalAddr;
using memory::LocalMemory;
using testing::HasSubstr;

class Local : public testing::Test {
 protected:
  const Machine machine = find_machine("edge16");
  LocalMemory local{machine, true};
  const std::uint32_t spm = static_cast<std::uint32_t>(machine.spm.bytes().count());
  const std::uint32_t acc = static_cast<std::uint32_t>(machine.acc.bytes().count());
  bool inside(LocalAddr base, std::uint64_t lines, std::uint64_t bytes, std::int64_t stride) {
    return local.check({base, lines, bytes, stride}).empty();
  }
};

TEST_F(Local, CapacityIsThatOfTheMemoryWhichTheAddressSelects) {
  EXPECT_EQ(local.capacity(LocalAddr::spm(5)), spm);
  EXPECT_EQ(local.capacity(LocalAddr::acc(5)), acc);
}

TEST_F(Local, OneLineFitsUpToItsLastByte) {
  EXPECT_TRUE(inside(LocalAddr::spm(0), 1, spm, 0));
  EXPECT_FALSE(inside(LocalAddr::spm(0), 1, spm + 1, 0));
  EXPECT_TRUE(inside(LocalAddr::spm(spm - 1), 1, 1, 0));
  EXPECT_FALSE(inside(LocalAddr::spm(spm - 1), 1, 2, 0));
  EXPECT_FALSE(inside(LocalAddr::spm(spm), 1, 1, 0));
  EXPECT_TRUE(inside(LocalAddr::acc(acc - 1), 1, 1, 0));
  EXPECT_FALSE(inside(LocalAddr::acc(acc), 1, 1, 0));
  EXPECT_FALSE(inside(LocalAddr(0x7FFFFFFF), 1, 1, 0));
  EXPECT_FALSE(inside(LocalAddr(0xFFFFFFFF), 1, 1, 0));
}

TEST_F(Local, PositiveStridesReachUpToTheLastByteOfTheLastLine) {
  EXPECT_TRUE(inside(LocalAddr::spm(spm - 9 * 100 - 7), 10, 7, 100));
  EXPECT_FALSE(inside(LocalAddr::spm(spm - 9 * 100 - 6), 10, 7, 100));
}

TEST_F(Local, NegativeStridesReachDownToByteZero) {
  EXPECT_TRUE(inside(LocalAddr::acc(900), 10, 7, -100));
  EXPECT_FALSE(inside(LocalAddr::acc(899), 10, 7, -100));
  EXPECT_TRUE(inside(LocalAddr::acc(acc - 7), 10, 7, -100));
  EXPECT_FALSE(inside(LocalAddr::acc(acc - 6), 10, 7, -100));
}

TEST_F(Local, LargestFieldsOfAnyCommandDoNotOverflow) {
  constexpr std::uint64_t kLines = (1u << 24) - 1;
  EXPECT_FALSE(inside(LocalAddr::spm(0), kLines, 1u << 24, INT32_MAX));
  EXPECT_FALSE(inside(LocalAddr::spm(0), kLines, 1u << 24, INT32_MIN));
  EXPECT_FALSE(inside(LocalAddr::spm(0), kLines, 1, 0xFFFFFFFF));
  EXPECT_TRUE(inside(LocalAddr::spm(0), kLines, 1, 0));
}

TEST_F(Local, WhatLiesOutsideIsNamed) {
  EXPECT_THAT(local.check({LocalAddr::acc(acc - 2), 1, 4, 0}),
              HasSubstr("bytes 0xfffe..0x10001 of ACC lie outside its 65536 bytes"));
  EXPECT_THAT(local.check({LocalAddr::spm(16), 3, 4, -10}), HasSubstr("bytes -0x4..0x13 of SPM"));
}

TEST_F(Local, TheTwoMemoriesAreApartAndZeroedAtFirst) {
  EXPECT_EQ(*local.at(LocalAddr::spm(0)), std::byte{0});
  *local.at(LocalAddr::spm(12)) = std::byte{1};
  *local.at(LocalAddr::acc(12)) = std::byte{2};
  EXPECT_EQ(*local.at(LocalAddr::spm(12)), std::byte{1});
  EXPECT_EQ(*local.at(LocalAddr::acc(12)), std::byte{2});
  EXPECT_EQ(local.at(LocalAddr::spm(13)) - local.at(LocalAddr::spm(0)), 13);
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kReused = false;  // each comes from the heap
#else
constexpr bool kReused = true;
#endif

// Storage goes from run to run: whatever way it was written, the next one finds zeros.
TEST(LocalStorage, IsZeroedForTheNextRun) {
  Machine machine = find_machine("server128");
  const auto last = static_cast<std::uint32_t>(machine.spm.bytes().count() - 1);
  const std::byte* first_storage = nullptr;
  for (int run = 0; run < 3; ++run) {
    LocalMemory local(machine, true);
    const LocalMemory& values = local;
    if (run == 0) first_storage = values.at(LocalAddr::spm(0));
    EXPECT_TRUE(!kReused || values.at(LocalAddr::spm(0)) == first_storage);
    for (const std::uint32_t place : {0u, 100u, 4095u, 70'010u, 70'190u, 70'196u, last})
      EXPECT_EQ(*values.at(LocalAddr::spm(place)), std::byte{0}) << run << ", " << place;
    EXPECT_EQ(*values.at(LocalAddr::acc(8)), std::byte{0}) << run;
    if (run == 0) {
      *local.writable({LocalAddr::spm(100), 1, 1, 0}) = std::byte{1};
      std::byte* block = local.writable({LocalAddr::spm(70'190), 3, 7, -90});
      block[0] = block[6] = block[-180] = std::byte{2};
    } else {
      *local.at(LocalAddr::spm(0)) = *local.at(LocalAddr::spm(last)) = *local.at(LocalAddr::acc(8)) =
          std::byte{3};
    }
  }
}

TEST_F(Local, TimingAloneChecksWithoutStorage) {
  const LocalMemory without(machine, false);
  EXPECT_FALSE(without.has_values());
  EXPECT_EQ(without.check({LocalAddr::spm(0), 1, spm, 0}), "");
  EXPECT_NE(without.check({LocalAddr::spm(0), 1, spm + 1, 0}), "");
}

}  // namespace
}  // namespace assay
