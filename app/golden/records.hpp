// `assay golden record` and `assay golden check`: what a backend computes, kept with its provenance, and
// looked at again anywhere.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "golden/backend.hpp"
#include "testgen/record.hpp"

namespace assay::app {

// Where a record of the case goes: its operator, dtypes and id.
std::filesystem::path record_file(const std::filesystem::path& folder, const testgen::Case& c);

// The case as the backend computes it here. Throws Error(NoDevice), Error(Infrastructure) or
// Error(Unsupported) as the backend does.
testgen::Record make_record(const testgen::Case& c, const golden::Backend& backend,
                            const std::string& command);

struct CheckedRecord {
  std::string file, text, provenance;
  bool passed = false;
  std::string message;  // what is wrong, or how close the recorded outputs lie
};

// Reads a record, makes its inputs again, judges its outputs by the goldens of this computer, and, on
// `config` (empty: on none), the simulator by the record.
CheckedRecord check_record(const std::filesystem::path& file, const std::string& config);

// The records of a folder, in the order of their names. Throws Error(BadInput) where there is none.
std::vector<std::filesystem::path> records_of(const std::filesystem::path& folder);

}  // namespace assay::app
