// The contents of HBM.
#include "memory/hbm_storage.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <stdexcept>

namespace assay {
namespace {

using memory::HbmStorage;

constexpr std::uint64_t kPage = 65536;

std::vector<std::byte> read(const HbmStorage& hbm, std::uint64_t offset, std::size_t bytes) {
  std::vector<std::byte> data(bytes);
  hbm.read(offset, data.data(), bytes);
  return data;
}

void write(HbmStorage& hbm, std::uint64_t offset, std::size_t bytes, int value) {
  const std::vector<std::byte> data(bytes, static_cast<std::byte>(value));
  hbm.write(offset, data.data(), bytes);
}

TEST(HbmStorage, ContainsEndsAtItsCapacityAndNeverOverflows) {
  const HbmStorage hbm(Bytes(1000));
  EXPECT_TRUE(hbm.contains(0, 1000));
  EXPECT_TRUE(hbm.contains(999, 1));
  EXPECT_TRUE(hbm.contains(1000, 0));
  EXPECT_FALSE(hbm.contains(0, 1001));
  EXPECT_FALSE(hbm.contains(999, 2));
  EXPECT_FALSE(hbm.contains(1000, 1));
  EXPECT_FALSE(hbm.contains(1001, 0));
  EXPECT_FALSE(hbm.contains(~std::uint64_t{0}, 1));
  EXPECT_FALSE(hbm.contains(1, ~std::uint64_t{0}));
  EXPECT_FALSE(hbm.contains(~std::uint64_t{0}, ~std::uint64_t{0}));
}

TEST(HbmStorage, UnwrittenBytesReadAsThePattern) {
  HbmStorage hbm(Bytes(1u << 20));
  EXPECT_EQ(read(hbm, 77, 3), std::vector<std::byte>(3, std::byte{0xA5}));
  write(hbm, 10, 1, 1);
  EXPECT_EQ(read(hbm, 9, 3), (std::vector<std::byte>{std::byte{0xA5}, std::byte{1}, std::byte{0xA5}}));
}

TEST(HbmStorage, AnyAccessMayCrossPages) {
  HbmStorage hbm(Bytes(8 * kPage));
  std::mt19937 random(1);
  std::vector<std::byte> model(8 * kPage, std::byte{0xA5});
  for (int i = 0; i < 200; ++i) {
    const std::uint64_t offset = random() % (7 * kPage), bytes = random() % (model.size() - offset) / 2;
    std::vector<std::byte> data(bytes);
    for (std::byte& b : data) b = static_cast<std::byte>(random());
    hbm.write(offset, data.data(), bytes);
    std::copy(data.begin(), data.end(), model.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  EXPECT_TRUE(read(hbm, 0, model.size()) == model);
  EXPECT_TRUE(read(hbm, kPage - 1, 2) == std::vector<std::byte>(&model[kPage - 1], &model[kPage + 1]));
}

TEST(HbmStorage, HugeCapacityCostsOnlyWhatIsTouched) {
  HbmStorage hbm(Bytes(std::uint64_t{1} << 40));
  const std::uint64_t last = (std::uint64_t{1} << 40) - 1;
  write(hbm, last, 1, 7);
  EXPECT_EQ(read(hbm, last, 1).front(), std::byte{7});
  EXPECT_EQ(read(hbm, last / 2, 1).front(), std::byte{0xA5});
}

TEST(HbmStorage, UnwrittenBytesOfAWatchedRegionAreCountedExactly) {
  HbmStorage hbm(Bytes(1u << 20));
  hbm.watch(100, 50);
  EXPECT_EQ(hbm.unwritten(100).count, 50u);
  EXPECT_EQ(hbm.unwritten(100).first, 0u);
  write(hbm, 90, 11, 0);  // its first byte is byte 0 of the region
  EXPECT_EQ(hbm.unwritten(100).count, 49u);
  EXPECT_EQ(hbm.unwritten(100).first, 1u);
  write(hbm, 149, 100, 0);  // its last byte
  EXPECT_EQ(hbm.unwritten(100).count, 48u);
  write(hbm, 99, 1, 0);
  write(hbm, 150, 1, 0);  // neighbours
  EXPECT_EQ(hbm.unwritten(100).count, 48u);
  write(hbm, 0, 148, 0);
  EXPECT_EQ(hbm.unwritten(100).count, 1u);
  EXPECT_EQ(hbm.unwritten(100).first, 48u);
  write(hbm, 0, 1000, 0);
  EXPECT_EQ(hbm.unwritten(100).count, 0u);
}

TEST(HbmStorage, WritesBeforeTheWatchDoNotCount) {
  HbmStorage hbm(Bytes(1u << 20));
  write(hbm, 0, 100, 0);
  hbm.watch(0, 100);
  EXPECT_EQ(hbm.unwritten(0).count, 100u);
}

TEST(HbmStorage, OverlappingRegionsAreWatchedEach) {
  HbmStorage hbm(Bytes(1u << 20));
  hbm.watch(0, 100);
  hbm.watch(50, 100);
  write(hbm, 60, 10, 0);
  EXPECT_EQ(hbm.unwritten(0).count, 90u);
  EXPECT_EQ(hbm.unwritten(50).count, 90u);
  EXPECT_THROW(hbm.unwritten(1), std::logic_error);
}

TEST(HbmStorage, RandomWritesAreTrackedAsByASet) {
  constexpr std::uint64_t kStart = kPage - 100, kBytes = 300;
  HbmStorage hbm(Bytes(4 * kPage));
  hbm.watch(kStart, kBytes);
  std::mt19937 random(2);
  std::map<std::uint64_t, bool> missing;
  for (std::uint64_t i = 0; i < kBytes; ++i) missing[i] = true;
  while (!missing.empty()) {
    const std::uint64_t offset = kStart - 20 + random() % (kBytes + 40), bytes = random() % 12;
    write(hbm, offset, bytes, 1);
    for (std::uint64_t i = offset; i < offset + bytes; ++i) missing.erase(i - kStart);
    const HbmStorage::Unwritten got = hbm.unwritten(kStart);
    ASSERT_EQ(got.count, missing.size());
    ASSERT_EQ(got.first, missing.empty() ? kBytes : missing.begin()->first);
  }
}

}  // namespace
}  // namespace assay
