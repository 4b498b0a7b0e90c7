// isagen TABLE OUTDIR: reads the instruction table, checks it, and writes the generated files.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "isa/gen/emit.hpp"

namespace {

using namespace assay;

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) fail(ExitCode::Infrastructure, "{}: cannot be written", path.string());
}

void generate(const std::string& table_path, const std::filesystem::path& out) {
  const isagen::Table table = isagen::read_table(table_path);
  isagen::check_table(table);
  std::filesystem::create_directories(out);
  write(out / "commands.hpp", isagen::emit_commands_header(table));
  write(out / "commands.cpp", isagen::emit_commands_source(table));
  write(out / "tables.hpp", isagen::emit_tables(table));
  write(out / "assay_intrinsics.h", isagen::emit_intrinsics(table));
  write(out / "isa.md", isagen::emit_markdown(table));
  write(out / "assay_isa.sv", isagen::emit_verilog(table));
  write(out / "markdown.cpp", isagen::emit_markdown_source(table));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: isagen TABLE OUTDIR\n", stderr);
    return static_cast<int>(ExitCode::Usage);
  }
  try {
    generate(argv[1], argv[2]);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    fmt::print(stderr, "isagen: {}\n", error.what());
    return static_cast<int>(ExitCode::Infrastructure);
  }
}
