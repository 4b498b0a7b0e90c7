#include "memory/dram/channel.hpp"

#include <algorithm>

namespace assay::memory {
namespace {

constexpr std::size_t kRead = 0, kWrite = 1;
// Rows opened ahead for the direction that is not served yield to those of the one that is.
constexpr std::uint64_t kAhead = std::uint64_t{1} << 62;
constexpr std::uint64_t kLast = std::uint64_t{1} << 63;

std::uint64_t bit(std::uint32_t bank) { return std::uint64_t{1} << bank; }
std::uint64_t first_banks(std::size_t count) { return ~std::uint64_t{0} >> (64 - count); }  // 1 to 64 of them
std::uint32_t lowest(std::uint64_t mask) { return static_cast<std::uint32_t>(__builtin_ctzll(mask)); }

void raise(Clock& clock, Clock to) { clock = std::max(clock, to); }

}  // namespace

Channel::Channel(const DramTiming& timing, const Machine::MemoryController& policy, std::uint32_t number,
                 Clock refresh_phase, DramObserver* observer)
    : t_(timing),
      policy_(policy),
      number_(number),
      per_bank_(policy.refresh == "per_bank"),
      closed_page_(policy.page_policy == "closed"),
      steady_(timing.ccd_s == timing.burst && timing.column <= timing.ccd_s &&
              timing.ccd_l <= 2 * timing.ccd_s),
      observer_(observer),
      banks_(timing.banks()),
      hit_{std::vector<Hit>(timing.banks()), std::vector<Hit>(timing.banks())},
      groups_(timing.groups),
      group_shift_(lowest(timing.banks_per_group)),
      phase_(refresh_phase) {
  set_due();
  for (std::uint32_t b = 0; b < banks_.size(); ++b) banks_[b].group = b / t_.banks_per_group;
}

// ------------------------------------------------------------------------------------------- queues

void Channel::arrive(Clock at, std::uint64_t id, bool write, const DramAccess* accesses,
                     std::uint32_t count) {
  if (free_requests_.empty()) {
    free_requests_.push_back(static_cast<std::uint32_t>(requests_.size()));
    requests_.emplace_back();
  }
  wake_ = std::min(wake_, at);
  const std::uint32_t request = free_requests_.back();
  free_requests_.pop_back();
  requests_[request] = {id, count, 0, DramLoss::bus};
  for (std::uint32_t i = 0; i < count; ++i) {
    inbox_.push_back({at, accesses[i], i + 1 == count});
    inbox_.back().access.request = request;
    inbox_.back().access.write = write;
  }
}

inline bool Channel::accept(std::vector<ChannelAnswer>& answers) {
  const Arrival arrival = inbox_.front();
  const std::size_t direction = arrival.access.write ? kWrite : kRead;
  const std::uint32_t places = arrival.access.write ? policy_.write_queue : policy_.read_queue;
  if (waiting_[direction] >= places) return false;
  inbox_.pop_front();
  const Clock before = now_;
  // One that had to wait for a place is taken when the place became free, which is now.
  raise(now_, arrival.at);
  if (direction == kRead && waiting_[kWrite] > 0 && forwarded(arrival.access)) {
    ++counters_.forwarded;
    Request& request = requests_[arrival.access.request];
    raise(request.done, now_ + t_.burst);
    now_ = std::max(before, arrival.at);
    if (--request.left == 0) {
      answers.push_back({request.id, ChannelAnswer::Kind::read, request.done, now_, request.cause});
      free_requests_.push_back(arrival.access.request);
    }
    return true;
  }
  if (waiting_[kRead] + waiting_[kWrite] == 0 && now_ > empty_since_) idle_ += now_ - empty_since_;
  if (free_nodes_.empty()) {
    free_nodes_.push_back(static_cast<std::int32_t>(nodes_.size()));
    nodes_.emplace_back();
  }
  const std::int32_t node = free_nodes_.back();
  free_nodes_.pop_back();
  nodes_[static_cast<std::size_t>(node)] = {arrival.access, arrival.at, orders_++, kNone, kNone};
  insert(node);
  if (arrival.last && direction == kWrite)
    answers.push_back(
        {requests_[arrival.access.request].id, ChannelAnswer::Kind::write_taken, now_, 0, DramLoss::bus});
  return true;
}

bool Channel::forwarded(const DramAccess& read) const {
  const Bank& bank = banks_[read.group * t_.banks_per_group + read.bank];
  for (std::int32_t n = bank.first[kWrite]; n != kNone; n = nodes_[static_cast<std::size_t>(n)].next) {
    const DramAccess& write = nodes_[static_cast<std::size_t>(n)].access;
    if (write.row == read.row && write.column <= read.column &&
        read.column + read.bursts <= write.column + write.bursts)
      return true;
  }
  return false;
}

inline void Channel::insert(std::int32_t index) {
  Node& node = nodes_[static_cast<std::size_t>(index)];
  const std::size_t direction = node.access.write ? kWrite : kRead;
  const std::uint32_t number = node.access.group * t_.banks_per_group + node.access.bank;
  Bank& bank = banks_[number];
  node.previous = bank.last[direction];
  if (node.previous == kNone) bank.first[direction] = index;
  else nodes_[static_cast<std::size_t>(node.previous)].next = index;
  bank.last[direction] = index;
  if (bank.hit[direction] == kNone && bank.row == node.access.row) bank.hit[direction] = index;
  ++waiting_[direction];
  note(number, direction);
}

inline void Channel::remove(std::uint32_t number, std::int32_t index) {
  Node& node = nodes_[static_cast<std::size_t>(index)];
  const std::size_t direction = node.access.write ? kWrite : kRead;
  Bank& bank = banks_[number];
  (node.previous == kNone ? bank.first[direction] : nodes_[static_cast<std::size_t>(node.previous)].next) =
      node.next;
  (node.next == kNone ? bank.last[direction] : nodes_[static_cast<std::size_t>(node.next)].previous) =
      node.previous;
  // The oldest hit has gone: the next one is younger.
  std::int32_t next = node.next;
  while (next != kNone && nodes_[static_cast<std::size_t>(next)].access.row != bank.row)
    next = nodes_[static_cast<std::size_t>(next)].next;
  bank.hit[direction] = next;
  --waiting_[direction];
  free_nodes_.push_back(index);
  note(number, direction);
}

void Channel::find_hits(std::uint32_t number) {
  Bank& bank = banks_[number];
  for (const std::size_t direction : {kRead, kWrite}) {
    std::int32_t node = bank.row < 0 ? kNone : bank.first[direction];
    while (node != kNone && nodes_[static_cast<std::size_t>(node)].access.row != bank.row)
      node = nodes_[static_cast<std::size_t>(node)].next;
    bank.hit[direction] = node;
    note(number, direction);
  }
  open_ = bank.row < 0 ? open_ & ~bit(number) : open_ | bit(number);
}

inline void Channel::note(std::uint32_t number, std::size_t direction) {
  stale_ = true;
  const Bank& bank = banks_[number];
  const auto set = [number](std::uint64_t& mask, bool on) {
    mask = (mask & ~bit(number)) | std::uint64_t{on} << number;
  };
  note_hit(number, direction);
  set(pending_[direction], bank.first[direction] != kNone);
  set(hits_[direction], bank.hit[direction] != kNone);
  set(rows_[direction], bank.first[direction] != bank.hit[direction]);
}

inline void Channel::note_hit(std::uint32_t number, std::size_t direction) {
  const std::int32_t node = banks_[number].hit[direction];
  const bool listed = (hits_[direction] & bit(number)) != 0;
  if (node == kNone && !listed) return;
  std::vector<std::uint8_t>& banks = by_age_[direction];
  std::uint64_t& order = hit_[direction][number].order;
  if (listed) {
    if (node != kNone && nodes_[static_cast<std::size_t>(node)].order == order) return;
    banks.erase(std::find(banks.begin(), banks.end(), number));
  }
  if (node == kNone) return;
  order = nodes_[static_cast<std::size_t>(node)].order;
  auto place = banks.end();
  while (place != banks.begin() && hit_[direction][*(place - 1)].order > order) --place;
  banks.insert(place, static_cast<std::uint8_t>(number));
}

inline void Channel::choose_direction() {
  const bool before = writing_;
  if (!writing_) writing_ = waiting_[kWrite] >= policy_.write_high;
  else if (waiting_[kWrite] == 0 || (waiting_[kWrite] <= policy_.write_low && waiting_[kRead] > 0))
    writing_ = false;
  stale_ = stale_ || writing_ != before;
}

// When the writes are drained though they are few: as long as no read has come, so long none may be expected.
inline Clock Channel::drain_at() const {
  if (writing_ || waiting_[kWrite] == 0 || waiting_[kRead] > 0) return kNever;
  return std::max(now_, reads_gone_ + t_.read_to_write + t_.write_to_read_l);
}

// ------------------------------------------------------------------------------------------ choices

// Before this no bank's column command is legal.
inline Clock Channel::columns_from() const {
  return std::max({now_, column_from_[writing_ ? kWrite : kRead], column_bus_});
}

inline Channel::Choice Channel::best_column() const {
  Choice best;
  // Before a refresh of all banks what is open is used as long as that does not put the refresh off.
  const Clock recovery = writing_ ? t_.write_to_precharge : t_.read_to_precharge;
  const Clock last = refreshing_ && !per_bank_ ? close_all_at() : kNever;
  const std::size_t direction = writing_ ? kWrite : kRead;
  const Clock from = columns_from();
  const std::uint64_t barred = refreshing_ && per_bank_ ? bit(target_) : 0;
  for (const std::uint32_t number : by_age_[direction]) {
    const Clock at = std::max(
        {from, hit_[direction][number].column_from, groups_[group_of(number)].column_from[direction]});
    if (at >= best.at || at + recovery > last || (bit(number) & barred) != 0 ||
        ((rows_[direction] & bit(number)) != 0 && overdue(banks_[number].first[direction], at)))
      continue;
    best = {at, Step::column, number, hit_[direction][number].order};
    if (at == from) break;  // none is earlier, and those that follow are younger
  }
  return best;
}

// The column commands from `column` on that are known now: those before `until` and the next arrival, up to
// the end of an access.
inline Channel::Run Channel::run_from(const Choice& column, Clock until) const {
  Run run = turns_from(column);
  if (!inbox_.empty() && !full_) until = std::min(until, inbox_.front().at);
  if (run.step == 0) return run;
  const std::size_t direction = writing_ ? kWrite : kRead;
  const auto left = [&](std::uint32_t number) {
    return nodes_[static_cast<std::size_t>(banks_[number].hit[direction])].access.bursts;
  };
  const bool turns = run.banks[0] != run.banks[1];
  run.bursts = turns ? std::min(2 * left(run.banks[0]) - 1, 2 * left(run.banks[1])) : left(run.banks[0]);
  if (until < run.at + run.bursts * run.step)
    run.bursts = until > run.at ? static_cast<std::uint32_t>(ceil_div(until - run.at, run.step)) : 1;
  return run;
}

// Which banks' bursts follow, and how fast; step 0: only the first is known. The oldest hit is served
// whenever its group allows it, and while its group does not, the oldest one of another.
inline Channel::Run Channel::turns_from(const Choice& column) const {
  const Run once{column.at, 0, {column.bank, column.bank}, 1};
  const bool row_waits = t_.one_bus && row_.step != Step::none;  // each burst puts it off
  if (!steady_ || refreshing_ || row_waits) return once;
  const std::size_t direction = writing_ ? kWrite : kRead;
  const std::vector<std::uint8_t>& banks = by_age_[direction];
  const std::uint32_t oldest = banks.front();
  std::size_t next = 1;
  while (next < banks.size() && group_of(banks[next]) == group_of(oldest)) ++next;
  const bool alone = next == banks.size() || t_.ccd_l <= t_.ccd_s;
  const std::uint32_t other = alone || column.bank != oldest ? oldest : banks[next];
  if (((rows_[direction] >> column.bank | rows_[direction] >> other) & 1) != 0) return once;
  if (column.bank != oldest && (alone || column.bank != banks[next])) return once;
  if (alone) return {column.at, std::max(t_.ccd_s, t_.ccd_l), {oldest, oldest}, 1};
  const Clock ready =
      std::max(hit_[direction][other].column_from, groups_[group_of(other)].column_from[direction]);
  if (ready > column.at + t_.ccd_s) return once;
  return {column.at, t_.ccd_s, {column.bank, other}, 1};
}

// The access has waited so long that younger ones of its bank stand back.
bool Channel::overdue(std::int32_t node, Clock at) const {
  return nodes_[static_cast<std::size_t>(node)].arrival + policy_.age_cap_clocks <= at;
}

inline Channel::Choice Channel::best_row() const {
  Choice best;
  if (refreshing_) {
    offer_refresh(best);
    if (!per_bank_) return best;
  }
  const std::uint64_t usable = refreshing_ ? ~bit(target_) : ~std::uint64_t{0};
  const std::size_t direction = writing_ ? kWrite : kRead, other = 1 - direction;
  const std::uint64_t served = rows_[direction] & usable;
  const std::uint64_t ahead = rows_[other] & ~hits_[other] & ~pending_[direction] & usable;
  if (served != 0) offer_rows(best, served, direction, 0);
  if (ahead != 0) offer_rows(best, ahead, other, kAhead);
  if (closed_page_) {
    for (std::uint64_t banks = open_ & ~hits_[kRead] & ~hits_[kWrite] & usable; banks != 0;
         banks &= banks - 1) {
      const std::uint32_t number = lowest(banks);
      best.offer(std::max({now_, banks_[number].pre_from, row_bus_}), Step::precharge, number,
                 kLast + number);
    }
  }
  return best;
}

// What the oldest access of each of these banks needs before its column command.
void Channel::offer_rows(Choice& best, std::uint64_t banks, std::size_t direction, std::uint64_t age) const {
  const Clock from = std::max(now_, row_bus_);
  Clock rate = std::max(from, act_from_);
  if (activates_ >= window_.size()) raise(rate, window_[oldest_] + t_.faw);
  for (; banks != 0; banks &= banks - 1) {
    const std::uint32_t number = lowest(banks);
    const Bank& bank = banks_[number];
    const Node& first = nodes_[static_cast<std::size_t>(bank.first[direction])];
    if (bank.row < 0) {
      best.offer(std::max({rate, bank.act_from, groups_[bank.group].act_from}), Step::activate, number,
                 age + first.order);
      continue;
    }
    Clock at = std::max(from, bank.pre_from);
    if (bank.hit[direction] != kNone) raise(at, first.arrival + policy_.age_cap_clocks);
    best.offer(at, Step::precharge, number, age + first.order);
  }
}

// A refresh under way: first the banks are closed, then it starts.
void Channel::offer_refresh(Choice& best) const {
  Clock at = std::max(now_, row_bus_);
  if (per_bank_) {
    const Bank& bank = banks_[target_];
    if (bank.row >= 0) best.offer(std::max(at, bank.pre_from), Step::precharge, target_, 0);
    else best.offer(std::max({at, bank.act_from, refresh_from_}), Step::refresh, target_, 0);
    return;
  }
  if (open_ != 0) {
    best.offer(close_all_at(), Step::precharge_all, 0, 0);
    return;
  }
  for (const Bank& bank : banks_) raise(at, bank.act_from);
  best.offer(at, Step::refresh, 0, 0);
}

Clock Channel::close_all_at() const {
  Clock at = std::max(now_, row_bus_);
  for (std::uint64_t open = open_; open != 0; open &= open - 1) raise(at, banks_[lowest(open)].pre_from);
  return at;
}

void Channel::set_due() {
  due_ = phase_ + performed_ * t_.refi / (per_bank_ ? banks_.size() : 1);
  forced_ = due_ + policy_.refresh_postpone * t_.refi;
}

// When the next refresh is started if nothing else happens.
inline Clock Channel::refresh_at() const {
  if (refreshing_) return kNever;
  const Clock forced = forced_;
  if (per_bank_) {
    const bool unused =
        (first_banks(banks_.size()) & ~refreshed_ & ~pending_[kRead] & ~pending_[kWrite]) != 0;
    return std::max(now_, unused ? due_ : forced);
  }
  if (waiting_[kRead] + waiting_[kWrite] > 0) return std::max(now_, forced);
  // As long as it has been idle, so long it may be expected to stay.
  return std::max({now_, refresh_from_, std::min(forced, std::max(due_, empty_since_ + t_.rfc))});
}

void Channel::start_refresh() {
  refreshing_ = stale_ = true;
  if (!per_bank_) return;
  const std::uint64_t left = first_banks(banks_.size()) & ~refreshed_;
  const std::uint64_t unused = left & ~pending_[kRead] & ~pending_[kWrite];
  const std::uint64_t closed = unused & ~open_;
  target_ = lowest(closed != 0 ? closed : unused != 0 ? unused : left);
}

// ----------------------------------------------------------------------------------------- commands

void Channel::advance(Clock until, std::vector<ChannelAnswer>& answers) {
  while (wake_ < until) {
    while (!inbox_.empty() && !full_ && inbox_.front().at <= now_ && inbox_.front().at < until)
      full_ = !accept(answers);
    choose_direction();
    if (stale_) row_ = best_row();
    stale_ = false;
    const Clock refresh = refresh_at(), drain = drain_at();
    const Clock arrival = inbox_.empty() || full_ ? kNever : inbox_.front().at;
    Choice column;
    // An arrival before any column can be is not after the best one.
    if (arrival > std::min({columns_from(), row_.at, refresh, drain})) column = best_column();
    const Clock next = std::min({column.at, row_.at, refresh, drain});
    wake_ = std::min(arrival, next);
    if (wake_ >= until) return;
    if (arrival <= next) {
      full_ = !accept(answers);
      continue;
    }
    now_ = next;
    if (drain == next) writing_ = stale_ = true;
    else if (refresh < std::min(column.at, row_.at)) start_refresh();
    else if (column.at <= row_.at)
      issue_run(run_from(column, std::min({row_.at, refresh, drain, until})), answers);
    else issue_row(row_);
  }
}

void Channel::issue_row(const Choice& choice) {
  stale_ = true;
  switch (choice.step) {
    case Step::activate: issue_activate(choice.at, choice.bank); return;
    case Step::precharge: issue_precharge(choice.at, choice.bank); return;
    case Step::precharge_all: issue_precharge_all(choice.at); return;
    case Step::refresh: issue_refresh(choice.at); return;
    case Step::none:
    case Step::column: return;
  }
}

inline void Channel::issue_run(const Run& run, std::vector<ChannelAnswer>& answers) {
  const std::size_t direction = writing_ ? kWrite : kRead;
  DramLoss cause = account(run.at, run.banks[0], direction);
  if (run.bursts > 1) cause = account_rest(run);
  if (observer_ != nullptr) tell_columns(run);
  now_ = run.at + (run.bursts - 1) * run.step;
  const bool turns = run.banks[0] != run.banks[1];
  const std::uint32_t last = run.banks[(run.bursts - 1) % 2];
  if (turns && run.bursts > 1) {
    const std::uint32_t before = run.banks[run.bursts % 2];
    take_bursts(now_ - run.step, before, run.bursts / 2);
    take_bursts(now_, last, run.bursts - run.bursts / 2);
  } else {
    take_bursts(now_, last, run.bursts);
  }
  const std::int32_t node = banks_[last].hit[direction];
  if (nodes_[static_cast<std::size_t>(node)].access.bursts == 0) finish(last, node, now_, cause, answers);
}

// What the last of these bursts of a bank holds up.
inline void Channel::take_bursts(Clock at, std::uint32_t number, std::uint32_t bursts) {
  const std::size_t direction = writing_ ? kWrite : kRead;
  Bank& bank = banks_[number];
  Group& group = groups_[bank.group];
  column_bus_ = at + t_.column;
  if (t_.one_bus) {
    row_bus_ = column_bus_;
    stale_ = stale_ || row_.step != Step::none;
  }
  column_from_[direction] = at + t_.ccd_s;
  group.column_from[direction] = at + t_.ccd_l;
  if (writing_) {
    raise(column_from_[kRead], at + t_.write_to_read_s);
    raise(group.column_from[kRead], at + t_.write_to_read_l);
  } else {
    raise(column_from_[kWrite], at + t_.read_to_write);
  }
  raise(bank.pre_from, at + (writing_ ? t_.write_to_precharge : t_.read_to_precharge));
  stale_ = stale_ || (rows_[direction] & bit(number)) != 0;
  DramAccess& access = nodes_[static_cast<std::size_t>(bank.hit[direction])].access;
  access.column += bursts;
  access.bursts -= bursts;
}

// The owner of the gap before a burst, and the books of the data bus.
inline DramLoss Channel::account(Clock at, std::uint32_t number, std::size_t direction) {
  const Bank& bank = banks_[number];
  const bool write = direction == kWrite;
  const Clock start = at + (write ? t_.write_data : t_.read_data);
  const Clock gap = start > data_end_ ? start - data_end_ : 0;
  const Clock idle = std::min(gap, idle_);
  const Clock lost = gap - idle;
  DramLoss cause = DramLoss::bus;
  if (lost > 0) {
    const bool group = groups_[bank.group].column_from[direction] == at;
    if (hit_[direction][number].column_from == at) cause = bank.cause;
    else if (write != last_write_ && (group || column_from_[direction] == at)) cause = DramLoss::turnaround;
    else if (group) cause = DramLoss::group;
    else if (column_bus_ == at) cause = DramLoss::command;
    else cause = DramLoss::idle;  // it has just come, or was a write held back
  }
  counters_.clocks[static_cast<std::size_t>(DramLoss::idle)] += idle;
  counters_.clocks[static_cast<std::size_t>(cause)] += lost;
  counters_.clocks[static_cast<std::size_t>(DramLoss::bus)] += t_.burst;
  ++counters_.bursts;
  if (write != last_write_) ++counters_.turnarounds;
  last_write_ = write;
  idle_ = 0;
  data_end_ = start + t_.burst;
  if (write) written_ = data_end_;
  return cause;
}

// The same for the bursts of a run after its first: the gaps before them are their group's.
inline DramLoss Channel::account_rest(const Run& run) {
  const std::uint64_t bursts = run.bursts - 1;
  const Clock lost = run.step - t_.burst;
  counters_.clocks[static_cast<std::size_t>(DramLoss::group)] += bursts * lost;
  counters_.clocks[static_cast<std::size_t>(DramLoss::bus)] += bursts * t_.burst;
  counters_.bursts += bursts;
  data_end_ += bursts * run.step;
  if (writing_) written_ = data_end_;
  return lost > 0 ? DramLoss::group : DramLoss::bus;
}

inline void Channel::finish(std::uint32_t number, std::int32_t index, Clock at, DramLoss cause,
                            std::vector<ChannelAnswer>& answers) {
  const DramAccess access = nodes_[static_cast<std::size_t>(index)].access;
  remove(number, index);
  full_ = false;
  ++counters_.accesses;
  if (waiting_[kRead] + waiting_[kWrite] == 0) empty_since_ = at + t_.burst;
  if (waiting_[kRead] == 0 && !access.write) reads_gone_ = at;
  Request& request = requests_[access.request];
  raise(request.done, data_end_);
  if (cause != DramLoss::bus && cause != DramLoss::idle) request.cause = cause;
  if (--request.left > 0) return;
  const auto kind = access.write ? ChannelAnswer::Kind::write_drained : ChannelAnswer::Kind::read;
  answers.push_back({request.id, kind, request.done, at, request.cause});
  free_requests_.push_back(access.request);
}

void Channel::issue_activate(Clock at, std::uint32_t number) {
  Bank& bank = banks_[number];
  Group& group = groups_[bank.group];
  const bool pending_read = bank.first[kRead] != kNone;
  const std::size_t direction = writing_ && bank.first[kWrite] != kNone ? kWrite
                                : pending_read                          ? kRead
                                                                        : kWrite;
  const std::uint32_t row = nodes_[static_cast<std::size_t>(bank.first[direction])].access.row;
  const bool rate = at == act_from_ || at == group.act_from ||
                    (activates_ >= window_.size() && at == window_[oldest_] + t_.faw);
  bank.cause = at == bank.act_from ? bank.closed_by : rate ? DramLoss::activates : DramLoss::row;
  tell(at, DramCommand::activate, number, row);

  hold_row_bus(at + t_.activate);
  bank.row = row;
  bank.act_from = at + t_.rc;
  bank.closed_by = DramLoss::row;
  raise(bank.pre_from, at + t_.ras);
  hit_[kRead][number].column_from = at + t_.rcd_read;
  hit_[kWrite][number].column_from = at + t_.rcd_write;
  raise(group.act_from, at + t_.rrd_l);
  raise(act_from_, at + t_.rrd_s);
  raise(refresh_from_, at + t_.rrd_s);
  window_[oldest_] = at;
  oldest_ = (oldest_ + 1) % window_.size();
  ++activates_;
  ++counters_.activates;
  find_hits(number);
}

void Channel::issue_precharge(Clock at, std::uint32_t number) {
  Bank& bank = banks_[number];
  tell(at, DramCommand::precharge, number);
  const bool refreshed = refreshing_ && per_bank_ && number == target_;
  if (!refreshed && (bank.first[kRead] != kNone || bank.first[kWrite] != kNone)) ++counters_.conflicts;
  hold_row_bus(at + t_.precharge);
  bank.row = -1;
  raise(bank.act_from, at + t_.rp);
  ++counters_.precharges;
  find_hits(number);
}

void Channel::issue_precharge_all(Clock at) {
  tell(at, DramCommand::precharge_all);
  hold_row_bus(at + t_.precharge);
  for (std::uint32_t number = 0; number < banks_.size(); ++number) {
    if (banks_[number].row < 0) continue;
    banks_[number].row = -1;
    raise(banks_[number].act_from, at + t_.rp);
    ++counters_.precharges;
    find_hits(number);
  }
}

void Channel::issue_refresh(Clock at) {
  tell(at, per_bank_ ? DramCommand::refresh_bank : DramCommand::refresh_all, target_);
  hold_row_bus(at + t_.precharge);
  const Clock end = at + (per_bank_ ? t_.rfc_bank : t_.rfc);
  for (std::uint32_t number = 0; number < banks_.size(); ++number) {
    if (per_bank_ && number != target_) continue;
    raise(banks_[number].act_from, end);
    banks_[number].closed_by = DramLoss::refresh;
  }
  if (per_bank_) {
    raise(act_from_, at + t_.refresh_gap);
    raise(refresh_from_, at + t_.refresh_gap);
    refreshed_ |= bit(target_);
    if (static_cast<std::size_t>(__builtin_popcountll(refreshed_)) == banks_.size()) refreshed_ = 0;
  } else {
    refresh_from_ = end;  // what comes meanwhile goes before the next one
  }
  ++performed_;
  set_due();
  ++counters_.refreshes;
  refreshing_ = false;
}

void Channel::hold_row_bus(Clock until) {
  row_bus_ = until;
  if (t_.one_bus) column_bus_ = until;
}

void Channel::tell(Clock at, DramCommand command, std::uint32_t number, std::uint32_t row,
                   std::uint32_t column) {
  if (observer_ == nullptr) return;
  observer_->command(
      {at, command, number_, number / t_.banks_per_group, number % t_.banks_per_group, row, column});
}

void Channel::tell_columns(const Run& run) {
  const std::size_t direction = writing_ ? kWrite : kRead;
  const bool turns = run.banks[0] != run.banks[1];
  for (std::uint32_t i = 0; i < run.bursts; ++i) {
    const std::uint32_t number = run.banks[i % 2];
    const DramAccess& access = nodes_[static_cast<std::size_t>(banks_[number].hit[direction])].access;
    tell(run.at + i * run.step, writing_ ? DramCommand::write : DramCommand::read, number, access.row,
         access.column + (turns ? i / 2 : i));
  }
}

DramCounters Channel::counters(Clock until) const {
  DramCounters total = counters_;
  total.total_clocks = std::max(until, data_end_);
  if (until > data_end_)
    total.clocks[static_cast<std::size_t>(idle() ? DramLoss::idle : DramLoss::row)] += until - data_end_;
  return total;
}

}  // namespace assay::memory
