// faultgen: what it writes, and tables that break the build with one line.
#include <gmock/gmock.h>

#include "../../support/process.hpp"

namespace assay {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kSource = "int f(int a, int b) { return a + b; }\nint g(int a) { return 2 * a; }\n";
constexpr const char* kEntry =
    "- name: f-subtracts\n  what: f subtracts\n  operators: [add, sub]\n  replace: 'a + b'\n"
    "  by: 'FAULT ? a - b : a + b'\n";

class Faultgen : public testing::Test {
 protected:
  test::ProcessResult generate(const std::string& table, const std::string& fault = "") {
    return test::run_process(std::string(FAULTGEN) + " " + folder_.write("t.yaml", table) + " core/f.cpp " +
                             folder_.write("f.cpp", kSource) + " " + folder_.file("out.cpp") + fault);
  }
  void expect_error(const std::string& table, const std::string& message) {
    const test::ProcessResult result = generate(table);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output, StartsWith("faultgen: " + folder_.file("t.yaml")));
    EXPECT_THAT(result.output, HasSubstr(message));
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
  }
  static std::string edited(const std::string& from, const std::string& to) {
    std::string table = kEntry;
    return table.replace(table.find(from), from.size(), to);
  }

  test::TemporaryFolder folder_;
};

TEST_F(Faultgen, WritesTheCopyAndItsSwitches) {
  const test::ProcessResult result = generate(kEntry);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  const std::string copy = test::read_text(folder_.file("out.cpp"));
  EXPECT_THAT(copy, StartsWith("#include \"" + folder_.file("out.cpp.faults.hpp") + "\"\n#line 1 \"" +
                               folder_.file("f.cpp") + "\"\n"));
  EXPECT_THAT(copy, HasSubstr("{ return ::assay::faults::f_subtracts.on ? a - b : a + b; }\nint g(int a)"));
  EXPECT_THAT(test::read_text(folder_.file("out.cpp.faults.hpp")),
              HasSubstr("inline Fault f_subtracts{\"f-subtracts\", \"core/f.cpp\", \"f subtracts\", "
                        "{\"add\", \"sub\"}, {}};"));
}

TEST_F(Faultgen, WritesOneFaultThatIsAlwaysOn) {
  const std::string table = std::string(kEntry) +
                            "- name: g-triples\n  what: g triples\n  operators: [mul]\n  kernels: [gemm]\n"
                            "  replace: '2 * a'\n  by: '(FAULT ? 3 : 2) * a'\n";
  const test::ProcessResult result = generate(table, " g-triples");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(test::read_text(folder_.file("out.cpp")),
              HasSubstr("{ return a + b; }\nint g(int a) { return (true ? 3 : 2) * a; }"));
  const test::ProcessResult none = generate(table, " h-halves");
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.output, HasSubstr("no fault 'h-halves'"));
}

TEST_F(Faultgen, TablesThatDoNotFitAreOneLineErrors) {
  expect_error(edited("'a + b'", "'a % b'"), "'f-subtracts': core/f.cpp has its text nowhere: a % b");
  expect_error(edited("replace: 'a + b'", "replace: 'return'"), "core/f.cpp has its text more than once");
  expect_error(edited("FAULT ? a - b : a + b", "a - b"), "FAULT is missing");
  expect_error(edited("f-subtracts", "F subtracts"), "lower case, digits and hyphens");
  expect_error(edited("f subtracts", "'the \"f\"'"), "without quotes");
  expect_error(edited("what", "why"), "why");
  expect_error(std::string(kEntry) + kEntry, "'f-subtracts' twice");
  expect_error("", "is empty");
  expect_error("[]", "no faults");
  expect_error("- name: [", "not valid YAML");
}

}  // namespace
}  // namespace assay
