// Winograd's F(2x2, 3x3): docs/numerics.md, "Winograd". 16 points; a line is a row of tiles.
#define ASSAY_LAUNCH_CLOBBERS  // all tensors are left to the engines
#include "ops/conv_transformed/tiles_kernel.hpp"

namespace {

using namespace transformed;

struct Winograd {
  static constexpr u64 kFirst[] = {0, 4, 8, 12, 16};

  static Tile tile(u64, u64) { return {4, 2, 2, 1, 16, 4, 4, 1, 1, 1, 4, 8}; }

  // F_1 and F_2 of three columns, and a sum, each f32.
  static u64 bytes_of_weights(const Common& c) { return 7 * c.s.channels * 4; }

  static void weights(const Common& c, u64 count, u64 in, u64 out, u64 work) {
    const u64 ch = c.s.channels, e = c.s.element, tap = ch * e, all = 9 * tap, f = 3 * ch * 4;
    const u64 f1 = work, f2 = work + count * f;
    const Place g0 = c.elements(in, all), g1 = c.elements(in + 3 * tap, all),
                g2 = c.elements(in + 6 * tap, all);
    sum(count, 3 * ch, g0, g2).to(values(f1, f));
    difference(count, 3 * ch, values(f1, f), g1).to(values(f2, f));
    sum(count, 3 * ch, values(f1, f), g1).to(values(f1, f));
    const Place rows[4] = {g0, values(f1, f), values(f2, f), g2};
    for (u64 i = 0; i < 4; ++i)
      weights_along(c, count, rows[i], i == 1 || i == 2, out + 4 * i * count * tap, work + 2 * count * f);
  }

  // A row of U from its three columns. Its values, or their halves.
  static void weights_along(const Common& c, u64 count, const Place& row, bool halves, u64 out, u64 work) {
    const u64 ch = c.s.channels, plane = count * ch * c.s.element;
    const u32 one = halves ? kHalf : kOne, half = halves ? kQuarter : kHalf, step = row.col;
    const auto column = [&](u32 i) {
      Place p = row;
      p.at += static_cast<u32>(i * ch * step);
      return p;
    };
    const auto to = [&](u64 j) { return c.elements(out + j * plane, ch * c.s.element); };
    const Place s = values(work, ch * 4);
    pass(count, ch, column(0)).scaled(one).to(to(0));
    pass(count, ch, column(2)).scaled(one).to(to(3));
    pass(count, ch, column(0)).scaled(half).to(s);
    pass(count, ch, column(2)).scaled(half).biased(s).to(s);
    pass(count, ch, column(1)).scaled(half).biased(s).to(to(1));
    pass(count, ch, column(1)).scaled(half | kMinus).biased(s).to(to(2));
  }

  // The differences of B^T d B: down the columns of a line, then along its rows for every second one.
  template <typename Read>
  static void patches(const Common& c, u64 band, u64 width, u64 cc, u64 channel, u64 buffer,
                      const TileBlock& b, u64 line, const Read& read) {
    const u64 cols = width * cc, e = c.s.element, f = c.g.work_at;
    const auto d = [&](u64 row) { return c.elements(band + row * cols * e, 0); };
    const auto v = [&](u64 row) { return values(f + row * cols * 4, 0); };
    difference(1, cols, d(0), d(2)).to(v(0));
    sum(1, cols, d(1), d(2)).to(v(1));
    difference(1, cols, d(2), d(1)).to(v(2));
    difference(1, cols, d(1), d(3)).to(v(3));
    read();
    const u64 first = line * b.seg;
    for (u64 i = 0; i < 4; ++i) {
      const auto x = [&](u64 col) { return values(f + (i * cols + col * cc) * 4, 2 * cc * 4); };
      const auto to = [&](u64 j) {
        return c.elements(c.patches_at(buffer, 4 * i + j, first, channel), c.g.pitch);
      };
      difference(b.seg, cc, x(0), x(2)).to(to(0));
      sum(b.seg, cc, x(1), x(2)).to(to(1));
      difference(b.seg, cc, x(2), x(1)).to(to(2));
      difference(b.seg, cc, x(1), x(3)).to(to(3));
    }
  }

  template <typename Launch>
  static void multiply(const Launch& launch) {
    launch(0, 0, 0, false);
  }

  // Along a row of points: two sums for each tile.
  static void take_row(const Common& c, u64 row, u64 products, const TileBlock& b, u64 nb) {
    const u64 all = b.tiles * nb;
    const auto m = [&](u64 j) { return values(products + j * all * 4, 0); };
    const Place first = values(sums_at(c, all, row, 0), 0), second = values(sums_at(c, all, row, 1), 0);
    sum(1, all, m(0), m(1), m(2)).to(first);
    difference(1, all, m(1), m(2)).to(second);
    difference(1, all, second, m(3)).to(second);
  }
  static u64 sums_at(const Common& c, u64 all, u64 row, u64 j) {
    return c.g.sums_at + (2 * row + j) * all * 4;
  }

  // The same down the columns, both at once. The results are in rows 0 and 1.
  static void finish(const Common& c, const TileBlock& b, u64 nb) {
    const u64 all = b.tiles * nb;
    const auto a = [&](u64 row) { return values(sums_at(c, all, row, 0), 0); };
    sum(1, 2 * all, a(0), a(1), a(2)).to(a(0));
    difference(1, 2 * all, a(1), a(2)).to(a(1));
    difference(1, 2 * all, a(1), a(3)).to(a(1));
  }
  static u64 result_at(const Common& c, const TileBlock& b, u64 nb, u64 i, u64 j, u64 tile) {
    return sums_at(c, b.tiles * nb, i, j) + tile * nb * 4;
  }
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) { return transformed::run<Winograd>(args); }
