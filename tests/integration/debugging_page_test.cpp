// Repeats every command of docs/debugging.md and compares what it prints with the page.
//
// In its console blocks, "$ " begins a shell command and "(gdb) " a command to the GDB that the shell command
// before it started. A line "..." stands for any number of lines, and at a line's end for the rest of it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "../support/process.hpp"

namespace assay::test {
namespace {

struct Session {
  std::string command;  // of the shell
  std::vector<std::string> gdb;
  std::vector<std::string> expected;  // lines; those of GDB behind its commands, as "(gdb) COMMAND"
};

bool starts_with(const std::string& text, const std::string& start) { return text.rfind(start, 0) == 0; }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<Session> sessions_of(const std::string& page) {
  std::vector<Session> sessions;
  bool inside = false;
  for (const std::string& line : lines_of(page)) {
    if (starts_with(line, "```")) {
      inside = line == "```console";
    } else if (inside && starts_with(line, "$ ")) {
      sessions.push_back({line.substr(2), {}, {}});
    } else if (inside) {
      if (starts_with(line, "(gdb) ")) sessions.back().gdb.push_back(line.substr(6));
      sessions.back().expected.push_back(line);
    }
  }
  return sessions;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// Without what may differ from machine to machine and from build to build: paths, code addresses, cycles.
std::string normal(std::string line) {
  line = replaced(replaced(line, BUILD_DIR "/", "build/release/"), SOURCE_DIR "/", "");
  line = std::regex_replace(line, std::regex("\\b0x0*8000[0-9a-f]{4}\\b"), "0xCODE");
  line = std::regex_replace(line, std::regex("crt0\\.S:[0-9]+"), "crt0.S:N");
  line = std::regex_replace(line, std::regex("\\bcycles? [0-9]+(\\.\\.[0-9]+)?"), "cycle N");
  line = std::regex_replace(line, std::regex("[0-9]+ instructions retired"), "N instructions retired");
  return std::regex_replace(line, std::regex("^ *[0-9]+  issued"), "N  issued");
}

bool line_matches(const std::string& expected, const std::string& line) {
  const std::string want = normal(expected), got = normal(line);
  if (want.size() > 3 && want.substr(want.size() - 3) == "...")
    return starts_with(got, want.substr(0, want.size() - 3));
  return want == got;
}

// Empty where the lines are those expected; otherwise the first expected line that is not there.
std::string difference(const std::vector<std::string>& expected, const std::vector<std::string>& lines) {
  std::size_t at = 0;
  bool skipping = false;
  for (const std::string& want : expected) {
    if (want == "...") {
      skipping = true;
      continue;
    }
    while (skipping && at < lines.size() && !line_matches(want, lines[at])) ++at;
    if (at >= lines.size()) return want + "\n  and the output ends";
    if (!line_matches(want, lines[at])) return want + "\n  but the output has\n  " + lines[at];
    ++at;
    skipping = false;
  }
  return skipping || at == lines.size() ? "" : "(the end)\n  but the output has\n  " + lines[at];
}

// The shell command of a session, and for GDB its commands from a file, each shown before its output.
std::string to_run(const Session& session, const TemporaryFolder& folder) {
  std::string command = replaced(session.command, "build/release/", BUILD_DIR "/");
  if (session.gdb.empty()) return command;
  std::string script = "set confirm off\nset width 0\n";
  for (const std::string& line : session.gdb)
    script += fmt::format("echo (gdb) {}\\n\n{}\n", line, replaced(line, "build/release/", BUILD_DIR "/"));
  return replaced(command, "gdb-multiarch ",
                  "timeout 60 gdb-multiarch -nx -batch -x " + folder.write("commands", script) + " ");
}

TEST(DebuggingPage, EveryCommandPrintsWhatThePageSays) {
  const TemporaryFolder folder;
  std::string exports = "cd " SOURCE_DIR "; ";
  int gdb_sessions = 0, compared = 0;
  for (const Session& session : sessions_of(read_text(SOURCE_DIR "/docs/debugging.md"))) {
    const std::string command = to_run(session, folder);
    if (starts_with(session.command, "export ")) {
      exports += command + "; ";
      continue;
    }
    const ProcessResult r = run_process("(" + exports + command + ")");
    EXPECT_EQ(difference(session.expected, lines_of(r.output)), "") << "$ " << session.command << "\n"
                                                                    << r.output;
    gdb_sessions += session.gdb.empty() ? 0 : 1;
    compared += static_cast<int>(session.expected.size());
  }
  EXPECT_GE(gdb_sessions, 3) << "the page has lost its sessions";
  EXPECT_GE(compared, 80);
}

}  // namespace
}  // namespace assay::test
