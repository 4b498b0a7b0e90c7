// The way from the core to main memory and back: links, controllers, answers.
//
//   port --(requests; the bytes of writes)--> link --> controllers --> link --(bytes of reads,
//   acknowledgements)--> port
//
// Each link moves `fabric.bytes_per_cycle` and adds `fabric.latency_cycles`; what reaches it in one cycle
// passes in the order of the ports below. A request's address and an acknowledgement take no bytes. A port
// that respects the controllers' queues (DramAnswer::freed, seen here as `credit`) never waits at their
// doors.
//
// Time. advance(now) decides everything that follows from the requests issued before `now`, and answers come
// back at least `lookahead()` cycles after the `now` that reports them, as long as advance() is called at
// multiples of lookahead() while busy(). So a module that wakes so often misses nothing, and when it wakes
// changes nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/divisor.hpp"
#include "memory/dram/dram.hpp"

namespace assay::memory {

enum class Port : std::uint8_t { dma_in, dma_out, host };
inline constexpr std::size_t kPorts = 3;

struct PortAnswer {
  Port port = Port::host;
  std::uint64_t id = 0;
  ChannelAnswer::Kind kind = ChannelAnswer::Kind::read;
  Cycle reach;                     // the answer is at the port (not of write_drained)
  Cycle credit;                    // the port may count on its places again (not of write_taken)
  DramLoss cause = DramLoss::bus;  // what the memory made it wait for
  bool link = false;               // it waited for the link back
};

// A link's bytes in order of time.
class Link {
 public:
  explicit Link(std::uint32_t bytes_per_cycle) : width_(bytes_per_cycle) {}
  // Bytes that are ready at `at`: the cycle in which the first of them moves.
  Cycle pass(Cycle at, std::uint64_t bytes) {
    const std::uint64_t start = std::max(at.count() * width_.number(), free_);
    free_ = start + bytes;
    return Cycle(start / width_);
  }

 private:
  Divisor width_;
  std::uint64_t free_ = 0;  // cycle * width + bytes moved in that cycle
};

class Interconnect {
 public:
  explicit Interconnect(const Machine& machine, DramObserver* observer = nullptr);

  // A request leaves `port` at `at`, which does not go back in time on one port.
  void issue(Port port, Cycle at, const DramRequest& request);
  void advance(Cycle now, std::vector<PortAnswer>& answers);
  bool busy() const;
  Cycle lookahead() const { return latency_; }

  Dram& dram() { return dram_; }
  const Dram& dram() const { return dram_; }

 private:
  struct Issued {
    Cycle at;
    DramRequest request;
  };
  struct Travelling {
    Cycle arrival;
    DramRequest request;
  };
  struct Way {  // of a request under way; its place in ways_ is its id at the memory
    Port port = Port::host;
    std::uint64_t id = 0;
    std::uint32_t bytes = 0;
  };

  void send(Cycle now);
  void receive(Cycle horizon, std::vector<PortAnswer>& answers);
  PortAnswer answer(const DramAnswer& from);

  Dram dram_;
  Cycle latency_;
  Link requests_, responses_;
  std::array<std::deque<Issued>, kPorts> issued_;
  std::vector<Travelling> travelling_;  // on the link, by arrival
  std::vector<Way> ways_;
  std::vector<std::uint64_t> free_ways_;
  std::vector<DramAnswer> held_;  // answers of the memory that others may still precede
};

}  // namespace assay::memory
