#include "base/machine_yaml.hpp"

#include <algorithm>
#include <filesystem>

#include "base/data_folder.hpp"
#include "base/error.hpp"
#include "base/suggest.hpp"

namespace assay {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExtension = ".yaml";

bool is_path(const std::string& text) { return fs::path(text).extension() == kExtension; }

// The names of the configurations directly in `folder`, each with `prefix`.
void add_names(const fs::path& folder, const std::string& prefix, std::vector<std::string>& names) {
  std::error_code ignored;  // a folder that is not there has no names
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored))
    if (entry.is_regular_file() && entry.path().extension() == kExtension)
      names.push_back(prefix + entry.path().stem().string());
}

fs::path table_path(const std::string& machine_file, const std::string& table) {
  const fs::path leaf = fs::path("memory") / (table + kExtension);
  const fs::path beside = fs::path(machine_file).parent_path() / leaf;
  return fs::exists(beside) ? beside : fs::path(config_dir()) / leaf;
}

}  // namespace

std::string config_dir() { return data_folder("ASSAY_CONFIG_DIR", "configs", ASSAY_DEFAULT_CONFIG_DIR); }

std::vector<std::string> machine_names() {
  std::vector<std::string> names;
  add_names(config_dir(), "", names);
  add_names(fs::path(config_dir()) / "tests", "tests/", names);
  std::sort(names.begin(), names.end());
  return names;
}

HbmTable load_hbm_table(const std::string& path) {
  HbmTable table;
  read_parameters(path, parameters(table));
  table.name = fs::path(path).stem().string();
  check_hbm_table(table, path);
  return table;
}

HbmTable find_hbm_table(const std::string& name_or_path) {
  if (is_path(name_or_path)) return load_hbm_table(name_or_path);
  const fs::path folder = fs::path(config_dir()) / "memory";
  std::vector<std::string> names;
  add_names(folder, "", names);
  std::sort(names.begin(), names.end());
  if (std::find(names.begin(), names.end(), name_or_path) == names.end())
    fail(ExitCode::Usage, "unknown timing table '{}' (looked in {}); {}", name_or_path, folder.string(),
         expected_one_of(name_or_path, names));
  return load_hbm_table((folder / (name_or_path + kExtension)).string());
}

Machine load_machine(const std::string& path) {
  Machine machine;
  read_parameters(path, parameters(machine));
  machine.file = path;
  const std::string& table = machine.hbm.table.name;
  const fs::path file = table_path(path, table);
  if (!fs::exists(file)) {
    std::vector<std::string> names;
    add_names(file.parent_path(), "", names);
    std::sort(names.begin(), names.end());
    fail(ExitCode::Usage, "{}: hbm.table: no timing table '{}' in {}; {}", path, table,
         file.parent_path().string(), expected_one_of(table, names));
  }
  machine.hbm.table = load_hbm_table(file.string());
  check_machine(machine);
  return machine;
}

Machine find_machine(const std::string& name_or_path) {
  if (is_path(name_or_path)) return load_machine(name_or_path);
  const std::vector<std::string> names = machine_names();
  if (std::find(names.begin(), names.end(), name_or_path) == names.end())
    fail(ExitCode::Usage, "unknown configuration '{}' (looked in {}); {}", name_or_path, config_dir(),
         expected_one_of(name_or_path, names));
  return load_machine((fs::path(config_dir()) / (name_or_path + kExtension)).string());
}

}  // namespace assay
