// The snapshots of a run.
#include "app/debug/dump.hpp"

#include <fmt/format.h>

#include "base/machine_yaml.hpp"
#include "isa/command.hpp"
#include "sim/clock.hpp"
#include "sim/machine_view.hpp"

namespace assay::app {
namespace {

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

Dumper::Dumper(const std::vector<std::string>& requests, const CaseInput& input) {
  const Machine machine = find_machine(input.c.config);
  for (const std::string& text : requests) {
    const DumpRequest request = parse_dump(text);
    const DumpPlace place = place_of(request, input, machine);
    auto out = std::make_unique<OutputFile>(request.file.empty() ? "-" : request.file);
    snapshots_.push_back({request, place, false, {}, {}, std::move(out)});
  }
}

void Dumper::take(Snapshot& s, std::string when) {
  s.taken = true;
  s.when = std::move(when);
  s.bytes.resize(s.place.bytes);
  const auto offset = static_cast<std::uint32_t>(s.place.offset);
  switch (s.place.memory) {
    case DumpPlace::Memory::hbm: view_->hbm().read(s.place.offset, s.bytes.data(), s.bytes.size()); return;
    case DumpPlace::Memory::spm:
    case DumpPlace::Memory::acc: {
      const bool acc = s.place.memory == DumpPlace::Memory::acc;
      const std::byte* from =
          view_->local().at(acc ? isa::LocalAddr::acc(offset) : isa::LocalAddr::spm(offset));
      s.bytes.assign(from, from + s.bytes.size());
      return;
    }
  }
}

void Dumper::executed(const sim::CommandRecord& record) {
  for (Snapshot& s : snapshots_)
    if (s.request.command == record.id)
      take(s, fmt::format("after command {}, {} at cycle {}", record.id,
                          isa::to_string(isa::instruction_of(record.command)), sim::current_cycle().count()));
}

void Dumper::end(const sim::RunResult& result) {
  commands_ = view_->log().size();
  for (Snapshot& s : snapshots_)
    if (!s.request.command) take(s, fmt::format("at the end, cycle {}", result.cycles.count()));
}

std::vector<std::string> Dumper::finish() {
  std::vector<std::string> missing;
  for (Snapshot& s : snapshots_) {
    const std::string& file = s.request.file;
    if (!s.taken) {
      missing.push_back(fmt::format("--dump {}: command {} was never executed: the run had {} commands",
                                    s.request.text, *s.request.command, commands_));
      continue;
    }
    OutputFile& out = *s.out;
    if (ends_with(file, ".npy")) {
      out.write(dump_npy(s.place, s.bytes));
    } else if (ends_with(file, ".bin")) {
      out.write({reinterpret_cast<const char*>(s.bytes.data()), s.bytes.size()});
    } else {
      const std::string type =
          s.place.dtype ? fmt::format(", {} {}", to_string(*s.place.dtype), to_string(s.place.shape)) : "";
      out.write(fmt::format("dump      {}: {} bytes{}, {}\n", s.request.text, s.bytes.size(), type, s.when));
      out.write(dump_text(s.place, s.bytes));
    }
    out.commit();
  }
  return missing;
}

}  // namespace assay::app
