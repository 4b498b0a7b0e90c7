#include "base/yaml.hpp"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "base/suggest.hpp"

namespace assay {
namespace {

// The whole text as one integer, decimal or hexadecimal; false when it is anything else.
template <typename T>
bool parse_integer(const std::string& text, T& value) {
  const bool negative = !text.empty() && text[0] == '-';
  std::string_view digits = std::string_view(text).substr(negative ? 1 : 0);
  const bool hex = digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
  if (hex) digits.remove_prefix(2);
  if (digits.empty() || digits[0] == '-' || digits[0] == '+') return false;
  const std::string whole = (negative ? "-" : "") + std::string(digits);
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), value, hex ? 16 : 10);
  return error == std::errc() && end == whole.data() + whole.size();
}

}  // namespace

YAML::Node load_yaml(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) fail(ExitCode::Usage, "{}: cannot be read", path);
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAllFromFile(path);
    if (documents.empty() || (documents.size() == 1 && documents[0].IsNull()))
      fail(ExitCode::Usage, "{}: is empty", path);
    if (documents.size() > 1)
      fail(ExitCode::Usage, "{}: {} YAML documents, expected one", path, documents.size());
    return documents[0];
  } catch (const YAML::BadFile&) {
    fail(ExitCode::Usage, "{}: cannot be read", path);
  } catch (const YAML::Exception& e) {
    fail(ExitCode::Usage, "{}:{}: not valid YAML: {}", path, e.mark.line + 1, e.msg);
  }
}

YamlMap::YamlMap(const YAML::Node& node, std::string file, std::string what,
                 const std::vector<std::string>& valid)
    : node_(node), file_(std::move(file)), what_(std::move(what)) {
  const int at_line = node_.Mark().line + 1;
  if (!node_.IsMap()) fail(ExitCode::Usage, "{}:{}: {}: expected a mapping", file_, at_line, what_);
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const int key_line = entry.first.Mark().line + 1;
    if (!entry.first.IsScalar())
      fail(ExitCode::Usage, "{}:{}: {}: a key is no plain name", file_, key_line, what_);
    const std::string key = entry.first.Scalar();
    const bool known = std::find(valid.begin(), valid.end(), key) != valid.end();
    if (!known)
      fail(ExitCode::Usage, "{}:{}: {}: unknown key '{}'; {}", file_, key_line, what_, key,
           expected_one_of(key, valid));
    if (!seen.insert(key).second)
      fail(ExitCode::Usage, "{}:{}: {}: key '{}' is given twice", file_, key_line, what_, key);
  }
}

YAML::Node YamlMap::at(const std::string& key) const {
  const YAML::Node child = node_[key];
  if (!child) fail(ExitCode::Usage, "{}:{}: {}: missing key '{}'", file_, line(), what_, key);
  return child;
}

std::string YamlMap::text(const std::string& key) const {
  const YAML::Node child = at(key);
  if (!child.IsScalar()) complain(key, "expected one value");
  return child.Scalar();
}

std::uint64_t YamlMap::unsigned_integer(const std::string& key) const {
  std::uint64_t value = 0;
  const std::string given = text(key);
  if (!parse_integer(given, value)) complain(key, "'{}' is no whole number from 0 to 2^64-1", given);
  return value;
}

std::int64_t YamlMap::signed_integer(const std::string& key) const {
  std::int64_t value = 0;
  const std::string given = text(key);
  if (!parse_integer(given, value)) complain(key, "'{}' is no whole number from -2^63 to 2^63-1", given);
  return value;
}

double YamlMap::number(const std::string& key) const {
  const std::string given = text(key);
  double value = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (error != std::errc() || end != given.data() + given.size() || !std::isfinite(value))
    complain(key, "'{}' is no number", given);
  return value;
}

std::vector<std::string> YamlMap::list(const std::string& key) const {
  const YAML::Node child = at(key);
  if (!child.IsSequence()) complain(key, "expected a list");
  std::vector<std::string> items;
  for (const YAML::Node& item : child) {
    if (!item.IsScalar()) complain(key, "expected a list of plain values");
    items.push_back(item.Scalar());
  }
  return items;
}

}  // namespace assay
