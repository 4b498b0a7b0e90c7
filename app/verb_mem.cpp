// assay mem: main memory alone under a pattern of requests - bandwidth, rows, latencies, the limit that
// binds.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/debug/output_file.hpp"
#include "app/verbs.hpp"
#include "base/machine_yaml.hpp"
#include "memory/traffic/drive.hpp"

namespace assay::app {
namespace {

using Json = nlohmann::ordered_json;
using memory::DramEvent;
using memory::DramLoss;
using memory::TrafficResult;
using memory::TrafficSpec;

struct Options {
  std::string config = "server128", table, address_map, page_policy, refresh, pattern = "sequential", tile,
              trace;
  TrafficSpec traffic;
  bool json = false;
};

// Every command of the DRAM as a line of CSV.
class CommandTrace : public memory::DramObserver {
 public:
  explicit CommandTrace(const std::string& path) : file_(path) {
    file_.write("clock,channel,command,group,bank,row,column\n");
  }
  void command(const DramEvent& e) override {
    line_.clear();
    fmt::format_to(std::back_inserter(line_), "{},{},{},{},{},{},{}\n", e.clock, e.channel,
                   to_string(e.command), e.group, e.bank, e.row, e.column);
    file_.write({line_.data(), line_.size()});
  }
  void commit() { file_.commit(); }

 private:
  OutputFile file_;
  fmt::memory_buffer line_;
};

// The machine with what the command line changes of its memory. Another table brings its own address map.
Machine machine_of(const Options& o) {
  Machine m = find_machine(o.config);
  Machine::MemoryController& c = m.hbm.controller;
  if (!o.table.empty()) {
    m.hbm.table = find_hbm_table(o.table);
    c.address_map = default_address_map(m.hbm.table);
    c.refresh_postpone = std::min(c.refresh_postpone, m.hbm.table.refresh_postpone_max);
  }
  if (!o.address_map.empty()) c.address_map = o.address_map;
  if (!o.page_policy.empty()) c.page_policy = o.page_policy;
  if (!o.refresh.empty()) c.refresh = o.refresh;
  m.file = "mem";  // where an impossible combination is from
  check_controller(m);
  return m;
}

// "128x256": rows x bytes.
void read_tile(const std::string& text, TrafficSpec& spec) {
  const std::size_t cross = text.find('x');
  const auto number = [&text](const std::string& part) -> std::uint32_t {
    if (part.empty() || part.size() > 9 || part.find_first_not_of("0123456789") != std::string::npos)
      fail(ExitCode::Usage, "mem: --tile '{}': expected ROWSxBYTES, as 128x256", text);
    return static_cast<std::uint32_t>(std::stoul(part));
  };
  spec.tile_rows = number(text.substr(0, cross));
  spec.tile_bytes = number(cross == std::string::npos ? "" : text.substr(cross + 1));
}

TrafficSpec traffic_of(const Options& o) {
  TrafficSpec spec = o.traffic;
  spec.pattern = memory::pattern_named(o.pattern);
  if (!o.tile.empty() && spec.pattern != memory::Pattern::tile)
    fail(ExitCode::Usage, "mem: --tile belongs to --pattern tile");
  if (!o.tile.empty()) read_tile(o.tile, spec);
  return spec;
}

// What is printed, in figures.
struct Report {
  Report(const Machine& m, const TrafficSpec& s, const TrafficResult& r) : machine(m), spec(s), result(r) {
    for (const std::uint64_t clocks : r.counters.clocks) total_clocks += static_cast<double>(clocks);
    limits = memory::bounds(m.hbm, r.bytes_per_activate());
  }
  double of_pins() const { return result.bytes_per_second() / limits.bus; }
  double ns(double cycles) const { return cycles * 1000.0 / machine.freq_mhz; }
  double share(DramLoss loss) const { return static_cast<double>(result.counters.of(loss)) / total_clocks; }
  double requests_per_second() const {
    return static_cast<double>(result.counters.reads + result.counters.writes) /
           std::max(1e-9, result.seconds);
  }

  std::string limit() const { return binding_limit(result, limits); }

  const Machine& machine;
  const TrafficSpec& spec;
  const TrafficResult& result;
  memory::TrafficBounds limits;
  double total_clocks = 0;
};

constexpr std::pair<const char*, double> kPercentiles[] = {
    {"min", 0}, {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};

const std::vector<DramLoss>& owners() {
  static const std::vector<DramLoss> list{
#define LOSS(name, meaning) DramLoss::name,
#include "memory/dram/loss.def"
#undef LOSS
  };
  return list;
}

Json latency_json(const Report& report, const memory::Latencies& latencies) {
  Json json{{"count", latencies.count()}};
  if (latencies.count() == 0) return json;
  for (const auto& [name, part] : kPercentiles)
    json[name] = report.ns(static_cast<double>(latencies.at(part)));
  json["mean"] = report.ns(latencies.mean());
  return json;
}

Json report_json(const Report& r) {
  const memory::DramCounters& c = r.result.counters;
  Json json{{"config", r.machine.name},
            {"table", r.machine.hbm.table.name},
            {"address_map", r.machine.hbm.controller.address_map},
            {"pattern", memory::pattern_names()[static_cast<std::size_t>(r.spec.pattern)]},
            {"cycles", r.result.cycles.count()},
            {"ns", r.ns(static_cast<double>(r.result.cycles.count()))}};
  json["requests"] = {{"reads", c.reads}, {"writes", c.writes}, {"bytes", r.result.bytes}};
  json["bandwidth"] = {{"gb_per_s", r.result.bytes_per_second() / 1e9},
                       {"of_pins", r.of_pins()},
                       {"of_refreshed", r.of_pins() / r.limits.refreshed},
                       {"limit", r.limit()}};
  json["bounds_gb_per_s"] = {{"bus", r.limits.bus / 1e9},
                             {"tFAW", r.limits.window / 1e9},
                             {"tRRD", r.limits.activates / 1e9},
                             {"tRC", r.limits.banks / 1e9},
                             {"lowest_refreshed", r.limits.lowest() / 1e9}};
  json["rows"] = {
      {"accesses", c.accesses},       {"hits", c.row_hits()},     {"misses", c.activates - c.conflicts},
      {"conflicts", c.conflicts},     {"activates", c.activates}, {"refreshes", c.refreshes},
      {"turnarounds", c.turnarounds}, {"forwarded", c.forwarded}};
  json["latency_ns"] = {{"reads", latency_json(r, r.result.reads)},
                        {"writes", latency_json(r, r.result.writes)}};
  for (const DramLoss loss : owners())
    json["data_bus"][std::string(to_string(loss))] = {{"clocks", c.of(loss)}, {"share", r.share(loss)}};
  json["speed"] = {{"seconds", r.result.seconds}, {"requests_per_second", r.requests_per_second()}};
  return json;
}

void print_latencies(const Report& report, const char* name, const memory::Latencies& latencies) {
  if (latencies.count() == 0) return;
  fmt::print("{:<12}", name);
  for (const auto& [label, part] : kPercentiles)
    fmt::print(" {} {:.0f}", label, report.ns(static_cast<double>(latencies.at(part))));
  fmt::print(", mean {:.1f} ns\n", report.ns(latencies.mean()));
}

void print_report(const Report& r) {
  const memory::DramCounters& c = r.result.counters;
  fmt::print("memory       {}, {} channels, {:.1f} GB/s at the pins, refresh leaves {:.1f}%\n",
             r.machine.hbm.table.name, r.machine.hbm.table.channels(), r.limits.bus / 1e9,
             100 * r.limits.refreshed);
  fmt::print("traffic      {}, {} reads and {} writes of {} bytes, {} outstanding\n",
             memory::pattern_names()[static_cast<std::size_t>(r.spec.pattern)], c.reads, c.writes,
             r.spec.request_bytes, r.spec.outstanding);
  fmt::print("bandwidth    {:.2f} GB/s: {:.2f}% of the pins, {:.2f}% of what refresh leaves; limit: {}\n",
             r.result.bytes_per_second() / 1e9, 100 * r.of_pins(), 100 * r.of_pins() / r.limits.refreshed,
             r.limit());
  fmt::print(
      "bounds       bus {:.1f}, tFAW {:.1f}, tRRD {:.1f}, tRC {:.1f} GB/s; the lowest less refresh {:.1f}\n",
      r.limits.bus / 1e9, r.limits.window / 1e9, r.limits.activates / 1e9, r.limits.banks / 1e9,
      r.limits.lowest() / 1e9);
  fmt::print("rows         {} hits, {} misses, {} conflicts; {} refreshes, {} turnarounds\n", c.row_hits(),
             c.activates - c.conflicts, c.conflicts, c.refreshes, c.turnarounds);
  print_latencies(r, "reads", r.result.reads);
  print_latencies(r, "writes", r.result.writes);
  fmt::print("data bus     {:.0f} ns\n", r.ns(static_cast<double>(r.result.cycles.count())));
  for (const DramLoss loss : owners())
    if (c.of(loss) > 0)
      fmt::print("  {:<10} {:6.2f}%  {}\n", to_string(loss), 100 * r.share(loss), meaning(loss));
  fmt::print("simulated    {:.2f} million requests a second\n", r.requests_per_second() / 1e6);
}

ExitCode run(const Options& o) {
  const Machine machine = machine_of(o);
  const TrafficSpec spec = traffic_of(o);
  check_traffic(spec, machine.hbm);
  std::optional<CommandTrace> trace;
  if (!o.trace.empty()) trace.emplace(o.trace);
  const TrafficResult result = drive(machine.hbm, machine.freq_mhz, spec, trace ? &*trace : nullptr);
  if (trace) trace->commit();
  const Report report(machine, spec, result);
  if (o.trace == "-") return ExitCode::Pass;  // standard output is the trace's
  if (o.json) fmt::print("{}\n", json_text(report_json(report)));
  else print_report(report);
  return ExitCode::Pass;
}

void add_memory_options(CLI::App& verb, Options& o) {
  verb.add_option("--config", o.config, "machine: a name, or the path of a .yaml")->capture_default_str();
  verb.add_option("--table", o.table,
                  "another memory table than the machine's: a name, or the path of a .yaml");
  verb.add_option("--address-map", o.address_map, "fields of an address; see docs/memory.md");
  verb.add_option("--page-policy", o.page_policy, "open or closed");
  verb.add_option("--refresh", o.refresh, "all_bank or per_bank");
}

void add_traffic_options(CLI::App& verb, Options& o) {
  TrafficSpec& t = o.traffic;
  verb.add_option("--pattern", o.pattern, "sequential, random, strided, copy or tile")->capture_default_str();
  verb.add_option("--size", t.size, "bytes of memory that are touched, as 64MiB")
      ->transform(CLI::AsSizeValue(false));
  verb.add_option("--request-bytes", t.request_bytes, "bytes of a request")->capture_default_str();
  verb.add_option("--stride", t.stride, "bytes; strided: from request to request; tile: from row to row")
      ->transform(CLI::AsSizeValue(false));
  verb.add_option("--tile", o.tile, "tile: ROWSxBYTES of a tile, 128x256 if not given");
  verb.add_option("--writes", t.writes_percent, "percentage of requests that write")->capture_default_str();
  verb.add_option("--outstanding", t.outstanding, "most requests under way")->capture_default_str();
  verb.add_option("--requests", t.requests, "number of requests; as many as the size holds if not given");
  verb.add_option("--seed", t.seed, "of the random draws")->capture_default_str();
}

}  // namespace

void add_mem(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand("mem", "Drive main memory alone with a pattern of requests");
  const auto options = std::make_shared<Options>();
  add_memory_options(*verb, *options);
  add_traffic_options(*verb, *options);
  verb->add_option("--trace", options->trace, "write every DRAM command to this file, as CSV");
  verb->add_flag("--json", options->json, "print JSON");
  verb->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace assay::app
