// assay run --coverage, assay coverage and assay plan from outside.
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "../support/program.hpp"

namespace assay {
namespace {

using test::assay;
using test::output_of;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kGemm =
    "run gemm --input A:f32:17x5 --input B:f32:5x3 --config edge16 --mode bits --coverage ";
constexpr const char* kAdd =
    "run add --input A:f16:3x4 --input B:f16:4 --config edge16 --mode bits --coverage ";

nlohmann::json json_of(const std::string& arguments) {
  return nlohmann::json::parse(output_of(arguments + " --json"));
}

std::set<std::string> holes_of(const std::string& files) {
  std::set<std::string> names;
  const auto json = json_of("coverage " + files + " --holes --no-fill");
  for (const auto& hole : json["holes"]) names.insert(hole["bin"]);
  return names;
}

TEST(CoverageVerb, RunsAppendRecordsAndTheVerbCountsThem) {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("r.jsonl");
  for (const char* run : {kGemm, kAdd, kGemm}) output_of(run + file);
  const auto json = json_of("coverage " + file);
  EXPECT_EQ(json["cases"], 2);
  EXPECT_EQ(json["passed"], 2);
  EXPECT_EQ(json["duplicates"], 1);
  EXPECT_GE(json["bins"], 1500);
  EXPECT_GE(json["crosses"]["reachable"], 500);
  EXPECT_GT(json["points"]["hit"], 50);
  EXPECT_LT(json["points"]["hit"], json["points"]["reachable"]);
  const std::string text = output_of("coverage " + file);
  EXPECT_THAT(text, HasSubstr("2 cases, 2 of them PASS; 1 records were of a case that is there already"));
  EXPECT_THAT(text, HasSubstr("gemm "));
}

TEST(CoverageVerb, DeletingACoveredBinsOnlyCaseShowsAsAHole) {
  const test::TemporaryFolder folder;
  const std::string gemm = folder.file("gemm.jsonl"), add = folder.file("add.jsonl");
  output_of(kGemm + gemm);
  output_of(kAdd + add);
  EXPECT_EQ(holes_of(gemm + " " + add).count("gemm/m/above"), 0U);
  EXPECT_EQ(holes_of(add).count("gemm/m/above"), 1U);
  EXPECT_THAT(output_of("coverage " + gemm + " " + add + " --bin gemm/m/above"),
              HasSubstr("assay run gemm --input A:f32:17x5"));
  EXPECT_THAT(output_of("coverage " + add + " --bin gemm/m/above"), HasSubstr("hit by    0 cases"));
  EXPECT_EQ(json_of("coverage " + gemm + " " + add), json_of("coverage " + add + " " + gemm));
}

TEST(CoverageVerb, AHoleIsFilledByTheCommandThatIsPrintedForIt) {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("r.jsonl");
  output_of(kAdd + file);
  const auto before = json_of("coverage " + file + " --holes --under gemm/k");
  ASSERT_GT(before["holes"].size(), 3U);
  for (const auto& hole : before["holes"]) {
    const std::string line = hole["fill"];
    ASSERT_EQ(line.rfind("assay ", 0), 0U) << hole;
    output_of(line.substr(6) + " --coverage " + file);
  }
  EXPECT_EQ(json_of("coverage " + file + " --holes --under gemm/k")["holes"].size(), 0U);
}

TEST(CoverageVerb, CasesThatDoNotPassCoverNothing) {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("r.jsonl");
  EXPECT_EQ(assay(std::string(kGemm) + file + " --no-values").exit_code, 10);
  EXPECT_EQ(
      assay(std::string(kGemm) + file + " --kernel " + BROKEN_KERNEL_DIR + "/wrong_value/gemm.elf").exit_code,
      1);
  EXPECT_EQ(assay(std::string(kGemm) + file + " --kernel " + BROKEN_KERNEL_DIR + "/missing_wait/gemm.elf")
                .exit_code,
            4);
  const auto json = json_of("coverage " + file);
  EXPECT_EQ(json["cases"], 3);
  EXPECT_EQ(json["passed"], 0);
  EXPECT_EQ(json["points"]["hit"], 0);
  EXPECT_EQ(json["crosses"]["hit"], 0);
  EXPECT_THAT(output_of("coverage " + file + " --bin gemm/m/above"), HasSubstr("FAIL"));
}

TEST(CoverageVerb, BinsThatTheModelLostAreNamed) {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("r.jsonl");
  output_of(kAdd + file);
  std::string text = test::read_text(file);
  text.replace(text.find("\"op/add\""), 8, "\"opp/add\"");
  const test::ProcessResult result = assay("coverage " + folder.write("old.jsonl", text));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, HasSubstr("bin 'data/opp/add' of 1 records is not in the model any more"));
}

TEST(CoverageVerb, AnUnreachableBinThatIsHitIsAnErrorOfTheModel) {
  const test::TemporaryFolder folder, model;
  const std::string file = folder.file("r.jsonl");
  output_of(kAdd + file);
  model.write("m.yaml",
              "covergroups:\n  - {name: operators, sample: case, doc: d, points: {op: {doc: d, bins: {add: "
              "{is: add, unreachable: nobody adds}}}}}\n");
  const std::string folder_of_model = std::filesystem::path(model.file("m.yaml")).parent_path();
  const test::ProcessResult result =
      test::run_process("ASSAY_COVERAGE_DIR=" + folder_of_model + " " ASSAY_PROGRAM " coverage " + file);
  EXPECT_EQ(result.exit_code, 4) << result.output;
  EXPECT_THAT(
      result.output,
      HasSubstr("bin 'operators/op/add' is said to be unreachable (nobody adds), and is hit: assay run add"));
}

TEST(CoverageVerb, ThePageStandsAlone) {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("r.jsonl"), page = folder.file("c.html");
  output_of(kGemm + file);
  output_of("coverage " + file + " --holes --no-fill -o " + page);
  const std::string html = test::read_text(page);
  EXPECT_THAT(html, HasSubstr("<title>Assay: coverage</title>"));
  EXPECT_THAT(html, HasSubstr("class='bin hit'"));
  EXPECT_THAT(html, HasSubstr("class='bin hole'"));
  for (const char* outside : {"http://", "https://", "src=", "@import", "<script", "url("})
    EXPECT_THAT(html, Not(HasSubstr(outside)));
}

TEST(CoverageVerb, ErrorsAreOneLine) {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("r.jsonl"), empty = folder.write("empty.jsonl", "");
  output_of(kAdd + file);
  test::expect_error(2, "name files of records", "coverage");
  test::expect_error(5, "no record", "coverage " + empty);
  test::expect_error(7, "/nonexistent: cannot be read", "coverage /nonexistent");
  test::expect_error(7, "is a folder", "coverage /");
  test::expect_error(7, "x.jsonl:1: no coverage record", "coverage " + folder.write("x.jsonl", "hello\n"));
  test::expect_error(2, "did you mean 'gemm/m/one'?", "coverage " + file + " --bin gemm/m/onne");
  test::expect_error(2, "did you mean 'gemm'?", "coverage " + file + " --holes --under gem");
  test::expect_error(3, "/nonexistent/c.html", "coverage " + file + " -o /nonexistent/c.html");
  test::expect_error(3, "/nonexistent/r.jsonl: cannot be written",
                     std::string(kAdd) + "/nonexistent/r.jsonl");
  test::expect_error(2, "--seed: '-1' is no whole number", "coverage " + file + " --seed -1");
  test::expect_error(2, "excludes", "coverage " + file + " --holes --bin gemm/m/one");
}

// --- the verification plan ---

TEST(PlanVerb, SaysWhatIsKnownOfEachRequirement) {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("r.jsonl");
  output_of(kGemm + file);
  output_of(kAdd + file);
  const std::string plan = folder.write(
      "p.yaml",
      "title: T <1>\nrequirements:\n"
      "  - {id: A, text: adds, where: docs/x.md#y, bins: [operators/op/add, gemm/m/above], tests: "
      "[one_test]}\n"
      "  - {id: B, text: some of many, where: docs/x.md#y, bins: [gemm/m], tests: [one_test]}\n"
      "  - {id: C, text: nothing, where: docs/x.md#y, bins: [softmax/length/one], tests: [one_test]}\n"
      "  - {id: D, text: a test fails, where: docs/x.md#y, bins: [operators/op/add], tests: [one_test, "
      "two_test]}\n");
  const std::string tests =
      folder.write("t.xml",
                   "<testsuite><testcase name=\"one_test\" status=\"run\"></testcase>"
                   "<testcase name=\"two_test\" status=\"fail\"></testcase></testsuite>");
  const auto states = [&](const std::string& more, int code) {
    const test::ProcessResult result = assay("plan " + file + " --plan " + plan + " --json " + more);
    EXPECT_EQ(result.exit_code, code) << result.output;
    std::string text;
    for (const auto& row : nlohmann::json::parse(result.output))
      text += row["id"].get<std::string>() + ":" + row["state"].get<std::string>() + " ";
    return text;
  };
  EXPECT_EQ(states("", 0), "A:COVERED B:PARTLY C:OPEN D:COVERED ");
  EXPECT_EQ(states("--tests " + tests, 1), "A:VERIFIED B:PARTLY C:OPEN D:FAILED ");
  const std::string html = folder.file("p.html"), markdown = folder.file("p.md");
  assay("plan " + file + " --plan " + plan + " --tests " + tests + " -o " + html);
  assay("plan " + file + " --plan " + plan + " --tests " + tests + " -o " + markdown);
  for (const char* part : {"T &lt;1&gt;", "Signature", "assay run gemm --input A:f32:17x5",
                           "edge16 (2 cases passed)", "one_test", "assay 0.1.0"})
    EXPECT_THAT(test::read_text(html), HasSubstr(part));
  EXPECT_THAT(test::read_text(html), Not(HasSubstr("http")));
  EXPECT_THAT(test::read_text(markdown), HasSubstr("| D | a test fails | docs/x.md#y | 1/1 | FAILED |"));
  // A case that fails where it tried the requirement.
  EXPECT_EQ(
      assay(std::string(kGemm) + file + " --kernel " + BROKEN_KERNEL_DIR + "/wrong_value/gemm.elf").exit_code,
      1);
  EXPECT_EQ(states("", 1), "A:FAILED B:FAILED C:OPEN D:COVERED ");
}

TEST(PlanVerb, ErrorsAreOneLine) {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("r.jsonl");
  output_of(kAdd + file);
  const auto refused = [&](const std::string& part, const std::string& text) {
    test::expect_error(2, part, "plan " + file + " --plan " + folder.write("p.yaml", text));
  };
  const std::string start = "title: T\nrequirements:\n  - {id: A, text: t, where: 'd#s', tests: [], ";
  refused("did you mean 'gemm'?", start + "bins: [gem]}\n");
  refused("p.yaml:3: requirement: missing key 'bins'", start + "}\n");
  refused("names no section",
          "title: T\nrequirements:\n  - {id: A, text: t, where: d, tests: [], bins: [gemm]}\n");
  refused("'A' is given twice",
          start + "bins: [gemm]}\n  - {id: A, text: t, where: 'd#s', tests: [], bins: [gemm]}\n");
  test::expect_error(7, "no JUnit file", "plan " + file + " --tests " + file);
  test::expect_error(5, "no record", "plan " + folder.write("empty.jsonl", ""));
}

// Pages, sections and tests that the shipped plan names are there; every covergroup belongs to a requirement.
std::string anchor(const std::string& heading) {
  std::string text;
  for (const char c : heading)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-')
      text += static_cast<char>(std::tolower(c));
    else if (c == ' ') text += '-';
  return text;
}

TEST(ShippedPlan, NamesSectionsTestsAndGroupsThatExist) {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("r.jsonl"), page = folder.file("p.md");
  output_of(kAdd + file);
  output_of("plan " + file + " -o " + page);
  const std::string markdown = test::read_text(page);
  const std::string tests = test::run_process("ctest --test-dir " BUILD_DIR " -N").output;
  std::size_t sections = 0, checks = 0;
  std::set<std::string> groups;
  std::istringstream lines(markdown);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("- test `", 0) == 0) {
      ++checks;
      const std::string name = line.substr(8, line.find('`', 8) - 8);
      const bool left_out =
          name.rfind("rtl_", 0) == 0 && tests.find(": rtl_") == std::string::npos;  // under sanitizers
      if (left_out) continue;
      EXPECT_THAT(tests, HasSubstr(": " + name + "\n"));
    }
    if (line.rfind("- `", 0) == 0) groups.insert(line.substr(3, line.find_first_of("`/", 3) - 3));
    const std::size_t at = line.find("| docs/");
    if (at == std::string::npos) continue;
    const std::string where = line.substr(at + 2, line.find(" |", at) - at - 2),
                      name = where.substr(0, where.find('#'));
    std::set<std::string> anchors;
    std::ifstream in(std::string(SOURCE_DIR) + "/" + name);
    for (std::string text; std::getline(in, text);)
      if (text.rfind('#', 0) == 0) anchors.insert(anchor(text.substr(text.find(' ') + 1)));
    EXPECT_EQ(anchors.count(where.substr(where.find('#') + 1)), 1U) << where;
    ++sections;
  }
  EXPECT_GT(sections, 20U);
  EXPECT_GT(checks, 30U);
  const auto json = json_of("coverage " + file);
  EXPECT_GT(json["groups"].size(), 30U);
  for (const auto& group : json["groups"])
    EXPECT_EQ(groups.count(group["group"]), 1U) << group["group"] << " belongs to no requirement";
}

}  // namespace
}  // namespace assay
