#include "testgen/program/program_yaml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "base/suggest.hpp"
#include "base/yaml.hpp"
#include "isa/abi.h"
#include "isa/table.hpp"

namespace assay::testgen::program {
namespace {

constexpr std::uint64_t kFormat = 1;
constexpr std::array<std::pair<Ending::Kind, std::string_view>, 4> kEndings{
    {{Ending::Kind::done, "done"},
     {Ending::Kind::trap, "trap"},
     {Ending::Kind::meaningless, "meaningless"},
     {Ending::Kind::wfi, "wfi"}}};
constexpr std::array<std::pair<Space, std::string_view>, 3> kSpaces{
    {{Space::hbm, "hbm"}, {Space::spm, "spm"}, {Space::acc, "acc"}}};

template <typename Names>
std::string_view name_in(const Names& names, decltype(names[0].first) value) {
  for (const auto& [v, name] : names)
    if (v == value) return name;
  return "?";
}
template <typename Names>
auto value_in(const Names& names, const YamlMap& map, const std::string& key, const std::string& given) {
  std::vector<std::string> valid;
  for (const auto& [value, name] : names) {
    if (name == given) return value;
    valid.emplace_back(name);
  }
  map.complain(key, "'{}' is not known; {}", given, expected_one_of(given, valid));
}

bool flag(const YamlMap& map, const std::string& key) {
  const std::string text = map.text(key);
  if (text != "true" && text != "false") map.complain(key, "'{}' is neither true nor false", text);
  return text == "true";
}

template <typename T>
T number(const YamlMap& map, const std::string& key, std::uint64_t most) {
  const std::uint64_t value = map.unsigned_integer(key);
  if (value > most) map.complain(key, "{} is more than {}", value, most);
  return static_cast<T>(value);
}

// ------------------------------------------------------------------------------------------ launches

// The words of a launch, and the fields in each.
struct Word {
  std::string name;  // "rs1", "reg.size"
  isa::Span<isa::Field> fields;
  std::uint64_t reset;
  std::uint64_t* value;
};

std::vector<Word> words_of(Launch& launch) {
  const isa::InstructionInfo& in = isa::info(launch.instruction);
  std::vector<Word> words;
  if (!in.rs1.empty()) words.push_back({"rs1", in.rs1, 0, &launch.raw.rs1});
  if (!in.rs2.empty()) words.push_back({"rs2", in.rs2, 0, &launch.raw.rs2});
  if (!in.takes_registers) return words;
  const auto registers = isa::registers_of(*in.engine);
  for (std::size_t r = 0; r < registers.size(); ++r)
    words.push_back({"reg." + std::string(registers[r].name), registers[r].fields, registers[r].reset,
                     &launch.raw.registers[r]});
  return words;
}

std::vector<std::string> launch_names() {
  std::vector<std::string> names;
  for (const isa::InstructionInfo& in : isa::instructions())
    if (in.form != isa::Form::Configure) names.emplace_back(in.mnemonic);
  return names;
}

std::string field_text(const isa::Field& field, std::uint64_t bits) {
  for (const isa::Code& code : field.codes)
    if (code.value == bits && field.kind != isa::FieldKind::Uint) return std::string(code.name);
  if (field.kind == isa::FieldKind::Local) {
    const isa::LocalAddr local(static_cast<std::uint32_t>(bits));
    return fmt::format("{}+{:#x}", local.is_acc() ? "acc" : "spm", local.offset());
  }
  if (field.kind == isa::FieldKind::Hbm && bits >= ASSAY_HBM_BASE)
    return fmt::format("hbm+{:#x}", bits - ASSAY_HBM_BASE);
  if (field.kind == isa::FieldKind::Int) return fmt::format("{}", isa::sign_extend(bits, field.width));
  return bits > 9999 ? fmt::format("{:#x}", bits) : fmt::format("{}", bits);
}

// "spm+0x40" as an offset behind a name; nothing where the text has another form.
std::optional<std::pair<std::string, std::uint64_t>> placed(const std::string& text) {
  const std::size_t plus = text.find("+0x");
  if (plus == std::string::npos) return std::nullopt;
  std::uint64_t offset = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + plus + 3, end, offset, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return std::make_pair(text.substr(0, plus), offset);
}

std::uint64_t read_field(const YamlMap& map, const isa::Field& field) {
  const std::string key(field.name), text = map.text(key);
  for (const isa::Code& code : field.codes)
    if (code.name == text) return code.value;
  std::uint64_t bits = 0;
  const auto place = placed(text);
  if (place && field.kind == isa::FieldKind::Local && (place->first == "spm" || place->first == "acc")) {
    if (place->second >= ASSAY_LOCAL_ACC) map.complain(key, "'{}' has an offset beyond 31 bits", text);
    return place->second | (place->first == "acc" ? ASSAY_LOCAL_ACC : 0);
  }
  if (place && field.kind == isa::FieldKind::Hbm && place->first == "hbm")
    return ASSAY_HBM_BASE + place->second;
  if (!text.empty() && text[0] == '-') {
    const std::int64_t value = map.signed_integer(key);
    bits = static_cast<std::uint64_t>(value) & field.ones();
    if (isa::sign_extend(bits, field.width) != value)
      map.complain(key, "{} does not fit {} bits", text, field.width);
    return bits;
  }
  bits = map.unsigned_integer(key);
  if ((bits & ~field.ones()) != 0) map.complain(key, "{} does not fit {} bits", text, field.width);
  return bits;
}

std::vector<std::string> keys_of(Launch& launch) {
  std::vector<std::string> keys{"id", "launch", "after"};
  for (const Word& word : words_of(launch)) {
    keys.push_back(word.name);
    for (const isa::Field& field : word.fields) keys.emplace_back(field.name);
  }
  return keys;
}

Launch read_launch(const YAML::Node& node, const std::string& file, const std::string& what) {
  const std::string given = node["launch"].IsScalar() ? node["launch"].Scalar() : "";
  Launch launch;
  bool known = false;
  for (const isa::InstructionInfo& in : isa::instructions())
    if (in.mnemonic == given && in.form != isa::Form::Configure) {
      launch.instruction = in.instruction;
      known = true;
    }
  if (!known)
    fail(ExitCode::Usage, "{}:{}: {}.launch: '{}' is no launch; {}", file, node["launch"].Mark().line + 1,
         what, given, expected_one_of(given, launch_names()));
  const YamlMap map(node, file, what, keys_of(launch));
  for (const Word& word : words_of(launch)) {
    *word.value = word.reset;
    if (map.has(word.name)) *word.value = map.unsigned_integer(word.name);
    for (const isa::Field& field : word.fields)
      if (map.has(std::string(field.name))) {
        if (map.has(word.name)) map.complain(std::string(field.name), "given beside the whole {}", word.name);
        *word.value = field.insert(*word.value, read_field(map, field));
      }
  }
  return launch;
}

std::string launch_text(Launch launch) {
  std::string text(isa::to_string(launch.instruction));
  for (const Word& word : words_of(launch)) {
    std::uint64_t stray = *word.value ^ word.reset;
    for (const isa::Field& field : word.fields) stray &= ~field.mask();
    if (stray != 0) {
      text += fmt::format(", {}: {:#x}", word.name, *word.value);
      continue;
    }
    for (const isa::Field& field : word.fields)
      if (field.extract(*word.value) != field.extract(word.reset))
        text += fmt::format(", {}: {}", field.name, field_text(field, field.extract(*word.value)));
  }
  return text;
}

// ----------------------------------------------------------------------------------------- host code

HostCode read_host(const YamlMap& map) {
  HostCode code;
  const std::string text = map.text("host");
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ') {
      ++at;
      continue;
    }
    const std::size_t end = std::min(text.find(' ', at), text.size());
    std::uint32_t word = 0;
    const auto [stop, error] = std::from_chars(text.data() + at, text.data() + end, word, 16);
    const bool half = end - at == 4, whole = end - at == 8;
    if (error != std::errc() || stop != text.data() + end || !(half || whole) || half != ((word & 3) != 3))
      map.complain("host", "'{}' is no instruction: 8 hex digits, or 4 of a compressed one",
                   text.substr(at, end - at));
    code.words.push_back(word);
    at = end;
  }
  if (code.words.empty()) map.complain("host", "no instructions");
  return code;
}

std::string host_text(const HostCode& code) {
  std::string text;
  for (const std::uint32_t word : code.words)
    text += fmt::format("{}{:0{}x}", text.empty() ? "" : " ", word, (word & 3) == 3 ? 8 : 4);
  return text;
}

// ------------------------------------------------------------------------------------------- the rest

Item read_item(const YAML::Node& node, const std::string& file, std::size_t index) {
  const std::string what = fmt::format("items[{}]", index);
  Item item;
  if (node.IsMap() && node["launch"]) {
    item.what = read_launch(node, file, what);
    Launch& launch = std::get<Launch>(item.what);
    const YamlMap map(node, file, what, keys_of(launch));
    item.id = number<std::uint32_t>(map, "id", 0xFFFFFFFF);
    if (map.has("after"))
      for (const std::string& text : map.list("after")) {
        std::uint32_t id = 0;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), id);
        if (error != std::errc() || stop != text.data() + text.size())
          map.complain("after", "'{}' is no id", text);
        item.after.push_back(id);
      }
    return item;
  }
  const YamlMap map(node, file, what, {"id", "host"});
  item.id = number<std::uint32_t>(map, "id", 0xFFFFFFFF);
  item.what = read_host(map);
  return item;
}

Chunk read_chunk(const YAML::Node& node, const std::string& file, std::size_t index) {
  const YamlMap map(node, file, fmt::format("memory[{}]", index),
                    {"at", "bytes", "type", "data", "seed", "value", "count"});
  Chunk c;
  const auto place = placed(map.text("at"));
  if (!place) map.complain("at", "'{}' is no place such as spm+0x40", map.text("at"));
  c.space = value_in(kSpaces, map, "at", place->first);
  c.offset = place->second;
  c.bytes = number<std::uint64_t>(map, "bytes", std::uint64_t{1} << 24);
  c.type = parse_dtype(map.text("type"), fmt::format("{}:{}: {}.type", file, map.line("type"), map.what()));
  const int forms = (map.has("data") ? 1 : 0) + (map.has("value") ? 1 : 0) + (map.has("count") ? 1 : 0);
  if (forms != 1) map.complain("at", "give one of data, value and count");
  if (bits_of(c.type) < 8) map.complain("type", "{} has less than a byte", to_string(c.type));
  if (map.has("data")) {
    try {
      c.kind = parse_data_kind(map.text("data"));
    } catch (const Error& error) {
      map.complain("data", "{}", error.what());
    }
    c.seed = map.unsigned_integer("seed");
  } else {
    if (map.has("seed")) map.complain("seed", "only drawn data have one");
    c.fill = map.has("value") ? Chunk::Fill::value : Chunk::Fill::count;
    c.value = map.unsigned_integer(map.has("value") ? "value" : "count");
  }
  return c;
}

std::string chunk_text(const Chunk& c) {
  std::string text = fmt::format("at: {}+{:#x}, bytes: {}, type: {}, ", name_in(kSpaces, c.space), c.offset,
                                 c.bytes, to_string(c.type));
  switch (c.fill) {
    case Chunk::Fill::drawn: return text + fmt::format("data: {}, seed: {}", to_string(c.kind), c.seed);
    case Chunk::Fill::value: return text + fmt::format("value: {:#x}", c.value);
    case Chunk::Fill::count: return text + fmt::format("count: {}", c.value);
  }
  return text;
}

void read_machine(const YamlMap& top, Program& p) {
  const YamlMap map(top.at("machine"), top.file(), "machine", {"config", "set"});
  p.config = map.text("config");
  if (!map.has("set")) return;
  const YAML::Node set = map.at("set");
  if (!set.IsMap()) map.complain("set", "expected a mapping of parameters");
  for (const auto& entry : set) {
    if (!entry.first.IsScalar() || !entry.second.IsScalar())
      map.complain("set", "expected one value for each parameter");
    if (!p.set.emplace(entry.first.Scalar(), entry.second.Scalar()).second)
      map.complain("set", "'{}' is given twice", entry.first.Scalar());
  }
}

void check_ids(const Program& p, const std::string& path) {
  std::set<std::uint32_t> ids;
  for (const Item& item : p.items)
    if (!ids.insert(item.id).second) fail(ExitCode::Usage, "{}: items: id {} is given twice", path, item.id);
  for (const Item& item : p.items)
    for (const std::uint32_t id : item.after)
      if (ids.count(id) == 0)
        fail(ExitCode::Usage, "{}: items: {} is after {}, which is none", path, item.id, id);
}

}  // namespace

Program read_program(const std::string& path) {
  const YamlMap top(load_yaml(path), path, "program",
                    {"program", "machine", "registers", "sync", "end", "memory", "items"});
  if (top.unsigned_integer("program") != kFormat)
    top.complain("program", "format {} is not known; expected {}", top.text("program"), kFormat);
  Program p;
  read_machine(top, p);
  p.registers = top.unsigned_integer("registers");
  const YamlMap sync(top.at("sync"), path, "sync", {"semaphores_per_pair", "transitive", "host_fences"});
  p.sync.semaphores_per_pair = number<std::uint32_t>(sync, "semaphores_per_pair", 64);
  p.sync.transitive = flag(sync, "transitive");
  p.sync.host_fences = flag(sync, "host_fences");
  const YamlMap end(top.at("end"), path, "end", {"kind", "status", "fence"});
  p.ending.kind = value_in(kEndings, end, "kind", end.text("kind"));
  p.ending.status = number<std::uint32_t>(end, "status", 0xFFFFFFFF);
  p.ending.fence = flag(end, "fence");
  const auto sequence = [&](const char* key) {
    const YAML::Node node = top.at(key);
    if (!node.IsSequence()) top.complain(key, "expected a list");
    return node;
  };
  for (const YAML::Node& node : sequence("memory"))
    p.memory.push_back(read_chunk(node, path, p.memory.size()));
  for (const YAML::Node& node : sequence("items")) p.items.push_back(read_item(node, path, p.items.size()));
  check_ids(p, path);
  return p;
}

std::string write_program(const Program& p, const Explain& explain) {
  std::string text = fmt::format("program: {}\nmachine:\n  config: {}\n", kFormat, p.config);
  if (!p.set.empty()) text += "  set:\n";
  for (const auto& [name, value] : p.set) text += fmt::format("    {}: {}\n", name, value);
  text += fmt::format("registers: {}\n", p.registers);
  text += fmt::format("sync: {{semaphores_per_pair: {}, transitive: {}, host_fences: {}}}\n",
                      p.sync.semaphores_per_pair, p.sync.transitive, p.sync.host_fences);
  text += fmt::format("end: {{kind: {}, status: {}, fence: {}}}\n", name_in(kEndings, p.ending.kind),
                      p.ending.status, p.ending.fence);
  text += p.memory.empty() ? "memory: []\n" : "memory:\n";
  for (const Chunk& c : p.memory) text += fmt::format("  - {{{}}}\n", chunk_text(c));
  text += p.items.empty() ? "items: []\n" : "items:\n";
  for (const Item& item : p.items) {
    if (const auto* code = std::get_if<HostCode>(&item.what)) {
      const std::string comment = explain ? "  # " + explain(*code) : "";
      text += fmt::format("  - {{id: {}, host: \"{}\"}}{}\n", item.id, host_text(*code), comment);
      continue;
    }
    const std::string after =
        item.after.empty() ? "" : fmt::format(", after: [{}]", fmt::join(item.after, ", "));
    text += fmt::format("  - {{id: {}, launch: {}{}}}\n", item.id, launch_text(std::get<Launch>(item.what)),
                        after);
  }
  return text;
}

}  // namespace assay::testgen::program
