#include "base/data_folder.hpp"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace assay {

std::string data_folder(const char* variable, const std::string& name, const std::string& build_tree) {
  if (const char* given = std::getenv(variable)) return given;
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path installed = program.parent_path().parent_path() / "share" / "assay" / name;
  return !error && std::filesystem::is_directory(installed, error) ? installed.string() : build_tree;
}

}  // namespace assay
