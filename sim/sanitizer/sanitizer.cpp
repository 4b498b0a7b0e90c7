#include "sim/sanitizer/sanitizer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "isa/command.hpp"

namespace assay::sim {

using core::Access;
using core::Region;
using core::Space;

namespace {

constexpr std::size_t kMostFindings = 1000;  // different ones; beyond, only known ones are counted

std::string place_text(Space space, std::uint64_t byte) {
  return fmt::format("{} {:#x}", core::to_string(space), byte);
}

std::string command_text(const CommandRecord& record) {
  return fmt::format("{} #{}", isa::to_string(isa::instruction_of(record.command)), record.id);
}

// Without the loops that come back to the same bytes: repetitions that accumulate in one tile.
Access without_repeats(Access access) {
  for (core::AccessDim& dim : access.dims)
    if (dim.stride == 0) dim.count = 1;
  return access;
}

bool is_dma(std::size_t actor) {
  return actor == static_cast<std::size_t>(isa::Engine::dma_in) ||
         actor == static_cast<std::size_t>(isa::Engine::dma_out);
}

}  // namespace

std::string_view to_string(FindingKind kind) {
  static constexpr std::string_view kNames[] = {
#define ASSAY_FINDING(id, name, doc) name,
#include "sim/sanitizer/kinds.def"
#undef ASSAY_FINDING
  };
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view explain(FindingKind kind) {
  static constexpr std::string_view kTexts[] = {
#define ASSAY_FINDING(id, name, doc) doc,
#include "sim/sanitizer/kinds.def"
#undef ASSAY_FINDING
  };
  return kTexts[static_cast<std::size_t>(kind)];
}

const std::vector<FindingKind>& all_finding_kinds() {
  static const std::vector<FindingKind> kinds{
#define ASSAY_FINDING(id, name, doc) FindingKind::id,
#include "sim/sanitizer/kinds.def"
#undef ASSAY_FINDING
  };
  return kinds;
}

Sanitizer::Sanitizer(const Machine& machine, const memory::HbmStorage& hbm, bool values)
    : machine_(machine),
      hbm_(hbm),
      values_(values),
      order_(machine.sync.semaphores),
      semaphores_(machine.sync.semaphores) {}

std::uint64_t Sanitizer::capacity(Space space) const {
  switch (space) {
    case Space::spm: return machine_.spm.bytes().count();
    case Space::acc: return machine_.acc.bytes().count();
    case Space::hbm: return machine_.hbm.bytes().count();
  }
  return 0;
}

// --------------------------------------------------------------------------------------------- moments

void Sanitizer::launched(const CommandRecord& record) {
  launches_.resize(record.id + 1);
  launches_[record.id] = order_.launch();
}

void Sanitizer::taken_up(const CommandRecord& record) {
  const Actor actor{static_cast<std::size_t>(record.engine), &record, record.pc, record.id};
  const std::uint64_t number = order_.take_up(record.engine, launches_[record.id]);
  std::vector<Placed> placed;
  for (const Access& access : core::footprint(record.command, record.index)) {
    const auto region = Region::of(access, capacity(access.space));
    if (region) placed.push_back({access, *region});
    else
      report(FindingKind::out_of_bounds, fmt::format("{} {:#x}", core::to_string(access.space), access.base),
             {{record.pc, fmt::format("{}: {} leaves its {} bytes", command_text(record), access.role,
                                      capacity(access.space))}});
  }
  check_operands(actor, placed);
  for (const auto& [access, region] : placed) {
    check_alignment(actor, access);
    check_tensor(actor, access, region);
    check_order(actor, access, region);
    if (!access.write) check_written(actor, access, region);
  }
  for (const auto& [access, region] : placed) {
    if (access.write) mark_written(region);
    histories_[actor.index].add({region, access.write, number, record.id, record.pc, &record});
  }
}

void Sanitizer::host_access(std::uint64_t pc, Space space, std::uint64_t offset, unsigned bytes, bool write) {
  const Actor actor{kHostActor, nullptr, pc, launches_.size()};
  Access access;
  access.space = space;
  access.write = write;
  access.role = write ? "store" : "load";
  access.base = static_cast<std::int64_t>(offset);
  access.run = bytes;
  const std::uint64_t number = order_.host_access();
  const auto region = Region::of(access, capacity(space));
  if (!region) return;  // the platform has trapped
  check_tensor(actor, access, *region);
  check_order(actor, access, *region);
  if (!write) check_written(actor, access, *region);
  else mark_written(*region);
  histories_[kHostActor].add({*region, write, number, actor.launches, pc, nullptr});
}

void Sanitizer::signalled(const CommandRecord& record) {
  const std::uint32_t index = std::get<isa::SemaphoreCommand>(record.command).semaphore;
  order_.signal(record.engine, index);
  semaphores_[index].pending.push_back(&record);
  require_one_engine(FindingKind::semaphore_signallers, semaphores_[index].signaller, record);
}

void Sanitizer::acquired(const CommandRecord& record) {
  const std::uint32_t index = std::get<isa::SemaphoreCommand>(record.command).semaphore;
  order_.wait(record.engine, index);
  if (!semaphores_[index].pending.empty()) semaphores_[index].pending.pop_front();
  require_one_engine(FindingKind::semaphore_waiters, semaphores_[index].waiter, record);
}

// `first`: the semaphore's first command of this kind.
void Sanitizer::require_one_engine(FindingKind kind, const CommandRecord*& first,
                                   const CommandRecord& record) {
  if (first == nullptr) first = &record;
  if (first->engine == record.engine) return;
  const auto site = [](const CommandRecord& r) {
    return FindingSite{r.pc, fmt::format("{} of {}", command_text(r), isa::to_string(r.engine))};
  };
  const auto [earlier, later] =
      std::minmax(*first, record, [](const auto& a, const auto& b) { return a.id < b.id; });
  report(kind, fmt::format("semaphore {}", std::get<isa::SemaphoreCommand>(record.command).semaphore),
         {site(later), site(earlier)});
}

void Sanitizer::halted() {
  for (std::size_t s = 0; s < semaphores_.size(); ++s) {
    const auto& pending = semaphores_[s].pending;
    if (pending.empty()) continue;
    report(
        FindingKind::semaphore_leak, fmt::format("semaphore {}", s),
        {{pending.front()->pc, fmt::format("{} of {}: {} {} never waited for", command_text(*pending.front()),
                                           isa::to_string(pending.front()->engine), pending.size(),
                                           pending.size() == 1 ? "signal was" : "signals were")}});
  }
}

// ---------------------------------------------------------------------------------------------- checks

void Sanitizer::check_alignment(const Actor& actor, const Access& access) {
  std::uint64_t element = access.element;
  std::int64_t base = access.base;
  if (access.space == Space::hbm) {
    const auto tensor = std::find_if(tensors_.begin(), tensors_.end(), [&](const TensorRange& t) {
      return static_cast<std::uint64_t>(access.base) - t.offset < t.bytes;
    });
    if (tensor == tensors_.end()) return;
    element = tensor->element;
    base -= static_cast<std::int64_t>(tensor->offset);
  }
  const auto size = static_cast<std::int64_t>(element);
  const auto complain = [&](const std::string& what) {
    report(FindingKind::misaligned, place_text(access.space, static_cast<std::uint64_t>(access.base)),
           {{actor.pc, fmt::format("{}: {} of {}, elements have {} bytes", command_text(*actor.record), what,
                                   access.role, element)}});
  };
  if (base % size != 0) return complain("the address");
  if (access.run % element != 0) return complain(fmt::format("the run of {} bytes", access.run));
  for (const core::AccessDim& dim : access.dims)
    if (dim.count > 1 && dim.stride % size != 0)
      return complain(fmt::format("the stride {} of {}", dim.stride, dim.name));
}

// One command's own writes: a byte written twice, an operand overwritten while it is read. Repetitions of the
// MXU may come back to a whole tile; an output of the VXU may lie exactly on an operand whose elements are no
// smaller, since each element is read before it is written, but not on its reduction.
void Sanitizer::check_operands(const Actor& actor, const std::vector<Placed>& placed) {
  for (const Placed& written : placed) {
    const Access& access = written.access;
    if (!access.write) continue;
    if (core::overlaps_itself(actor.record->engine == isa::Engine::mxu ? without_repeats(access) : access))
      report(
          FindingKind::self_overlap, place_text(access.space, static_cast<std::uint64_t>(access.base)),
          {{actor.pc, fmt::format("{} writes bytes of {} twice", command_text(*actor.record), access.role)}});
    if (actor.record->engine != isa::Engine::vxu) continue;
    for (const Placed& other : placed) {
      const Access& operand = other.access;
      const std::int64_t stride = operand.dims[0].stride;  // going down, rows that overlap are lost unread
      const bool rows_match =
          access.dims[0].count == 1 || (stride == access.dims[0].stride &&
                                        (stride >= 0 || static_cast<std::uint64_t>(-stride) >= operand.run));
      const bool in_place = operand.base == access.base && operand.run >= access.run && rows_match;
      if (operand.write ? &other <= &written : in_place) continue;
      const auto byte = core::common_byte(written.region, other.region);
      if (byte)
        report(FindingKind::self_overlap, place_text(access.space, *byte),
               {{actor.pc, fmt::format("{} writes {} over {}", command_text(*actor.record),
                                       core::locate(access, *byte), core::locate(operand, *byte))}});
    }
  }
}

void Sanitizer::check_tensor(const Actor& actor, const Access& access, const Region& region) {
  if (region.space != Space::hbm || tensors_.empty()) return;
  const auto tensor = std::find_if(tensors_.begin(), tensors_.end(), [&](const TensorRange& t) {
    return region.low < t.offset + t.bytes && t.offset < region.high;
  });
  if (tensor == tensors_.end())
    return report(FindingKind::outside_tensor, place_text(region.space, region.low),
                  {site(actor, access, region.low)});
  const std::uint64_t end = tensor->offset + tensor->bytes;
  if (region.low < tensor->offset || region.high > end) {
    const std::uint64_t beyond = region.high > end ? region.high - end : tensor->offset - region.low;
    FindingSite here = site(actor, access, region.high > end ? end : region.low);
    here.text +=
        fmt::format(", {} bytes {} tensor {}", beyond, region.high > end ? "behind" : "before", tensor->name);
    return report(FindingKind::crosses_tensor, place_text(region.space, region.high > end ? end : region.low),
                  {here});
  }
  if (!access.write || tensor->output) return;
  FindingSite here = site(actor, access, region.low);
  here.text += fmt::format(" in input {}", tensor->name);
  report(FindingKind::input_overwritten, place_text(region.space, region.low), {here});
}

void Sanitizer::check_written(const Actor& actor, const Access& access, const Region& region) {
  if (!values_) return;
  const memory::WrittenMap& written = region.space == Space::hbm ? hbm_.written() : local(region.space);
  region.for_each_run(region.low, region.high, [&](std::uint64_t offset, std::uint64_t bytes) {
    const std::uint64_t byte = written.first_unwritten(offset, bytes);
    if (byte == offset + bytes) return true;
    const FindingKind kind = region.space == Space::spm   ? FindingKind::uninitialised_spm
                             : region.space == Space::acc ? FindingKind::uninitialised_acc
                                                          : FindingKind::uninitialised_hbm;
    report(kind, place_text(region.space, byte), {site(actor, access, byte)});
    return false;
  });
}

void Sanitizer::poked(Space space, std::uint64_t offset, std::uint64_t bytes) {
  if (values_ && space != Space::hbm) local(space).mark(offset, bytes);
}

void Sanitizer::mark_written(const Region& region) {
  if (!values_ || region.space == Space::hbm) return;  // HBM knows by itself
  memory::WrittenMap& map = local(region.space);
  region.for_each_run(region.low, region.high, [&](std::uint64_t offset, std::uint64_t bytes) {
    map.mark(offset, bytes);
    return true;
  });
}

void Sanitizer::check_order(const Actor& actor, const Access& access, const Region& region) {
  const Knowledge& known = order_.of(actor.index);
  for (std::size_t other = 0; other < kActors; ++other) {
    if (other == actor.index && !is_dma(other)) continue;
    const auto check = [&](const Touch& touch) {
      if (!(access.write || touch.write) || touch.region.space != region.space) return true;
      const auto byte = core::common_byte(touch.region, region);
      if (byte) report_race(actor, access, touch, *byte);
      return !byte;
    };
    if (other != kHostActor) {
      histories_[other].for_each_after(known.complete[other], region, access.write, check);
      continue;
    }
    histories_[other].for_each_after(
        std::min(known.complete[other], known.host_stores), region, access.write, [&](const Touch& touch) {
          return touch.number <= (touch.write ? known.host_stores : known.complete[other]) || check(touch);
        });
  }
}

void Sanitizer::report_race(const Actor& actor, const Access& access, const Touch& other,
                            std::uint64_t byte) {
  const bool other_is_host = other.record == nullptr, self_is_host = actor.record == nullptr;
  // In program order; a host's access stands before the commands launched after it.
  const bool self_later = self_is_host ? actor.launches > other.launches : actor.launches >= other.launches;
  const bool later_writes = self_later ? access.write : other.write;
  const bool earlier_writes = self_later ? other.write : access.write;
  const bool host_later = self_is_host ? self_later : !self_later;
  FindingKind kind = FindingKind::race_write_after_read;
  if (self_is_host || other_is_host)
    kind = !host_later    ? FindingKind::host_store_race
           : later_writes ? FindingKind::host_write_race
                          : FindingKind::host_read_race;
  else if (is_dma(actor.index) && is_dma(static_cast<std::size_t>(other.record->engine)))
    kind = FindingKind::overlapping_dma;
  else if (later_writes && earlier_writes) kind = FindingKind::race_write_after_write;
  else if (earlier_writes) kind = FindingKind::race_read_after_write;
  const FindingSite self = site(actor, access, byte), that = site(other, byte);
  report(kind, place_text(access.space, byte), {self_later ? self : that, self_later ? that : self});
}

// --------------------------------------------------------------------------------------------- reports

FindingSite Sanitizer::site(const Actor& actor, const Access& access, std::uint64_t byte) const {
  const char* verb = access.write ? "writes" : "reads";
  if (actor.record == nullptr) return {actor.pc, fmt::format("the host {} {} bytes", verb, access.run)};
  return {actor.pc, fmt::format("{} {} {}", command_text(*actor.record), verb, core::locate(access, byte))};
}

FindingSite Sanitizer::site(const Touch& touch, std::uint64_t byte) const {
  Access access;
  access.write = touch.write;
  access.run = touch.region.bytes();
  if (touch.record != nullptr) {
    for (const Access& a : core::footprint(touch.record->command, touch.record->index)) {
      const auto region = Region::of(a, capacity(a.space));
      if (region && *region == touch.region && a.write == touch.write) access = a;
    }
  }
  return site({0, touch.record, touch.pc, touch.launches}, access, byte);
}

void Sanitizer::report(FindingKind kind, const std::string& place, std::vector<FindingSite> sites) {
  const std::uint64_t other = sites.size() > 1 ? sites[1].pc : 0;
  const auto key = std::make_tuple(kind, sites[0].pc, other);
  const auto found = known_.find(key);
  if (found != known_.end()) {
    ++findings_[found->second].count;
    return;
  }
  if (findings_.size() >= kMostFindings) return;
  known_[key] = findings_.size();
  findings_.push_back({kind, place, std::move(sites), 1});
  if (listener_) listener_(findings_.back());
}

std::vector<Finding> Sanitizer::findings() const {
  std::vector<Finding> sorted = findings_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Finding& a, const Finding& b) { return a.kind < b.kind; });
  return sorted;
}

}  // namespace assay::sim
