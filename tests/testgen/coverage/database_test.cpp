// Records: what counts, whatever the order; files that several processes append to.
#include "testgen/coverage/database.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "../../support/expect_error.hpp"
#include "../../support/process.hpp"
#include "app/coverage/case_coverage.hpp"

namespace assay::coverage {
namespace {

using ::testing::ElementsAre;

const Model& small_model() {
  static const Model model = Model::parse(
      "covergroups:\n  - {name: g, sample: case, doc: d, points: {m: {doc: d, bins: {one: 1, two: 2, never: "
      "{is: 3, unreachable: "
      "there is no three}}}}}\n",
      "m.yaml", app::coverage_schema());
  return model;
}

Record record(const std::string& name, const std::string& verdict, const std::vector<std::string>& bins) {
  return {"id-" + name, "text " + name,         "edge16", verdict, "assay run " + name, "",
          "0.1.0",      "2025-01-01T00:00:00Z", bins};
}

Database database_of(const std::vector<Record>& records) {
  Database db(small_model());
  for (const Record& r : records) db.add(r);
  db.finish();
  return db;
}

std::vector<std::string> hits(const Database& db) {
  std::vector<std::string> names;
  for (BinId bin = 0; bin < db.model().size(); ++bin)
    for (const std::size_t i : db.hits(bin))
      names.push_back(db.model().bins()[bin].name + " by " + db.cases()[i].record.id);
  return names;
}

TEST(CoverageDatabase, ABinCountsFromACaseThatPassedAlone) {
  for (const char* verdict : {"FAIL", "ERROR", "UNVERIFIED", "WATCHDOG", "UNSUPPORTED"}) {
    const Database db = database_of({record("a", verdict, {"g/m/one"}), record("b", "PASS", {"g/m/two"})});
    EXPECT_FALSE(db.is_hit(small_model().bin("g/m/one"))) << verdict;
    EXPECT_EQ(db.failures(small_model().bin("g/m/one")).size(), 1U);
    EXPECT_EQ(db.passed(), 1U);
    EXPECT_THAT(db.holes(), ElementsAre(small_model().bin("g/m/one")));
  }
}

TEST(CoverageDatabase, DeletingABinsOnlyCaseShowsAsAHole) {
  const std::vector<Record> all{record("a", "PASS", {"g/m/one"}), record("b", "PASS", {"g/m/two"}),
                                record("c", "PASS", {"g/m/two"})};
  EXPECT_TRUE(database_of(all).holes().empty());
  EXPECT_THAT(database_of({all[1], all[2]}).holes(), ElementsAre(small_model().bin("g/m/one")));
  EXPECT_TRUE(database_of({all[0], all[2]}).holes().empty());
}

TEST(CoverageDatabase, OrderDoesNotMatterAndDuplicatesDoNotCountTwice) {
  std::vector<Record> records{record("a", "PASS", {"g/m/one"}), record("b", "PASS", {"g/m/one", "g/m/two"}),
                              record("a", "PASS", {"g/m/one"}), record("c", "FAIL", {"g/m/two"}),
                              record("b", "FAIL", {"g/m/one", "g/m/two"})};
  records[2].time = "2024-05-05T00:00:00Z";
  const auto order = [](const Record& x, const Record& y) { return to_json_line(x) < to_json_line(y); };
  std::sort(records.begin(), records.end(), order);
  int permutations = 0;
  do {
    const Database db = database_of(records);
    ++permutations;
    EXPECT_THAT(hits(db), ElementsAre("g/m/one by id-a"));
    EXPECT_EQ(db.cases().size(), 3U);
    EXPECT_EQ(db.duplicates(), 2U);
    EXPECT_THAT(db.disagreeing(), ElementsAre("assay run b\n"));
    EXPECT_EQ(db.first_time(), "2024-05-05T00:00:00Z");
  } while (std::next_permutation(records.begin(), records.end(), order));
  EXPECT_EQ(permutations, 120);
}

TEST(CoverageDatabase, BinsThatTheModelLostAreNamedAndUnreachableOnesThatAreHitTold) {
  const Database db = database_of(
      {record("a", "PASS", {"g/m/one", "g/old/bin", "g/m/never"}), record("b", "PASS", {"g/old/bin"})});
  EXPECT_EQ(db.unknown().at("g/old/bin"), 2U);
  EXPECT_THAT(db.wrongly_unreachable(), ElementsAre(small_model().bin("g/m/never")));
  Tally tally;
  for (BinId bin = 0; bin < small_model().size(); ++bin) tally.add(db, bin);
  EXPECT_EQ(tally.hit, 1U);
  EXPECT_EQ(tally.reachable, 2U);
  EXPECT_EQ(tally.unreachable, 1U);
}

TEST(CoverageRecord, ReadsBackAsItWasWritten) {
  Record r = record("a \"quoted\" line", "PASS", {"g/m/one", "g/m/two", "h/x/a*b"});
  r.source = "folder/data set";
  const std::string line = to_json_line(r);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const Record again = parse_record(line.substr(0, line.size() - 1), "f", 1);
  EXPECT_EQ(to_json_line(again), line);
  EXPECT_EQ(again.bins, r.bins);
  EXPECT_EQ(again.key(), r.key());
}

TEST(CoverageRecord, ErrorsNameFileAndLine) {
  const auto refused = [](const std::string& part, const std::string& line) {
    test::expect_error(ExitCode::BadInput, part, [&] { parse_record(line, "f.jsonl", 7); });
  };
  refused("f.jsonl:7: no coverage record", "{");
  refused("f.jsonl:7: no coverage record", "[]");
  refused("unknown key 'verdikt'; ", R"({"verdikt": "PASS"})");
  refused("missing key 'id'", "{}");
  refused("verdict: expected a text", R"({"id":"","text":"","config":"","verdict":1})");
  const std::string good = to_json_line(record("a", "PASS", {}));
  refused("bins: expected an object", good.substr(0, good.find("\"bins\"")) + "\"bins\": []}");
  refused("bins.g: expected a list", good.substr(0, good.find("\"bins\"")) + "\"bins\": {\"g\": 1}}");
}

TEST(CoverageRecordFile, CutOffFilesAreRefusedByReaderAndWriter) {
  const test::TemporaryFolder folder;
  const std::string file = folder.write("cut.jsonl", to_json_line(record("a", "PASS", {})) + "{\"id\"");
  test::expect_error(ExitCode::BadInput, "cut.jsonl:2: the last line is cut off",
                     [&] { read_records(file, [](const Record&) {}); });
  test::expect_error(ExitCode::BadInput, "ends within a line",
                     [&] { RecordFile(file).append(record("b", "PASS", {})); });
  test::expect_error(ExitCode::BadInput, "cannot be read",
                     [&] { read_records(folder.file("none"), [](const Record&) {}); });
  test::expect_error(ExitCode::Infrastructure, "cannot be written",
                     [&] { RecordFile out(folder.file("no/such")); });
}

TEST(CoverageRecordFile, AFullDiskIsAnErrorAndNoPass) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  test::expect_error(ExitCode::Infrastructure, "/dev/full: cannot be written",
                     [] { RecordFile("/dev/full").append(record("a", "PASS", {})); });
}

TEST(CoverageRecordFile, ProcessesAppendWholeLines) {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("all.jsonl");
  constexpr int kProcesses = 6, kLines = 60;
  for (int p = 0; p < kProcesses; ++p)
    if (fork() == 0) {
      RecordFile out(file);
      for (int i = 0; i < kLines; ++i)
        out.append(record(std::to_string(p) + "." + std::to_string(i), "PASS",
                          std::vector<std::string>(2000, "g/m/one")));
      _exit(0);
    }
  for (int p = 0; p < kProcesses; ++p) {
    int status = 1;
    wait(&status);
    EXPECT_EQ(status, 0);
  }
  std::set<std::string> ids;
  read_records(file, [&](const Record& r) {
    ids.insert(r.id);
    EXPECT_EQ(r.bins.size(), 2000U);
  });
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(kProcesses * kLines));
}

}  // namespace
}  // namespace assay::coverage
