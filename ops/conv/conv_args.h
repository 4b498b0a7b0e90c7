/* The convolution kernel's arguments, for spec and kernel: C99 and C++17.
 *
 * Tensors: X, W, Y, then the optional ones in any order; `optional` says where.
 * Spatial dimensions are always three (d, h, w); those that a problem lacks have extent 1.
 */
#ifndef ASSAY_OPS_CONV_ARGS_H
#define ASSAY_OPS_CONV_ARGS_H

#include <stdint.h>

enum { ASSAY_CONV_D, ASSAY_CONV_H, ASSAY_CONV_W, ASSAY_CONV_SPATIAL };

/* Roles of optional tensors: byte `role` of `optional` is the tensor's index in assay_args, 0 where absent.
 */
enum {
  ASSAY_CONV_BIAS,     /* [outputs]: X's type, or s32 */
  ASSAY_CONV_RESIDUAL, /* as Y */
  ASSAY_CONV_X_ZERO,   /* scalars; w's may have one value an output channel, its scale too */
  ASSAY_CONV_W_ZERO,
  ASSAY_CONV_Y_ZERO,
  ASSAY_CONV_X_SCALE,
  ASSAY_CONV_W_SCALE,
  ASSAY_CONV_Y_SCALE
};

enum { ASSAY_CONV_NO_ACTIVATION, ASSAY_CONV_RELU, ASSAY_CONV_CLIP };

/* What the accumulators become. */
enum {
  ASSAY_CONV_FLOAT,     /* convert(act((acc + bias) + residual)) */
  ASSAY_CONV_INTEGER,   /* s32 as they are */
  ASSAY_CONV_REQUANTISE /* saturate(round(f32(acc + bias) * m) + y_zero) */
};

enum { ASSAY_CONV_AUTO, ASSAY_CONV_WS, ASSAY_CONV_OS, ASSAY_CONV_AS }; /* dataflow */

/* The quick way's stages of results in SPM (conv_resident.hpp), in elements. */
enum { ASSAY_CONV_STAGE_ELEMENTS = 1 << 17, ASSAY_CONV_STAGES = 4, ASSAY_CONV_MOST_COLUMNS = 2048 };

/* One of the pieces in which the image comes: `lines` of its rows from HBM, rows filled in before and behind
 * << 16. With it the first `rows` of results can be computed, and SPM has the image's rows before `end`. The
 * next one begins next_hbm and next_spm bytes behind the image's start in HBM and SPM. */
struct assay_conv_piece {
  uint64_t rows, lines, fill, end, next_hbm, next_spm;
};

/* What follows from the shapes alone for the quick way: the host of the core would need some hundred cycles
 * for it before its first order. Extents are of h and w; the image lies in SPM with its borders, every row
 * and column that some output looks at. "Digits" are words of the array's patterns: count | bytes << 32. */
struct assay_conv_quick {
  uint64_t spm_bytes;        /* of a machine that may take it; 0: none may */
  uint64_t acc_bytes;        /* of a row of results */
  uint64_t pieces_acc_bytes; /* of the results of the first two pieces of the image */
  uint64_t products;         /* of a result */
  uint64_t weights_line;     /* bytes of an output channel's weights */
  uint64_t element;          /* bytes */
  uint64_t height, line;     /* of the image in SPM: rows, bytes from one to the next */
  uint64_t down;             /* its rows from an output's first one to the next output's */
  uint64_t reach;            /* its rows that an output looks at */
  uint64_t above, end;       /* its rows before the first and behind the last one that HBM has */
  uint64_t hbm_line;         /* bytes between such rows in HBM */
  uint64_t run, beside; /* of a transfer of rows: the run's word, the elements filled in before and behind */
  uint64_t skips;       /* not all pixels of a row are looked at: no run */
  uint64_t pixel;       /* bytes of a pixel */
  uint64_t pixel_hbm, pixels,
      beside_pixels; /* of a transfer by pixels: its words of dimension 1, and filled ones */
  struct assay_conv_piece piece[2];
  uint64_t pixels_out, first_pixels_out; /* of the result; of those, what the first piece is for */
  uint64_t most_rows, most_products;     /* of a load of the image (outputs), of the weights */
  uint64_t col_digit, row_digit, channel_digit, tap_w_digit, tap_h_digit;
};

struct assay_conv_attributes {
  uint64_t batch, groups;
  uint64_t channels, outputs; /* of all groups */
  uint64_t in[ASSAY_CONV_SPATIAL], out[ASSAY_CONV_SPATIAL], kernel[ASSAY_CONV_SPATIAL];
  uint64_t stride[ASSAY_CONV_SPATIAL], dilation[ASSAY_CONV_SPATIAL];
  int64_t pad[ASSAY_CONV_SPATIAL]; /* before; negative: cropped */
  uint64_t transposed;             /* X and Y have changed places: stride and pad are Y's */
  uint64_t channels_last; /* NHWC, W [M, k..., C/g]; else NCHW, W [M, C/g, k...]. Transposed: C, M/g in W */
  uint64_t epilogue;
  uint64_t activation, low, high; /* f32 bits */
  uint64_t dataflow;
  uint64_t optional;
  struct assay_conv_quick quick;
};

#endif /* ASSAY_OPS_CONV_ARGS_H */
