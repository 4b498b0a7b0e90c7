// Address maps: fields, folds, and every way in which one is refused.
#include "base/address_map.hpp"

#include <set>
#include <tuple>

#include "../support/expect_error.hpp"
#include "base/machine_yaml.hpp"

namespace assay {
namespace {

HbmTable table_named(const std::string& name) {
  return load_hbm_table(config_dir() + "/memory/" + name + ".yaml");
}

// Four channels, two groups of two banks, eight rows of four bursts of 32 bytes.
HbmTable small_table() {
  HbmTable t = table_named("hbm2_1563");
  t.name = "small";
  t.stacks = 1;
  t.pseudo_channels = 4;
  t.bank_groups = t.banks_per_group = 2;
  t.rows_per_bank = 8;
  t.row_bytes = 128;
  return t;
}

auto as_tuple(const MemoryPlace& p) { return std::tuple(p.channel, p.group, p.bank, p.row, p.column); }

TEST(AddressMap, ReadsItsFieldsFromTheMostSignificantDown) {
  const AddressMap map("row:3 bank:1 column:1 channel:2 group:1 column:1 byte:5", small_table(), "here");
  // row 5, bank 1, column 1., channel 2, group 1, column .0, byte 7
  const std::uint64_t offset = 0b101'1'1'10'1'0'00111;
  EXPECT_EQ(as_tuple(map.locate(offset)), std::tuple(2u, 1u, 1u, 5u, 2u));
  EXPECT_EQ(map.run_bytes(), 64u);
  EXPECT_EQ(map.interleave_bytes(), 128u);
}

TEST(AddressMap, FoldsInChunksOfTheFieldsWidth) {
  const AddressMap map("row:3 bank:1 column:2 group:1 channel:2^row byte:5", small_table(), "here");
  for (std::uint64_t row = 0; row < 8; ++row)
    EXPECT_EQ(map.locate(row << 11 | 1 << 5).channel, 1 ^ (row & 3) ^ (row >> 2)) << row;
}

TEST(AddressMap, FoldsAllThatIsToTheLeftAsOneNumber) {
  const AddressMap map("row:3 bank:1 column:2 group:1 channel:2^all byte:5", small_table(), "here");
  for (std::uint64_t above = 0; above < 128; ++above)
    EXPECT_EQ(map.locate(above << 7 | 1 << 5).channel,
              1 ^ (above & 3) ^ (above >> 2 & 3) ^ (above >> 4 & 3) ^ (above >> 6))
        << above;
}

// By x^2 + x + 1 the powers of x from the second one on are x + 1, 1, x, x + 1, ...
TEST(AddressMap, PolyIsTheRemainderByAPrimitivePolynomial) {
  const AddressMap map("row:3 bank:1 column:2 group:1 channel:2^poly byte:5", small_table(), "here");
  constexpr std::array<std::uint32_t, 7> kPowers{3, 1, 2, 3, 1, 2, 3};
  for (std::uint64_t above = 0; above < 128; ++above) {
    std::uint32_t expected = 1;
    for (std::size_t bit = 0; bit < kPowers.size(); ++bit)
      if ((above >> bit & 1) != 0) expected ^= kPowers[bit];
    EXPECT_EQ(map.locate(above << 7 | 1 << 5).channel, expected) << above;
  }
}

TEST(AddressMap, GivesEveryAddressAPlaceOfItsOwn) {
  const HbmTable t = small_table();
  for (const std::string text :
       {"row:3 bank:1 column:1 channel:2 group:1 column:1 byte:5",
        "row:3 bank:1^row column:1 channel:2^row^bank^column group:1^bank^channel column:1^row byte:5",
        "row:3 bank:1^row column:1 channel:2^all group:1^all column:1^all byte:5",
        "row:3 bank:1^row column:1 channel:2^poly group:1^poly column:1^all byte:5",
        "row:2 channel:1^row bank:1^row^channel row:1^bank group:1^row channel:1^channel^group column:2^row "
        "byte:5"}) {
    const AddressMap map(text, t, "here");
    std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>> places;
    const std::uint64_t bursts = t.capacity().count() / t.burst_bytes();
    for (std::uint64_t i = 0; i < bursts; ++i) {
      const MemoryPlace p = map.locate(i * t.burst_bytes());
      ASSERT_TRUE(p.channel < 4 && p.group < 2 && p.bank < 2 && p.row < 8 && p.column < 4) << text;
      places.insert(as_tuple(p));
    }
    EXPECT_EQ(places.size(), bursts) << text;
  }
}

TEST(AddressMap, RunsAndBlocksHoldWhatTheySay) {
  for (const char* name : {"hbm2_1563", "hbm2_2000", "hbm2e_3200", "hbm3_6400", "lpddr4_3200", "ddr3_2133"}) {
    const HbmTable t = table_named(name);
    const AddressMap map(default_address_map(t), t, name);
    EXPECT_EQ(map.interleave_bytes(), 256u) << name;
    for (std::uint64_t block = 0; block < 1000; ++block) {
      const std::uint64_t base = block * 0x9e3779b97f4a7c15 % t.capacity().count() / 256 * 256;
      const MemoryPlace first = map.locate(base);
      for (std::uint32_t at = 0; at < 256; at += t.burst_bytes()) {
        const MemoryPlace p = map.locate(base + at);
        ASSERT_EQ(p.channel, first.channel) << name;
        const MemoryPlace run = map.locate(base + at / map.run_bytes() * map.run_bytes());
        ASSERT_EQ(std::tuple(p.group, p.bank, p.row), std::tuple(run.group, run.bank, run.row)) << name;
      }
    }
  }
}

TEST(AddressMap, TheDefaultOneIsThatOfTheMachines) {
  for (const char* name : {"server128", "edge16", "tpuv1"}) {
    const Machine m = find_machine(name);
    EXPECT_EQ(m.hbm.controller.address_map, default_address_map(m.hbm.table)) << name;
  }
}

TEST(AddressMap, PowerOfTwoStridesSpreadOverTheChannels) {
  for (const char* name : {"hbm2_1563", "hbm2_2000", "hbm2e_3200", "hbm3_6400", "lpddr4_3200", "ddr3_2133"}) {
    const HbmTable t = table_named(name);
    const AddressMap map(default_address_map(t), t, name);
    for (std::uint64_t stride = 256; stride * t.channels() <= t.capacity().count(); stride *= 2) {
      std::set<std::uint32_t> channels;
      for (std::uint64_t i = 0; i < t.channels(); ++i) channels.insert(map.locate(i * stride).channel);
      EXPECT_EQ(channels.size(), t.channels()) << name << ", stride " << stride;
    }
  }
}

void expect_refused(const std::string& message, const std::string& text) {
  test::expect_error(ExitCode::Usage, "here: " + message, [&] { AddressMap(text, small_table(), "here"); });
}

TEST(AddressMap, ThatIsNoneIsRefused) {
  expect_refused(
      "'rwo' is no field of an address; expected one of byte, column, group, bank, row, channel; did you "
      "mean 'row'?",
      "rwo:3 bank:1 column:2 channel:2 group:1 byte:5");
  expect_refused("'row' has no width of 1 to 31 bits; expected field:bits",
                 "row bank:1 column:2 channel:2 group:1 byte:5");
  expect_refused("'row:0' has no width", "row:0 bank:1 column:2 channel:2 group:1 byte:5");
  expect_refused("'row:32' has no width", "row:32 bank:1 column:2 channel:2 group:1 byte:5");
  expect_refused("'row:-3' has no width", "row:-3 bank:1 column:2 channel:2 group:1 byte:5");
  expect_refused("'bnk' is no field", "row:3 bank:1^bnk column:2 channel:2 group:1 byte:5");
  expect_refused("byte has 0 bits; table small needs 5 (32 bytes a burst)", "");
}

TEST(AddressMap, OfAnotherGeometryIsRefused) {
  expect_refused("row has 4 bits; table small needs 3 (8 rows)",
                 "row:4 bank:1 column:2 channel:2 group:1 byte:5");
  expect_refused("bank has 0 bits; table small needs 1 (2 banks)", "row:3 column:2 channel:2 group:1 byte:5");
  expect_refused("column has 3 bits; table small needs 2 (4 columns)",
                 "row:3 column:2 bank:1 channel:2 group:1 column:1 byte:5");
  expect_refused("byte has 6 bits; table small needs 5 (32 bytes a burst)",
                 "row:3 bank:1 column:2 channel:2 group:1 byte:6");
  HbmTable t = small_table();
  t.pseudo_channels = 3;
  test::expect_error(ExitCode::Usage, "table small has 3 channels, and an address map needs a power of two",
                     [&] { AddressMap("row:3 bank:1 column:2 channel:2 group:1 byte:5", t, "here"); });
}

// 512 lines of 256 bytes, twice, four, eight times as far apart as 3x3 weights of that many channels lie:
// with ^all some channel would have 36 of them, where 8 are its share.
TEST(AddressMap, LinesOfWeightsSpreadOverTheChannels) {
  const HbmTable t = table_named("hbm2_1563");
  const AddressMap map(default_address_map(t), t, "hbm2_1563");
  for (const std::uint64_t line : {2304, 4608, 9216, 18432, 6400, 12544, 1792, 5376}) {
    std::array<int, 64> lines{};
    for (std::uint64_t i = 0; i < 512; ++i) ++lines.at(map.locate(i * line).channel);
    EXPECT_LE(*std::max_element(lines.begin(), lines.end()), 18) << line;
  }
}

TEST(AddressMap, WithImpossibleFoldsIsRefused) {
  expect_refused("channel^bank: no bank bits stand to the left to fold",
                 "row:3 channel:2^bank bank:1 column:2 group:1 byte:5");
  expect_refused("row^row: no row bits stand to the left to fold",
                 "row:3^row bank:1 column:2 channel:2 group:1 byte:5");
  expect_refused("^row twice in one field undoes itself",
                 "row:3 bank:1 column:2 channel:2^row^row group:1 byte:5");
  expect_refused("'channel:2^row^all': ^all folds the other fields too, and twice undoes itself",
                 "row:3 bank:1 column:2 channel:2^row^all group:1 byte:5");
  expect_refused("'channel:2^poly^row': ^poly reads all bits to the left; other folds beside it undo it",
                 "row:3 bank:1 column:2 channel:2^poly^row group:1 byte:5");
  expect_refused("'row:9^poly': ^poly has at most 8 bits",
                 "row:9^poly bank:1 column:2 channel:2 group:1 byte:5");
  expect_refused("the last field is byte:5, the bytes of a burst, whole and without folds",
                 "row:3 bank:1 column:2 channel:2 byte:5 group:1");
  expect_refused("the last field is byte:5", "row:3 byte:2 bank:1 column:2 channel:2 group:1 byte:3");
  expect_refused("the last field is byte:5", "row:3 bank:1 column:2 channel:2 group:1 byte:5^row");
}

}  // namespace
}  // namespace assay
