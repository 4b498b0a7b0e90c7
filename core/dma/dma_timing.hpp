// When a DMA engine may put its next request on the fabric, and what it has under way.
//
// Requests leave at `fabric.bytes_per_cycle`; at most `dma.outstanding_requests` are under way, each giving
// its place back with its own answer; and a pseudo-channel's queue (`hbm.controller.read_queue` or
// `write_queue`) must have room for the request's accesses. What an answer frees counts from the cycle it
// names.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/divisor.hpp"
#include "base/machine.hpp"
#include "base/units.hpp"
#include "core/ledger.hpp"
#include "memory/interconnect.hpp"

namespace assay::core {

class DmaTiming {
 public:
  DmaTiming(const Machine& machine, bool to_hbm);

  // Where a request goes and how many places it takes in its channel's queue.
  struct Target {
    std::uint32_t channel = 0, accesses = 0;
  };
  struct Issue {
    Cycle at;
    Owner waited = Owner::useful;  // what held it from `now` to `at`
  };
  // The first cycle at or after `now` at which the request may be issued; nothing where that depends on an
  // answer that is not known yet.
  std::optional<Issue> next_issue(Cycle now, const Target& target);
  // It was issued at `at`, as next_issue allowed.
  void issued(Cycle at, std::uint64_t bytes, const Target& target);
  // An answer is known. `reach`: when the place among the outstanding requests is free again.
  void reached(Cycle reach, Owner cause);
  void credited(Cycle credit, const Target& target);

  // Requests whose answers are not known yet.
  std::uint64_t unknown() const { return unknown_; }
  // The last answer of those that are known.
  Cycle last_done() const { return last_done_; }

 private:
  struct Return {
    Cycle at;
    Owner cause = Owner::useful;
  };
  struct Credits {
    std::uint32_t used = 0;
    std::deque<std::pair<Cycle, std::uint32_t>> back;  // known, by time
  };

  Divisor width_;
  std::uint64_t outstanding_;
  std::uint32_t queue_;
  std::uint64_t link_free_ = 0;  // in bytes: cycle * width + bytes already sent in that cycle
  std::uint64_t unknown_ = 0;
  Cycle from_;                  // the places taken so far for the next request are free
  std::deque<Return> returns_;  // known answers, earliest first
  std::vector<Credits> credits_;
  Cycle last_done_;
};

// What a DMA engine calls the memory's reason.
Owner owner_of(const memory::PortAnswer& answer);

}  // namespace assay::core
