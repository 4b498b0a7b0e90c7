// Rotary: a tile of positions at a time; its cosines and sines come once, and stay while the planes (batch
// items, heads) pass through two buffers on either side.
//
// Tensors: Y, X, cos, sin. Words: planes, positions, elements of a row.
#include "ops/device/kernel.hpp"
#include "ops/device/vector.hpp"

namespace {

using namespace device;

enum : u32 { kTrigFilled, kTrigFreed, kRowsFilled, kRowsFreed, kOutFilled, kOutFreed, kSemaphores };

constexpr u32 kMinusOne = 0xBF800000;
constexpr u64 kTile = 256 * 1024;  // bytes of X at a time: transfers as long as their latencies

class Rotary {
 public:
  explicit Rotary(const assay_args& args)
      : y_(args.tensors[0].address),
        x_(args.tensors[1].address),
        cos_(args.tensors[2].address),
        sin_(args.tensors[3].address),
        x_dtype_(args.tensors[1].dtype),
        trig_dtype_(args.tensors[2].dtype),
        planes_(args.attributes[0]),
        positions_(args.attributes[1]),
        depth_(args.attributes[2]),
        half_(depth_ / 2),
        row_(depth_ * element_bytes(x_dtype_)),
        trig_row_(half_ * element_bytes(trig_dtype_)) {}

  u32 run() {
    if (machine().semaphores < kSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
    const u64 word = machine().spm_bank_bytes;
    const u64 each = 2 * trig_row_ + 8 * half_ + 4 * row_;  // bytes of SPM for a position
    const u64 room = machine().spm_bytes - 8 * word;
    if (each > room) return ASSAY_STATUS_NO_CAPACITY;
    rows_ = min(min(positions_, room / each), max<u64>(1, kTile / row_));
    place(word);
    for (u64 first = 0; first < positions_; first += rows_) turn(first, min(rows_, positions_ - first));
    trig_.drain();
    in_.drain();
    out_.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kVxu);
    return 0;
  }

 private:
  void place(u64 word) {
    u64 at = 0;
    const auto take = [&](u64 bytes) {
      const u64 here = at;
      at = align_up(at + bytes, word);
      return static_cast<u32>(here);
    };
    cos_at_ = take(rows_ * trig_row_);
    sin_at_ = take(rows_ * trig_row_);
    minus_at_ = take(rows_ * half_ * 4);
    product_at_ = take(rows_ * half_ * 4);
    for (u32& buffer : in_at_) buffer = take(rows_ * row_);
    for (u32& buffer : out_at_) buffer = take(rows_ * row_);
  }

  // All planes of a tile of positions.
  void turn(u64 first, u64 rows) {
    const u32 bytes = static_cast<u32>(rows * trig_row_);
    trig_.produce_begin();
    dma_in({cos_ + first * trig_row_, cos_at_, bytes, 1, 0, 0});
    dma_in({sin_ + first * trig_row_, sin_at_, bytes, 1, 0, 0});
    trig_.produce_end();
    trig_.consume_begin();
    pass(rows, trig(sin_at_)).scaled(kMinusOne).to(wide(minus_at_));
    for (u64 plane = 0; plane < planes_; ++plane) turn_plane(plane, first, rows);
    trig_.consume_end();
  }

  void turn_plane(u64 plane, u64 first, u64 rows) {
    const u64 offset = (plane * positions_ + first) * row_;
    const u32 from = in_at_[buffer_], to = out_at_[buffer_], bytes = static_cast<u32>(rows * row_);
    buffer_ ^= 1;
    in_.produce_begin();
    dma_in({x_ + offset, from, bytes, 1, 0, 0});
    in_.produce_end();
    in_.consume_begin();
    out_.produce_begin();
    half(rows, from, to, 0, wide(minus_at_));
    half(rows, from, to, 1, trig(sin_at_));
    in_.consume_end();
    out_.produce_end();
    out_.consume_begin();
    dma_out({y_ + offset, to, bytes, 1, 0, 0});
    out_.consume_end();
  }

  // One half of the output: cos times the same half of x, and `other` times the other half.
  void half(u64 rows, u32 from, u32 to, u64 which, const Place& other) const {
    const u32 bytes = static_cast<u32>(row_ / 2), at = which == 0 ? 0 : bytes;
    pass(rows, x(from + bytes - at)).scaled(other).to(wide(product_at_));
    pass(rows, x(from + at)).scaled(trig(cos_at_)).biased(wide(product_at_)).to(x(to + at));
  }

  VectorPass pass(u64 rows, const Place& of) const {
    return {static_cast<u32>(rows), static_cast<u32>(half_), of};
  }
  Place x(u32 at) const { return {at, static_cast<u32>(row_), element_bytes(x_dtype_), x_dtype_}; }
  Place trig(u32 at) const {
    return {at, static_cast<u32>(trig_row_), element_bytes(trig_dtype_), trig_dtype_};
  }
  Place wide(u32 at) const { return f32_at(at, static_cast<u32>(4 * half_)); }

  const u64 y_, x_, cos_, sin_;
  const u32 x_dtype_, trig_dtype_;
  const u64 planes_, positions_, depth_, half_, row_, trig_row_;
  u64 rows_ = 0;
  u32 cos_at_ = 0, sin_at_ = 0, minus_at_ = 0, product_at_ = 0, in_at_[2] = {}, out_at_[2] = {};
  u32 buffer_ = 0;
  Exchange<kDmaIn, kVxu, kTrigFilled, kTrigFreed> trig_{1};
  Exchange<kDmaIn, kVxu, kRowsFilled, kRowsFreed> in_{2};
  Exchange<kVxu, kDmaOut, kOutFilled, kOutFreed> out_{2};
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (!known(*args) || args->tensor_count != 4 || args->attribute_count != 3) return ASSAY_STATUS_BAD_ARGS;
  return Rotary(*args).run();
}
