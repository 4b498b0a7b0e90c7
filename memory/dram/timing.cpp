#include "memory/dram/timing.hpp"

#include <cmath>

namespace assay::memory {

DramTiming::DramTiming(const HbmTable& t)
    : groups(t.bank_groups),
      banks_per_group(t.banks_per_group),
      columns(t.row_bytes / t.burst_bytes()),
      one_bus(t.command_buses == 1),
      activate(t.activate_clocks),
      precharge(t.precharge_clocks),
      column(t.column_clocks) {
  // What a decimal fraction in the table leaves over is not a clock.
  const auto clocks = [&t](double ns) { return static_cast<Clock>(std::ceil(ns / t.tCK_ns - 1e-6)); };
  burst = std::max<Clock>(1, static_cast<Clock>(std::lround(t.burst_ns() / t.tCK_ns)));
  read_data = clocks(t.tCL_ns);
  write_data = clocks(t.tCWL_ns);
  rcd_read = clocks(t.tRCDRD_ns);
  rcd_write = clocks(t.tRCDWR_ns);
  rp = clocks(t.tRP_ns);
  ras = clocks(t.tRAS_ns);
  rc = clocks(t.tRC_ns);
  rrd_s = clocks(t.tRRD_S_ns);
  rrd_l = clocks(t.tRRD_L_ns);
  faw = clocks(t.tFAW_ns);
  ccd_s = clocks(t.tCCD_S_ns);
  ccd_l = clocks(t.tCCD_L_ns);
  read_to_write = clocks(t.tRTW_ns);
  write_to_read_s = write_data + burst + clocks(t.tWTR_S_ns);
  write_to_read_l = write_data + burst + clocks(t.tWTR_L_ns);
  read_to_precharge = clocks(t.tRTP_ns);
  write_to_precharge = write_data + burst + clocks(t.tWR_ns);
  refi = static_cast<Clock>(t.tREFI_ns / t.tCK_ns + 1e-6);  // a maximum
  rfc = clocks(t.tRFC_ns);
  rfc_bank = clocks(t.tRFCpb_ns);
  refresh_gap = clocks(t.tRREFD_ns);
}

}  // namespace assay::memory
