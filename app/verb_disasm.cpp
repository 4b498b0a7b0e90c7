// assay disasm: a kernel's host and AI instructions together, in the style of objdump -d.
#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/verbs.hpp"
#include "core/host/disassemble.hpp"
#include "isa/encoding.hpp"
#include "sim/elf.hpp"

namespace assay::app {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string file;
  bool json = false;
};

struct Line {
  std::uint64_t address = 0;
  unsigned bytes = 0;  // 2 or 4
  std::uint32_t word = 0;
  bool is_ai = false;
  std::string text;
};

// The instruction at `offset` of `code`; a last halfword that begins a longer one stands alone.
Line decode_line(const sim::ElfCode& code, std::size_t offset) {
  Line line;
  line.address = code.address + offset;
  const std::size_t left = code.data.size() - offset;
  std::uint16_t low = 0;
  std::memcpy(&low, code.data.data() + offset, std::min<std::size_t>(left, 2));
  line.bytes = core::instruction_length(low);
  if (left < line.bytes) {
    line.bytes = static_cast<unsigned>(std::min<std::size_t>(left, 2));
    line.word = low;
    line.text = "truncated";
    return line;
  }
  std::memcpy(&line.word, code.data.data() + offset, line.bytes);
  const auto ai = line.bytes == 4 ? isa::disassemble(line.word) : std::nullopt;
  line.is_ai = ai.has_value();
  line.text = ai ? *ai : core::disassemble(line.word, line.address);
  return line;
}

template <typename Visit>
void for_each_line(const sim::ElfCode& code, Visit visit) {
  for (std::size_t offset = 0; offset < code.data.size();) {
    const Line line = decode_line(code, offset);
    visit(line);
    offset += line.bytes;
  }
}

// "mnemonic operands" with the operands in a column of their own.
std::string aligned(const std::string& text) {
  const std::size_t space = text.find(' ');
  if (space == std::string::npos) return text;
  return fmt::format("{:<10} {}", text.substr(0, space), text.substr(space + 1));
}

// " <symbol+0x10>" for the target of a jump or branch, where it has a symbol.
std::string target_text(const sim::ElfImage& image, const Line& line) {
  const core::Decoded d = core::decode(line.word);
  const bool has_target =
      !line.is_ai && d.id != core::Rv::count && core::row(d.id).operands.find('a') != std::string_view::npos;
  if (!has_target) return "";
  const std::uint64_t target = line.address + static_cast<std::uint64_t>(std::int64_t{d.imm});
  const sim::ElfSymbol* symbol = image.symbol_at(target);
  if (symbol == nullptr) return "";
  if (symbol->address == target) return fmt::format(" <{}>", symbol->name);
  return fmt::format(" <{}+{:#x}>", symbol->name, target - symbol->address);
}

void print_text(const sim::ElfImage& image) {
  fmt::print("{}: entry {:#x}\n", image.file, image.entry);
  for (const sim::ElfCode& code : image.code) {
    fmt::print("\nsection {}:\n", code.section);
    for_each_line(code, [&](const Line& line) {
      const sim::ElfSymbol* symbol = image.symbol_at(line.address);
      if (symbol != nullptr && symbol->address == line.address)
        fmt::print("\n{:016x} <{}>:\n", line.address, symbol->name);
      const std::string word = fmt::format("{:0{}x}", line.word, line.bytes * 2);
      fmt::print("{:12x}:  {:<10} {}{}\n", line.address, word, aligned(line.text), target_text(image, line));
    });
  }
}

void print_json(const sim::ElfImage& image) {
  Json lines = Json::array();
  for (const sim::ElfCode& code : image.code)
    for_each_line(code, [&](const Line& line) {
      const sim::ElfSymbol* symbol = image.symbol_at(line.address);
      lines.push_back(Json{{"address", line.address},
                           {"bytes", line.bytes},
                           {"word", line.word},
                           {"ai", line.is_ai},
                           {"text", line.text},
                           {"section", code.section},
                           {"symbol", symbol != nullptr ? symbol->name : ""}});
    });
  fmt::print("{}\n", json_text(Json{{"file", image.file}, {"entry", image.entry}, {"instructions", lines}}));
}

}  // namespace

void add_disasm(CLI::App& program, Action& action) {
  CLI::App* verb =
      program.add_subcommand("disasm", "Disassemble a kernel: host and AI instructions together");
  const auto options = std::make_shared<Options>();
  verb->add_option("file", options->file, "a kernel (ELF)")->required();
  verb->add_flag("--json", options->json, "print JSON");
  verb->callback([options, &action] {
    action = [options] {
      const sim::ElfImage image = sim::load_elf(options->file);
      if (options->json) print_json(image);
      else print_text(image);
      return ExitCode::Pass;
    };
  });
}

}  // namespace assay::app
