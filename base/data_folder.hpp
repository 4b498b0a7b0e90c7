// Where the program's own files lie: configurations, kernels.
#pragma once

#include <string>

namespace assay {

// The folder that the environment variable names; else PREFIX/share/assay/NAME where this program is
// installed as PREFIX/bin/...; else `build_tree`.
std::string data_folder(const char* variable, const std::string& name, const std::string& build_tree);

}  // namespace assay
