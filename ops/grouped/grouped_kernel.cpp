// Grouped GEMM to the bit of docs/numerics.md: the rows that chose an expert times its matrix, and where
// there are routing weights the weighted sums of every token's rows.
//
// The host brings the ids into the order of the experts (grouped_routing.hpp), nothing else depends on them.
// Then it goes through the experts that have rows, slab by slab: dma_in gathers rows of X and brings the part
// of W, slabs ahead of the products, so that the next expert's W is on its way while this one's is
// multiplied; the results of a macro tile leave behind the first products of the next one, row by row to
// their places.
#include "ops/grouped/grouped_combine.hpp"
#include "ops/grouped/grouped_routing.hpp"

namespace {

using namespace grouped;

// A slab of a macro tile of an expert. One goes ahead, loading; another one follows and multiplies.
struct Slab {
  u64 expert = 0, first = 0, count = 0;  // the expert's rows: in the chunk's order
  u64 row = 0, rows = 0, col = 0, cols = 0, k = 0, depth = 0;
  u64 tile_rows = 0;  // of the expert's tiles, evenly cut
  u64 at = 0;         // SPM
  u64 bias = 0;       // which of the biases in SPM
  bool done = true;   // behind the last one
  bool ends_tile(u64 all_k) const { return k + depth == all_k; }
};

class Grouped {
 public:
  Grouped(const assay_args& args, const assay_grouped_attributes& at)
      : x_(args.tensors[0]),
        w_(args.tensors[1]),
        bias_(args.tensors[at.bias]),
        y_(args.tensors[at.workspace != 0 ? at.workspace : 3]),
        args_(args),
        at_(at),
        routing_(args.tensors[2], at) {
    const assay_machine& m = machine();
    p_ = {at.tokens,
          at.slots,
          at.experts,
          at.n,
          at.k,
          Divisor(m.mxu_cols),
          Divisor(m.mxu_rows * max(1u, m.mxu_chain[x_.dtype])),
          at.trans_w != 0,
          at.bias != 0,
          element_bytes(x_.dtype),
          element_bytes(bias_.dtype),
          element_bytes(y_.dtype)};
  }

  u32 run() {
    const assay_machine& m = machine();
    if (m.mxu_chain[x_.dtype] == 0) return ASSAY_STATUS_BAD_ARGS;
    if (m.semaphores < kSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
    if (!make_plan(p_, m, plan_)) return ASSAY_STATUS_NO_CAPACITY;
    Combine combine(args_, at_);
    if (at_.weights != 0 && !combine.plan(plan_.chunk)) return ASSAY_STATUS_NO_CAPACITY;
    slabs_.add(static_cast<u32>(plan_.slabs));
    biases_.add(static_cast<u32>(plan_.biases));
    stages_.add(static_cast<u32>(plan_.stages));
    for (u64 token = 0; token < p_.tokens; token += plan_.chunk) {
      const u64 tokens = min(plan_.chunk, p_.tokens - token);
      routing_.read(token, tokens);
      configure();
      experts(token);
      settle();
      if (at_.weights != 0) combine.run(token, tokens);
    }
    return 0;
  }

 private:
  // Everything so far is done, and every signal taken.
  void settle() {
    slabs_.drain();
    biases_.drain();
    acc_.drain();
    stages_.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kMxu | 1u << kVxu);
  }

  void experts(u64 token) {
    first_row_ = token * p_.slots;
    x_from_ = x_.address + (at_.own_rows != 0 ? first_row_ : token) * p_.k * p_.element;
    store_dropped();
    Slab loading = begin(), working = loading;
    // What dma_in's queue holds without holding up the orders to the array.
    const u64 most = max<u64>(1, min(plan_.slabs - 1, u64{machine().queue_depth} / 5));
    for (u64 ahead = 0; !working.done;) {
      for (u64 more = 2; more > 0 && ahead < most && !loading.done; --more, ++ahead) {
        load(loading);
        advance(loading);
      }
      multiply(working);
      if (complete_.rows > 0) take_strip();
      if (working.ends_tile(p_.k)) {
        take_rest();
        complete_ = working;
        taken_ = 0;
      }
      advance(working);
      --ahead;
    }
    take_rest();
  }

  // --------------------------------------------------------------------------------------------- order

  // The first slab of the first expert that has rows.
  Slab begin() {
    Slab s;
    s.first = routing_.dropped();
    next_expert(s);
    return s;
  }

  // The expert's list is made when the first one comes to it.
  void next_expert(Slab& s) {
    for (; s.expert < p_.experts; ++s.expert) {
      const u64 count = routing_.list(s.expert);
      if (count == 0) continue;
      s.done = false;
      s.count = count;
      s.tile_rows = ceil_div(count, ceil_div(count, plan_.mt));
      s.row = s.col = 0;
      return begin_tile(s);
    }
    s.done = true;
  }

  void begin_tile(Slab& s) const {
    s.rows = min(s.tile_rows, s.count - s.row);
    s.cols = min(plan_.nt, p_.n - s.col);
    s.k = 0;
    s.depth = min(plan_.kt, p_.k);
  }

  void advance(Slab& s) {
    s.at = s.at + 1 == plan_.slabs ? 0 : s.at + 1;
    s.k += s.depth;
    if (s.k < p_.k) {
      s.depth = min(plan_.kt, p_.k - s.k);
      return;
    }
    s.bias = s.bias + 1 == plan_.biases ? 0 : s.bias + 1;
    s.col += s.cols;
    if (s.col < p_.n) return begin_tile(s);
    s.col = 0;
    s.row += s.rows;
    if (s.row < s.count) return begin_tile(s);
    s.first += s.count;
    ++s.expert;
    next_expert(s);
  }

  u64 slab_at(const Slab& s) const { return plan_.lists + s.at * plan_.slab; }

  // --------------------------------------------------------------------------------------------- loads

  void load(const Slab& s) {
    const u64 at = slab_at(s), e = p_.element;
    if (p_.biased && s.k == 0) load_bias(s);
    slabs_.produce_begin();
    load_w(s, static_cast<u32>(at + plan_.w_at));
    dma_gather({{x_from_ + s.k * e, static_cast<u32>(at), static_cast<u32>(s.depth * e), 1, 0, 0},
                static_cast<u32>(s.rows),
                p_.k * e,
                static_cast<u32>(plan_.a_line),
                static_cast<u32>((s.first + s.row) * 4),
                routing_.limit()});
    slabs_.produce_end();
  }

  // Lines along n are cut into panels, a last narrower one comes by itself.
  void load_w(const Slab& s, u32 to) const {
    const u64 e = p_.element, matrix = w_.address + s.expert * p_.n * p_.k * e;
    const u32 line = static_cast<u32>(plan_.w_line), depth = static_cast<u32>(s.depth);
    if (p_.trans_w)
      return dma_in({matrix + (s.col * p_.k + s.k) * e, to, static_cast<u32>(s.depth * e),
                     static_cast<u32>(s.cols), p_.k * e, line});
    const u64 from = matrix + (s.k * p_.n + s.col) * e, row = p_.n * e;
    const u64 panels = p_.cols.floor(s.cols), whole = panels * p_.cols.value();
    const u32 run = static_cast<u32>(p_.cols.value() * e);
    if (panels > 0)
      dma_in_planes(
          {{from, to, run, static_cast<u32>(panels), run, static_cast<u32>(plan_.panel)}, depth, row, line});
    if (whole < s.cols)
      dma_in({from + whole * e, static_cast<u32>(to + panels * plan_.panel),
              static_cast<u32>((s.cols - whole) * e), depth, row, line});
  }

  void load_bias(const Slab& s) {
    const u64 e = p_.bias_element;
    biases_.produce_begin();
    dma_in(
        {bias_.address + (s.expert * p_.n + s.col) * e, bias_at(s), static_cast<u32>(s.cols * e), 1, 0, 0});
    biases_.produce_end();
  }
  u32 bias_at(const Slab& s) const { return static_cast<u32>(plan_.biases_at + s.bias * plan_.bias); }

  // ------------------------------------------------------------------------------------------ products

  // What no product changes.
  void configure() const {
    const u64 cols = p_.cols.value(), depth = p_.tile_k.value(), e = p_.element;
    const u32 stationary = w_.dtype != x_.dtype ? stationary_format(w_.dtype) : 0;
    assay_cfg_mxu_kinds(assay_pack_mxu_kinds(stationary, 0, 0, 0));
    assay_cfg2_mxu_strides(
        assay_pack_mxu_strides(static_cast<u32>(plan_.a_line), static_cast<u32>(plan_.w_line)),
        assay_pack_mxu_acc(static_cast<u32>(plan_.acc_pitch)));
    const u64 next = depth * (p_.trans_w ? e : plan_.w_line);
    assay_cfg2_mxu_inner_step(
        assay_pack_mxu_inner_step(0, static_cast<int32_t>(plan_.panel)),
        assay_pack_mxu_outer_step(static_cast<int32_t>(depth * e), static_cast<int32_t>(next)));
    assay_cfg_mxu_acc_step(assay_pack_mxu_acc_step(static_cast<int32_t>(cols * 4), 0));
    if (at_.activation == ASSAY_VECTOR_FUNCTION_clip) assay_cfg_vxu_clip(at_.bounds);
    assay_cfg_vxu_convert(1);  // fp8 saturates
  }

  void multiply(const Slab& s) {
    if (s.k == 0) acc_.produce_begin();
    slabs_.consume_begin();
    const u64 panels = p_.cols.ceil(s.cols), steps = p_.tile_k.ceil(s.depth);
    const u64 n_last = s.cols - (panels - 1) * p_.cols.value(),
              k_last = s.depth - (steps - 1) * p_.tile_k.value();
    assay_cfg2_mxu_format(assay_pack_mxu_format(x_.dtype, 0, p_.trans_w, s.k > 0, 0),
                          assay_pack_mxu_size(static_cast<u32>(s.rows),
                                              static_cast<u32>(panels == 1 ? n_last : p_.cols.value()),
                                              static_cast<u32>(steps == 1 ? k_last : p_.tile_k.value())));
    assay_cfg2_mxu_repeat(
        assay_pack_mxu_repeat(static_cast<u32>(panels), static_cast<u32>(n_last), static_cast<u32>(steps)),
        assay_pack_mxu_outer_tail(static_cast<u32>(k_last)));
    const u64 at = slab_at(s);
    assay_mxu_ws(static_cast<u32>(at), static_cast<u32>(at + plan_.w_at),
                 acc(static_cast<u32>(acc_written_)));
    slabs_.consume_end();
    if (!s.ends_tile(p_.k)) return;
    acc_.produce_end();
    acc_written_ ^= plan_.acc_half;
  }

  // ------------------------------------------------------------------------------------------- results

  // A strip of the macro tile that is complete, through a stage and from there to its rows' places. One
  // behind each slab's products: the host waits for the stores' queue, and the array is not to wait for the
  // host.
  void take_strip() {
    const Slab& s = complete_;
    if (taken_ == 0) {
      acc_.consume_begin();
      if (p_.biased) biases_.consume_begin();
    }
    const u64 rows = min(plan_.strip, s.rows - taken_);
    const u32 stage = next_stage();
    stages_.produce_begin();
    convert(s, rows, stage);
    stages_.produce_end();
    stages_.consume_begin();
    store(s, taken_, rows, stage);
    stages_.consume_end();
    taken_ += rows;
    if (taken_ < s.rows) return;
    if (p_.biased) biases_.consume_end();
    acc_.consume_end();
    acc_taken_ ^= plan_.acc_half;
    complete_.rows = 0;
  }
  void take_rest() {
    while (complete_.rows > 0) take_strip();
  }

  void convert(const Slab& s, u64 rows, u32 stage) const {
    const bool floats = x_.dtype != ASSAY_DTYPE_s8 && x_.dtype != ASSAY_DTYPE_u8;
    const u32 sums = floats ? ASSAY_DTYPE_f32 : ASSAY_DTYPE_s32, e = static_cast<u32>(p_.out_element);
    const u32 cols = static_cast<u32>(s.cols), pitch = static_cast<u32>(plan_.acc_pitch);
    const u32 from = acc(static_cast<u32>(acc_taken_ + taken_ * pitch));
    VectorPass pass{static_cast<u32>(rows), cols, {from, pitch, 4, sums}};
    if (p_.biased) pass.biased({bias_at(s), 0, static_cast<u32>(p_.bias_element), bias_.dtype});
    pass.apply(static_cast<u32>(at_.activation)).to({stage, cols * e, e, y_.dtype});
  }

  u32 next_stage() {
    const u64 stage = stage_;
    stage_ = stage + 1 == plan_.stages ? 0 : stage + 1;
    return static_cast<u32>(plan_.stages_at + stage * plan_.stage);
  }

  // A strip of an expert's rows to their places in Y: runs of rows equally far apart are one transfer.
  void store(const Slab& s, u64 row, u64 rows, u32 stage) const {
    const u64 line = p_.n * p_.out_element, run = s.cols * p_.out_element;
    const u64 to = y_.address + first_row_ * line + s.col * p_.out_element;
    const u16* const places = routing_.rows() + s.first + s.row + row;
    for (u64 i = 0; i < rows;) {
      u64 next = i + 1;
      const u64 apart = next < rows ? u64{places[next]} - places[i] : 1;
      while (next < rows && u64{places[next]} - places[next - 1] == apart) ++next;
      dma_out({to + places[i] * line, static_cast<u32>(stage + i * run), static_cast<u32>(run),
               static_cast<u32>(next - i), apart * line, static_cast<u32>(run)});
      i = next;
    }
  }

  // Rows of +0 for the slots without an expert, out of one that the vector unit makes.
  void store_dropped() {
    const u64 count = routing_.dropped();
    if (count == 0) return;
    const u64 zero_at = plan_.lists - 64;
    *reinterpret_cast<volatile u32*>(ASSAY_SPM_BASE + zero_at) = 0;
    asm volatile("fence" ::: "memory");
    Slab s;
    for (; s.col < p_.n; s.col += s.cols) {
      s.cols = min(plan_.nt, p_.n - s.col);
      const u32 bytes = static_cast<u32>(s.cols * p_.out_element), words = (bytes + 3) / 4;
      const u32 stage = next_stage();
      stages_.produce_begin();
      VectorPass{1, words, {static_cast<u32>(zero_at), 0, 0, ASSAY_DTYPE_s32}}.to(
          {stage, 0, 4, ASSAY_DTYPE_s32});
      stages_.produce_end();
      stages_.consume_begin();
      for (u64 i = 0; i < count; ++i) store(s, i, 1, stage);
      stages_.consume_end();
    }
  }

  const assay_tensor &x_, &w_, &bias_, &y_;
  const assay_args& args_;
  const assay_grouped_attributes& at_;
  Problem p_;
  Plan plan_;
  Routing routing_;
  u64 first_row_ = 0, x_from_ = 0;  // of the chunk
  Slab complete_;                   // the last one of a macro tile that is being taken; without rows: none
  u64 taken_ = 0;                   // rows of it
  u64 acc_written_ = 0, acc_taken_ = 0, stage_ = 0;
  Exchange<kDmaIn, kMxu, kSlabFilled, kSlabFreed> slabs_{0};
  Exchange<kDmaIn, kVxu, kBiasFilled, kBiasFreed> biases_{0};
  Exchange<kMxu, kVxu, kAccFilled, kAccFreed> acc_{2};
  Exchange<kVxu, kDmaOut, kStageFilled, kStageFreed> stages_{0};
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (!known(*args) || args->tensor_count < 4 || args->attribute_count * 8 < sizeof(assay_grouped_attributes))
    return ASSAY_STATUS_BAD_ARGS;
  const auto& at = *reinterpret_cast<const assay_grouped_attributes*>(args->attributes);
  if (at.experts > ASSAY_GROUPED_MOST_EXPERTS || at.slots > ASSAY_GROUPED_MOST_SLOTS)
    return ASSAY_STATUS_BAD_ARGS;
  return Grouped(*args, at).run();
}
