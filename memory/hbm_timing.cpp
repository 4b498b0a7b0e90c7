#include "memory/hbm_timing.hpp"

#include <algorithm>
#include <cmath>

namespace assay::memory {
namespace {

std::uint64_t picoseconds(double nanoseconds) {
  return static_cast<std::uint64_t>(std::llround(nanoseconds * 1000.0));
}

// A burst is rounded up to whole picoseconds, so that no channel exceeds its pins' rate; what a decimal
// fraction in the table leaves over is not a picosecond.
constexpr double kRoundingPs = 1e-3;

}  // namespace

HbmTiming::HbmTiming(const HbmTable& table, std::uint32_t core_mhz)
    : t_cl_(picoseconds(table.tCL_ns)),
      t_cwl_(picoseconds(table.tCWL_ns)),
      t_rcd_read_(picoseconds(table.tRCDRD_ns)),
      t_rcd_write_(picoseconds(table.tRCDWR_ns)),
      t_rp_(picoseconds(table.tRP_ns)),
      t_ras_(picoseconds(table.tRAS_ns)),
      t_rrd_(picoseconds(table.tRRD_S_ns)),
      t_faw_(picoseconds(table.tFAW_ns)),
      t_wtr_(picoseconds(table.tWTR_ns)),
      t_rtw_(picoseconds(table.tRTW_ns)),
      t_rtp_(picoseconds(table.tRTP_ns)),
      t_wr_(picoseconds(table.tWR_ns)),
      t_refi_(picoseconds(table.tREFI_ns)),
      t_rfc_(picoseconds(table.tRFC_ns)),
      interleave_bytes_(table.interleave_bytes),
      granules_per_row_(table.row_bytes / table.interleave_bytes),
      banks_(table.bank_groups * table.banks_per_group),
      burst_bytes_(table.bus_bits / 8 * table.burst_length),
      burst_ps_(static_cast<Ps>(std::ceil(table.burst_ns() * 1000.0 - kRoundingPs))),
      core_mhz_(core_mhz) {
  channels_.resize(std::size_t{table.stacks} * table.pseudo_channels);
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    channels_[i].banks.resize(banks_);
    // Channels refresh one after the other, spread evenly over tREFI.
    channels_[i].next_refresh = t_refi_ * (i + 1) / channels_.size();
  }
}

HbmTiming::Place HbmTiming::locate(std::uint64_t offset) const {
  const std::uint64_t granule = offset / interleave_bytes_;
  const std::uint64_t in_channel = granule / channels_.size();
  // The granule's index within its channel is folded into the channel number, so that power-of-two
  // strides spread over all channels. For each in_channel it permutes the channels: no two granules
  // share a place.
  std::uint64_t channel = granule % channels_.size();
  if (channels_.size() > 1 && (channels_.size() & (channels_.size() - 1)) == 0)
    for (std::uint64_t fold = in_channel; fold != 0; fold /= channels_.size())
      channel ^= fold % channels_.size();
  const std::uint64_t page = in_channel / granules_per_row_;
  return {static_cast<std::size_t>(channel), static_cast<std::size_t>(page % banks_),
          static_cast<std::int64_t>(page / banks_)};
}

// Performs every refresh that fell due by `now`: once its banks can be precharged, the channel is blocked
// for tRFC and all its rows are closed. One that falls due while the bus is busy follows what is under way.
void HbmTiming::refresh_until(Channel& channel, Ps now) {
  while (std::max(now, channel.bus_free) >= channel.next_refresh) {
    Ps start = std::max(channel.next_refresh, channel.bus_free);
    for (const Bank& bank : channel.banks)
      if (bank.row >= 0) start = std::max(start, bank.precharge_from + t_rp_);
    const Ps end = start + t_rfc_;
    if (now >= channel.next_refresh && now < end) ++counters_.refresh_waits;
    channel.bus_free = end;
    for (Bank& bank : channel.banks) {
      bank.row = -1;
      bank.precharge_from = 0;
      bank.ready = end;
    }
    channel.next_refresh += t_refi_;
  }
}

// Returns when the bank has `row` open and may take a column command, tRCD not yet counted.
HbmTiming::Ps HbmTiming::open_row(Channel& channel, Bank& bank, std::int64_t row, Ps now) {
  Ps act = std::max(now, bank.ready);
  if (bank.row >= 0) act = std::max(act, std::max(now, bank.precharge_from) + t_rp_);
  const Ps previous = channel.last_acts[(channel.next_act + 3) % 4];
  const Ps fourth_last = channel.last_acts[channel.next_act];
  if (channel.acts > 0) act = std::max(act, previous + t_rrd_);
  if (channel.acts >= 4) act = std::max(act, fourth_last + t_faw_);
  channel.last_acts[channel.next_act] = act;
  channel.next_act = (channel.next_act + 1) % 4;
  ++channel.acts;
  bank.row = row;
  bank.precharge_from = act + t_ras_;
  return act;
}

Cycle HbmTiming::access(Cycle arrival, std::uint64_t offset, std::uint32_t bytes, bool write) {
  const Ps now = ceil_div(arrival.count() * 1'000'000, core_mhz_);
  const Place place = locate(offset);
  Channel& channel = channels_[place.channel];
  Bank& bank = channel.banks[place.bank];
  refresh_until(channel, now);

  Ps column = now;
  if (bank.row == place.row) {
    ++counters_.row_hits;
    column = std::max(column, bank.column_from);
  } else {
    ++counters_.row_misses;
    const Ps act = open_row(channel, bank, place.row, now);
    column = act + (write ? t_rcd_write_ : t_rcd_read_);
    bank.column_from = column;
  }
  column = std::max({column, channel.bus_free, write ? channel.write_from : channel.read_from});

  // Whole bursts move, each with the bytes between two multiples of its size.
  const Ps transfer = ceil_div(offset % burst_bytes_ + bytes, burst_bytes_) * burst_ps_;
  const Ps last = column + (write ? t_cwl_ : t_cl_) + transfer;
  channel.bus_free = column + transfer;
  if (write) channel.read_from = last + t_wtr_;
  else channel.write_from = column + transfer + t_rtw_;
  const Ps recovery = write ? last + t_wr_ : column + transfer - burst_ps_ + t_rtp_;
  bank.precharge_from = std::max(bank.precharge_from, recovery);

  (write ? counters_.writes : counters_.reads) += 1;
  (write ? counters_.written_bytes : counters_.read_bytes) += Bytes(bytes);
  return Cycle(ceil_div(last * core_mhz_, 1'000'000));
}

}  // namespace assay::memory
