// Recorded cases: what a backend once computed, on a machine that need not be there again, as a .npz file.
// Inputs are not in it: they follow from the case's seed, and their checksums are.
//
//   NAME.npy      each output; of types that NumPy lacks, the bits
//   record.json   version, case (YAML text as case_yaml.hpp), id, inputs [{name, sha256}], outputs [{name,
//   dtype,
//                 shape, sha256}], provenance {backend, and what that backend says of itself}, seconds
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "testgen/case.hpp"

namespace assay::testgen {

struct Record {
  Case c;
  std::vector<std::string> input_sums;  // SHA-256 of each input's bytes, in the order of the problem
  std::vector<Tensor> outputs;
  std::map<std::string, std::string> provenance;  // "backend", "device", "driver", "date", "command", ...
  std::optional<double> seconds;                  // on the device, by its own clock
};

std::vector<std::string> input_sums(const std::vector<Tensor>& inputs);

// Replaces the file at once or not at all. Throws Error(Infrastructure).
void write_record(const std::filesystem::path& file, const Record& record);

// Throws Error(BadInput) naming the file and what is wrong: no archive, a missing key or member, an output
// that is not what the case's operator gives, a checksum that does not fit.
Record read_record(const std::filesystem::path& file);

}  // namespace assay::testgen
