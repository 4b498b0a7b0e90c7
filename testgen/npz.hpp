// NumPy's .npz archives: .npy files in a ZIP archive, as numpy.savez_compressed writes and numpy.load reads
// them.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace assay::testgen {

// Members by name ("Y.npy", "record.json"), each with its bytes.
using Archive = std::map<std::string, std::string>;

// Throws Error(BadInput) naming a file that is missing, truncated or no archive, and its damaged member.
Archive read_npz(const std::filesystem::path& file);

// Deflated, without times, so that equal members make equal files; replaces the file at once or not at all.
// Throws Error(Infrastructure).
void write_npz(const std::filesystem::path& file, const Archive& archive);

}  // namespace assay::testgen
