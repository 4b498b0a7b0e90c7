// Machine configurations and memory timing tables: reading, checking, showing, comparing.
// Errors are Error(Usage), one line: file:line for a key, file alone for an impossible combination.
#pragma once

#include <string>
#include <vector>

#include "base/machine.hpp"
#include "base/parameters.hpp"

namespace assay {

// Every parameter of a machine file, and of a memory table file, in the order in which they are written.
std::vector<Parameter> parameters(Machine& machine);
std::vector<Parameter> parameters(HbmTable& table);

// Reads and checks one file. The memory table is configs/memory/NAME.yaml, or memory/NAME.yaml beside the
// file.
Machine load_machine(const std::string& path);
HbmTable load_hbm_table(const std::string& path);
// A path that ends in .yaml, or the name of a file in configs/memory.
HbmTable find_hbm_table(const std::string& name_or_path);

// A path that ends in .yaml, or the name of a file in the configuration folder ("server128", "tests/tiny4").
Machine find_machine(const std::string& name_or_path);
std::vector<std::string> machine_names();

// $ASSAY_CONFIG_DIR, or the folder known since the build.
std::string config_dir();

// Throws Error(Usage) when the parameters, each legal alone, cannot be one machine.
void check_machine(const Machine& machine);
void check_controller(const Machine& machine);  // the part that its memory controller has in it
void check_hbm_table(const HbmTable& table, const std::string& file);

}  // namespace assay
