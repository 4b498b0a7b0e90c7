// The order in which the convolution kernel goes through its problem: slab by slab of a block of columns,
// block by block of a band, band by band of an image; images, phases, groups.
#pragma once

#include "ops/conv/conv_transfer.hpp"

namespace conv {

// A slab of a block of a band.
struct Step {
  u64 group, phase[kAxes], image;
  u64 d, h, w, rows, cols;  // the band: its first output, in its phase
  u64 column, columns;      // the block, within the group
  u64 k, depth;             // the slab
  u64 products;             // of an output of the phase
  u64 slab;                 // its place among the plan's slabs
  u64 band;                 // how many there were before
  u64 half, buffer;         // of ACC: its first byte; of the images
  const Axis* axes;
  Window window;
  bool begins_band, ends_band, ends_tile, last;
  bool first_band, last_band;  // of the group and phase: between them resident weights stay
};

// Goes from step to step. One Walk is ahead, loading operands, another one follows and multiplies.
class Walk {
 public:
  Walk(const Problem& p, const Plan& plan) : p_(p), plan_(plan) {}
  const Step& step() const { return s_; }

  // `axes`: of the first phase.
  void begin(const Axis* axes) {
    s_.group = s_.image = s_.slab = s_.buffer = s_.band = 0;
    s_.half = plan_.acc_half;
    for (u64& phase : s_.phase) phase = 0;
    s_.axes = axes;
    begin_phase();
  }

  // As one that has begun, and gone no further than the first phase.
  void begin_as(const Walk& other) { s_ = other.s_; }

  // False where there is no next step.
  bool advance() {
    Step& s = s_;
    if (s.last) return false;
    if (s.depth > 0) s.slab = s.slab + 1 == plan_.slabs ? 0 : s.slab + 1;
    if (!s.ends_tile) {
      s.k += s.depth;
      begin_slab();
    } else if (!s.ends_band) {
      s.column += s.columns;
      begin_block();
    } else next_band();
    return true;
  }

 private:
  void begin_phase() {
    s_.products = products(p_, s_.axes);
    s_.d = s_.h = s_.w = 0;
    s_.first_band = true;
    begin_band();
  }

  void begin_band() {
    Step& s = s_;
    s.rows = min(plan_.rows, s.axes[kH].out - s.h);
    s.cols = min(plan_.cols, s.axes[kW].out - s.w);
    s.last_band = s.image + 1 == p_.at->batch && s.d + 1 == s.axes[kD].out &&
                  s.h + s.rows == s.axes[kH].out && s.w + s.cols == s.axes[kW].out;
    window_of(p_, s.axes, s.image, s.group, s.d, s.h, s.rows, s.w, s.cols, s.window);
    s.window.at = plan_.image_at + s.buffer * plan_.image_bytes;
    s.column = 0;
    if (plan_.resident) s.slab = 0;
    begin_block();
  }

  void begin_block() {
    s_.columns = min(plan_.nt, p_.columns - s_.column);
    s_.half ^= plan_.acc_half;
    s_.k = 0;
    begin_slab();
  }

  // The first slab is one tile deep, so that it is there soon.
  void begin_slab() {
    Step& s = s_;
    const u64 rest = s.products - s.k;
    const u64 most = !plan_.linear ? rest : s.k == 0 ? min(plan_.kt, p_.tile_k.value()) : plan_.kt;
    s.depth = min(rest, most);
    s.begins_band = s.k == 0 && s.column == 0;
    s.ends_tile = s.depth == rest;
    s.ends_band = s.ends_tile && s.column + s.columns == p_.columns;
    s.last = s.ends_band && s.last_band && s.group + 1 == p_.at->groups && last_phase();
  }

  bool last_phase() const {
    if (p_.at->transposed == 0) return true;
    for (u64 a = 0; a < kAxes; ++a)
      if (s_.phase[a] + 1 != phases(*p_.at, a)) return false;
    return true;
  }

  void next_band() {
    Step& s = s_;
    ++s.band;
    if (s.products > 0) s.buffer = s.buffer + 1 == plan_.images ? 0 : s.buffer + 1;
    if (s.last_band) return next_phase();
    s.first_band = false;
    s.w += s.cols;
    if (s.w == s.axes[kW].out) {
      s.w = 0;
      s.h += s.rows;
    }
    if (s.h == s.axes[kH].out) {
      s.h = 0;
      ++s.d;
    }
    if (s.d == s.axes[kD].out) {
      s.d = 0;
      ++s.image;
    }
    begin_band();
  }

  void next_phase() {
    s_.image = 0;
    if (p_.at->transposed == 0 || !more_phases()) ++s_.group;
    if (p_.at->transposed != 0) {
      for (u64 a = 0; a < kAxes; ++a) set_axis(own_[a], *p_.at, a, s_.phase[a]);
      s_.axes = own_;
    }
    begin_phase();
  }
  bool more_phases() {
    for (u64 a = kAxes; a-- > 0; s_.phase[a] = 0)
      if (++s_.phase[a] < phases(*p_.at, a)) return true;
    return false;
  }

  const Problem& p_;
  const Plan& plan_;
  Step s_;
  Axis own_[kAxes];  // of a phase but the first
};

// The pieces in which the first band comes, in output rows: ever larger ones, so that the array starts early.
class Pieces {
 public:
  explicit Pieces(const Step& s) : s_(s) { next(); }
  u64 rows() const { return rows_; }      // that may be computed with what has come
  u64 window() const { return window_; }  // rows of the window that have come with it
  bool last() const { return rows_ == s_.rows; }
  void next() {
    constexpr u64 kFirst = 96;  // pixels, about
    rows_ = s_.band > 0 ? s_.rows
                        : min(s_.rows, rows_ == 0 ? (s_.cols >= kFirst ? u64{1} : ceil_div(kFirst, s_.cols))
                                                  : 2 * rows_);
    // With a row of the image among them, and all that is behind the image.
    window_ = max(s_.axes[kH].loaded(rows_), s_.window.h.from + 1);
    if (window_ >= s_.window.h.to || last()) window_ = s_.window.height;
  }

 private:
  const Step& s_;
  u64 rows_ = 0, window_ = 0;
};

// The pixels of a band in the blocks in which they come, or go: ever larger ones where they come, so that the
// array starts early; ever smaller ones where they go, so that little is left to do when it has finished.
class Blocks {
 public:
  Blocks(u64 total, u64 unit, u64 least, bool grows, bool tapers)
      : total_(total), unit_(unit), least_(least), grows_(grows), tapers_(tapers) {
    take();
  }
  explicit operator bool() const { return size_ > 0; }
  u64 at() const { return at_; }
  u64 size() const { return size_; }
  bool last() const { return at_ + size_ == total_; }
  void next() {
    at_ += size_;
    take();
  }

 private:
  void take() {
    const u64 rest = total_ - at_;
    size_ = rest;
    if (grows_) size_ = min(size_, max(least_, at_));
    if (tapers_) size_ = min(size_, max(least_, align_up(3 * rest / 8, unit_)));
    if (rest - size_ < least_ / 2) size_ = rest;
  }

  u64 total_, unit_, least_;
  bool grows_, tapers_;
  u64 at_ = 0, size_ = 0;
};

}  // namespace conv
