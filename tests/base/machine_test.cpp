// Machine configurations: the shipped ones, and every way in which one is refused.
#include <algorithm>

#include "../support/expect_error.hpp"
#include "../support/process.hpp"
#include "base/machine_yaml.hpp"

namespace assay {
namespace {

namespace fs = std::filesystem;

// A shipped configuration, or a memory table, after one replacement.
class EditedMachine : public testing::Test {
 protected:
  std::string edited(const std::string& name, const std::string& from, const std::string& to) {
    std::string text = test::read_text(config_dir() + "/" + name);
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << name << " has no '" << from << "'";
    if (at != std::string::npos) text.replace(at, from.size(), to);
    return folder_.write(name, text);
  }

  // The message starts with the file.
  void expect_refused(const std::string& message, const std::string& from, const std::string& to) {
    const std::string path = edited("server128.yaml", from, to);
    test::expect_error(ExitCode::Usage, path + message, [&] { load_machine(path); });
  }

  // The message starts with the file and the line of the replacement.
  void expect_refused_there(const std::string& message, const std::string& from, const std::string& to) {
    const std::string text = test::read_text(config_dir() + "/server128.yaml");
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(text.find(from));
    expect_refused(fmt::format(":{}: {}", std::count(text.begin(), end, '\n') + 1, message), from, to);
  }

  test::TemporaryFolder folder_;
};

TEST(Machine, EveryShippedConfigurationIsAPossibleMachine) {
  const std::vector<std::string> names = machine_names();
  EXPECT_GE(names.size(), 5u);
  for (const std::string& name : names) EXPECT_EQ(find_machine(name).name, fs::path(name).filename()) << name;
}

TEST(Machine, Server128IsTheOneOfTheDesign) {
  const Machine m = find_machine("server128");
  EXPECT_EQ(m.mxu.rows * m.mxu.cols, 128u * 128u);
  EXPECT_EQ(m.freq_mhz, 1000u);
  EXPECT_EQ(m.spm.bytes(), Bytes(16 << 20));
  EXPECT_EQ(m.acc.bytes(), Bytes(4 << 20));
  EXPECT_EQ(m.tcm.bytes(), Bytes(256 << 10));
  EXPECT_EQ(m.hbm.bytes(), Bytes(std::uint64_t{128} << 30));
  EXPECT_EQ(m.hbm.bytes(), m.hbm.table.capacity());
  EXPECT_DOUBLE_EQ(m.hbm.table.bytes_per_second(), 800e9);
  EXPECT_DOUBLE_EQ(m.hbm_bytes_per_cycle(), 800.0);
  EXPECT_EQ(m.mxu.rate(DType::s8).chain, 2u);
  EXPECT_EQ(m.mxu.rate(DType::bf16).cycles_per_step, 1u);
  EXPECT_EQ(m.mxu.rate(DType::f32).cycles_per_step, 4u);
  EXPECT_EQ(m.mxu.rate(DType::s32).chain, 0u) << "unsupported";
}

TEST(Machine, TheOthersHaveTheirBandwidths) {
  EXPECT_NEAR(find_machine("edge16").hbm.table.bytes_per_second(), 25.6e9, 1e6);
  EXPECT_NEAR(find_machine("tpuv1").hbm.table.bytes_per_second(), 34.13e9, 1e7);
  EXPECT_EQ(find_machine("tpuv1").mxu.hypothetical.size(), 3u);
}

TEST(Machine, AnUnknownNameSuggestsTheNearest) {
  test::expect_error(ExitCode::Usage, "unknown configuration 'sever128'", [] { find_machine("sever128"); });
  test::expect_error(ExitCode::Usage, "did you mean 'server128'?", [] { find_machine("sever128"); });
  test::expect_error(ExitCode::Usage, "unknown configuration ''", [] { find_machine(""); });
  test::expect_error(ExitCode::Usage, "unknown configuration '../configs/edge16'",
                     [] { find_machine("../configs/edge16"); });
  test::expect_error(ExitCode::Usage, "/nonexistent.yaml: cannot be read",
                     [] { find_machine("/nonexistent.yaml"); });
}

TEST_F(EditedMachine, IsFoundByItsPath) {
  const std::string path = edited("server128.yaml", "freq_mhz: 1000", "freq_mhz: 500");
  EXPECT_EQ(find_machine(path).freq_mhz, 500u);
  EXPECT_EQ(find_machine(path).file, path);
}

TEST_F(EditedMachine, WithAnUnknownKeyIsRefusedWithTheNearestOne) {
  expect_refused(":3: top level: unknown key 'frq_mhz'; expected one of name, freq_mhz", "freq_mhz",
                 "frq_mhz");
  expect_refused_there("mxu: unknown key 'columns'", "cols", "columns");
  expect_refused_there("mxu.rates: unknown key 'fp8'", "f16: 1", "fp8: 1");
}

TEST_F(EditedMachine, WithAMissingKeyIsRefused) {
  expect_refused(":2: top level: missing key 'freq_mhz'", "freq_mhz: 1000\n", "");
  expect_refused_there("mxu: missing key 'rows'", "  rows: 128\n", "");
}

TEST_F(EditedMachine, WithARepeatedKeyIsRefused) {
  expect_refused(":4: top level: key 'freq_mhz' is given twice", "freq_mhz: 1000\n",
                 "freq_mhz: 1000\nfreq_mhz: 900\n");
}

TEST_F(EditedMachine, WithAValueOutOfItsRangeIsRefused) {
  expect_refused_there("top level.freq_mhz: 0 is outside 1 .. 10000", "freq_mhz: 1000", "freq_mhz: 0");
  expect_refused_there("mxu.rows: 4097 is outside 1 .. 1024", "rows: 128", "rows: 4097");
  expect_refused_there("mxu.rows: '-1' is no whole number", "rows: 128", "rows: -1");
  expect_refused_there("mxu.rows: '1.5' is no whole number", "rows: 128", "rows: 1.5");
  expect_refused_there("spm.banks: 63 is no power of two", "banks: 64", "banks: 63");
  expect_refused_there("mxu.rates.f32: '1/3' is no rate", "f32: 1/4", "f32: 1/3");
  expect_refused_there("mxu.rows: expected one value", "rows: 128", "rows: [128]");
  expect_refused_there("vxu: expected a mapping",
                       "vxu:\n  lanes: 256\n  setup_cycles: 20\n  divide_cycles_per_beat: 4", "vxu: 7");
}

TEST_F(EditedMachine, ThatIsImpossibleIsRefused) {
  expect_refused(": spm.capacity_kib = 1: 1024 bytes are no multiple of spm.banks x spm.bank_bytes = 4096",
                 "spm:\n  capacity_kib: 16384", "spm:\n  capacity_kib: 1");
  expect_refused(": acc.capacity_kib = 6: 6144 bytes are no multiple", "capacity_kib: 4096",
                 "capacity_kib: 6");
  expect_refused(": acc.capacity_kib = 1: a row of mxu.cols = 512 fp32 results does not fit",
                 "capacity_kib: 4096\n  banks: 64\n  bank_bytes: 64\nmxu:\n  rows: 128\n  cols: 128",
                 "capacity_kib: 1\n  banks: 16\n  bank_bytes: 64\nmxu:\n  rows: 128\n  cols: 512");
  expect_refused(": mxu.load_rows_per_cycle = 256 exceeds mxu.rows = 128", "load_rows_per_cycle: 4",
                 "load_rows_per_cycle: 256");
  expect_refused(": mxu.pe_latency = 4: only 1 is modelled", "pe_latency: 1", "pe_latency: 4");
  expect_refused(": mxu.rates: every dtype is unsupported",
                 "{f32: 1/4, f16: 1, bf16: 1, s8: 2, u8: 2, e4m3: 2, e5m2: 2}",
                 "{f32: 0, f16: 0, bf16: 0, s8: 0, u8: 0, e4m3: 0, e5m2: 0}");
  expect_refused(": mxu.hypothetical: f32 has rate 0",
                 "f32: 1/4, f16: 1, bf16: 1, s8: 2, u8: 2, e4m3: 2, e5m2: 2}\n  hypothetical: []",
                 "f32: 0, f16: 1, bf16: 1, s8: 2, u8: 2, e4m3: 2, e5m2: 2}\n  hypothetical: [f32]");
  expect_refused(": hbm.capacity_gib = 256: table hbm2_1563 has 131072 MiB in 64 channels",
                 "capacity_gib: 128", "capacity_gib: 256");
  expect_refused(": dma.request_bytes = 16 is no multiple of table hbm2_1563's burst of 32 bytes",
                 "request_bytes: 256", "request_bytes: 16");
}

TEST_F(EditedMachine, WithAnImpossibleMemoryControllerIsRefused) {
  expect_refused(": hbm.controller.page_policy = 'opne'; expected one of open, closed; did you mean 'open'?",
                 "page_policy: open", "page_policy: opne");
  expect_refused(": hbm.controller.refresh = 'per-bank'; expected one of all_bank, per_bank",
                 "refresh: all_bank", "refresh: per-bank");
  expect_refused(": hbm.controller.refresh_postpone = 9: table hbm2_1563 allows 8", "refresh_postpone: 8",
                 "refresh_postpone: 9");
  expect_refused(": hbm.controller.write_high = 65 exceeds write_queue = 64", "write_high: 56",
                 "write_high: 65");
  expect_refused(": hbm.controller.write_low = 56 is not below write_high = 56", "write_low: 8",
                 "write_low: 56");
  expect_refused(": hbm.controller.read_queue = 3: a request of 256 bytes is 4 accesses",
                 "column:2 group:2^all channel:6^poly column:3 byte:5\n    read_queue: 64",
                 "column:4 channel:6^poly group:2 column:1 byte:5\n    read_queue: 3");
  expect_refused(": hbm.controller.address_map: channel has 5 bits; table hbm2_1563 needs 6 (64 channels)",
                 "channel:6", "channel:5");
}

TEST_F(EditedMachine, WithPerBankRefreshNeedsATableThatHasIt) {
  const std::string path = edited("tpuv1.yaml", "refresh: all_bank", "refresh: per_bank");
  test::expect_error(
      ExitCode::Usage,
      path + ": hbm.controller.refresh = per_bank: table ddr3_2133 has no per-bank refresh (tRFCpb_ns = 0)",
      [&] { load_machine(path); });
}

TEST_F(EditedMachine, WithoutItsMemoryTableIsRefusedWithTheNearestName) {
  expect_refused(": hbm.table: no timing table 'hbm2_1536'", "hbm2_1563", "hbm2_1536");
}

TEST_F(EditedMachine, TakesTheMemoryTableBesideIt) {
  const std::string path = edited("server128.yaml", "name: server128", "name: mine");
  edited("memory/hbm2_1563.yaml", "tRP_ns: 14", "tRP_ns: 13");
  EXPECT_DOUBLE_EQ(load_machine(path).hbm.table.tRP_ns, 13);
}

TEST(Parameters, EachIsReadAndEachHasMeaningAndRange) {
  Machine machine = find_machine("server128");
  for (const Parameter& p : parameters(machine)) {
    EXPECT_FALSE(p.doc.empty()) << p.path;
    EXPECT_FALSE(p.value().empty()) << p.path;
    EXPECT_FALSE(p.range().empty()) << p.path;
  }
}

TEST(Parameters, ShowTheValuesThatWereRead) {
  Machine machine = find_machine("server128");
  const auto value = [&](const std::string& path) {
    for (const Parameter& p : parameters(machine))
      if (p.path == path) return p.value();
    return std::string("absent");
  };
  EXPECT_EQ(value("mxu.rates.f32"), "1/4");
  EXPECT_EQ(value("mxu.rates.s8"), "2");
  EXPECT_EQ(value("hbm.table"), "hbm2_1563");
  EXPECT_EQ(value("fabric.latency_cycles"), "20");
  EXPECT_EQ(value("mxu.hypothetical"), "[]");
}

TEST(Parameters, CompareListsExactlyWhatDiffers) {
  Machine a = find_machine("server128"), b = a;
  EXPECT_TRUE(compare(parameters(a), parameters(b)).empty());
  b.mxu.rows = 64;
  b.mxu.rates[static_cast<std::size_t>(DType::s8)] = {0, 0};
  const std::vector<ParameterChange> changes = compare(parameters(a), parameters(b));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].path, "mxu.rows");
  EXPECT_EQ(changes[0].before + " " + changes[0].after, "128 64");
  EXPECT_EQ(changes[1].after, "0");
}

}  // namespace
}  // namespace assay
