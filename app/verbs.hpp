// The verbs of the program, one file each: app/verb_NAME.cpp.
//
// add_NAME registers the subcommand and its options; when the user chose it, parsing sets `action`, which
// main() then runs. An action prints its result to standard output (JSON with --json) and returns the
// exit code, or throws Error.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/error.hpp"

namespace assay::app {

using Action = std::function<ExitCode()>;

void add_config(CLI::App& program, Action& action);
void add_disasm(CLI::App& program, Action& action);
void add_isa(CLI::App& program, Action& action);
void add_run(CLI::App& program, Action& action);

}  // namespace assay::app
