// Inside testgen/ only: tensors as YAML cases describe them. Throw Error(Usage) that names file and line.
#pragma once

#include <filesystem>
#include <string>

#include "base/tensor.hpp"
#include "base/yaml.hpp"
#include "ops/operator.hpp"

namespace assay::testgen {

// An error of a named part, with its place in front.
template <typename Action>
auto at_key(const YamlMap& map, const std::string& key, Action action) {
  try {
    return action();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}:{}: {}", map.file(), map.line(key), error.what()));
  }
}

// A path relative to the YAML file; an absolute one stays what it is.
std::filesystem::path beside(const YamlMap& map, const std::string& path);

// Keys name, dtype and shape.
ops::TensorInfo read_tensor_info(const YamlMap& map);

// Keys npy and, if it is there, dtype. Throws what npy.hpp throws.
Tensor read_array(const YamlMap& map, const std::string& name);

}  // namespace assay::testgen
