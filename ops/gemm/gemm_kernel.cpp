// Gemm and MatMul: Y[b] = act(alpha * op(A[b]) x op(B[b]) + beta * C + R[b]), to the bit of docs/numerics.md.
//
// Engines hand on by semaphores: operands into SPM (dma_in), products into ACC (mxu), results to HBM
// (gemm_output.hpp). Loads run slabs ahead of the products, and a tile's results are taken behind the next
// tile's first products, so that no full queue holds up what the array waits for. The first slab comes and is
// multiplied in blocks, so that the array starts early, its first one before the plan is complete; the last
// slab too, whose blocks become ever smaller: docs/performance.md, "The schedule of the GEMM kernel".
#include "ops/gemm/gemm_args.h"
#include "ops/gemm/gemm_output.hpp"
#include "ops/gemm/gemm_plan.hpp"
#include "ops/gemm/gemm_start.hpp"
#include "ops/gemm/gemm_steps.hpp"

namespace {

using namespace gemm;

class Gemm {
 public:
  // `started`: the first slab is on its way, as `plan` says.
  Gemm(const assay_args& args, const assay_gemm_attributes& attributes, Plan& plan, bool started)
      : args_(args), at_(attributes), plan_(plan), started_(started) {}

  u32 run() {
    read_problem();
    if (p_.chain == 0) return ASSAY_STATUS_BAD_ARGS;
    if (machine().semaphores < kSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
    choose_dataflow();
    read_operands();
    if (!started_ && !make_plan(p_, machine(), plan_)) return ASSAY_STATUS_NO_CAPACITY;
    Step step;
    begin_run(step);
    operands_.produce_begin();
    if (started_) complete();
    else first_slab(step);
    operands_.consume_end();
    run_steps(step);
    operands_.drain();
    output_.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kMxu | 1u << kVxu);
    halt(0);
  }

 private:
  // ------------------------------------------------------------------------------------------- problem

  void read_problem() {
    const assay_machine& m = machine();
    dtype_ = args_.tensors[0].dtype;
    p_.element = element_bytes(dtype_);
    p_.m = at_.m;
    p_.n = at_.n;
    p_.k = at_.k;
    p_.has_terms = at_.terms != 0;
    p_.batched = at_.batch_rank > 0;
    p_.chain = m.mxu_chain[dtype_];
    p_.cycles_per_step = m.mxu_cycles_per_step[dtype_];
    const u32 rows = m.mxu_rows, cols = m.mxu_cols;
    p_.tile_m = Divisor(rows);
    p_.tile_n = cols == rows ? p_.tile_m : Divisor(cols);
    p_.tile_k = p_.chain == 1 ? p_.tile_m : Divisor(static_cast<u32>(rows * p_.chain));
    p_.load_rows = m.mxu_load_rows_per_cycle;
    p_.bank_word = m.spm_bank_bytes;
    p_.scales_bytes = requantises(at_) ? Scales::bytes(at_) : 0;
  }

  void choose_dataflow() {
    u64 dataflow = started_ ? u64{ASSAY_GEMM_WS} : at_.dataflow;
    if (dataflow == ASSAY_GEMM_AUTO) dataflow = fastest_dataflow(p_);
    p_.output_stationary = dataflow == ASSAY_GEMM_OS;
    transposed_ = dataflow == ASSAY_GEMM_AS;  // Y^T = B^T x A^T
    if (transposed_) swap(p_.m, p_.n);
    least_rows_ = p_.least_rows();
    const u32 stationary = args_.tensors[transposed_ ? 0 : 1].dtype;
    dtype_ = args_.tensors[transposed_ ? 1 : 0].dtype;
    if (dtype_ != stationary || (at_.special & ASSAY_GEMM_KINDS) != 0) configure_kinds(stationary);
  }

  // Types and zero points of A and B; they change places where A is stationary.
  [[gnu::noinline]] void configure_kinds(u32 stationary) const {
    const int32_t a = zero_point(optional(args_, ASSAY_GEMM_A_ZERO)),
                  b = zero_point(optional(args_, ASSAY_GEMM_B_ZERO));
    const u32 format = dtype_ != stationary ? stationary_format(stationary) : 0;
    assay_cfg_mxu_kinds(assay_pack_mxu_kinds(format, transposed_ ? b : a, transposed_ ? a : b, 0));
  }

  void read_operands() {
    const bool a_along_k = at_.trans_a == 0, b_along_k = at_.trans_b != 0;
    if (transposed_) {
      read_operand(p_.a, 1, p_.m, b_along_k);
      read_operand(p_.b, 0, p_.n, a_along_k);
    } else {
      read_operand(p_.a, 0, p_.m, a_along_k);
      read_operand(p_.b, 1, p_.n, b_along_k);
    }
  }
  void read_operand(Operand& x, u64 tensor, u64 each, bool along_k) const {
    const u64 e = p_.element;
    x.along_k = along_k;
    x.address = args_.tensors[tensor].address;
    x.line = (along_k ? p_.k : each) * e;
    x.each = along_k ? x.line : e;
    x.k_step = along_k ? e : x.line;
  }

  // What no product changes.
  void configure() {
    const Operand &a = p_.a, &b = p_.b;
    assay_cfg2_mxu_strides(
        assay_pack_mxu_strides(static_cast<u32>(plan_.a_line), static_cast<u32>(plan_.b_line)),
        assay_pack_mxu_acc(static_cast<u32>(plan_.acc_pitch)));
    const u64 tile_m = p_.tile_m.value(), tile_k = p_.tile_k.value(), e = p_.element;
    u64 a_outer = tile_k * (a.along_k ? e : plan_.a_line), b_outer = tile_k * (b.along_k ? e : plan_.b_line);
    u64 acc_outer = 0;
    if (p_.output_stationary) {
      a_outer = tile_m * (a.along_k ? plan_.a_line : e);
      b_outer = 0;
      acc_outer = tile_m * plan_.acc_pitch;
    }
    assay_cfg2_mxu_inner_step(
        0, assay_pack_mxu_outer_step(static_cast<int32_t>(a_outer), static_cast<int32_t>(b_outer)));
    acc_outer_ = acc_outer;
    step_panels(1);
  }

  // From one of B's panels to the next one, or further.
  void step_panels(u64 panels) const {
    assay_cfg_mxu_inner_step(assay_pack_mxu_inner_step(0, static_cast<int32_t>(panels * plan_.b_panel)));
    assay_cfg_mxu_acc_step(assay_pack_mxu_acc_step(static_cast<int32_t>(panels * p_.tile_n.value() * 4),
                                                   static_cast<int32_t>(acc_outer_)));
  }

  // What the first products need not wait for.
  void complete() {
    // By halves, the array is never a whole slab behind HBM.
    halves_ = p_.few_rows() && p_.tile_n.round_up(plan_.nt / 2) * 2 == plan_.nt;
    fill_spm(p_, plan_);
    operands_.add(static_cast<u32>(plan_.slabs) - 2);
    // What dma_in's queue holds: a full one would hold up the orders to the array.
    const u64 fit = machine().queue_depth / (halves_ ? 6 : 4);
    most_ahead_ = max<u64>(1, min(plan_.slabs, fit));
    output_.open(args_, p_, plan_, transposed_);
    output_.begin_tile();
  }

  // --------------------------------------------------------------------------------------------- steps

  void run_steps(Step& loading) {
    Step working = loading;
    u64 ahead = 0;  // steps that are loaded, or being loaded, and not yet multiplied
    bool held = false;
    Region tile;  // that is complete, and taken behind the next products
    for (;;) {
      const bool finishes = working.ends_tile && !working.last;
      if (finishes) {
        tile = region_of(working, {0, working.rows, 0, working.cols});
        output_.written();
      }
      if (working.ends_tile) acc_at_ ^= plan_.acc_half;
      load_ahead(loading, ahead, held);
      if (!advance(working)) break;
      --ahead;
      if (finishes && working.last) take_tile(tile);  // before the blocks that end the run
      multiply(working);
      if (finishes && !working.last) take_tile(tile);
    }
    output_.end_tile();
  }

  // Up to most_ahead_ steps, two more at a time: the first products are not to wait for the host. The many
  // transfers of the last step fill dma_in's queue, and are held back until no others are in it.
  void load_ahead(Step& loading, u64& ahead, bool& held) {
    for (u64 more = 2; more > 0 && ahead < most_ahead_; --more) {
      if (!held && !advance(loading)) return;
      held = loading.last && ahead > 0;
      if (held) return;
      load(loading);
      ++ahead;
    }
  }

  // Comes and is multiplied in three parts, so that the array starts early: some rows with a tile of columns;
  // the other rows; the other columns.
  void first_slab(const Step& s) {
    const u64 rows = min(s.rows, 3 * least_rows_), cols = min(s.cols, p_.tile_n.value());
    const u64 more_rows = s.rows - rows, more_cols = s.cols - cols;
    load_part(s, {0, rows, 0, cols});
    if (more_rows > 0) load_part(s, {rows, more_rows, 0, 0});
    if (more_cols > 0) load_part(s, {0, 0, cols, more_cols});
    configure();
    if (s.last) {
      complete();
      for (u64 parts = 1 + (more_rows > 0) + (more_cols > 0); parts > 0; --parts) operands_.consume_begin();
      return multiply_last(s, false);
    }
    const Columns c = columns(s, 0, cols);
    operands_.consume_begin();
    multiply_rows(s, c, 0, rows);
    if (more_rows > 0) {
      operands_.consume_begin();
      multiply_rows(s, c, rows, more_rows);
    }
    if (more_cols > 0) {
      operands_.consume_begin();
      multiply_rows(s, columns(s, cols, more_cols), 0, s.rows);
    }
    complete();
  }

  void begin_run(Step& s) {
    batches_ = 1;
    for (u64 d = 0; d < at_.batch_rank; ++d) batches_ *= at_.batch_dims[d];
    s.batch = s.row = s.col = 0;
    s.a_at = 0;
    s.b_at = plan_.middle;
    acc_at_ = 0;
    begin_batch(s);
    begin_tile(s);
  }

  void begin_batch(Step& s) const {
    u64 a = 0, b = 0, rest = s.batch;
    for (u64 d = at_.batch_rank; d-- > 0 && rest > 0;) {
      const u64 above = rest / at_.batch_dims[d], index = rest - above * at_.batch_dims[d];
      a += index * at_.a_batch_strides[d];
      b += index * at_.b_batch_strides[d];
      rest = above;
    }
    if (transposed_) swap(a, b);
    s.a_base = p_.a.address + a * p_.element;
    s.b_base = p_.b.address + b * p_.element;
  }

  void begin_tile(Step& s) const {
    s.k = 0;
    if (plan_.a_whole) s.a_at = 0;
    s.rows = min(plan_.mt, p_.m - s.row);
    s.cols = min(plan_.nt, p_.n - s.col);
    s.a_from = s.a_base + s.row * p_.a.each;
    s.b_from = s.b_base + s.col * p_.b.each;
    begin_slab(s);
  }

  void begin_slab(Step& s) const {
    const u64 rest = p_.k - s.k;
    s.depth = min(rest, plan_.kt);
    // Few rows: ever less behind what HBM brings last.
    if (rest <= plan_.kt && rest > p_.tile_k.value() && p_.few_rows()) s.depth = p_.tile_k.round_up(rest / 2);
    s.ends_tile = s.depth == rest;
    s.last = s.ends_tile && s.col + s.cols == p_.n && s.row + s.rows == p_.m && s.batch + 1 == batches_;
  }

  // False where there is no next step.
  [[gnu::noinline]] bool advance(Step& s) const {
    if (s.last) return false;
    s.a_at += plan_.a_whole ? s.depth * plan_.a_step : plan_.a_slab;
    s.b_at += plan_.b_slab;
    if (s.b_at == plan_.middle + plan_.slabs * plan_.b_slab) {
      s.b_at = plan_.middle;
      if (!plan_.a_whole) s.a_at = 0;
    }
    if (!s.ends_tile) {
      s.k += s.depth;
      s.a_from += s.depth * p_.a.k_step;
      s.b_from += s.depth * p_.b.k_step;
      begin_slab(s);
      return true;
    }
    s.col += s.cols;
    if (s.col == p_.n) {
      s.col = 0;
      s.row += s.rows;
    }
    if (s.row == p_.m) {
      s.row = 0;
      ++s.batch;
      begin_batch(s);
    }
    begin_tile(s);
    return true;
  }

  // Several tiles of columns where few rows make each too short to be worth its commands.
  bool in_halves(const Step& s) const { return halves_ && s.cols == plan_.nt; }
  Blocks column_blocks(const Step& s) const {
    const u64 tile = p_.tile_n.value();
    if (p_.few_rows()) return {s.cols, p_.tile_n, 4 * tile, s.cols, true};
    const bool short_tiles = p_.output_stationary || s.rows < 2 * p_.tile_m.value();
    return {s.cols, p_.tile_n, tile, short_tiles ? 4 * tile : tile, true};
  }
  Blocks row_blocks(const Step& s, const Blocks& cols) const {
    if (p_.output_stationary) return {s.rows, p_.tile_m, least_rows_, least_rows_, false};
    return {s.rows, kAny, least_rows_, max(4 * least_rows_, s.rows / 2), cols.last()};
  }

  // ------------------------------------------------------------------------------------------ operands

  // The slab that ends the run comes by blocks of columns, as it is multiplied.
  void load(const Step& s) {
    operands_.produce_begin();
    const u64 rows = plan_.a_whole ? 0 : s.rows;  // all of A came with the first slab
    if (!s.last && in_halves(s)) return load_halves(s, rows);
    if (!s.last) return load_part(s, {0, rows, 0, s.cols});
    for (Blocks cols = column_blocks(s); cols; cols.next())
      load_part(s, {0, cols.at() == 0 ? rows : 0, cols.at(), cols.size()});
  }

  // Rows of A and columns of B.
  void load_part(const Step& s, const Part& part) {
    if (part.cols > 0) load_b(s, part.col, part.cols);
    if (part.rows > 0) load_a(s, part.row, part.rows);
    operands_.produce_end();
  }

  void load_a(const Step& s, u64 row, u64 rows) const {
    load_lines(p_.a, plan_.a_line, s.a_from + row * p_.a.each, a_at(s, row), rows,
               plan_.a_whole ? p_.k : s.depth);
  }
  u64 a_at(const Step& s, u64 row) const { return s.a_at + row * (p_.a.along_k ? plan_.a_line : p_.element); }

  // Lines across k are cut into panels; a narrower one comes by itself.
  void load_b(const Step& s, u64 col, u64 cols) const {
    const u64 from = s.b_from + col * p_.b.each, to = b_at(s, col), tile = p_.tile_n.value();
    if (p_.b.along_k || cols <= tile) return load_lines(p_.b, plan_.b_line, from, to, cols, s.depth);
    const u64 panels = p_.tile_n.floor(cols), whole = panels * tile, run = tile * p_.element;
    dma_in_planes({{from, static_cast<u32>(to), static_cast<u32>(run), static_cast<u32>(panels), run,
                    static_cast<u32>(plan_.b_panel)},
                   static_cast<u32>(s.depth),
                   p_.b.line,
                   static_cast<u32>(plan_.b_line)});
    if (whole < cols)
      load_lines(p_.b, plan_.b_line, from + whole * p_.element, to + panels * plan_.b_panel, cols - whole,
                 s.depth);
  }
  u64 b_at(const Step& s, u64 col) const { return s.b_at + p_.tile_n.floor(col) * plan_.b_panel; }

  // Every other panel, then those between. Neighbours in turn, so that either half lies in all of HBM's
  // channels.
  void load_halves(const Step& s, u64 rows) {
    if (rows > 0) load_a(s, 0, rows);
    const u64 panels = p_.tile_n.floor(s.cols) / 2, tile = p_.tile_n.value(), panel = tile * p_.b.each;
    const u32 panel_stride = static_cast<u32>(2 * plan_.b_panel), line = static_cast<u32>(plan_.b_line);
    if (p_.b.along_k)
      configure_dma_in_planes(
          {{0, 0, static_cast<u32>(s.depth * p_.element), static_cast<u32>(tile), p_.b.line, line},
           static_cast<u32>(panels),
           2 * panel,
           panel_stride});
    else
      configure_dma_in_planes(
          {{0, 0, static_cast<u32>(panel), static_cast<u32>(panels), 2 * panel, panel_stride},
           static_cast<u32>(s.depth),
           p_.b.line,
           line});
    assay_dma_in(s.b_from, static_cast<u32>(s.b_at));
    operands_.produce_end();
    assay_dma_in(s.b_from + panel, static_cast<u32>(s.b_at + plan_.b_panel));
    operands_.produce_end();
    reset_dma_in_planes();
  }

  // `each` rows or columns.
  void load_lines(const Operand& x, u64 spm_line, u64 from, u64 to, u64 each, u64 k) const {
    const u64 run = (x.along_k ? k : each) * p_.element, lines = x.along_k ? each : k;
    dma_in({from, static_cast<u32>(to), static_cast<u32>(run), static_cast<u32>(lines), x.line,
            static_cast<u32>(spm_line)});
  }

  // ------------------------------------------------------------------------------------------ products

  void multiply(const Step& s) {
    if (s.k == 0) output_.begin_tile();
    if (s.last) multiply_last(s, true);
    else if (in_halves(s)) multiply_halves(s);
    else {
      operands_.consume_begin();
      multiply_rows(s, columns(s, 0, s.cols), 0, s.rows);
    }
    operands_.consume_end();
  }

  void multiply_halves(const Step& s) {
    step_panels(2);
    Columns c = columns(s, 0, s.cols / 2);
    operands_.consume_begin();
    multiply_rows(s, c, 0, s.rows);
    c.b += plan_.b_panel;
    c.acc += p_.tile_n.value() * 4;
    operands_.consume_begin();
    multiply_rows(s, c, 0, s.rows);
    step_panels(1);
  }

  // In blocks, each of which is taken as soon as it is there. Orders to the array run a few blocks ahead of
  // those to the vector unit, whose queue fills and holds the host.
  [[gnu::noinline]] void multiply_last(const Step& s, bool waits) {
    constexpr u64 kAhead = 4;
    Region ordered[kAhead];
    u64 count = 0;
    for (Blocks cols = column_blocks(s); cols; cols.next()) {
      const Columns c = columns(s, cols.at(), cols.size());
      if (waits) operands_.consume_begin();
      for (Blocks rows = row_blocks(s, cols); rows; rows.next()) {
        multiply_rows(s, c, rows.at(), rows.size());
        output_.written();
        Region& place = ordered[count % kAhead];
        if (count >= kAhead) output_.take(place);
        place = region_of(s, {rows.at(), rows.size(), cols.at(), cols.size()});
        ++count;
      }
    }
    for (u64 i = count > kAhead ? count - kAhead : 0; i < count; ++i) output_.take(ordered[i % kAhead]);
  }

  // Inner over column tiles; weight stationary, outer over stationary tiles of k.
  Columns columns(const Step& s, u64 col, u64 cols) const {
    const u64 tile_n = p_.tile_n.value(), tile_k = p_.tile_k.value();
    u64 inner = 1, n = cols, n_last = 0, outer = 1, k = s.depth, k_last = 0;
    if (cols > tile_n) {
      inner = p_.tile_n.ceil(cols);
      n = tile_n;
      n_last = cols - (inner - 1) * tile_n;
    }
    if (k > tile_k && !p_.output_stationary) {
      outer = p_.tile_k.ceil(k);
      k_last = k - (outer - 1) * tile_k;
      k = tile_k;
    }
    return {assay_pack_mxu_format(dtype_, !p_.a.along_k, p_.b.along_k, s.k > 0, 0),
            assay_pack_mxu_size(0, static_cast<u32>(n), static_cast<u32>(k)),
            assay_pack_mxu_repeat(static_cast<u32>(inner), static_cast<u32>(n_last), static_cast<u32>(outer)),
            assay_pack_mxu_outer_tail(static_cast<u32>(k_last)),
            b_at(s, col),
            acc_at_ + col * 4};
  }

  void multiply_rows(const Step& s, const Columns& c, u64 row, u64 rows) const {
    if (p_.output_stationary) return multiply_os(s, c, row, rows);
    assay_cfg2_mxu_format(c.format, c.size | assay_pack_mxu_size(static_cast<u32>(rows), 0, 0));
    assay_cfg2_mxu_repeat(c.repeat, c.outer_tail);
    assay_mxu_ws(static_cast<u32>(a_at(s, row)), static_cast<u32>(c.b), acc_of(c, row));
  }

  // Outer over rows of tiles; a last, lower one is a command of its own.
  void multiply_os(const Step& s, const Columns& c, u64 row, u64 rows) const {
    const u64 tile = p_.tile_m.value(), outer = p_.tile_m.floor(rows), whole = outer * tile;
    if (outer > 0) multiply_os_tiles(s, c, row, tile, outer);
    if (whole < rows) multiply_os_tiles(s, c, row + whole, rows - whole, 1);
  }
  void multiply_os_tiles(const Step& s, const Columns& c, u64 row, u64 rows, u64 outer) const {
    assay_cfg2_mxu_format(c.format, c.size | assay_pack_mxu_size(static_cast<u32>(rows), 0, 0));
    const u64 more = assay_pack_mxu_repeat(0, 0, static_cast<u32>(outer - 1));  // than one
    assay_cfg2_mxu_repeat(c.repeat + more, c.outer_tail);
    assay_mxu_os(static_cast<u32>(a_at(s, row)), static_cast<u32>(c.b), acc_of(c, row));
  }

  u32 acc_of(const Columns& c, u64 row) const { return acc(static_cast<u32>(c.acc + row * plan_.acc_pitch)); }

  // ------------------------------------------------------------------------------------------- results

  Region region_of(const Step& s, const Part& part) const {
    return {s.batch,          s.row + part.row, part.rows,
            s.col + part.col, part.cols,        acc_at_ + part.row * plan_.acc_pitch + part.col * 4};
  }

  void take_tile(const Region& tile) {
    output_.take(tile);
    output_.end_tile();
  }

  static constexpr Divisor kAny{};

  const assay_args& args_;
  const assay_gemm_attributes& at_;
  Plan& plan_;
  const bool started_;
  Problem p_;
  u32 dtype_;
  bool transposed_;
  u64 least_rows_;  // of a block
  u64 most_ahead_;  // steps of loads before the products
  bool halves_;     // slabs come by halves
  u64 acc_outer_;   // bytes of ACC from one repetition of an MXU command to the next
  u64 batches_;
  u64 acc_at_;  // the half of ACC that the array writes
  Exchange<kDmaIn, kMxu, kOperandsFilled, kOperandsFreed> operands_{2};
  Output output_;
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (!known(*args) || args->tensor_count < 3 || args->attribute_count * 8 < sizeof(assay_gemm_attributes))
    return ASSAY_STATUS_BAD_ARGS;
  const auto& attributes = *reinterpret_cast<const assay_gemm_attributes*>(args->attributes);
  const WholeTiles whole(*args, attributes);
  const bool started = whole.fits();
  Plan plan;
  if (started) whole.start(plan);
  return Gemm(*args, attributes, plan, started).run();
}
