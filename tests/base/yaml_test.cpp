// Strict YAML: every error names file and line.
#include "base/yaml.hpp"

#include "../support/expect_error.hpp"
#include "../support/process.hpp"

namespace assay {
namespace {

YamlMap map_of(const std::string& text, const std::vector<std::string>& keys) {
  return YamlMap(YAML::Load(text), "f.yaml", "thing", keys);
}

void expect_usage(const std::string& message, const std::string& text, void (*use)(const YamlMap&)) {
  test::expect_error(ExitCode::Usage, message, [&] { use(map_of(text, {"a", "b"})); });
}

TEST(YamlMap, ReadsWholeNumbersDecimalAndHexadecimal) {
  const YamlMap map = map_of("a: 0xffffffffffffffff\nb: -12\n", {"a", "b"});
  EXPECT_EQ(map.unsigned_integer("a"), ~std::uint64_t{0});
  EXPECT_EQ(map.signed_integer("b"), -12);
}

TEST(YamlMap, RefusesWhatIsNoWholeNumber) {
  const auto use = [](const YamlMap& map) { map.unsigned_integer("a"); };
  for (const char* text : {"1.5", "-1", "12x", "''", "0x", "1e3", "18446744073709551616", "--1", "+1", "yes"})
    expect_usage("f.yaml:1: thing.a: '", std::string("a: ") + text, use);
  expect_usage("thing.a: expected one value", "a: [1]", use);
}

TEST(YamlMap, RefusesWhatIsNoNumber) {
  const auto use = [](const YamlMap& map) { map.number("a"); };
  for (const char* text : {"abc", "1.5ns", "nan", "inf", "1,5", "''"})
    expect_usage("is no number", std::string("a: ") + text, use);
  EXPECT_EQ(map_of("a: 1.5e3", {"a"}).number("a"), 1500.0);
}

TEST(YamlMap, RefusesUnknownRepeatedAndMissingKeysWithTheirLine) {
  const auto nothing = [](const YamlMap&) {};
  expect_usage("f.yaml:2: thing: unknown key 'bb'; expected one of a, b; did you mean 'b'?", "a: 1\nbb: 2",
               nothing);
  expect_usage("f.yaml:3: thing: key 'a' is given twice", "a: 1\nb: 2\na: 3", nothing);
  expect_usage("f.yaml:1: thing: missing key 'b'", "a: 1", [](const YamlMap& map) { map.text("b"); });
  expect_usage("f.yaml:1: thing: expected a mapping", "[1, 2]", nothing);
  expect_usage("f.yaml:1: thing: expected a mapping", "7", nothing);
  expect_usage("thing: a key is no plain name", "[1]: 2", nothing);
}

TEST(YamlMap, RefusesWhatIsNoList) {
  const auto use = [](const YamlMap& map) { map.list("a"); };
  expect_usage("thing.a: expected a list", "a: 1", use);
  expect_usage("thing.a: expected a list of plain values", "a: [[1]]", use);
}

TEST(YamlFile, ThatIsMissingOrNoYamlIsAUsageError) {
  const test::TemporaryFolder folder;
  test::expect_error(ExitCode::Usage, "/nonexistent.yaml: cannot be read",
                     [] { load_yaml("/nonexistent.yaml"); });
  const std::string broken = folder.write("b.yaml", "a: 1\nb: [1\n");
  test::expect_error(ExitCode::Usage, "not valid YAML", [&] { load_yaml(broken); });
  test::expect_error(ExitCode::Usage, ": cannot be read", [&] { load_yaml(folder.file("")); });
  const std::string loop = folder.file("loop.yaml");
  std::filesystem::create_symlink("loop.yaml", loop);
  test::expect_error(ExitCode::Usage, "loop.yaml: cannot be read", [&] { load_yaml(loop); });
}

TEST(YamlFile, HoldsOneDocument) {
  const test::TemporaryFolder folder;
  for (const char* text : {"", "\n\n", "# nothing\n"}) {
    const std::string file = folder.write("e.yaml", text);
    test::expect_error(ExitCode::Usage, "e.yaml: is empty", [&] { load_yaml(file); });
  }
  const std::string two = folder.write("t.yaml", "a: 1\n---\na: 2\n");
  test::expect_error(ExitCode::Usage, "t.yaml: 2 YAML documents, expected one", [&] { load_yaml(two); });
}

}  // namespace
}  // namespace assay
