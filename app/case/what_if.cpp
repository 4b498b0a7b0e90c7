#include "app/case/what_if.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.hpp"
#include "base/machine_yaml.hpp"
#include "base/suggest.hpp"

namespace assay::app {
namespace {

constexpr const char* kBandwidth = "hbm.bandwidth";

// Of "x2" or "x0.5"; 0 where the text is none.
double factor_of(const std::string& text) {
  double factor = 0;
  if (text.size() < 2 || text[0] != 'x') return 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), factor);
  return error == std::errc() && end == text.data() + text.size() && factor > 0 ? factor : 0;
}

// The field `name` of an address map with `more` bits more, or fewer.
void widen(std::string& map, const std::string& name, int more) {
  const std::size_t at = map.find(name + ":") + name.size() + 1;
  std::size_t digits = 0;
  const int bits = std::stoi(map.substr(at), &digits);
  map.replace(at, digits, std::to_string(bits + more));
}

// More pseudo-channels with fewer rows each: the capacity stays.
void scale_channels(Machine& machine, const std::string& value) {
  HbmTable& table = machine.hbm.table;
  const double factor = factor_of(value), more = std::log2(factor);
  if (factor == 0 || more != std::round(more) || table.pseudo_channels * factor < 1 ||
      table.channels() * factor < 2)
    fail(ExitCode::Usage,
         "--what-if: {}={}: expected x2, x4, x0.5 or another power of two that leaves {} two channels",
         kBandwidth, value, table.name);
  table.pseudo_channels = static_cast<std::uint32_t>(table.pseudo_channels * factor);
  table.rows_per_bank = static_cast<std::uint32_t>(table.rows_per_bank / factor);
  widen(machine.hbm.controller.address_map, "channel", static_cast<int>(more));
  widen(machine.hbm.controller.address_map, "row", -static_cast<int>(more));
}

void apply(Machine& machine, const std::string& key, const std::string& value) {
  if (key == kBandwidth) return scale_channels(machine, value);
  for (const Parameter& parameter : parameters(machine)) {
    if (parameter.path != key) continue;
    std::string text = value;
    const double factor = factor_of(value);
    if (const auto* number = std::get_if<std::uint32_t*>(&parameter.target); number != nullptr && factor > 0)
      text = fmt::format("{:.0f}", std::round(**number * factor));
    set_parameter(parameter, text, "--what-if");
  }
}

}  // namespace

const std::vector<std::string>& what_if_keys() {
  static const std::vector<std::string> keys{kBandwidth,
                                             "fabric.bytes_per_cycle",
                                             "fabric.latency_cycles",
                                             "dma.outstanding_requests",
                                             "dma.setup_cycles",
                                             "sync.queue_depth",
                                             "sync.signal_cycles",
                                             "mxu.load_rows_per_cycle",
                                             "mxu.rates.f32",
                                             "vxu.lanes",
                                             "vxu.setup_cycles",
                                             "vxu.divide_cycles_per_beat"};
  return keys;
}

Machine changed_machine(const Machine& machine, const std::string& changes) {
  Machine changed = machine;
  for (std::size_t at = 0; at <= changes.size();) {
    const std::size_t comma = std::min(changes.find(',', at), changes.size());
    const std::string change = changes.substr(at, comma - at);
    at = comma + 1;
    const std::size_t equals = change.find('=');
    if (equals == std::string::npos)
      fail(ExitCode::Usage, "--what-if: '{}' is no KEY=VALUE; vxu.lanes=512 or vxu.lanes=x2, say", change);
    const std::string key = change.substr(0, equals);
    const std::vector<std::string>& keys = what_if_keys();
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      fail(ExitCode::Usage, "--what-if: unknown key '{}'; {}", key, expected_one_of(key, keys));
    apply(changed, key, change.substr(equals + 1));
  }
  check_machine(changed);
  return changed;
}

}  // namespace assay::app
