// What must hold between parameters.
#include <cmath>

#include "base/error.hpp"
#include "base/machine_yaml.hpp"

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
  for (const DType type : all_dtypes()) any = any || m.mxu.rate(type).chain > 0;
  require(any, m.file, "mxu.rates: every dtype is unsupported");
  for (const DType type : m.mxu.hypothetical)
    require(m.mxu.rate(type).chain > 0, m.file, "mxu.hypothetical: {} has rate 0", to_string(type));
}

}  // namespace

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
}

void check_hbm_table(const HbmTable& t, const std::string& file) {
  require(t.interleave_bytes % t.burst_bytes() == 0, file,
          "interleave_bytes = {} is no multiple of a burst, {} bytes", t.interleave_bytes, t.burst_bytes());
  require(t.interleave_bytes <= t.row_bytes, file, "interleave_bytes = {} exceeds row_bytes = {}",
          t.interleave_bytes, t.row_bytes);
  const double clock_ns = 2000.0 / t.data_rate_mbps;  // double data rate
  require(std::abs(t.tCK_ns - clock_ns) <= 0.01 * clock_ns, file,
          "tCK_ns = {}: data_rate_mbps = {} needs {:.4g}", t.tCK_ns, t.data_rate_mbps, clock_ns);
  require(t.tRFC_ns < t.tREFI_ns, file, "tRFC_ns = {} leaves nothing of tREFI_ns = {}", t.tRFC_ns,
          t.tREFI_ns);
  require(t.tRAS_ns >= t.tRCDRD_ns, file, "tRAS_ns = {} is below tRCDRD_ns = {}", t.tRAS_ns, t.tRCDRD_ns);
  require(t.tRRD_L_ns >= t.tRRD_S_ns, file, "tRRD_L_ns = {} is below tRRD_S_ns = {}", t.tRRD_L_ns,
          t.tRRD_S_ns);
  require(t.tCCD_L_ns >= t.tCCD_S_ns, file, "tCCD_L_ns = {} is below tCCD_S_ns = {}", t.tCCD_L_ns,
          t.tCCD_S_ns);
  require(t.tFAW_ns >= t.tRRD_S_ns, file, "tFAW_ns = {} is below tRRD_S_ns = {}", t.tFAW_ns, t.tRRD_S_ns);
}

}  // namespace assay
