// Elementwise operators with broadcasting: Y = op(inputs), to the bit of docs/numerics.md.
//
// Handed on by semaphores: a tile of every input into SPM (dma_in), one vector pass for each plane and each
// two operands (vxu), the tile of results to HBM (dma_out). The two DMA engines take turns, a group of tiles
// each, so that HBM seldom changes between reading and writing; a turn begins a tile before the other ends.
#include "ops/device/kernel.hpp"
#include "ops/elementwise/elementwise_args.h"
#include "ops/elementwise/elementwise_plan.hpp"

namespace {

using namespace device;
using elementwise::kBuffers;
using elementwise::kCols;
using elementwise::kGroup;
using elementwise::kPlanes;
using elementwise::kRank;
using elementwise::kRows;
using elementwise::kTileRank;
using elementwise::Plan;
using elementwise::Problem;

enum : u32 { kInFilled, kInFreed, kOutFilled, kOutFreed, kReadTurn, kWriteTurn, kSemaphores };

constexpr u32 kNone = ASSAY_OPERAND_SOURCE_none, kMemory = ASSAY_OPERAND_SOURCE_memory,
              kImmediate = ASSAY_OPERAND_SOURCE_immediate;

// What one vector pass does to x and its other operand, which is scale or bias.
struct Recipe {
  u32 operation = ASSAY_VECTOR_OPERATION_multiply_add, function = ASSAY_VECTOR_FUNCTION_identity;
  u32 scale = kNone, bias = kNone;
  bool reversed = false;  // x is the second operand
};

Recipe recipe_of(u64 operation) {
  Recipe r;
  switch (operation) {
    case ASSAY_ELEMENTWISE_ADD: r.bias = kMemory; break;
    case ASSAY_ELEMENTWISE_SUB:  // -1 * b + a
      r.scale = kImmediate;
      r.bias = kMemory;
      r.reversed = true;
      break;
    case ASSAY_ELEMENTWISE_MUL: r.scale = kMemory; break;
    case ASSAY_ELEMENTWISE_DIV:
      r.operation = ASSAY_VECTOR_OPERATION_divide;
      r.scale = kMemory;
      break;
    case ASSAY_ELEMENTWISE_MAX:
      r.operation = ASSAY_VECTOR_OPERATION_maximum;
      r.bias = kMemory;
      break;
    case ASSAY_ELEMENTWISE_MIN:
      r.operation = ASSAY_VECTOR_OPERATION_minimum;
      r.bias = kMemory;
      break;
    default: r.function = ASSAY_VECTOR_FUNCTION_relu; break;
  }
  return r;
}

// The tiles of the output in order, columns first.
struct Walk {
  u64 index[kRank] = {};  // of the tile's first element
  bool done = false;

  void next(const Problem& p, const Plan& plan) {
    for (u32 d = 0; d < p.rank; ++d) {
      index[d] += plan.tile[d];
      if (index[d] < p.dims[d]) return;
      index[d] = 0;
    }
    done = true;
  }
};

struct Extent {
  u32 of[kTileRank] = {};
  bool operator==(const Extent& other) const {
    return of[kCols] == other.of[kCols] && of[kRows] == other.of[kRows] && of[kPlanes] == other.of[kPlanes];
  }
};

// One tensor on its way through SPM, and the registers that describe a tile of it.
struct Operand {
  Extent shaped;                          // the extents that the registers are for
  u32 plane_stride;                       // in SPM
  u64 vxu_strides;                        // rows and columns in SPM
  u64 run, stride1, dim1, stride2, dim2;  // of the DMA engines
  u64 address;                            // of the tensor in HBM
  u64 strides[kRank];                     // bytes in HBM; 0 broadcasts

  // A block that is dense in SPM; runs that follow one another in HBM are one.
  [[gnu::noinline]] void shape(const Extent& extent, u32 element) {
    shaped = extent;
    const u32 cols = strides[kCols] != 0 ? extent.of[kCols] : 1;
    u32 rows = strides[kRows] != 0 ? extent.of[kRows] : 1;
    u32 planes = strides[kPlanes] != 0 ? extent.of[kPlanes] : 1;
    u32 bytes = cols * element;
    vxu_strides = assay_pack_vxu_x_strides(strides[kRows] != 0 ? static_cast<int32_t>(bytes) : 0,
                                           strides[kCols] != 0 ? static_cast<int32_t>(element) : 0);
    plane_stride = strides[kPlanes] != 0 ? bytes * rows : 0;
    if (rows > 1 && strides[kRows] == bytes) {
      bytes *= rows;
      rows = 1;
    }
    if (planes > 1 && strides[kPlanes] == bytes) {  // whole rows, which are one run by now
      bytes *= planes;
      planes = 1;
    }
    run = assay_pack_dma_run(bytes, 0);
    stride1 = strides[kRows];
    dim1 = assay_pack_dma_dim1_local(rows, static_cast<int32_t>(bytes));
    stride2 = strides[kPlanes];
    dim2 = assay_pack_dma_dim2_local(planes, static_cast<int32_t>(bytes * rows));
  }

  u64 at(const u64* index, u32 rank) const {
    u64 place = address;
    for (u32 d = 0; d < rank; ++d) place += index[d] * strides[d];
    return place;
  }
};

class Elementwise {
 public:
  Elementwise(const assay_args& args, u64 operation) : recipe_(recipe_of(operation)), args_(args) {
    p_.inputs = args.tensor_count - 1;
    p_.element = element_bytes(dtype());
    if (p_.inputs == 1 && operation != ASSAY_ELEMENTWISE_RELU) recipe_ = Recipe();  // Max or Min of one input
  }

  u32 run() {
    if (machine().semaphores < kSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
    elementwise::collapse(args_.tensors[0], args_.tensors + 1, p_);
    elementwise::make_plan(p_, machine(), plan_);
    if (!plan_.feasible) return ASSAY_STATUS_NO_CAPACITY;
    configure();
    Walk loads, stores;
    u32 loaded = load_group(loads, false);
    for (bool first = true; loaded > 0; first = false) {
      const u32 tiles = loaded;
      const bool more = !loads.done;
      if (more && !first) assay_sem_wait(kDmaIn, kReadTurn);
      loaded = more ? load_group(loads, true) : 0;
      store_group(stores, tiles, more, !loads.done);
    }
    in_.drain();
    out_.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kVxu);
    return 0;
  }

 private:
  u32 dtype() const { return args_.tensors[0].dtype; }
  Operand& y() { return operands_[p_.inputs]; }

  void configure() {
    for (u32 i = 0; i <= p_.inputs; ++i) {
      const bool input = i < p_.inputs;
      operands_[i].address = args_.tensors[input ? i + 1 : 0].address;
      for (u32 d = 0; d < p_.loops(); ++d)
        operands_[i].strides[d] = (input ? p_.strides[i][d] : p_.y_strides[d]) * p_.element;
    }
    result_ = y();
    format_ = assay_pack_vxu_format(dtype(), dtype(), dtype(), dtype(), recipe_.scale, recipe_.bias,
                                    recipe_.function, ASSAY_REDUCTION_none, recipe_.operation);
    const bool fp8 = dtype() == ASSAY_DTYPE_e4m3 || dtype() == ASSAY_DTYPE_e5m2;
    const bool integer = dtype() == ASSAY_DTYPE_s32 || (p_.element == 1 && !fp8);
    if (fp8) assay_cfg_vxu_convert(1);                                                          // saturate
    assay_cfg_vxu_immediates(assay_pack_vxu_immediates(integer ? 0xFFFFFFFF : 0xBF800000, 0));  // -1
  }

  Extent extent_of(const Walk& walk) const {
    Extent e;
    for (u32 d = 0; d < kTileRank; ++d)
      e.of[d] = static_cast<u32>(min(plan_.tile[d], p_.dims[d] - walk.index[d]));
    return e;
  }

  // Loads and computes up to a group of tiles; returns how many. The last but one passes the turn.
  [[gnu::noinline]] u32 load_group(Walk& walk, bool passes_turn) {
    u32 tiles = 0;
    for (; tiles < kGroup && !walk.done; walk.next(p_, plan_)) {
      const Extent extent = extent_of(walk);
      if (!(y().shaped == extent))
        for (u32 i = 0; i <= p_.inputs; ++i) operands_[i].shape(extent, p_.element);
      in_.produce_begin();
      for (u32 i = 0; i < p_.inputs; ++i) load(walk, i);
      in_.produce_end();
      if (++tiles == kGroup - 1 && passes_turn) assay_sem_signal(kDmaIn, kWriteTurn);
      compute(extent);
    }
    if (tiles < kGroup - 1 && passes_turn) assay_sem_signal(kDmaIn, kWriteTurn);
    return tiles;
  }

  [[gnu::noinline]] void store_group(Walk& walk, u32 tiles, bool waits_for_turn, bool passes_turn) {
    if (waits_for_turn) assay_sem_wait(kDmaOut, kWriteTurn);
    for (u32 tile = 1; tile <= tiles; ++tile, walk.next(p_, plan_)) {
      store(walk);
      if (tile == kGroup - 1 && passes_turn) assay_sem_signal(kDmaOut, kReadTurn);
    }
  }

  void load(const Walk& walk, u32 input) {
    const Operand& x = operands_[input];
    assay_cfg2_dma_in_run(x.run, x.stride1);
    assay_cfg2_dma_in_dim1_local(x.dim1, x.stride2);
    assay_cfg_dma_in_dim2_local(x.dim2);
    assay_dma_in(x.at(walk.index, p_.rank), plan_.in_at(computed_, input));
  }

  void store(const Walk& walk) {
    const Extent extent = extent_of(walk);
    if (!(result_.shaped == extent)) result_.shape(extent, p_.element);
    out_.consume_begin();
    assay_cfg2_dma_out_run(result_.run, result_.stride1);
    assay_cfg2_dma_out_dim1_local(result_.dim1, result_.stride2);
    assay_cfg_dma_out_dim2_local(result_.dim2);
    assay_dma_out(result_.at(walk.index, p_.rank), plan_.out_at(stored_));
    out_.consume_end();
    if (++stored_ == kBuffers) stored_ = 0;
  }

  void compute(const Extent& extent) {
    in_.consume_begin();
    out_.produce_begin();
    assay_cfg2_vxu_format(format_, assay_pack_vxu_size(extent.of[kRows], extent.of[kCols]));
    const u32 first = plan_.in_at(computed_, 0), result = plan_.out_at(computed_);
    if (p_.inputs == 1) step(0, first, 0, first, extent.of[kPlanes]);
    for (u32 i = 1; i < p_.inputs; ++i) {
      const u32 so_far = i == 1 ? 0 : p_.inputs;  // the first input, or the result up to here
      const u32 so_far_at = i == 1 ? first : result, next_at = plan_.in_at(computed_, i);
      if (recipe_.reversed) step(i, next_at, so_far, so_far_at, extent.of[kPlanes]);
      else step(so_far, so_far_at, i, next_at, extent.of[kPlanes]);
    }
    out_.produce_end();
    in_.consume_end();
    if (++computed_ == kBuffers) computed_ = 0;
  }

  // One operation on two operands: a pass for each plane.
  void step(u32 x, u32 x_at, u32 other, u32 other_at, u32 planes) {
    const Operand &a = operands_[x], &b = operands_[other];
    const u32 x_step = a.plane_stride, other_step = b.plane_stride, y_step = y().plane_stride;
    u32 y_at = plan_.out_at(computed_);
    u64 addresses = assay_pack_vxu_addresses(other_at, other_at);
    assay_cfg2_vxu_x_strides(a.vxu_strides, y().vxu_strides & 0xFFFFFFFF);
    assay_cfg2_vxu_scale_strides(b.vxu_strides,
                                 b.vxu_strides);  // of whichever of scale and bias is in memory
    for (; planes > 0; --planes) {
      assay_cfg_vxu_addresses(addresses);
      assay_vxu_pass(x_at, y_at);
      x_at += x_step;
      y_at += y_step;
      addresses += assay_pack_vxu_addresses(other_step, other_step);
    }
  }

  // What every tile needs lies first: near the object, an access is one instruction.
  Recipe recipe_;
  u32 computed_ = 0, stored_ = 0;  // which buffer comes next: in and out, and for the store
  u64 format_ = 0;
  Plan plan_;
  Exchange<kDmaIn, kVxu, kInFilled, kInFreed> in_{kBuffers};
  Exchange<kVxu, kDmaOut, kOutFilled, kOutFreed> out_{kBuffers};
  Operand result_;                       // Y as it is stored, which lags behind
  Operand operands_[ASSAY_MAX_TENSORS];  // the inputs, then Y as it is computed
  const assay_args& args_;
  Problem p_;
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (!known(*args) || args->tensor_count < 2 || args->attribute_count < 1) return ASSAY_STATUS_BAD_ARGS;
  return Elementwise(*args, args->attributes[0]).run();
}
