// What must hold between parameters.
#include <cmath>

#include "base/address_map.hpp"
#include "base/error.hpp"
#include "base/machine_yaml.hpp"
#include "base/suggest.hpp"

namespace assay {
namespace {

template <typename... Args>
void require(bool holds, const std::string& file, fmt::format_string<Args...> format, Args&&... args) {
  if (!holds) fail(ExitCode::Usage, "{}: {}", file, fmt::format(format, std::forward<Args>(args)...));
}

void check_banks(const std::string& file, const char* name, const Machine::LocalMemory& memory) {
  const std::uint64_t row = std::uint64_t{memory.banks} * memory.bank_bytes;
  require(memory.bytes().count() % row == 0, file,
          "{0}.capacity_kib = {1}: {2} bytes are no multiple of {0}.banks x {0}.bank_bytes = {3}", name,
          memory.capacity_kib, memory.bytes().count(), row);
}

void check_mxu(const Machine& m) {
  require(m.mxu.pe_latency == 1, m.file, "mxu.pe_latency = {}: only 1 is modelled", m.mxu.pe_latency);
  require(m.mxu.load_rows_per_cycle <= m.mxu.rows, m.file,
          "mxu.load_rows_per_cycle = {} exceeds mxu.rows = {}", m.mxu.load_rows_per_cycle, m.mxu.rows);
  require(m.acc.bytes().count() >= std::uint64_t{m.mxu.cols} * 4, m.file,
          "acc.capacity_kib = {}: a row of mxu.cols = {} fp32 results does not fit", m.acc.capacity_kib,
          m.mxu.cols);
  bool any = false;
  for (const DType type : engine_dtypes()) any = any || m.mxu.rate(type).chain > 0;
  require(any, m.file, "mxu.rates: every dtype is unsupported");
  for (const DType type : m.mxu.hypothetical)
    require(m.mxu.rate(type).chain > 0, m.file, "mxu.hypothetical: {} has rate 0", to_string(type));
}

// A word out of a few; the nearest one is offered.
void check_choice(const std::string& file, const char* key, const std::string& value,
                  const std::vector<std::string>& choices) {
  for (const std::string& choice : choices)
    if (choice == value) return;
  fail(ExitCode::Usage, "{}: {} = '{}'; {}", file, key, value, expected_one_of(value, choices));
}

}  // namespace

void check_controller(const Machine& m) {
  const HbmTable& table = m.hbm.table;
  const Machine::MemoryController& c = m.hbm.controller;
  check_choice(m.file, "hbm.controller.page_policy", c.page_policy, {"open", "closed"});
  check_choice(m.file, "hbm.controller.refresh", c.refresh, {"all_bank", "per_bank"});
  require(!m.hbm.per_bank_refresh() || table.tRFCpb_ns > 0, m.file,
          "hbm.controller.refresh = per_bank: table {} has no per-bank refresh (tRFCpb_ns = 0)", table.name);
  require(c.refresh_postpone <= table.refresh_postpone_max, m.file,
          "hbm.controller.refresh_postpone = {}: table {} allows {}", c.refresh_postpone, table.name,
          table.refresh_postpone_max);
  require(c.write_high <= c.write_queue, m.file, "hbm.controller.write_high = {} exceeds write_queue = {}",
          c.write_high, c.write_queue);
  require(c.write_low < c.write_high, m.file, "hbm.controller.write_low = {} is not below write_high = {}",
          c.write_low, c.write_high);
  const AddressMap map(c.address_map, table, m.file + ": hbm.controller.address_map");
  const std::uint32_t accesses = map.interleave_bytes() / map.run_bytes();
  require(c.read_queue >= accesses && c.write_queue >= accesses, m.file,
          "hbm.controller.{} = {}: a request of {} bytes is {} accesses",
          c.read_queue < accesses ? "read_queue" : "write_queue", std::min(c.read_queue, c.write_queue),
          map.interleave_bytes(), accesses);
}

void check_machine(const Machine& m) {
  check_banks(m.file, "spm", m.spm);
  check_banks(m.file, "acc", m.acc);
  check_mxu(m);
  const HbmTable& table = m.hbm.table;
  require(m.hbm.bytes() <= table.capacity(), m.file,
          "hbm.capacity_gib = {}: table {} has {} MiB in {} channels", m.hbm.capacity_gib, table.name,
          table.capacity().count() >> 20, table.channels());
  require(m.dma.request_bytes % table.burst_bytes() == 0, m.file,
          "dma.request_bytes = {} is no multiple of table {}'s burst of {} bytes", m.dma.request_bytes,
          table.name, table.burst_bytes());
  check_controller(m);
}

namespace {

// A table's times in clocks, as the controller counts them: what a decimal fraction leaves over is none.
class Clocks {
 public:
  explicit Clocks(const HbmTable& table) : t_(table) {}
  std::uint64_t of(double ns) const { return static_cast<std::uint64_t>(std::ceil(ns / t_.tCK_ns - 1e-6)); }
  std::uint64_t burst() const { return of(t_.burst_ns() * 0.99); }

 private:
  const HbmTable& t_;
};

void check_clock(const HbmTable& t, const std::string& file) {
  const auto runs_at = [&](int transfers_a_clock) {
    const double needed = 1000.0 * transfers_a_clock / t.data_rate_mbps;
    return std::abs(t.tCK_ns - needed) <= 0.01 * needed;
  };
  require(runs_at(2) || runs_at(4), file,
          "tCK_ns = {}: data_rate_mbps = {} needs {:.4g} (two transfers a clock) or {:.4g} (four)", t.tCK_ns,
          t.data_rate_mbps, 2000.0 / t.data_rate_mbps, 4000.0 / t.data_rate_mbps);
}

void check_rows(const HbmTable& t, const std::string& file) {
  const Clocks clocks(t);
  require(t.tRAS_ns >= t.tRCDRD_ns, file, "tRAS_ns = {} is below tRCDRD_ns = {}", t.tRAS_ns, t.tRCDRD_ns);
  require(t.tRAS_ns >= t.tRCDWR_ns, file, "tRAS_ns = {} is below tRCDWR_ns = {}", t.tRAS_ns, t.tRCDWR_ns);
  require(t.tRC_ns >= t.tRAS_ns + t.tRP_ns - 1e-9, file, "tRC_ns = {} is below tRAS_ns + tRP_ns = {}",
          t.tRC_ns, t.tRAS_ns + t.tRP_ns);
  require(t.tRRD_L_ns >= t.tRRD_S_ns, file, "tRRD_L_ns = {} is below tRRD_S_ns = {}", t.tRRD_L_ns,
          t.tRRD_S_ns);
  require(t.tFAW_ns >= 4 * t.tRRD_S_ns - 1e-9, file,
          "tFAW_ns = {}: four activates take 4 x tRRD_S_ns = {} already; a window needs at least that",
          t.tFAW_ns, 4 * t.tRRD_S_ns);
  require(t.activate_clocks <= clocks.of(t.tRRD_S_ns), file,
          "activate_clocks = {} exceeds the {} clocks of tRRD_S_ns = {}", t.activate_clocks,
          clocks.of(t.tRRD_S_ns), t.tRRD_S_ns);
}

void check_columns(const HbmTable& t, const std::string& file) {
  const Clocks clocks(t);
  require(t.tCCD_L_ns >= t.tCCD_S_ns, file, "tCCD_L_ns = {} is below tCCD_S_ns = {}", t.tCCD_L_ns,
          t.tCCD_S_ns);
  require(clocks.of(t.tCCD_S_ns) >= clocks.burst(), file,
          "tCCD_S_ns = {} is below the {:.4g} ns of a burst's data", t.tCCD_S_ns, t.burst_ns());
  require(t.column_clocks <= clocks.of(t.tCCD_S_ns), file,
          "column_clocks = {} exceeds the {} clocks of tCCD_S_ns = {}", t.column_clocks,
          clocks.of(t.tCCD_S_ns), t.tCCD_S_ns);
  require(t.tWTR_L_ns >= t.tWTR_S_ns, file, "tWTR_L_ns = {} is below tWTR_S_ns = {}", t.tWTR_L_ns,
          t.tWTR_S_ns);
  const std::uint64_t read_end = clocks.of(t.tCL_ns) + clocks.burst();
  require(clocks.of(t.tRTW_ns) + clocks.of(t.tCWL_ns) >= read_end, file,
          "tRTW_ns = {}: read and write data meet on the bus; tCL + burst - tCWL needs {:.4g}", t.tRTW_ns,
          static_cast<double>(read_end - clocks.of(t.tCWL_ns)) * t.tCK_ns);
}

void check_refresh(const HbmTable& t, const std::string& file) {
  require(t.tRFC_ns < t.tREFI_ns, file, "tRFC_ns = {} leaves nothing of tREFI_ns = {}", t.tRFC_ns,
          t.tREFI_ns);
  require(t.tRFC_ns + t.tRC_ns < t.tREFI_ns, file,
          "tRFC_ns = {}: between refreshes, {} ns of tREFI_ns, no row can be opened and closed (tRC_ns = {})",
          t.tRFC_ns, t.tREFI_ns - t.tRFC_ns, t.tRC_ns);
  if (t.tRFCpb_ns == 0) {
    require(t.tRREFD_ns == 0, file, "tRREFD_ns = {} without per-bank refresh (tRFCpb_ns = 0)", t.tRREFD_ns);
    return;
  }
  require(t.tRFCpb_ns <= t.tRFC_ns, file, "tRFCpb_ns = {} exceeds tRFC_ns = {}", t.tRFCpb_ns, t.tRFC_ns);
  require(t.tRREFD_ns > 0, file, "tRREFD_ns = 0 with per-bank refresh (tRFCpb_ns = {})", t.tRFCpb_ns);
  require(t.tRREFD_ns <= t.tRFCpb_ns, file, "tRREFD_ns = {} exceeds tRFCpb_ns = {}", t.tRREFD_ns,
          t.tRFCpb_ns);
  require(t.tRREFD_ns * t.banks() < t.tREFI_ns, file,
          "tRREFD_ns = {}: refreshes of {} banks take {}, and tREFI_ns is {}", t.tRREFD_ns, t.banks(),
          t.tRREFD_ns * t.banks(), t.tREFI_ns);
}

}  // namespace

void check_hbm_table(const HbmTable& t, const std::string& file) {
  require(t.banks() <= 64, file, "bank_groups x banks_per_group = {}: a pseudo-channel has at most 64 banks",
          t.banks());
  require(t.burst_bytes() <= t.row_bytes, file, "row_bytes = {} is below a burst, {} bytes", t.row_bytes,
          t.burst_bytes());
  check_clock(t, file);
  check_rows(t, file);
  check_columns(t, file);
  check_refresh(t, file);
}

}  // namespace assay
