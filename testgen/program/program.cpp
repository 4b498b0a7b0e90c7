#include "testgen/program/program.hpp"

#include <algorithm>
#include <cstring>

#include "base/machine_yaml.hpp"
#include "base/suggest.hpp"
#include "isa/table.hpp"
#include "testgen/data.hpp"

namespace assay::testgen::program {

std::vector<std::uint8_t> contents(const Chunk& c) {
  std::vector<std::uint8_t> bytes(c.bytes);
  const std::size_t width = size_of(c.type);
  if (c.fill == Chunk::Fill::drawn) {
    const ops::TensorInfo info{"chunk", c.type, {static_cast<std::int64_t>(c.bytes / width / 4), 4}};
    const Tensor tensor = make_tensor(info, c.kind, c.seed, 8);
    std::memcpy(bytes.data(), tensor.bytes.data(), tensor.bytes.size());
    return bytes;
  }
  for (std::size_t i = 0; i < c.bytes / width; ++i) {
    const std::uint64_t value =
        c.fill == Chunk::Fill::value ? c.value : i % std::max<std::uint64_t>(c.value, 1);
    for (std::size_t b = 0; b < width; ++b)
      bytes[i * width + b] = static_cast<std::uint8_t>(value >> (8 * b));
  }
  return bytes;
}

Machine machine_of(const Program& program) {
  Machine machine = find_machine(program.config);
  const std::vector<Parameter> all = parameters(machine);
  std::vector<std::string> names;
  for (const Parameter& p : all) names.push_back(p.path);
  for (const auto& [name, value] : program.set) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&n = name](const Parameter& p) { return p.path == n; });
    if (found == all.end())
      fail(ExitCode::Usage, "program: {}: no such parameter; {}", name, expected_one_of(name, names));
    set_parameter(*found, value, "program");
  }
  check_machine(machine);
  return machine;
}

bool is_command(const Item& item) {
  const auto* launch = std::get_if<Launch>(&item.what);
  return launch != nullptr && isa::info(launch->instruction).form == isa::Form::Launch;
}

std::size_t count_commands(const Program& program) {
  return static_cast<std::size_t>(std::count_if(program.items.begin(), program.items.end(), is_command));
}

std::size_t count_words(const Program& program) {
  std::size_t count = 0;
  for (const Item& item : program.items)
    if (const auto* code = std::get_if<HostCode>(&item.what)) count += code->words.size();
  return count;
}

}  // namespace assay::testgen::program
