// The contents of HBM.
#include "memory/hbm_storage.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

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

TEST(HbmStorage, WhatIsLentReadsAsWrittenAndIsNeverChanged) {
  std::vector<std::byte> tensor(3 * kPage + 100);
  for (std::size_t i = 0; i < tensor.size(); ++i) tensor[i] = static_cast<std::byte>(i % 251);
  const std::vector<std::byte> before = tensor;
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{kPage}, std::uint64_t{kPage - 7}}) {
    HbmStorage lent(Bytes(8 * kPage)), copied(Bytes(8 * kPage));
    write(lent, offset + 10, 20, 9);  // is lent over
    lent.lend(offset, tensor.data(), tensor.size());
    copied.write(offset, tensor.data(), tensor.size());
    EXPECT_EQ(read(lent, 0, 8 * kPage), read(copied, 0, 8 * kPage));
    EXPECT_EQ(lent.written().count_unwritten(0, 8 * kPage), 8 * kPage - tensor.size());
    for (HbmStorage* hbm : {&lent, &copied}) write(*hbm, offset + kPage - 3, kPage + 11, 77);
    EXPECT_EQ(read(lent, 0, 8 * kPage), read(copied, 0, 8 * kPage));
    EXPECT_EQ(tensor, before);
  }
}

TEST(HbmStorage, AShortLoanIsCopied) {
  HbmStorage hbm(Bytes(8 * kPage));
  std::vector<std::byte> data(50, std::byte{3});
  hbm.lend(kPage - 20, data.data(), data.size());
  EXPECT_EQ(read(hbm, kPage - 20, 50), data);
}

TEST(HbmStorage, KnowsWhichBytesWereWritten) {
  HbmStorage hbm(Bytes(1u << 20));
  EXPECT_EQ(hbm.written().count_unwritten(100, 50), 50u);
  EXPECT_EQ(hbm.written().first_unwritten(100, 50), 100u);
  write(hbm, 90, 11, 0);  // its last byte is byte 100
  EXPECT_EQ(hbm.written().count_unwritten(100, 50), 49u);
  EXPECT_EQ(hbm.written().first_unwritten(100, 50), 101u);
  write(hbm, 149, 100, 0);
  EXPECT_EQ(hbm.written().count_unwritten(100, 50), 48u);
  write(hbm, 99, 1, 0);  // a neighbour
  EXPECT_EQ(hbm.written().count_unwritten(100, 50), 48u);
  write(hbm, 0, 148, 0);
  EXPECT_EQ(hbm.written().count_unwritten(100, 50), 1u);
  EXPECT_EQ(hbm.written().first_unwritten(100, 50), 148u);
  write(hbm, 0, 1000, 0);
  EXPECT_EQ(hbm.written().count_unwritten(100, 50), 0u);
  EXPECT_EQ(hbm.written().first_unwritten(100, 50), 150u);
  EXPECT_EQ(hbm.written().count_unwritten(100, 0), 0u);
}

TEST(WrittenMap, AgreesWithASetAcrossPages) {
  constexpr std::uint64_t kStart = kPage - 100, kBytes = 300;
  memory::WrittenMap map;
  std::mt19937 random(2);
  std::set<std::uint64_t> missing;
  for (std::uint64_t i = kStart; i < kStart + kBytes; ++i) missing.insert(i);
  while (!missing.empty()) {
    const std::uint64_t offset = kStart - 20 + random() % (kBytes + 40), bytes = random() % 90;
    map.mark(offset, bytes);
    for (std::uint64_t i = offset; i < offset + bytes; ++i) missing.erase(i);
    ASSERT_EQ(map.count_unwritten(kStart, kBytes), missing.size());
    ASSERT_EQ(map.first_unwritten(kStart, kBytes), missing.empty() ? kStart + kBytes : *missing.begin());
  }
}

}  // namespace
}  // namespace assay
