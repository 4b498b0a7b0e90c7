// Winograd's F(2x2, 3x3): docs/numerics.md, "Winograd". 16 points; a line is a row of tiles.
#define ASSAY_LAUNCH_CLOBBERS  // all tensors are left to the engines
#include "ops/conv_transformed/tiles_kernel.hpp"

namespace {

using namespace transformed;

struct Winograd {
  static Tile tile(u64, u64) { return {4, 2, 2, 1, 16, 4, 4, 1, 1, 1, 20, 16, 4, 0, 8}; }

  // F_1 and F_2 of three columns, and a sum, each f32.
  static u64 bytes_of_weights(const Common&) { return 7 * 4; }

  static void weights(const Common& c, const Weights& w) {
    const u64 cols = 3 * w.channels, tap = cols * c.s.element, f = cols * 4, f1 = w.work,
              f2 = f1 + w.count * f;
    const Place g0 = c.elements(w.in, 3 * tap), g2 = c.elements(w.in + 2 * tap, 3 * tap), sum = values(0, f);
    const u64 g1 = w.in + tap;
    Passes(w.count, cols, g0, g0, sum).sum(g0.at, g2.at, f1);
    const Passes with_middle(w.count, cols, g0, sum, sum);
    with_middle.difference(f1, g1, f2);
    with_middle.sum(g1, f1, f1);
    const Place rows[4] = {g0, values(f1, f), values(f2, f), g2};
    for (u64 i = 0; i < 4; ++i) weights_along(c, w, rows[i], i);
  }

  // A row of U from its three columns: its values, or their halves.
  static void weights_along(const Common& c, const Weights& w, const Place& row, u64 i) {
    const u64 ch = w.channels, plane = w.count * ch * c.s.element;
    const bool halves = i == 1 || i == 2;
    const u32 one = halves ? kHalf : kOne, half = halves ? kQuarter : kHalf;
    const auto column = [&](u32 j) {
      Place p = row;
      p.at += static_cast<u32>(j * ch * row.col);
      return pass(w.count, ch, p);
    };
    const auto to = [&](u64 j) { return c.elements(w.out + (4 * i + j) * plane, ch * c.s.element); };
    const Place s = values(w.work + 6 * w.count * ch * 4, ch * 4);
    column(0).scaled(one).to(to(0));
    column(2).scaled(one).to(to(3));
    column(0).scaled(half).to(s);
    column(2).scaled(half).biased(s).to(s);
    column(1).scaled(half).biased(s).to(to(1));
    column(1).scaled(half | kMinus).biased(s).to(to(2));
  }

  // The differences of B^T d B: down the columns of a line, then along its rows for every second one.
  template <typename Read>
  static void patches(const Common& c, u64 band, u64 width, u64 cc, u64 channel, u64 buffer,
                      const TileBlock& b, u64 line_number, const Read& read) {
    const u64 cols = width * cc, line = cols * c.s.element, f = c.g.work_at, row = cols * 4;
    const Place element = c.elements(0, 0);
    const Passes down(1, cols, element, element, values(0, 0));
    down.difference(band, band + 2 * line, f);
    down.sum(band + line, band + 2 * line, f + row);
    down.difference(band + 2 * line, band + line, f + 2 * row);
    down.difference(band + line, band + 3 * line, f + 3 * row);
    read();
    const Place second = values(0, 2 * cc * 4);
    const Passes along(b.seg, cc, second, second, c.elements(0, c.g.pitch));
    const u64 col = cc * 4, plane = c.g.tiles(c.t) * c.g.pitch;
    u64 to = c.patches_at(buffer, 0, line_number * b.seg, channel);
    for (u64 x = f; x < f + 4 * row; x += row, to += 4 * plane) {
      along.difference(x, x + 2 * col, to);
      along.sum(x + col, x + 2 * col, to + plane);
      along.difference(x + 2 * col, x + col, to + 2 * plane);
      along.difference(x + col, x + 3 * col, to + 3 * plane);
    }
  }

  template <typename Launch>
  static void multiply(const Launch& launch) {
    launch(0, 0, 0, false);
  }

  // Along a row of points: two sums for each tile.
  static void take_row(const Common& c, u64 row, u64 products, const TileBlock& b, u64 nb) {
    const u64 plane = b.tiles * nb * 4, first = c.g.sums_at + 2 * row * plane, second = first + plane;
    const Passes along(1, b.tiles * nb, values(0, 0), values(0, 0), values(0, 0));
    along.sum(products, products + plane, products + 2 * plane, first);
    along.difference(products + plane, products + 2 * plane, second);
    along.difference(second, products + 3 * plane, second);
  }

  // The same down the columns, both at once; the results take the places of rows 0 and 1.
  static void finish(const Common& c, const TileBlock& b, u64 nb) {
    const u64 row = 2 * b.tiles * nb * 4, a = c.g.sums_at;
    const Passes down(1, 2 * b.tiles * nb, values(0, 0), values(0, 0), values(0, 0));
    down.sum(a, a + row, a + 2 * row, a);
    down.difference(a + row, a + 2 * row, a + row);
    down.difference(a + row, a + 3 * row, a + row);
  }
  static u64 results_at(const Common& c) { return c.g.sums_at; }
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) { return transformed::run<Winograd>(args); }
