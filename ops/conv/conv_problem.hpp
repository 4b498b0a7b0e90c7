// How the convolution kernel sees its problem: one axis of space at a time, and where tensors lie in HBM.
// Freestanding, also compiled on the host by tests.
//
// A transposed convolution is done by phases: the outputs whose positions have the same remainder by the
// stride meet the same taps, and are an ordinary convolution of stride 1 with those, whose taps step back.
#pragma once

#include "ops/conv/conv_args.h"
#include "ops/device/device.hpp"

namespace conv {

using namespace device;  // these headers are the kernel's own
using i64 = int64_t;

constexpr u64 kD = ASSAY_CONV_D, kH = ASSAY_CONV_H, kW = ASSAY_CONV_W, kAxes = ASSAY_CONV_SPATIAL;

// One axis of one phase. Output position q and tap t meet at input position first + q * step + t * tap_step.
struct Axis {
  u64 out, taps;
  i64 first, step, tap_step;
  u64 in;                     // the input's extent: beyond it is the border
  u64 first_tap, tap_stride;  // tap t is first_tap + t * tap_stride of the kernel
  u64 y_first, y_step;        // output position q is y_first + q * y_step of Y
  u64 load_step;              // of the input, every so many positions are looked at
  i64 low;                    // the first position that output 0 looks at
  // In load steps: from an output, from a tap to the next; over all taps; tap 0 among those of an output.
  u64 out_move;
  i64 tap_move;
  u64 reach, tap_zero;

  // Positions that `count` outputs look at.
  u64 loaded(u64 count) const { return (count - 1) * out_move + reach + 1; }
  // The first position that output q looks at, in the input.
  i64 position(u64 q) const { return low + static_cast<i64>(q) * step; }
};

inline u64 gcd(u64 a, u64 b) {
  while (b != 0) {
    const u64 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// Phases along an axis.
inline u64 phases(const assay_conv_attributes& at, u64 i) {
  return at.transposed != 0 ? min(at.stride[i], at.out[i]) : 1;
}

// What follows from the rest.
inline void complete(Axis& a) {
  const bool back = a.tap_step < 0;
  const u64 tap = static_cast<u64>(back ? -a.tap_step : a.tap_step), step = static_cast<u64>(a.step);
  const u64 last = a.taps == 0 ? 0 : a.taps - 1;
  a.low = back ? a.first + static_cast<i64>(last) * a.tap_step : a.first;
  u64 out_move = step, tap_move = tap;
  a.load_step = 1;
  if (step != 1 && (tap != 1 || last == 0)) {
    a.load_step = last == 0 ? step : a.out > 1 ? gcd(step, tap) : tap;
    out_move = step / a.load_step;
    tap_move = last == 0 ? 0 : tap / a.load_step;
  }
  a.out_move = out_move;
  a.tap_move = back ? -static_cast<i64>(tap_move) : static_cast<i64>(tap_move);
  a.reach = last * tap_move;
  a.tap_zero = back ? a.reach : 0;
}

inline void set_axis(Axis& a, const assay_conv_attributes& at, u64 i, u64 phase) {
  a.in = at.in[i];
  a.taps = at.kernel[i];
  a.first_tap = a.y_first = 0;
  a.tap_stride = a.y_step = 1;
  if (at.transposed == 0) {
    a.out = at.out[i];
    a.first = -at.pad[i];
    a.step = static_cast<i64>(at.stride[i]);
    a.tap_step = static_cast<i64>(at.dilation[i]);
    return complete(a);
  }
  const u64 stride = at.stride[i], dilation = at.dilation[i], most = min(at.kernel[i], stride);
  const i64 from = static_cast<i64>(phase) + at.pad[i];
  const auto misses = [&](u64 tap) {
    return (from - static_cast<i64>(tap * dilation)) % static_cast<i64>(stride) != 0;
  };
  a.out = ceil_div(at.out[i] - phase, stride);
  while (a.first_tap < most && misses(a.first_tap)) ++a.first_tap;
  const bool none = a.first_tap == most;
  a.tap_stride = stride == 1 ? 1 : stride / gcd(stride, dilation);
  a.taps = none ? 0 : (at.kernel[i] - 1 - a.first_tap) / a.tap_stride + 1;
  a.first = none ? 0 : (from - static_cast<i64>(a.first_tap * dilation)) / static_cast<i64>(stride);
  a.step = 1;
  a.tap_step = -static_cast<i64>(dilation * a.tap_stride / stride);
  a.y_first = phase;
  a.y_step = stride;
  complete(a);
}

// Bytes between neighbours in HBM.
struct Strides {
  u64 outer;  // of X and Y: images; of W: groups
  u64 channel, space[kAxes];
};

struct Problem {
  const assay_conv_attributes* at;
  u64 depth;    // input channels of a group
  u64 columns;  // output channels of a group
  u64 element, out_element;
  u32 dtype, out_dtype, acc_dtype;
  int32_t x_zero, y_zero;          // zero points; 0 where there are none
  bool each_w_zero;                // a zero point for each output channel
  Strides x, y, w;                 // W's channel: the input's
  u64 w_column;                    // from an output channel's weights to the next one's
  Divisor tile_m, tile_n, tile_k;  // array rows, columns, stationary rows (rows x chain)
  u64 chain, cycles_per_step, load_rows, bank_word;
  u64 dataflow;

  bool activations_stationary() const { return dataflow == ASSAY_CONV_AS; }
  bool output_stationary() const { return dataflow == ASSAY_CONV_OS; }
  // Rows whose stream hides the load of the next stationary tile.
  u64 rows_per_load() const { return ceil_div(tile_m.value(), load_rows * cycles_per_step); }
};

// Of a tensor of `channels` and the extents `space`.
inline Strides strides_of(const u64* space, u64 channels, bool channels_last, u64 element) {
  Strides s;
  const u64 pixel = channels_last ? channels * element : element;
  s.space[kW] = pixel;
  s.space[kH] = space[kW] * pixel;
  s.space[kD] = space[kH] * s.space[kH];
  const u64 plane = space[kD] * s.space[kD];
  s.channel = channels_last ? element : plane;
  s.outer = channels_last ? plane : channels * plane;
  return s;
}

inline void read_layout(Problem& p) {
  const assay_conv_attributes& at = *p.at;
  const bool last = at.channels_last != 0, transposed = at.transposed != 0;
  p.x = strides_of(at.in, at.channels, last, p.element);
  p.y = strides_of(at.out, at.outputs, last, p.out_element);
  // W is a stack of such tensors: [M][C/g, k...], transposed [C][M/g, k...].
  p.w = strides_of(at.kernel, transposed ? p.columns : p.depth, last, p.element);
  p.w_column = p.w.outer;
  if (transposed) swap(p.w_column, p.w.channel);
  p.w.outer = transposed ? p.depth * p.w.channel : p.columns * p.w_column;
}

}  // namespace conv
