// Convolution by FFT: docs/numerics.md, "FFT". A patch has 8 x 8 or 16 x 16 positions; of its spectrum the
// rows 0 .. n/2 are kept, the others are their conjugates. A line is a row of tiles.
#define ASSAY_LAUNCH_CLOBBERS  // all tensors are left to the engines
#include "ops/conv_transformed/tiles_kernel.hpp"

namespace {

using namespace transformed;

// cos(2 pi q / 16), its sine and the tangent of half the angle, as f32 bits.
constexpr u32 kCos[] = {0x3F800000, 0x3F6C835E, 0x3F3504F3, 0x3EC3EF15, 0,          0xBEC3EF15,
                        0xBF3504F3, 0xBF6C835E, 0xBF800000, 0xBF6C835E, 0xBF3504F3, 0xBEC3EF15,
                        0,          0x3EC3EF15, 0x3F3504F3, 0x3F6C835E};
constexpr u32 kTan[] = {0, 0x3E4BAFAF, 0x3ED413CD, 0x3F2B0DC1};
constexpr u64 kQuarterTurn = 4, kMost = 16;

u32 cosine(u64 angle) { return kCos[angle & 15]; }
u32 sine(u64 angle) { return kCos[(angle + 12) & 15]; }
// Times 2^-power.
u32 scaled_down(u32 bits, u32 power) { return (bits << 1) == 0 ? bits : bits - (power << 23); }

// Where the n complex values of many transforms lie: of each real and imaginary part a place in SPM, and two
// more, so that a butterfly's results need not lie where its operands did.
struct Values {
  u64 re[kMost], im[kMost], spare_re, spare_im;

  Values(u64 at, u64 n, u64 bytes) {
    for (u64 j = 0; j < n; ++j) {
      re[j] = at + j * bytes;
      im[j] = at + (n + j) * bytes;
    }
    spare_re = at + 2 * n * bytes;
    spare_im = spare_re + bytes;
  }
  void take_spare(u64 j) {
    swap(re[j], spare_re);
    swap(im[j], spare_im);
  }
};

// By an angle of at most a quarter turn, in place: three steps.
void rotate(const Passes& p, u64 re, u64 im, u64 angle, bool backwards) {
  const u32 a = kTan[angle] | (backwards ? 0 : kMinus), b = sine(angle) | (backwards ? kMinus : 0);
  p.fma(a, im, re, re);
  p.fma(b, re, im, im);
  p.fma(a, im, re, re);
}
bool turns(u64 angle) { return angle != 0 && angle != kQuarterTurn; }

// (a, c) -> (a + c, (a - c) e^(-i angle)).
void forward(const Passes& p, Values& v, u64 a, u64 c, u64 angle) {
  p.sum(v.re[a], v.re[c], v.spare_re);
  p.sum(v.im[a], v.im[c], v.spare_im);
  if (angle == kQuarterTurn) {
    p.difference(v.re[c], v.re[a], v.re[c]);
    p.difference(v.im[a], v.im[c], v.im[c]);
    swap(v.re[c], v.im[c]);
  } else if (angle < kQuarterTurn) {
    p.difference(v.re[a], v.re[c], v.re[c]);
    p.difference(v.im[a], v.im[c], v.im[c]);
  } else {
    p.difference(v.re[c], v.re[a], v.re[c]);
    p.difference(v.im[c], v.im[a], v.im[c]);
  }
  v.take_spare(a);
}
void turn_forward(const Passes& p, const Values& v, u64 c, u64 angle) {
  if (!turns(angle)) return;
  const bool less = angle < kQuarterTurn;
  rotate(p, v.re[c], v.im[c], less ? angle : 8 - angle, less);
}

// c -> c e^(i angle), of more than a quarter turn its opposite.
void turn_inverse(const Passes& p, const Values& v, u64 c, u64 angle) {
  if (!turns(angle)) return;
  const bool less = angle < kQuarterTurn;
  rotate(p, v.re[c], v.im[c], less ? angle : 8 - angle, !less);
}
// (a, c) -> (a + c e^(i angle), a - c e^(i angle)), c turned already; each where it is wanted.
struct Pair {
  u64 re, im;
};
void inverse(const Passes& p, const Values& v, u64 a, u64 c, u64 angle, const Pair* sum,
             const Pair* difference) {
  // A quarter turn is (re, im) -> (-im, re): no arithmetic, but parts change places and one its sign.
  const bool quarter = angle == kQuarterTurn, opposite = angle > kQuarterTurn;
  const u64 re = quarter ? v.im[c] : v.re[c], im = quarter ? v.re[c] : v.im[c];
  const auto combine = [&](bool adds, u64 x, u64 y, u64 to) {
    if (adds) p.sum(x, y, to);
    else p.difference(x, y, to);
  };
  if (sum != nullptr) {
    combine(!quarter && !opposite, v.re[a], re, sum->re);
    combine(!opposite, v.im[a], im, sum->im);
  }
  if (difference != nullptr) {
    combine(quarter || opposite, v.re[a], re, difference->re);
    combine(opposite, v.im[a], im, difference->im);
  }
}

// What is transformed down columns: rows of `cols` values, a position down `step` bytes below the one above.
struct Columns {
  u64 rows, cols, count;
  u64 at, row, step;
  u64 to, to_row, plane;  // F: real parts of rows 0 .. n/2, then imaginary parts, `plane` apart
};
// What is transformed along rows: F's columns `col` bytes apart.
struct Along {
  u64 rows, cols;
  u64 at, row, col, plane;
  u64 slots;
};

struct Fourier {
  static Tile tile(u64 kernel_h, u64 kernel_w) {
    const u64 n = max(kernel_h, kernel_w) <= 5 ? 8 : 16, half = n / 2 + 1;
    Tile t{};
    t.n = t.row_points = n;
    t.out_h = n - kernel_h + 1;
    t.out_w = n - kernel_w + 1;
    t.tile_rows = 1;
    t.points = half * n;
    t.point_rows = half;
    t.v_planes = t.m_planes = 2;
    t.u_planes = 3;
    t.piece_passes = 2 * half * n + 4 * half * n + 6 * n;
    t.slab_passes = half * (12 * n + 2 * t.out_h);
    t.work = 2 * half;
    t.tile_work = (2 * n + 2) * half;
    t.sums = t.out_h * t.out_w + 2 * n + 2 + 2 * t.out_w;
    return t;
  }

  // ----------------------------------------------------------------------------------------- transforms

  // F_i = sum of d_h e^(-2 pi i ih / n): chains with h ascending. Rows 0 and n/2 have no imaginary part.
  static void down(const Common& c, const Columns& k) {
    const u64 n = c.t.n, half = n / 2 + 1, unit = 16 / n;
    const Place d = c.elements(0, k.row), f = values(0, k.to_row), zero = f32_at(4, 0, 0);
    const auto re = [&](u64 i) { return k.to + i * k.plane; };
    const auto im = [&](u64 i) { return k.to + (half + i) * k.plane; };
    const auto none = [&](u64 i) { pass(k.rows, k.cols, zero).to(values(im(i), k.to_row)); };
    none(0);
    none(n / 2);
    if (k.count == 1) {
      for (u64 i = 0; i < half; ++i)
        pass(k.rows, k.cols, c.elements(k.at, k.row)).to(values(re(i), k.to_row));
      for (u64 i = 1; i < n / 2; ++i) none(i);
      return;
    }
    const Passes first(k.rows, k.cols, d, d, f);
    for (u64 i = 0; i < half; ++i) first.fma(cosine(i * unit), k.at + k.step, k.at, re(i));
    const Passes imaginary(k.rows, k.cols, d, zero, f);
    for (u64 i = 1; i < n / 2; ++i) imaginary.fma(sine(i * unit) ^ kMinus, k.at + k.step, 4, im(i));
    const Passes next(k.rows, k.cols, d, f, f);
    for (u64 h = 2; h < k.count; ++h) {
      const u64 at = k.at + h * k.step;
      for (u64 i = 0; i < half; ++i) next.fma(cosine(i * h * unit), at, re(i), re(i));
      for (u64 i = 1; i < n / 2; ++i) next.fma(sine(i * h * unit) ^ kMinus, at, im(i), im(i));
    }
  }

  // All rows of F at once; `to` says where a point's real and imaginary part go, `out` their strides.
  template <typename To>
  static void along(const Common& c, const Along& a, const Place& out, const To& to) {
    const u64 n = c.t.n, half = n / 2 + 1, row = a.rows * a.cols * 4, bytes = half * row;
    Values v(a.slots, n, bytes);
    first_layer(c, a, v);
    const Passes whole(1, bytes / 4, values(0, 0), values(0, 0), values(0, 0));
    for (u64 k = 0; k < n / 2; ++k) turn_forward(whole, v, k + n / 2, k * 16 / n);
    for (u64 span = n / 4; span > 1; span /= 2)
      for (u64 b = 0; b < n; b += 2 * span)
        for (u64 k = 0; k < span; ++k) {
          forward(whole, v, b + k, b + k + span, k * 8 / span);
          turn_forward(whole, v, b + k + span, k * 8 / span);
        }
    const Passes last(a.rows, a.cols, values(0, a.cols * 4), values(0, a.cols * 4), out);
    for (u64 i = 0; i < half; ++i)
      for (u64 j = 0; j < n; j += 2) {
        const u64 at = i * row, point = i * n + j;
        last.sum(v.re[j] + at, v.re[j + 1] + at, to(point, 0));
        last.sum(v.im[j] + at, v.im[j + 1] + at, to(point, 1));
        last.difference(v.re[j] + at, v.re[j + 1] + at, to(point + 1, 0));
        last.difference(v.im[j] + at, v.im[j + 1] + at, to(point + 1, 1));
      }
  }

  // Takes the columns of each tile together.
  static void first_layer(const Common& c, const Along& a, const Values& v) {
    const u64 n = c.t.n, half = n / 2 + 1, bytes = a.rows * a.cols * 4;
    const Passes p(a.rows, a.cols, values(0, a.row), values(0, a.row), values(0, a.cols * 4));
    for (u64 i = 0; i < half; ++i)
      for (u64 k = 0; k < n / 2; ++k) {
        const u64 angle = k * 16 / n, other = k + n / 2, to = i * bytes;
        const u64 ar = a.at + i * a.plane + k * a.col, ai = ar + half * a.plane;
        const u64 cr = ar + n / 2 * a.col, ci = ai + n / 2 * a.col;
        p.sum(ar, cr, v.re[k] + to);
        p.sum(ai, ci, v.im[k] + to);
        if (angle == kQuarterTurn) {
          p.difference(ai, ci, v.re[other] + to);
          p.difference(cr, ar, v.im[other] + to);
        } else if (angle < kQuarterTurn) {
          p.difference(ar, cr, v.re[other] + to);
          p.difference(ai, ci, v.im[other] + to);
        } else {
          p.difference(cr, ar, v.re[other] + to);
          p.difference(ci, ai, v.im[other] + to);
        }
      }
  }

  // ------------------------------------------------------------------------------------------- weights

  static u64 bytes_of_weights(const Common& c) {
    const u64 n = c.t.n, half = n / 2 + 1;
    return (2 * half * n + (2 * n + 2) * half) * 4;
  }

  static void weights(const Common& c, const Weights& w) {
    const u64 n = c.t.n, half = n / 2 + 1, e = c.s.element, cc = w.channels, line = n * cc * 4;
    const u64 plane = w.count * line, taps = c.kernel_w * cc;
    if (c.kernel_w < n)
      pass(2 * half * w.count, (n - c.kernel_w) * cc, f32_at(4, 0, 0)).to(values(w.work + taps * 4, line));
    down(c, {w.count, taps, c.kernel_h, w.in, c.kernel_h * taps * e, taps * e, w.work, line, plane});
    const u64 u = w.count * cc * e;
    along(c, {w.count, cc, w.work, line, cc * 4, plane, w.work + 2 * half * plane}, c.elements(0, cc * e),
          [&](u64 point, u64 part) { return w.out + (point * 3 + part) * u; });
    // The third plane: the opposite of the imaginary part.
    pass(half * n, w.count * cc, c.elements(w.out + u, 3 * u))
        .scaled(kMinusOne)
        .to(c.elements(w.out + 2 * u, 3 * u));
  }

  // ------------------------------------------------------------------------------------------- patches

  template <typename Read>
  static void patches(const Common& c, u64 band, u64 width, u64 cc, u64 channel, u64 buffer,
                      const TileBlock& b, u64 line, const Read& read) {
    const u64 cols = width * cc, half = c.t.n / 2 + 1, f = c.g.work_at, plane = cols * 4;
    down(c, {1, cols, c.t.n, band, 0, cols * c.s.element, f, 0, plane});
    read();
    along(c, {b.seg, cc, f, c.t.out_w * cc * 4, cc * 4, plane, f + 2 * half * plane},
          c.elements(0, c.g.pitch),
          [&](u64 point, u64 part) { return c.patches_at(buffer, point * 2 + part, line * b.seg, channel); });
  }

  // V times the conjugate of U: (r + i s) (x - i y).
  template <typename Launch>
  static void multiply(const Launch& launch) {
    launch(0, 0, 0, false);
    launch(0, 2, 1, false);
    launch(1, 1, 0, true);
    launch(1, 0, 1, true);
  }

  // ------------------------------------------------------------------------------------------- results

  // Back along a row of points, and its share of every output: sums of rows ascending.
  static void take_row(const Common& c, u64 row, u64 products, const TileBlock& b, u64 nb) {
    const Tile& t = c.t;
    const u64 n = t.n, all = b.tiles * nb, plane = all * 4;
    const u64 slots = c.g.sums_at + t.out_h * t.out_w * plane, to = slots + (2 * n + 2) * plane;
    const Passes whole(1, all, values(0, 0), values(0, 0), values(0, 0));
    Values v(slots, n, plane);
    for (u64 j = 0; j < n; j += 2) {
      const u64 a = products + 2 * j * plane, other = a + 2 * plane;
      whole.sum(a, other, v.re[j]);
      whole.sum(a + plane, other + plane, v.im[j]);
      whole.difference(a, other, v.re[j + 1]);
      whole.difference(a + plane, other + plane, v.im[j + 1]);
    }
    for (u64 span = 2; span < n / 2; span *= 2)
      for (u64 first = 0; first < n; first += 2 * span)
        for (u64 k = 0; k < span; ++k) middle(whole, v, first + k, first + k + span, k * 8 / span);
    for (u64 k = 0; k < min(n / 2, t.out_w); ++k) {
      const u64 other = k + n / 2;
      const Pair sum{to + k * plane, to + (t.out_w + k) * plane},
          difference{to + other * plane, to + (t.out_w + other) * plane};
      turn_inverse(whole, v, other, k * 16 / n);
      inverse(whole, v, k, other, k * 16 / n, &sum, other < t.out_w ? &difference : nullptr);
    }
    add_row(c, row, all * t.out_w, to);
  }

  static void middle(const Passes& p, Values& v, u64 a, u64 c, u64 angle) {
    turn_inverse(p, v, c, angle);
    const Pair sum{v.spare_re, v.spare_im};
    // In place: each takes the place of the operand that nobody needs any more.
    const bool quarter = angle == kQuarterTurn;
    const Pair difference{quarter ? v.im[c] : v.re[c], quarter ? v.re[c] : v.im[c]};
    inverse(p, v, a, c, angle, &sum, &difference);
    if (quarter) swap(v.re[c], v.im[c]);
    v.take_spare(a);
  }

  static void add_row(const Common& c, u64 i, u64 count, u64 from) {
    const u64 n = c.t.n, unit = 16 / n;
    const bool own = i == 0 || i == n / 2;  // its own conjugate
    const u32 power = (n == 8 ? 6 : 8) - (own ? 0 : 1);
    const Passes add(1, count, values(0, 0), values(0, 0), values(0, 0));
    for (u64 h = 0; h < c.t.out_h; ++h) {
      const u64 to = c.g.sums_at + h * count * 4;
      if (i == 0) {
        pass(1, count, values(from, 0)).scaled(scaled_down(kOne, power)).to(values(to, 0));
        continue;
      }
      add.fma(scaled_down(cosine(i * h * unit), power), from, to, to);
      if (!own) add.fma(scaled_down(sine(i * h * unit) ^ kMinus, power), from + count * 4, to, to);
    }
  }

  static void finish(const Common&, const TileBlock&, u64) {}
  static u64 results_at(const Common& c) { return c.g.sums_at; }
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) { return transformed::run<Fourier>(args); }
