// Main memory alone: bandwidth of sequential and random 64-byte reads of each memory table beside what the
// table allows, bandwidth against a cap on outstanding requests, and the simulator's speed.
//
//   mem_bench [--requests N] [--repeat N]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/machine_yaml.hpp"
#include "memory/traffic/drive.hpp"

namespace {

using namespace assay;
using memory::Pattern;
using memory::TrafficResult;
using memory::TrafficSpec;

constexpr std::uint32_t kMhz = 1000;
constexpr std::uint32_t kMany = 65536;

Machine::Hbm memory_of(const std::string& table, const char* refresh = "all_bank") {
  Machine::Hbm hbm = find_machine("server128").hbm;
  hbm.table = find_hbm_table(table);
  hbm.controller.address_map = default_address_map(hbm.table);
  hbm.controller.refresh = refresh;
  return hbm;
}

TrafficResult measure(const Machine::Hbm& hbm, Pattern pattern, std::uint64_t requests,
                      std::uint32_t outstanding) {
  TrafficSpec spec;
  spec.pattern = pattern;
  spec.size = std::min<std::uint64_t>(hbm.table.capacity().count(), 4ULL << 30);
  spec.requests = requests;
  spec.outstanding = outstanding;
  return drive(hbm, kMhz, spec);
}

double of_pins(const Machine::Hbm& hbm, const TrafficResult& r) {
  return r.bytes_per_second() / hbm.table.bytes_per_second();
}

void print_tables(std::uint64_t requests) {
  fmt::print("{:<12} {:<9} {:>8} {:>10} {:>9} {:>8} {:>9} {:>9} {:>7}\n", "64-byte reads", "refresh", "GB/s",
             "sequential", "1 - refr.", "random", "bound", "of bound", "limit");
  for (const char* table :
       {"hbm2_1563", "hbm2_2000", "hbm2e_3200", "hbm3_6400", "lpddr4_3200", "ddr3_2133"}) {
    for (const char* refresh : {"all_bank", "per_bank"}) {
      const Machine::Hbm hbm = memory_of(table, refresh);
      if (hbm.per_bank_refresh() && hbm.table.tRFCpb_ns == 0) continue;
      const TrafficResult sequential = measure(hbm, Pattern::sequential, requests, kMany);
      const TrafficResult random = measure(hbm, Pattern::random, requests, kMany);
      const memory::TrafficBounds limits = memory::bounds(hbm, random.bytes_per_activate());
      const double bound = limits.lowest() / limits.bus;
      fmt::print("{:<13} {:<9} {:>8.1f} {:>9.2f}% {:>8.2f}% {:>7.2f}% {:>8.2f}% {:>8.2f}% {:>7}\n", table,
                 refresh, hbm.table.bytes_per_second() / 1e9, 100 * of_pins(hbm, sequential),
                 100 * hbm.refresh_fraction(), 100 * of_pins(hbm, random), 100 * bound,
                 100 * of_pins(hbm, random) / bound, binding_limit(random, limits));
    }
  }
}

void print_caps(std::uint64_t requests) {
  const Machine::Hbm hbm = memory_of("hbm2_2000");
  fmt::print("\nhbm2_2000, sequential 64-byte reads, a cap on outstanding requests\n");
  for (const std::uint32_t cap : {1u, 4u, 16u, 64u, 128u, 256u, 512u, 4096u}) {
    const TrafficResult r = measure(hbm, Pattern::sequential, requests, cap);
    fmt::print("{:>6} outstanding: {:>6.2f}% of the pins, mean latency {:.0f} ns\n", cap,
               100 * of_pins(hbm, r), r.reads.mean());
  }
}

void print_speed(std::uint64_t requests, int repeat) {
  const Machine::Hbm hbm = memory_of("hbm2_1563");
  fmt::print("\nsimulated million requests a second (hbm2_1563, 64-byte reads; best of {})\n", repeat);
  for (const Pattern pattern : {Pattern::sequential, Pattern::random, Pattern::strided, Pattern::copy}) {
    for (const std::uint32_t outstanding : {4096u, kMany}) {
      double best = 0;
      for (int i = 0; i < repeat; ++i)
        best = std::max(best,
                        static_cast<double>(requests) / measure(hbm, pattern, requests, outstanding).seconds);
      fmt::print("{:<12} {:>6} outstanding: {:.2f}\n",
                 memory::pattern_names()[static_cast<std::size_t>(pattern)], outstanding, best / 1e6);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program{"Main memory alone: bandwidth beside what the tables allow, and the simulator's speed"};
  std::uint64_t requests = 4'000'000;
  int repeat = 3;
  program.add_option("--requests", requests, "requests of each measurement")->capture_default_str();
  program.add_option("--repeat", repeat, "runs of which the fastest counts")->capture_default_str();
  CLI11_PARSE(program, argc, argv);
  print_tables(requests);
  print_caps(requests);
  print_speed(requests, repeat);
  return 0;
}
