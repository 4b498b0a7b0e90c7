// Softmax along one dimension, to the bit of docs/numerics.md.
//
// A slot of SPM goes from dma_in, which fills it with x, to vxu, which leaves y in it, to dma_out, and back;
// of lines too long for SPM every piece comes twice, the first time back from vxu. Every other slot's load
// is issued before the work on this one, which fills vxu's queue and would hold the host.
#include "ops/device/kernel.hpp"
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
constexpr u32 kFirst = 32, kLast = 8;  // parts of the group that begins the run, of the one that ends it

// What passes through a slot at a time: a group of lines, or a piece of one group.
struct Step {
  u64 outer = 0, first = 0;  // of the group; by rows, outer stays 0
  u32 lines = 0;             // of the group
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
    loading.lines = working.lines = softmax::next_lines(plan_, extent());
    if (in_parts()) load(loading, [&](u32 from, u32 lines) { summarise(0, from, lines); });
    else load(loading, nothing);
    for (u32 i = 2; i < plan_.slots; ++i) load_next(loading);
    for (u32 slot = 0; !working.done; slot = next(slot), advance(working)) {
      load_next(loading);
      work(working, slot);
    }
    for (u32 i = 0; i < plan_.slots; ++i) take_slot(i);
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kVxu);
    return 0;
  }

 private:
  u32 next(u32 slot) const { return slot + 1 == plan_.slots ? 0 : slot + 1; }
  bool stores(const Step& s) const { return plan_.resident || s.finishing; }
  u64 extent() const { return plan_.by_columns ? p_.inner : p_.outer; }
  bool in_parts() const { return !plan_.by_columns && plan_.resident; }
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
    s.first += s.lines;
    if (s.first == extent()) {
      s.first = 0;
      s.done = !plan_.by_columns || ++s.outer == p_.outer;
    }
    s.lines = softmax::next_lines(plan_, extent() - s.first);
  }

  // The parts in which a group is loaded. Whole lines that begin the run come in growing ones, so that the
  // vector unit starts early: it takes longer to summarise a part than HBM to bring the next.
  template <typename Visit>
  void each_part(const Step& s, Visit visit) const {
    u32 part = in_parts() && s.first == 0 ? s.lines / kFirst + 1 : s.lines;
    for (u32 from = 0, to = 0; from < s.lines; from = to) {
      to = min(from + part, s.lines);
      visit(from, to - from);
      part += part * 3 / 4;
    }
  }

  // dma_in waits for the slot's last user.
  void take_slot(u32 slot) {
    if (freed_by_[slot] != kNobody) assay_sem_wait(kDmaIn, freed_by_[slot]);
    freed_by_[slot] = kNobody;
  }

  void load_next(Step& loading) {
    if (!loading.done) advance(loading);
    if (!loading.done) load(loading, nothing);
  }

  static void nothing(u32, u32) {}

  template <typename Visit>
  void load(const Step& s, Visit loaded) {
    take_slot(filling_);
    each_part(s, [&](u32 from, u32 lines) {
      move(s, x_.address, filling_, from, lines, dma_in);
      assay_sem_signal(kDmaIn, kFilled);
      loaded(from, lines);
    });
    freed_by_[filling_] = stores(s) ? kStored : kSummed;
    filling_ = next(filling_);
  }

  void work(const Step& s, u32 slot) {
    if (in_parts()) return work_on_lines(s, slot);
    assay_sem_wait(kVxu, kFilled);
    if (plan_.by_columns) work_by_columns(s, slot);
    else rounds(ByRows(plan_, x_.dtype, p_.element), s, [&](auto visit) { visit(piece_of(s, slot)); });
    if (!stores(s)) return assay_sem_signal(kVxu, kSummed);
    store(s, slot, 0, s.lines);
    assay_sem_signal(kDmaOut, kStored);
  }

  void work_on_lines(const Step& s, u32 slot) {
    if (s.first > 0) each_part(s, [&](u32 from, u32 lines) { summarise(slot, from, lines); });
    const ByRows way(plan_, x_.dtype, p_.element);
    way.combine(s.lines);
    const u32 part = part_finished(s);
    for (u32 from = 0; from < s.lines; from += part) {
      const u32 lines = min(part, s.lines - from);
      each_region(slot, from, lines, [&](const Region& r) { way.finish(r); });
      store(s, slot, from, lines);
    }
    assay_sem_signal(kDmaOut, kStored);
  }

  // Lines that are finished, and then stored, at a time: fewer towards the end of the run, so that little is
  // left to store when the vector unit has finished.
  u32 part_finished(const Step& s) const {
    const u64 rest = extent() - s.first;
    if (rest == s.lines) return s.lines / kLast + 1;
    return rest < 2 * plan_.lines ? (s.lines + 1) / 2 : s.lines;
  }

  void summarise(u32 slot, u32 from, u32 lines) const {
    const ByRows way(plan_, x_.dtype, p_.element);
    assay_sem_wait(kVxu, kFilled);
    each_region(slot, from, lines, [&](const Region& r) { way.summarise(r); });
  }

  void store(const Step& s, u32 slot, u32 from, u32 lines) const {
    assay_sem_signal(kVxu, kDone);
    assay_sem_wait(kDmaOut, kDone);
    move(s, y_.address, slot, from, lines, dma_out);
  }

  // Every block of the step, by whichever of the two ways, in up to three rounds.
  template <typename Way, typename Visit>
  void rounds(const Way& way, const Step& s, Visit each_block) {
    if (!s.finishing) each_block([&](const auto& b) { way.summarise(b); });
    if (!s.finishing && ends_group(s)) way.combine(s.lines);
    if (!stores(s)) return;
    each_block([&](const auto& b) {
      if (s.finishing) way.repeat(b);
      way.finish(b);
    });
  }

  // The full blocks of lines in a slot, and the shorter ones.
  template <typename Visit>
  void each_region(u32 slot, u32 from, u32 lines, Visit visit) const {
    const u32 x = plan_.slot(slot), p = plan_.p(slot), full = from * plan_.full, tail = from * plan_.tail;
    if (plan_.full > 0)
      visit(Region{lines * plan_.full, kBlock, x + full * kBlock * p_.element, p + full * kBlock * 4, full});
    if (plan_.tail > 0)
      visit(Region{lines, plan_.tail, x + plan_.slot_tail + tail * p_.element, p + tail_of_p() + tail * 4,
                   plan_.tail_index() + from});
  }
  Region piece_of(const Step& s, u32 slot) const {
    return {blocks_of(s), columns_of(s.block), plan_.slot(slot), plan_.p(slot), s.block};
  }

  // P in the slot lies as x does.
  u32 tail_of_p() const { return plan_.p_at != 0 ? plan_.p_tail : plan_.slot_tail; }

  void work_by_columns(const Step& s, u32 slot) {
    const u32 cols = s.lines, blocks = blocks_of(s);
    rounds(ByColumns(plan_, x_.dtype, p_.element), s, [&](auto visit) {
      for (u32 b = 0; b < blocks; ++b) {
        const u32 offset = b * kBlock * plan_.lines;
        visit(ColumnBlock{columns_of(s.block + b), cols, plan_.slot(slot) + offset * p_.element,
                          plan_.p(slot) + offset * 4, s.block + b});
      }
    });
  }

  // The step's part of a tensor between HBM and a slot: by rows, some of its lines.
  void move(const Step& s, u64 tensor, u32 slot, u32 first, u32 lines, void (*transfer)(const Block&)) const {
    const u32 e = p_.element, at = plan_.slot(slot);
    const u64 row = u64{s.block} * kBlock;  // of the first column
    if (plan_.by_columns) {
      const u64 rows = plan_.resident ? p_.length : columns_of(s.block);
      const u64 from = tensor + ((s.outer * p_.length + row) * p_.inner + s.first) * e;
      if (lines == p_.inner) return transfer({from, at, static_cast<u32>(rows * lines) * e, 1, 0, 0});
      return transfer({from, at, lines * e, static_cast<u32>(rows), p_.inner * e, plan_.lines * e});
    }
    const u64 from = tensor + ((s.first + first) * p_.length + row) * e;
    if (!plan_.resident) return transfer({from, at, blocks_of(s) * columns_of(s.block) * e, 1, 0, 0});
    const u32 length = static_cast<u32>(p_.length) * e, full = plan_.full * kBlock * e, tail = plan_.tail * e;
    if (full == 0 || tail == 0) return transfer({from, at + first * length, lines * length, 1, 0, 0});
    transfer({from, at + first * full, full, lines, length, full});
    transfer({from + full, at + plan_.slot_tail + first * tail, tail, lines, length, tail});
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
  if (!known(*args) || args->tensor_count != 2 ||
      args->attribute_count * 8 < sizeof(assay_softmax_attributes))
    return ASSAY_STATUS_BAD_ARGS;
  const auto& at = *reinterpret_cast<const assay_softmax_attributes*>(args->attributes);
  const assay_tensor& x = args->tensors[0];
  return Softmax(x, args->tensors[1], {at.outer, at.length, at.inner, element_bytes(x.dtype)}).run();
}
