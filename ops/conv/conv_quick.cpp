#include "ops/conv/conv_quick.hpp"

#include <algorithm>

#include "base/units.hpp"

namespace assay::ops {
namespace {

constexpr std::uint64_t kLargestLoad = 512 * 1024;
constexpr std::uint64_t kBankBytes = 64;  // the widest word of SPM that the sizes here allow for

std::uint64_t digit(std::uint64_t count, std::uint64_t bytes) { return count | bytes << 32; }
std::uint64_t whole_words(std::uint64_t bytes) { return (bytes + kBankBytes - 1) / kBankBytes * kBankBytes; }

// How an axis of the image lies in SPM. A kernel of one row (or column) looks at every stride-th one alone.
struct Extent {
  std::uint64_t move, reach, size;  // from an output to the next; beyond an output's first; all
  std::uint64_t before, end;        // the first and the last but one of the input
  std::uint64_t load_step;          // of the input
};

Extent extent_of(const ConvAxis& a) {
  Extent e{};
  e.load_step = a.kernel == 1 ? a.stride : 1;
  e.move = a.stride / e.load_step;
  e.reach = (a.kernel - 1) * a.dilation;
  e.size = (a.out - 1) * e.move + e.reach + 1;
  e.before = static_cast<std::uint64_t>(a.pad);
  e.end = e.load_step != 1 ? e.size : std::min(e.size, a.in + e.before);
  return e;
}

// No output looks at the border alone, and nothing is cropped in front.
bool always_inside(const ConvAxis& a) {
  const std::uint64_t reach = (a.kernel - 1) * a.dilation;
  return a.pad >= 0 && static_cast<std::uint64_t>(a.pad) <= reach &&
         (a.out - 1) * a.stride < a.in + static_cast<std::uint64_t>(a.pad);
}

bool is_simple(const ConvForm& f, std::uint64_t dataflow) {
  const ConvAxis& d = f.axes[ASSAY_CONV_D];
  return f.batch == 1 && f.groups == 1 && !f.transposed && f.channels_last &&
         f.epilogue == ConvForm::Epilogue::Float && d.in == 1 && d.kernel == 1 && d.out == 1 && d.pad == 0 &&
         dataflow != ASSAY_CONV_OS && always_inside(f.axes[ASSAY_CONV_H]) &&
         always_inside(f.axes[ASSAY_CONV_W]);
}

// The piece behind that one, or the first one: the image's part for the results before row `rows`.
assay_conv_piece piece_of(const assay_conv_quick& q, const assay_conv_piece* before, std::uint64_t rows,
                          std::uint64_t all) {
  const std::uint64_t from = before == nullptr ? q.above : before->end;
  assay_conv_piece p{};
  p.rows = rows;
  p.end = std::max((rows - 1) * q.down + q.reach, from);
  if (rows == all || p.end >= q.end) p.end = q.end;
  p.lines = p.end - from;
  p.fill = (before == nullptr ? q.above : 0) | (p.end == q.end ? q.height - q.end : 0) << 16;
  p.next_hbm = (p.end - q.above) * q.hbm_line;
  p.next_spm = p.end * q.line;
  return p;
}

// The first piece is for so many pixels that the array has enough to do until more have come, in a product
// that is one stationary tile wide: less where the products are wider, more where its columns are half empty.
void set_pieces(assay_conv_quick& q, std::uint64_t rows, std::uint64_t cols, std::uint64_t outputs) {
  constexpr std::uint64_t kTile = 128, kAccBytes = 1024 * 1024;
  const std::uint64_t enough = outputs < kTile ? 6 * kTile : outputs == kTile ? 2 * kTile : kTile;
  const std::uint64_t bytes = q.down * q.line * std::min<std::uint64_t>(q.pixel, 2 * kTile) / q.pixel;
  std::uint64_t first = 1;
  while (first * cols <= enough && 2 * first * q.acc_bytes <= kAccBytes &&
         2 * first * bytes <= kLargestLoad / 2)
    first *= 2;
  first = std::min(first, rows);
  const std::uint64_t second = first + std::min(3 * first, q.most_rows);
  q.piece[0] = piece_of(q, nullptr, first, rows);
  q.piece[1] =
      piece_of(q, &q.piece[0], std::clamp(kAccBytes / q.acc_bytes, first, std::min(second, rows)), rows);
  q.pixels_out = rows * cols;
  q.first_pixels_out = first * cols;
  q.pieces_acc_bytes = q.piece[1].rows * q.acc_bytes;
}

}  // namespace

assay_conv_quick quick_words(const ConvForm& f, std::uint64_t dataflow) {
  assay_conv_quick q{};
  if (!is_simple(f, dataflow)) return q;
  const ConvAxis &ah = f.axes[ASSAY_CONV_H], &aw = f.axes[ASSAY_CONV_W];
  const Extent h = extent_of(ah), w = extent_of(aw);
  const std::uint64_t element = size_of(f.x), pixel = f.channels * element;
  q.element = element;
  q.acc_bytes = aw.out * f.outputs * 4;
  q.products = ah.kernel * aw.kernel * f.channels;
  q.weights_line = q.products * element;
  q.height = h.size;
  q.line = w.size * pixel;
  q.down = h.move;
  q.reach = h.reach + 1;
  q.above = h.before;
  q.end = h.end;
  q.hbm_line = aw.in * pixel * h.load_step;
  q.skips = w.load_step != 1 ? 1 : 0;
  q.run = digit((w.end - w.before) * pixel, element);
  q.beside = w.before * f.channels | (w.size - w.end) * f.channels << 16;
  q.pixel = pixel;
  q.pixel_hbm = w.load_step * pixel;
  q.pixels = digit(w.load_step != 1 ? aw.out : w.end - w.before, pixel);
  q.beside_pixels = w.before << 32 | (w.size - w.end) << 48;
  q.most_rows = (kLargestLoad / 2 + h.move * q.line - 1) / (h.move * q.line);
  q.most_products = kLargestLoad / 2 / (f.outputs * element);
  set_pieces(q, ah.out, aw.out, f.outputs);
  q.col_digit = digit(aw.out, w.move * pixel);
  q.row_digit = digit(1U << 24, h.move * q.line);
  q.channel_digit = digit(f.channels, element);
  q.tap_w_digit = digit(aw.kernel, aw.dilation * pixel);
  q.tap_h_digit = digit(ah.kernel, ah.dilation * q.line);
  const bool fields_hold = w.reach * f.channels <= 0xFFFF && q.products <= 0xFFFFFF &&
                           f.outputs <= ASSAY_CONV_MOST_COLUMNS && q.height <= 0xFFFF;
  if (!fields_hold) return assay_conv_quick{};
  const std::uint64_t weights = f.outputs * (whole_words(q.weights_line) + kBankBytes);
  const std::uint64_t image = whole_words(q.height * q.line);
  const std::uint64_t stages = ASSAY_CONV_STAGES * 2 * ASSAY_CONV_STAGE_ELEMENTS * size_of(f.out);
  const std::uint64_t constants = whole_words(4 * f.outputs) + 2 * kBankBytes;
  q.spm_bytes = std::max(2 * weights, weights + image + stages + constants);
  return q;
}

}  // namespace assay::ops
