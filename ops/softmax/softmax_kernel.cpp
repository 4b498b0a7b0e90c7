// Softmax along one dimension, to the bit of docs/numerics.md.
//
// A slot of SPM goes from dma_in, which fills it with x, to vxu, which leaves y in it, to dma_out, and back;
// of lines too long for SPM every piece comes twice, the first time back from vxu. The next slot's load
// is issued before the work on this one, which fills vxu's queue and would hold the host.
#include "ops/softmax/softmax_columns.hpp"
#include "ops/softmax/softmax_plan.hpp"
#include "ops/softmax/softmax_rows.hpp"

namespace {

using namespace device;
using softmax::ByColumns;
using softmax::ByRows;
using softmax::ColumnBlock;
using softmax::kBlock;
using softmax::kSlots;
using softmax::Plan;
using softmax::Problem;
using softmax::Region;

enum : u32 { kFilled, kDone, kStored, kSummed, kSemaphores };
constexpr u32 kDmaIn = ASSAY_ENGINE_dma_in, kDmaOut = ASSAY_ENGINE_dma_out, kVxu = ASSAY_ENGINE_vxu;

// What passes through a slot at a time: a group of lines, or a piece of one group.
struct Step {
  u64 outer = 0, first = 0;  // of the group; by rows, outer stays 0
  u32 block = 0;             // first block
  bool finishing = false;    // not resident: the second time
  bool done = false;
};

class Softmax {
 public:
  Softmax(const assay_tensor& x, const assay_tensor& y, const Problem& p) : x_(x), y_(y), p_(p) {
    for (u32& semaphore : freed_by_) semaphore = kNobody;
  }

  u32 run() {
    if (machine().semaphores < kSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
    softmax::make_plan(p_, machine(), plan_);
    if (!plan_.feasible) return ASSAY_STATUS_NO_CAPACITY;
    Step loading, working;
    load(loading);
    for (u32 slot = 0; !working.done; slot = next(slot), advance(working)) {
      advance(loading);
      if (!loading.done) load(loading);
      work(working, slot);
    }
    for (u32 i = 0; i < kSlots; ++i) take_slot(i);
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kVxu);
    return 0;
  }

 private:
  static u32 next(u32 slot) { return slot + 1 == kSlots ? 0 : slot + 1; }
  bool stores(const Step& s) const { return plan_.resident || s.finishing; }
  u64 extent() const { return plan_.by_columns ? p_.inner : p_.outer; }
  u32 lines_of(const Step& s) const { return static_cast<u32>(min<u64>(plan_.lines, extent() - s.first)); }
  u32 blocks_of(const Step& s) const {
    if (plan_.resident) return plan_.blocks;
    if (plan_.by_columns || s.block == plan_.full) return 1;
    return min(plan_.piece, plan_.full - s.block);
  }
  bool ends_group(const Step& s) const { return s.block + blocks_of(s) == plan_.blocks; }
  u32 columns_of(u32 block) const { return block < plan_.full ? kBlock : plan_.tail; }

  void advance(Step& s) const {
    s.block += blocks_of(s);
    if (s.block < plan_.blocks) return;
    s.block = 0;
    s.finishing = !plan_.resident && !s.finishing;
    if (s.finishing) return;
    s.first += plan_.lines;
    if (s.first < extent()) return;
    s.first = 0;
    s.done = !plan_.by_columns || ++s.outer == p_.outer;
  }

  // dma_in waits for the slot's last user.
  void take_slot(u32 slot) {
    if (freed_by_[slot] != kNobody) assay_sem_wait(kDmaIn, freed_by_[slot]);
    freed_by_[slot] = kNobody;
  }

  void load(const Step& s) {
    take_slot(filling_);
    move(s, x_.address, filling_, dma_in);
    assay_sem_signal(kDmaIn, kFilled);
    freed_by_[filling_] = stores(s) ? kStored : kSummed;
    filling_ = next(filling_);
  }

  void work(const Step& s, u32 slot) {
    assay_sem_wait(kVxu, kFilled);
    if (plan_.by_columns) work_by_columns(s, slot);
    else work_by_rows(s, slot);
    if (!stores(s)) return assay_sem_signal(kVxu, kSummed);
    assay_sem_signal(kVxu, kDone);
    assay_sem_wait(kDmaOut, kDone);
    move(s, y_.address, slot, dma_out);
    assay_sem_signal(kDmaOut, kStored);
  }

  // Every block of the step, by whichever of the two ways, in up to three rounds.
  template <typename Way, typename Visit>
  void rounds(const Way& way, const Step& s, Visit each_block) {
    if (!s.finishing) each_block([&](const auto& b) { way.summarise(b); });
    if (!s.finishing && ends_group(s)) way.combine(lines_of(s));
    if (!stores(s)) return;
    each_block([&](const auto& b) {
      if (s.finishing) way.repeat(b);
      way.finish(b);
    });
  }

  void work_by_rows(const Step& s, u32 slot) {
    const u32 lines = lines_of(s), x = plan_.slot(slot), p = plan_.p(slot);
    rounds(ByRows(plan_, x_.dtype, p_.element), s, [&](auto visit) {
      if (!plan_.resident) return visit(Region{blocks_of(s), columns_of(s.block), x, p, s.block});
      if (plan_.full > 0) visit(Region{lines * plan_.full, kBlock, x, p, 0});
      if (plan_.tail > 0)
        visit(Region{lines, plan_.tail, x + plan_.slot_tail, p + tail_of_p(), plan_.tail_index()});
    });
  }

  // P in the slot lies as x does.
  u32 tail_of_p() const { return plan_.p_at != 0 ? plan_.p_tail : plan_.slot_tail; }

  void work_by_columns(const Step& s, u32 slot) {
    const u32 cols = lines_of(s), blocks = blocks_of(s);
    rounds(ByColumns(plan_, x_.dtype, p_.element), s, [&](auto visit) {
      for (u32 b = 0; b < blocks; ++b) {
        const u32 offset = b * kBlock * plan_.lines;
        visit(ColumnBlock{columns_of(s.block + b), cols, plan_.slot(slot) + offset * p_.element,
                          plan_.p(slot) + offset * 4, s.block + b});
      }
    });
  }

  // The step's part of a tensor between HBM and a slot.
  void move(const Step& s, u64 tensor, u32 slot, void (*transfer)(const Block&)) const {
    const u32 e = p_.element, at = plan_.slot(slot), lines = lines_of(s);
    const u64 row = u64{s.block} * kBlock;  // of the first column
    if (plan_.by_columns) {
      const u64 rows = plan_.resident ? p_.length : columns_of(s.block);
      const u64 from = tensor + ((s.outer * p_.length + row) * p_.inner + s.first) * e;
      if (lines == p_.inner) return transfer({from, at, static_cast<u32>(rows * lines) * e, 1, 0, 0});
      return transfer({from, at, lines * e, static_cast<u32>(rows), p_.inner * e, plan_.lines * e});
    }
    const u64 from = tensor + (s.first * p_.length + row) * e;
    if (!plan_.resident) return transfer({from, at, blocks_of(s) * columns_of(s.block) * e, 1, 0, 0});
    const u32 length = static_cast<u32>(p_.length) * e, full = plan_.full * kBlock * e, tail = plan_.tail * e;
    if (full == 0 || tail == 0) return transfer({from, at, lines * length, 1, 0, 0});
    transfer({from, at, full, lines, length, full});
    transfer({from + full, at + plan_.slot_tail, tail, lines, length, tail});
  }

  static constexpr u32 kNobody = ~0u;
  const assay_tensor &x_, &y_;
  const Problem p_;
  Plan plan_;
  u32 filling_ = 0;
  u32 freed_by_[kSlots];  // the semaphore that a slot's last user signals
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  const bool known = args->magic == ASSAY_ARGS_MAGIC && args->abi_version == ASSAY_ABI_VERSION;
  if (!known || args->tensor_count != 2 || args->attribute_count * 8 < sizeof(assay_softmax_attributes))
    return ASSAY_STATUS_BAD_ARGS;
  const auto& at = *reinterpret_cast<const assay_softmax_attributes*>(args->attributes);
  const assay_tensor& x = args->tensors[0];
  return Softmax(x, args->tensors[1], {at.outer, at.length, at.inner, element_bytes(x.dtype)}).run();
}
