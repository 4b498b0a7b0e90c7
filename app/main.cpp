// assay: parses the command line, runs one verb, and turns every error into one line and an exit code.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "app/verbs.hpp"
#include "base/suggest.hpp"

namespace assay::app {
namespace {

constexpr void (*kVerbs[])(CLI::App&, Action&) = {
    add_config, add_coverage, add_diff,      add_disasm, add_faults,  add_fuzz,      add_gen, add_golden,
    add_isa,    add_mem,      add_operators, add_plan,   add_program, add_relations, add_run, add_shrink};

// The subcommand whose arguments were being read when parsing failed.
const CLI::App* deepest(const CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> verb_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  return names;
}

std::string usage_message(const CLI::App& program, const CLI::ParseError& error) {
  const CLI::App* app = deepest(&program);
  const std::vector<std::string> extra = program.remaining(true);
  if (!extra.empty()) {
    std::string word = extra.front();
    if (word.size() > 1 && word[0] == '-') {
      word = word.substr(0, word.find('='));
      return fmt::format("unknown option '{}'; {}", word, expected_one_of(word, option_names(*app)));
    }
    const std::vector<std::string> verbs = verb_names(*app);
    if (verbs.empty()) return fmt::format("{}: unexpected argument '{}'", app->get_name(), word);
    return fmt::format("unknown verb '{}'; {}", word, expected_one_of(word, verbs));
  }
  if (app == &program) return "no verb given; assay --help lists them";
  std::string message = error.what();
  std::replace(message.begin(), message.end(), '\n', ' ');
  return fmt::format("{}: {}", app->get_name(), message);
}

// Whatever a file or an argument put into a message: one line of bounded length, free of control characters.
std::string one_line(const std::string& message) {
  constexpr std::size_t kLongest = 4000;
  std::string line;
  for (const char c : message.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) line += fmt::format("\\x{:02x}", byte);
    else line += c;
  }
  return message.size() > kLongest ? line + "..." : line;
}

// Never throws, so that a standard error that is closed changes no exit code.
int report(ExitCode code, const std::string& message) {
  std::fflush(stdout);
  std::fputs(("assay: " + one_line(message) + "\n").c_str(), stderr);
  return static_cast<int>(code);
}

// An option given an empty value - a shell variable that is not set - is not the same as one not given.
void refuse_empty_values(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options())
    for (const std::string& value : option->results())
      if (value.empty())
        fail(ExitCode::Usage, "{}: {} is given an empty value", app.get_name(), option->get_name());
}

void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    fail(ExitCode::Infrastructure, "standard output cannot be written: {}", std::strerror(errno));
}

int run(int argc, char** argv) {
  CLI::App program{"AI-accelerator simulator and operator validation suite", "assay"};
  program.set_version_flag("--version", ASSAY_VERSION);
  program.require_subcommand(1);
  program.footer(
      "Exit codes: 0 pass, 1 fail, 2 usage or configuration, 3 infrastructure, 4 error of the suite,\n"
      "5 nothing selected, 6 unsupported, 7 bad input file, 8 watchdog, 9 no device, 10 unverified.");
  Action action;
  for (const auto add : kVerbs) add(program, action);
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& help) {  // --help, --version
    const int code = program.exit(help);
    std::cout.flush();
    if (!std::cout) fail(ExitCode::Infrastructure, "standard output cannot be written");
    return code;
  } catch (const CLI::ParseError& error) {
    return report(ExitCode::Usage, usage_message(program, error));
  }
  refuse_empty_values(*deepest(&program));
  const ExitCode code = action();
  flush_output();
  return static_cast<int>(code);
}

}  // namespace
}  // namespace assay::app

int main(int argc, char** argv) {
  using namespace assay;
  try {
    return app::run(argc, argv);
  } catch (const Error& error) {
    return app::report(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return app::report(ExitCode::Infrastructure, "out of memory");
  } catch (const std::exception& error) {
    return app::report(ExitCode::Infrastructure, error.what());
  }
}
