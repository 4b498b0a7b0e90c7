// The options that say which cases are to be drawn, for the verbs that draw them.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "testgen/case_generator.hpp"

namespace assay::app {

struct RequestOptions {
  std::vector<std::string> operators, configs, pins;
  std::string mode, data;
  std::uint64_t seed = 1;
};

void add_request_options(CLI::App& verb, RequestOptions& options);
// Throws Error(Usage).
testgen::CaseRequest request_of(const RequestOptions& options);

}  // namespace assay::app
