// The controller of one pseudo-channel, command by command.
//
// Policy. Reads go first; writes wait in their queue until `write_high` of them are there, or no read has
// been for as long as the bus takes to turn there and back, and are then drained to `write_low`. In the
// direction served, FR-FCFS: the command that is legal first is issued, of several the one for the oldest
// access; a row with waiting accesses stays open for them until an older access of its bank has waited
// `age_cap_clocks`. Page policy open: a row stays open until another is needed; closed: it is closed once no
// access waits for it. A read that a waiting write covers whole is answered from the queue. Refresh is
// performed as soon as the channel (per-bank: the bank) has nothing to do, and at the latest when
// `refresh_postpone` periods are overdue. Rows are opened ahead for the direction that is not served, in
// banks that the served one does not use.
//
// Bursts whose order is known are issued together (Run): of the oldest access in an open row alone, or in
// turns with the oldest one of another bank group, up to the end of an access or the next other event.
//
// Legality: DramTiming. The data bus's every clock has one owner (loss.def): a gap before a burst belongs to
// what that burst waited for longest, less the time in which no access was there.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/address_map.hpp"
#include "memory/dram/command.hpp"
#include "memory/dram/counters.hpp"
#include "memory/dram/timing.hpp"

namespace assay::memory {

// A run of bursts in one row: what a queue's place holds.
struct DramAccess {
  std::uint32_t group = 0, bank = 0, row = 0, column = 0, bursts = 0;
  std::uint32_t request = 0;  // of the channel's requests
  bool write = false;
};

// A finished piece of news about a request, in the channel's clocks.
struct ChannelAnswer {
  enum class Kind : std::uint8_t { read, write_taken, write_drained };
  std::uint64_t id = 0;
  Kind kind = Kind::read;
  Clock done = 0;   // read: its last data; write_taken: it is in the queue; write_drained: its last data
  Clock freed = 0;  // its places in the queue are free (not of write_taken)
  DramLoss cause = DramLoss::bus;
};

class Channel {
 public:
  Channel(const DramTiming& timing, const Machine::MemoryController& policy, std::uint32_t number,
          Clock refresh_phase, DramObserver* observer);

  // A request of `accesses` arrives at `at`; arrivals do not go back in time.
  void arrive(Clock at, std::uint64_t id, bool write, const DramAccess* accesses, std::uint32_t count);
  // Issues every command before `until`.
  void advance(Clock until, std::vector<ChannelAnswer>& answers);

  // Nothing waits: until the next arrival there are refreshes alone.
  bool idle() const { return inbox_.empty() && waiting_[0] + waiting_[1] == 0; }
  Clock written() const { return written_; }
  // Up to `until`, which advance() has reached.
  DramCounters counters(Clock until) const;

 private:
  static constexpr std::int32_t kNone = -1;
  static constexpr Clock kNever = ~Clock{0};

  struct Node {  // a place in a queue
    DramAccess access;
    Clock arrival = 0;
    std::uint64_t order = 0;
    std::int32_t next = kNone, previous = kNone;  // in its bank's list, oldest first
  };
  struct Bank {
    std::int64_t row = -1;                                                // open, or -1
    Clock act_from = 0, pre_from = 0;                                     // earliest command of each kind
    std::array<std::int32_t, 2> first{kNone, kNone}, last{kNone, kNone};  // waiting, by direction
    std::array<std::int32_t, 2> hit{kNone, kNone};  // the oldest of them for the open row
    std::uint32_t group = 0;
    DramLoss closed_by = DramLoss::row;  // what act_from stands for: tRP and tRC, or a refresh
    DramLoss cause = DramLoss::row;      // what its last activate waited for
  };
  // What choosing a column command looks at, for one direction.
  struct Hit {
    Clock column_from = 0;    // tRCD after the bank's activate
    std::uint64_t order = 0;  // of the oldest access for its open row
  };
  struct Group {
    Clock act_from = 0;
    std::array<Clock, 2> column_from{};
  };
  struct Request {
    std::uint64_t id = 0;
    std::uint32_t left = 0;  // accesses
    Clock done = 0;
    DramLoss cause = DramLoss::bus;
  };
  struct Arrival {
    Clock at = 0;
    DramAccess access;
    bool last = false;  // of its request
  };
  // Column commands `step` clocks apart, of two banks in turns or of one (then both are the same).
  struct Run {
    Clock at = 0, step = 0;
    std::array<std::uint32_t, 2> banks{};
    std::uint32_t bursts = 1;
  };
  enum class Step : std::uint8_t { none, column, activate, precharge, precharge_all, refresh };
  struct Choice {
    Clock at = kNever;
    Step step = Step::none;
    std::uint32_t bank = 0;
    std::uint64_t order = ~std::uint64_t{0};

    void offer(Clock when, Step what, std::uint32_t which, std::uint64_t age) {
      if (when < at || (when == at && age < order)) *this = {when, what, which, age};
    }
  };

  std::uint32_t group_of(std::uint32_t bank) const { return bank >> group_shift_; }

  // --- queues ---
  bool accept(std::vector<ChannelAnswer>& answers);  // the next arrival; false where its queue is full
  bool forwarded(const DramAccess& read) const;
  void insert(std::int32_t node);
  void remove(std::uint32_t bank, std::int32_t node);
  void find_hits(std::uint32_t bank);
  void note(std::uint32_t bank,
            std::size_t direction);  // brings the masks and the order of the hits up to date
  void note_hit(std::uint32_t bank, std::size_t direction);
  void choose_direction();
  Clock drain_at() const;

  // --- choices ---
  Clock columns_from() const;
  Choice best_column() const;
  Run run_from(const Choice& column, Clock until) const;
  Run turns_from(const Choice& column) const;
  bool overdue(std::int32_t node, Clock at) const;
  Choice best_row() const;
  void offer_rows(Choice& best, std::uint64_t banks, std::size_t direction, std::uint64_t age) const;
  void offer_refresh(Choice& best) const;
  Clock close_all_at() const;  // when every open bank can be precharged
  void set_due();
  Clock refresh_at() const;
  void start_refresh();

  // --- commands ---
  void issue_run(const Run& run, std::vector<ChannelAnswer>& answers);
  void take_bursts(Clock last, std::uint32_t bank, std::uint32_t bursts);
  void issue_row(const Choice& choice);
  void issue_activate(Clock at, std::uint32_t bank);
  void issue_precharge(Clock at, std::uint32_t bank);
  void issue_precharge_all(Clock at);
  void issue_refresh(Clock at);
  void finish(std::uint32_t bank, std::int32_t node, Clock at, DramLoss cause,
              std::vector<ChannelAnswer>& answers);
  DramLoss account(Clock at, std::uint32_t bank, std::size_t direction);
  DramLoss account_rest(const Run& run);
  void tell(Clock at, DramCommand command, std::uint32_t bank = 0, std::uint32_t row = 0,
            std::uint32_t column = 0);
  void tell_columns(const Run& run);
  void hold_row_bus(Clock until);

  const DramTiming& t_;
  const Machine::MemoryController& policy_;
  std::uint32_t number_;
  bool per_bank_, closed_page_;
  bool steady_;  // bursts of two groups in turns fill the bus
  DramObserver* observer_;

  std::vector<Bank> banks_;
  std::array<std::vector<Hit>, 2> hit_;  // by direction, of each bank
  std::vector<Group> groups_;
  std::uint32_t group_shift_;
  std::vector<Node> nodes_;
  std::vector<std::int32_t> free_nodes_;
  std::vector<Request> requests_;
  std::vector<std::uint32_t> free_requests_;
  std::deque<Arrival> inbox_;  // not yet in a queue

  Clock now_ = 0;   // of the last command or arrival
  Clock wake_ = 0;  // nothing happens before
  Clock row_bus_ = 0, column_bus_ = 0;
  Clock act_from_ = 0;                  // tRRD_S, tRREFD
  std::array<Clock, 2> column_from_{};  // tCCD_S, tRTW, tWTR_S
  std::array<Clock, 4> window_{};       // the last four activates, a ring (tFAW)
  std::size_t oldest_ = 0;
  std::uint64_t orders_ = 0, activates_ = 0;

  bool writing_ = false;
  bool stale_ = true;
  bool full_ = false;                       // the next arrival waits for a place
  Clock reads_gone_ = 0;                    // the last read was served
  std::array<std::uint32_t, 2> waiting_{};  // accesses, by direction
  // Banks as masks, by direction: with accesses, with accesses for their open row, whose oldest access
  // needs another row.
  std::array<std::uint64_t, 2> pending_{}, hits_{}, rows_{};
  std::uint64_t open_ = 0;
  std::array<std::vector<std::uint8_t>, 2> by_age_;  // banks with hits, that with the oldest first
  Choice row_;  // the next row command, unless stale: something has changed that it depends on

  // Refresh: the next one (per-bank: of one bank) is due at phase + performed * period.
  Clock phase_, due_ = 0, forced_ = 0, empty_since_ = 0;
  std::uint64_t performed_ = 0;
  bool refreshing_ = false;
  std::uint32_t target_ = 0;     // per-bank: the bank being refreshed
  std::uint64_t refreshed_ = 0;  // per-bank: banks done in this round
  Clock refresh_from_ = 0;       // per-bank: tRREFD, tRRD_S

  // The data bus.
  Clock data_end_ = 0, idle_ = 0, written_ = 0;
  bool last_write_ = false;
  DramCounters counters_;
};

}  // namespace assay::memory
