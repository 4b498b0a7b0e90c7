// The verbs of the program, one file each: app/verb_NAME.cpp.
//
// add_NAME registers the subcommand and its options; when the user chose it, parsing sets `action`, which
// main() then runs. An action prints its result to standard output (JSON with --json) and returns the
// exit code, or throws Error.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"

namespace assay::app {

using Action = std::function<ExitCode()>;

// What --json prints; bytes that are no UTF-8, of a file's name or a kernel's symbol, become U+FFFD.
inline std::string json_text(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void add_config(CLI::App& program, Action& action);
void add_coverage(CLI::App& program, Action& action);
void add_diff(CLI::App& program, Action& action);
void add_disasm(CLI::App& program, Action& action);
void add_faults(CLI::App& program, Action& action);  // where there are any
void add_fuzz(CLI::App& program, Action& action);
void add_gen(CLI::App& program, Action& action);
void add_golden(CLI::App& program, Action& action);
void add_isa(CLI::App& program, Action& action);
void add_mem(CLI::App& program, Action& action);
void add_operators(CLI::App& program, Action& action);
void add_program(CLI::App& program, Action& action);
void add_plan(CLI::App& program, Action& action);
void add_relations(CLI::App& program, Action& action);
void add_run(CLI::App& program, Action& action);
void add_shrink(CLI::App& program, Action& action);

}  // namespace assay::app
