// Strict reading of YAML: unknown, repeated and missing keys and malformed values are one-line errors
// Error(Usage) that start with "file:line". For readers of hand-written tables and configurations.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace assay {

// Parses a whole file. A missing file or a syntax error is an Error(Usage).
YAML::Node load_yaml(const std::string& path);

// A mapping whose keys are known in advance.
class YamlMap {
 public:
  // `what` names the mapping in messages ("register mxu.size"). Throws when the node is no mapping,
  // repeats a key, or has a key that is not in `valid`.
  YamlMap(const YAML::Node& node, std::string file, std::string what, const std::vector<std::string>& valid);

  bool has(const std::string& key) const { return static_cast<bool>(node_[key]); }
  YAML::Node at(const std::string& key) const;  // throws when missing

  std::string text(const std::string& key) const;
  std::uint64_t unsigned_integer(const std::string& key) const;  // decimal or 0x...
  std::int64_t signed_integer(const std::string& key) const;
  double number(const std::string& key) const;
  std::vector<std::string> list(const std::string& key) const;  // a sequence of scalars

  const std::string& file() const { return file_; }
  const std::string& what() const { return what_; }
  int line() const { return node_.Mark().line + 1; }
  int line(const std::string& key) const { return at(key).Mark().line + 1; }

  // Throws Error(Usage) "file:line: what.key: message".
  template <typename... Args>
  [[noreturn]] void complain(const std::string& key, fmt::format_string<Args...> format,
                             Args&&... args) const {
    fail(ExitCode::Usage, "{}:{}: {}.{}: {}", file_, line(key), what_, key,
         fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  YAML::Node node_;
  std::string file_;
  std::string what_;
};

}  // namespace assay
