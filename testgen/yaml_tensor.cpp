#include "testgen/yaml_tensor.hpp"

#include <optional>

#include "testgen/npy.hpp"

namespace assay::testgen {
namespace {

std::int64_t whole_number(const YamlMap& map, const std::string& key, const std::string& text) {
  try {
    std::size_t used = 0;
    const std::int64_t value = std::stoll(text, &used);
    if (used == text.size()) return value;
  } catch (const std::logic_error&) {  // not a number, or out of range: the message below
  }
  map.complain(key, "'{}' is no whole number", text);
}

}  // namespace

std::filesystem::path beside(const YamlMap& map, const std::string& path) {
  return std::filesystem::path(map.file()).parent_path() / path;
}

ops::TensorInfo read_tensor_info(const YamlMap& map) {
  ops::TensorInfo info;
  info.name = map.text("name");
  info.dtype = at_key(map, "dtype", [&] { return parse_dtype(map.text("dtype"), map.what() + ".dtype"); });
  for (const std::string& dim : map.list("shape")) info.shape.push_back(whole_number(map, "shape", dim));
  return info;
}

Tensor read_array(const YamlMap& map, const std::string& name) {
  std::optional<DType> dtype;
  if (map.has("dtype"))
    dtype = parse_dtype(map.text("dtype"), fmt::format("{}:{}: dtype", map.file(), map.line()));
  return read_npy(beside(map, map.text("npy")), name, dtype);
}

}  // namespace assay::testgen
