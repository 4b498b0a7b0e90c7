// Memory timing tables: complete, sourced, possible.
#include <filesystem>

#include "../support/expect_error.hpp"
#include "../support/process.hpp"
#include "base/address_map.hpp"
#include "base/machine_yaml.hpp"

namespace assay {
namespace {

constexpr const char* kTable = "/memory/hbm2_1563.yaml";

void expect_refused(const std::string& message, const std::string& from, const std::string& to) {
  const test::TemporaryFolder folder;
  std::string text = test::read_text(config_dir() + kTable);
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  const std::string path = folder.write("t.yaml", text.replace(at, from.size(), to));
  test::expect_error(ExitCode::Usage, message, [&] { load_hbm_table(path); });
}

TEST(MemoryTable, EveryKeyIsRequired) {
  const std::string text = test::read_text(config_dir() + kTable);
  HbmTable table;
  const test::TemporaryFolder folder;
  for (const Parameter& p : parameters(table)) {
    const std::size_t at = text.find("\n" + p.path + ":");
    ASSERT_NE(at, std::string::npos) << p.path;
    std::size_t end = text.find('\n', at + 1);
    while (text[end + 1] == ' ') end = text.find('\n', end + 1);  // a folded text
    const std::string path = folder.write("t.yaml", std::string(text).erase(at, end - at));
    test::expect_error(ExitCode::Usage, "missing key '" + p.path + "'", [&] { load_hbm_table(path); });
  }
}

TEST(MemoryTable, DerivedQuantitiesAreThoseOfHbm2) {
  const HbmTable t = load_hbm_table(config_dir() + kTable);
  EXPECT_EQ(t.channels(), 64u);
  EXPECT_EQ(t.banks(), 16u);
  EXPECT_EQ(t.burst_bytes(), 32u);
  EXPECT_DOUBLE_EQ(t.burst_ns(), 2.56);
}

TEST(MemoryTable, EveryShippedOneIsPossibleAndHasItsPinRate) {
  const std::vector<std::pair<std::string, double>> expected{{"ddr3_2133", 34.13}, {"hbm2_1563", 800},
                                                             {"hbm2_2000", 256},   {"hbm2e_3200", 409.6},
                                                             {"hbm3_6400", 819.2}, {"lpddr4_3200", 25.6}};
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(config_dir() + "/memory"))
    files += entry.path().extension() == ".yaml" ? 1 : 0;
  EXPECT_EQ(files, expected.size());
  for (const auto& [name, gb_per_s] : expected) {
    const HbmTable t = load_hbm_table(config_dir() + "/memory/" + name + ".yaml");
    EXPECT_NEAR(t.bytes_per_second() / 1e9, gb_per_s, 0.01) << name;
    EXPECT_NO_THROW(AddressMap(default_address_map(t), t, name)) << name;
  }
}

// DESIGN: the table of the default machine.
TEST(MemoryTable, ThatOfServer128IsTheOneOfTheDesign) {
  const HbmTable t = load_hbm_table(config_dir() + kTable);
  EXPECT_DOUBLE_EQ(t.tCK_ns, 1.28);
  EXPECT_DOUBLE_EQ(t.tRFC_ns, 350);
  EXPECT_DOUBLE_EQ(t.tFAW_ns, 30);
  EXPECT_EQ(t.rows_per_bank, 131072u);
}

TEST(MemoryTable, ThatIsImpossibleIsRefused) {
  expect_refused(
      ": row_bytes = 128 is below a burst, 256 bytes",
      "burst_length: 4\nbank_groups: 4\nbanks_per_group: 4\nrows_per_bank: 131072\nrow_bytes: 1024",
      "burst_length: 32\nbank_groups: 4\nbanks_per_group: 4\nrows_per_bank: 131072\nrow_bytes: 128");
  expect_refused(": tCK_ns = 1: data_rate_mbps = 1562.5 needs 1.28 (two transfers a clock) or 2.56 (four)",
                 "tCK_ns: 1.28", "tCK_ns: 1");
  expect_refused(": bank_groups x banks_per_group = 128: a pseudo-channel has at most 64 banks",
                 "banks_per_group: 4", "banks_per_group: 32");
  expect_refused("tRP_ns: -1 is outside 0 .. 1000000", "tRP_ns: 14", "tRP_ns: -1");
  expect_refused("tRP_ns: 'fast' is no number", "tRP_ns: 14", "tRP_ns: fast");
  expect_refused("banks_per_group: 3 is no power of two", "banks_per_group: 4", "banks_per_group: 3");
  expect_refused("command_buses: 3 is outside 1 .. 2", "command_buses: 2", "command_buses: 3");
}

TEST(MemoryTable, WithImpossibleRowTimesIsRefused) {
  expect_refused(": tRAS_ns = 10 is below tRCDRD_ns = 14", "tRAS_ns: 34", "tRAS_ns: 10");
  expect_refused(": tRAS_ns = 34 is below tRCDWR_ns = 40", "tRCDWR_ns: 12", "tRCDWR_ns: 40");
  expect_refused(": tRC_ns = 47 is below tRAS_ns + tRP_ns = 48", "tRC_ns: 48", "tRC_ns: 47");
  expect_refused(": tRRD_L_ns = 3 is below tRRD_S_ns = 4", "tRRD_L_ns: 6", "tRRD_L_ns: 3");
  expect_refused(": tFAW_ns = 15: four activates take 4 x tRRD_S_ns = 16 already", "tFAW_ns: 30",
                 "tFAW_ns: 15");
  expect_refused(": activate_clocks = 5 exceeds the 4 clocks of tRRD_S_ns = 4", "activate_clocks: 2",
                 "activate_clocks: 5");
}

TEST(MemoryTable, WithImpossibleColumnTimesIsRefused) {
  expect_refused(": tCCD_L_ns = 1 is below tCCD_S_ns = 2.56", "tCCD_L_ns: 5.12", "tCCD_L_ns: 1");
  expect_refused(": tCCD_S_ns = 1.28 is below the 2.56 ns of a burst's data", "tCCD_S_ns: 2.56",
                 "tCCD_S_ns: 1.28");
  expect_refused(": column_clocks = 3 exceeds the 2 clocks of tCCD_S_ns = 2.56", "column_clocks: 1",
                 "column_clocks: 3");
  expect_refused(": tWTR_L_ns = 5 is below tWTR_S_ns = 6", "tWTR_L_ns: 8", "tWTR_L_ns: 5");
  // CL 11, burst 2, CWL 4: nine clocks.
  expect_refused(": tRTW_ns = 10.2: read and write data meet on the bus; tCL + burst - tCWL needs 11.52",
                 "tRTW_ns: 15.36", "tRTW_ns: 10.2");
}

TEST(MemoryTable, WithImpossibleRefreshIsRefused) {
  expect_refused(": tRFC_ns = 3900 leaves nothing of tREFI_ns = 3900", "tRFC_ns: 350", "tRFC_ns: 3900");
  expect_refused(": tRFC_ns = 3860: between refreshes, 40 ns of tREFI_ns, no row can be opened and closed",
                 "tRFC_ns: 350", "tRFC_ns: 3860");
  expect_refused(": tRFCpb_ns = 351 exceeds tRFC_ns = 350", "tRFCpb_ns: 200", "tRFCpb_ns: 351");
  expect_refused(": tRREFD_ns = 0 with per-bank refresh (tRFCpb_ns = 200)", "tRREFD_ns: 8", "tRREFD_ns: 0");
  expect_refused(": tRREFD_ns = 8 without per-bank refresh (tRFCpb_ns = 0)", "tRFCpb_ns: 200",
                 "tRFCpb_ns: 0");
  expect_refused(": tRREFD_ns = 201 exceeds tRFCpb_ns = 200", "tRREFD_ns: 8", "tRREFD_ns: 201");
  expect_refused(": tRREFD_ns = 8: refreshes of 16 banks take 128, and tREFI_ns is 120",
                 "tREFI_ns: 3900\ntRFC_ns: 350\ntRFCpb_ns: 200", "tREFI_ns: 120\ntRFC_ns: 60\ntRFCpb_ns: 50");
}

}  // namespace
}  // namespace assay
