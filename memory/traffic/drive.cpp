#include "memory/traffic/drive.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>

namespace assay::memory {

void Latencies::add(std::uint64_t cycles) {
  if (cycles >= histogram_.size()) histogram_.resize(cycles + cycles / 2 + 64);
  ++histogram_[cycles];
  ++count_;
  sum_ += cycles;
}

std::uint64_t Latencies::at(double part) const {
  const auto rank =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::uint64_t cycles = 0; cycles < histogram_.size(); ++cycles) {
    seen += histogram_[cycles];
    if (seen >= rank) return cycles;
  }
  return 0;
}

namespace {

// Credits that come back, by the cycle in which they do; never further ahead than an answer is known.
class Credits {
 public:
  Credits(std::uint64_t horizon, std::uint32_t credits) : ring_(horizon), left_(credits) {}
  void give_back(std::uint64_t cycle) { ++ring_[cycle % ring_.size()]; }
  void reach(std::uint64_t cycle) {
    std::uint32_t& back = ring_[cycle % ring_.size()];
    left_ += back;
    back = 0;
  }
  bool take() { return left_ > 0 && left_-- > 0; }

 private:
  std::vector<std::uint32_t> ring_;
  std::uint32_t left_;
};

class Driver {
 public:
  Driver(const Machine::Hbm& hbm, std::uint32_t core_mhz, const TrafficSpec& spec, DramObserver* observer)
      : dram_(hbm, core_mhz, observer),
        stream_(spec),
        left_(spec.count()),
        step_(shortest_read(hbm.table, core_mhz)),
        credits_(4 * step_ + 64, spec.outstanding) {}

  TrafficResult run() {
    for (std::uint64_t now = 0; left_ > 0 || dram_.busy(); now += step_) {
      for (std::uint64_t cycle = now; cycle < now + step_; ++cycle) issue(cycle);
      answers_.clear();
      dram_.advance(Cycle(now + step_), answers_);
      for (const DramAnswer& answer : answers_) take(answer, now + step_);
    }
    return finish();
  }

 private:
  // An answer to a command that is given from a cycle on is not there before so many cycles more.
  static std::uint64_t shortest_read(const HbmTable& table, std::uint32_t core_mhz) {
    const double ns = table.tCL_ns + table.burst_ns();
    return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(ns * core_mhz / 1000));
  }

  void issue(std::uint64_t cycle) {
    credits_.reach(cycle);
    while (left_ > 0 && credits_.take()) {
      --left_;
      if (free_.empty()) {
        free_.push_back(arrivals_.size());
        arrivals_.push_back(0);
      }
      const std::uint64_t id = free_.back();
      free_.pop_back();
      arrivals_[id] = cycle;
      dram_.submit(Cycle(cycle), stream_.next(id));
    }
  }

  void take(const DramAnswer& answer, std::uint64_t now) {
    if (answer.kind == ChannelAnswer::Kind::write_drained) {
      free_.push_back(answer.id);
      return;
    }
    const bool read = answer.kind == ChannelAnswer::Kind::read;
    const std::uint64_t done = read ? answer.done.count() : answer.done.count() + step_;
    (read ? result_.reads : result_.writes).add(done - arrivals_[answer.id]);
    last_ = std::max(last_, answer.done.count());
    if (read) free_.push_back(answer.id);
    credits_.give_back(std::max(done, now));
  }

  TrafficResult finish() {
    last_ = std::max(last_, dram_.written().count());
    dram_.advance(Cycle(last_), answers_);
    result_.cycles = Cycle(last_);
    result_.counters = dram_.counters();
    result_.bytes = (result_.counters.read_bytes + result_.counters.written_bytes).count();
    return result_;
  }

  Dram dram_;
  TrafficStream stream_;
  std::uint64_t left_, step_;
  Credits credits_;
  std::vector<std::uint64_t> arrivals_, free_;  // by id: when it was issued; ids not in use
  std::vector<DramAnswer> answers_;
  std::uint64_t last_ = 0;
  TrafficResult result_;
};

}  // namespace

TrafficResult drive(const Machine::Hbm& hbm, std::uint32_t core_mhz, const TrafficSpec& spec,
                    DramObserver* observer) {
  check_traffic(spec, hbm);
  Driver driver(hbm, core_mhz, spec, observer);
  const std::clock_t start = std::clock();
  TrafficResult result = driver.run();
  result.core_mhz = core_mhz;
  result.seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  return result;
}

double TrafficBounds::lowest() const { return std::min({bus, window, activates, banks}) * refreshed; }

TrafficBounds bounds(const Machine::Hbm& hbm, double bytes_per_activate) {
  const HbmTable& t = hbm.table;
  const DramTiming timing(t);
  const double rows = bytes_per_activate * t.channels() / (t.tCK_ns * 1e-9);  // of an activate a clock
  TrafficBounds b;
  b.bus = t.bytes_per_second();
  b.window = rows * 4 / static_cast<double>(timing.faw);
  b.activates = rows / static_cast<double>(t.bank_groups > 1 ? timing.rrd_s : timing.rrd_l);
  b.banks = rows * t.banks() / static_cast<double>(timing.rc);
  if (hbm.per_bank_refresh()) {
    // It costs no bus time, but a bank's time, and the time for the activates that it keeps apart.
    const double rate = t.banks() * t.tCK_ns / t.tREFI_ns, gap = static_cast<double>(timing.refresh_gap);
    const double slack = static_cast<double>(timing.faw) - 4 * static_cast<double>(timing.rrd_s);
    b.window *= 1 - rate * std::max(0.0, gap - slack);
    b.activates *= 1 - rate * gap;
    b.banks *= 1 - t.tRFCpb_ns / t.tREFI_ns;
  }
  b.refreshed = hbm.refresh_fraction();
  return b;
}

std::string binding_limit(const TrafficResult& r, const TrafficBounds& b) {
  const std::pair<const char*, double> named[] = {
      {"bus", b.bus}, {"tFAW", b.window}, {"tRRD", b.activates}, {"tRC", b.banks}};
  const auto* lowest = std::min_element(std::begin(named), std::end(named),
                                        [](auto& x, auto& y) { return x.second < y.second; });
  if (r.bytes_per_second() >= 0.94 * b.lowest()) return lowest->first;
  std::size_t most = static_cast<std::size_t>(DramLoss::idle);
  for (std::size_t i = 0; i < kDramLosses; ++i)
    if (i != static_cast<std::size_t>(DramLoss::bus) && r.counters.clocks[i] > r.counters.clocks[most])
      most = i;
  const auto loss = static_cast<DramLoss>(most);
  return loss == DramLoss::idle ? "queue" : std::string(to_string(loss));
}

}  // namespace assay::memory
