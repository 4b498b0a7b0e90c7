// Explicit im2col: the matrix of patches into HBM, then its product with the weights.
//
// Bands of the image come to SPM with their border (dma_in), and leave as patches (dma_out), a tap of an
// output after another, channels fastest. The product is the convolution kernel's, of one tap: same order of
// products, same bits as the implicit way.
#define assay_kernel multiply_patches  // the entry of the convolution kernel
#include "ops/conv/conv_kernel.cpp"
#undef assay_kernel

#include "ops/conv/im2col_args.h"

namespace {

enum : u32 { kBandFilled = kSemaphores, kBandFreed, kAllSemaphores };

class Patches {
 public:
  explicit Patches(const assay_args& args)
      : x_(args.tensors[0].address), patches_(args.tensors[args.tensor_count - 1].address) {
    const auto& a = *reinterpret_cast<const assay_im2col_attributes*>(args.attributes);
    at_ = a.conv;
    for (u64 i = 0; i < 2; ++i) {
      at_.in[kH + i] = a.in[i];
      at_.kernel[kH + i] = a.kernel[i];
      at_.stride[kH + i] = a.stride[i];
      at_.dilation[kH + i] = a.dilation[i];
      at_.pad[kH + i] = a.pad[i];
    }
    at_.channels = a.conv.channels / (a.kernel[0] * a.kernel[1]);
    p_.at = &at_;
    p_.dtype = args.tensors[0].dtype;
    p_.element = p_.out_element = element_bytes(p_.dtype);
    p_.depth = at_.channels / at_.groups;
    p_.columns = at_.outputs / at_.groups;
    p_.bank_word = machine().spm_bank_bytes;
    read_layout(p_);
    for (u64 i = 0; i < kAxes; ++i) set_axis(axes_[i], at_, i, 0);
  }

  // False where no patch fits into SPM.
  bool write() {
    if (!choose_band()) return false;
    for (u64 image = 0; image < at_.batch; ++image)
      for (u64 group = 0; group < at_.groups; ++group)
        for (u64 h = 0; h < axes_[kH].out; h += rows_)
          for (u64 w = 0; w < axes_[kW].out; w += cols_) write_band(image, group, h, w);
    bands_.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kVxu);
    return true;
  }

 private:
  static constexpr u64 kZeroBytes = 64;

  // Two bands in SPM; so many bands that loads and stores overlap.
  bool choose_band() {
    rows_ = ceil_div(axes_[kH].out, 4);
    cols_ = axes_[kW].out;
    for (;;) {
      band_bytes_ = image_layout(p_, axes_, rows_, cols_).bytes;
      if (kZeroBytes + 2 * band_bytes_ <= machine().spm_bytes) return true;
      if (rows_ > 1) rows_ = (rows_ + 1) / 2;
      else if (cols_ > 1) cols_ = (cols_ + 1) / 2;
      else return false;
    }
  }

  void write_band(u64 image, u64 group, u64 h, u64 w) {
    const u64 rows = min(rows_, axes_[kH].out - h), cols = min(cols_, axes_[kW].out - w);
    Window v;
    window_of(p_, axes_, image, group, 0, h, rows, w, cols, v);
    v.at = kZeroBytes + buffer_ * band_bytes_;
    buffer_ ^= 1;
    bands_.produce_begin();
    if (all_border(v)) fill(v);
    else bring_planes(p_, axes_, v, 0, v.height, x_, 0);
    bands_.produce_end();
    bands_.consume_begin();
    store(v, (image * axes_[kH].out + h) * axes_[kW].out + w, group, rows, cols);
    bands_.consume_end();
  }

  // A band that looks at nothing but the border: no transfer fills where it brings nothing.
  [[gnu::noinline]] void fill(const Window& v) {
    if (!zero_there_) bring({x_, 0, p_.element, {}, 0, (8 - p_.element) / p_.element}, p_.element, 0);
    zero_there_ = true;
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut);
    const u64 elements = band_bytes_ / p_.element;
    VectorPass{1, static_cast<u32>(elements), f32_at(4, 0, 0)}.to(
        {static_cast<u32>(v.at), 0, static_cast<u32>(p_.element), p_.dtype});
    assay_fence_ai(1u << kVxu);
  }

  // From `pixel` on, counted over the batch.
  void store(const Window& v, u64 pixel, u64 group, u64 rows, u64 cols) const {
    const Axis &h = axes_[kH], &w = axes_[kW];
    const u64 tap = p_.depth * p_.element, patch = h.taps * w.taps * tap, pitch = at_.groups * patch;
    const u64 line = v.layout.space[kH], place = v.layout.space[kW];
    const u64 tap_w = static_cast<u64>(w.tap_move) * place, tap_h = static_cast<u64>(h.tap_move) * line;
    const Side col{cols, pitch, w.out_move * place}, row{rows, w.out * pitch, h.out_move * line};
    const Side taps_h{h.taps, w.taps * tap, tap_h};
    const u64 to = patches_ + pixel * pitch + group * patch;
    if (w.taps > 1 && tap_w == tap) put({to, v.at, w.taps * tap, {taps_h, col, row, {}}});
    else put({to, v.at, tap, {{w.taps, tap, tap_w}, taps_h, col, row}});
  }

  u64 x_, patches_;
  assay_conv_attributes at_;
  Problem p_;
  Axis axes_[kAxes];
  u64 rows_, cols_, band_bytes_;
  u64 buffer_ = 0;
  bool zero_there_ = false;
  Exchange<kDmaIn, kDmaOut, kBandFilled, kBandFreed> bands_{2};
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (!known(*args) || args->tensor_count < 4 || args->attribute_count * 8 < sizeof(assay_im2col_attributes))
    return ASSAY_STATUS_BAD_ARGS;
  if (machine().semaphores < kAllSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
  {
    Patches patches(*args);
    if (!patches.write()) return ASSAY_STATUS_NO_CAPACITY;
  }
  assay_args product = *args;
  product.tensors[0].address = args->tensors[args->tensor_count - 1].address;
  return multiply_patches(&product);
}
