// The kernel sanitizer: finds what a kernel does wrong though its results may look right.
//
// It follows every access of engines and host: whether the bytes lie where they should, whether something
// wrote them before they are read, and whether queues, semaphores and fences order each pair of accesses to a
// common byte of which one is a write (order.hpp). What it finds depends on the program, not on timing, but
// for reads of unwritten bytes, which a race can turn into either.
//
// The platform calls it at the moments named below; it changes neither values nor cycles.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/machine.hpp"
#include "core/footprint.hpp"
#include "memory/hbm_storage.hpp"
#include "memory/written_map.hpp"
#include "sim/command_log.hpp"
#include "sim/sanitizer/finding.hpp"
#include "sim/sanitizer/history.hpp"
#include "sim/sanitizer/order.hpp"

namespace assay::sim {

// A tensor of the case, where the kernel finds it.
struct TensorRange {
  std::string name;
  std::uint64_t offset = 0, bytes = 0;  // in HBM
  std::uint32_t element = 1;            // bytes
  bool output = false;                  // the kernel may write it
};

class Sanitizer {
 public:
  // `hbm`: knows which of its bytes were written. `values` false: values do not move, so only addresses and
  // order are checked.
  Sanitizer(const Machine& machine, const memory::HbmStorage& hbm, bool values);

  // Without any tensor declared, all of HBM is the kernel's.
  void declare(const std::vector<TensorRange>& tensors) { tensors_ = tensors; }

  // --- the host, in program order ---
  void launched(const CommandRecord& record);
  void fenced() { order_.host_fence(); }
  void waited_for(isa::Engine engine) { order_.host_waits_for(engine); }
  void host_access(std::uint64_t pc, core::Space space, std::uint64_t offset, unsigned bytes, bool write);

  // --- the engines, each in its queue's order, before the command acts ---
  void taken_up(const CommandRecord& record);
  void signalled(const CommandRecord& record);
  void acquired(const CommandRecord& record);

  // A debugger wrote these bytes: nobody's access, but written.
  void poked(core::Space space, std::uint64_t offset, std::uint64_t bytes);

  // The kernel has halted and every engine is idle.
  void halted();

  // Told of every new finding at once; those of known instructions only count.
  void listen(std::function<void(const Finding&)> listener) { listener_ = std::move(listener); }
  // In the order of their kinds, then of their discovery.
  std::vector<Finding> findings() const;

 private:
  // An access about to happen, by an engine's command or by the host (record null).
  struct Actor {
    std::size_t index = 0;
    const CommandRecord* record = nullptr;
    std::uint64_t pc = 0;
    std::uint64_t launches = 0;  // commands launched before it
  };
  struct Placed {  // an access that stays inside its memory
    core::Access access;
    core::Region region;
  };
  struct Semaphore {
    const CommandRecord *signaller = nullptr, *waiter = nullptr;  // the first of each
    std::deque<const CommandRecord*> pending;                     // signals
  };

  std::uint64_t capacity(core::Space space) const;
  memory::WrittenMap& local(core::Space space) { return space == core::Space::acc ? acc_ : spm_; }

  void check_tensor(const Actor& actor, const core::Access& access, const core::Region& region);
  void check_alignment(const Actor& actor, const core::Access& access);
  void check_operands(const Actor& actor, const std::vector<Placed>& placed);
  void check_written(const Actor& actor, const core::Access& access, const core::Region& region);
  void check_order(const Actor& actor, const core::Access& access, const core::Region& region);
  void report_race(const Actor& actor, const core::Access& access, const Touch& other, std::uint64_t byte);
  void mark_written(const core::Region& region);
  void require_one_engine(FindingKind kind, const CommandRecord*& first, const CommandRecord& record);

  FindingSite site(const Actor& actor, const core::Access& access, std::uint64_t byte) const;
  FindingSite site(const Touch& touch, std::uint64_t byte) const;
  void report(FindingKind kind, const std::string& place, std::vector<FindingSite> sites);

  const Machine& machine_;
  const memory::HbmStorage& hbm_;
  const bool values_;
  std::vector<TensorRange> tensors_;
  Order order_;
  std::deque<Knowledge> launches_;  // by command id
  std::array<History, kActors> histories_;
  memory::WrittenMap spm_, acc_;
  std::vector<Semaphore> semaphores_;
  std::vector<Finding> findings_;
  std::function<void(const Finding&)> listener_;
  std::map<std::tuple<FindingKind, std::uint64_t, std::uint64_t>, std::size_t> known_;  // kind, pcs
};

}  // namespace assay::sim
