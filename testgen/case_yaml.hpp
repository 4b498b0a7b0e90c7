// A case from a YAML file, read strictly. Keys (default): operator, inputs, attributes ({}), config
// (server128), mode (real), data (the mode's), seed (1):
//
//   operator: gemm
//   inputs:
//     - {name: A, dtype: bf16, shape: [5, 9]}
//     - {name: B, dtype: bf16, shape: [9, 7]}
//   attributes: {transA: 0, alpha: 0.5, dataflow: ws}
//   config: edge16
//   mode: bits
//   data: cancellation
//   seed: 7
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "testgen/case.hpp"

namespace assay::testgen {

// Throws Error(Usage) "file:line: ..." for an unknown, missing, repeated or mistyped key, a file that cannot
// be read or is not one YAML document, and "file: ..." as validate() does.
Case read_case_yaml(const std::filesystem::path& file);
Case parse_case_yaml(const std::string& text, std::string_view file_name);
// A file of several such documents, "---" between them: a case each.
std::vector<Case> read_case_list(const std::filesystem::path& file);
std::string write_case_yaml(const Case& c);

}  // namespace assay::testgen
