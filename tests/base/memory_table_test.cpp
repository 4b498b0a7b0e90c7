// Memory timing tables: complete, sourced, possible.
#include <algorithm>

#include "../support/expect_error.hpp"
#include "../support/process.hpp"
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
  EXPECT_NEAR(t.refresh_fraction(), 0.9103, 1e-4);
}

TEST(MemoryTable, ThatIsImpossibleIsRefused) {
  expect_refused(": interleave_bytes = 16 is no multiple of a burst, 32 bytes", "interleave_bytes: 256",
                 "interleave_bytes: 16");
  expect_refused(": interleave_bytes = 2048 exceeds row_bytes = 1024", "interleave_bytes: 256",
                 "interleave_bytes: 2048");
  expect_refused(": tCK_ns = 1: data_rate_mbps = 1562.5 needs 1.28", "tCK_ns: 1.28", "tCK_ns: 1");
  expect_refused(": tRFC_ns = 3900 leaves nothing of tREFI_ns = 3900", "tRFC_ns: 350", "tRFC_ns: 3900");
  expect_refused(": tRAS_ns = 10 is below tRCDRD_ns = 14", "tRAS_ns: 34", "tRAS_ns: 10");
  expect_refused(": tRRD_L_ns = 3 is below tRRD_S_ns = 4", "tRRD_L_ns: 6", "tRRD_L_ns: 3");
  expect_refused(": tCCD_L_ns = 1 is below tCCD_S_ns = 2.56", "tCCD_L_ns: 5.12", "tCCD_L_ns: 1");
  expect_refused(": tFAW_ns = 3 is below tRRD_S_ns = 4", "tFAW_ns: 30", "tFAW_ns: 3");
  expect_refused("tRP_ns: -1 is outside 0 .. 1000000", "tRP_ns: 14", "tRP_ns: -1");
  expect_refused("tRP_ns: 'fast' is no number", "tRP_ns: 14", "tRP_ns: fast");
  expect_refused("banks_per_group: 3 is no power of two", "banks_per_group: 4", "banks_per_group: 3");
}

}  // namespace
}  // namespace assay
