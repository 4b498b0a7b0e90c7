// docs/operators.md says what the specs say, and what it says runs, runs.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "app/case/case_run.hpp"
#include "app/case/support.hpp"
#include "base/error.hpp"

namespace assay {
namespace {

const std::vector<std::string> kConfigs{"edge16", "server128", "tpuv1"};

TEST(OperatorsPage, ItsTableIsThatOfTheSpecs) {
  std::ifstream file(OPERATORS_PAGE);
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str(), begin = "<!-- assay operators --markdown -->\n", end = "<!-- end -->";
  const std::size_t from = page.find(begin), to = page.find(end);
  ASSERT_TRUE(from != std::string::npos && to != std::string::npos);
  EXPECT_EQ(page.substr(from + begin.size(), to - from - begin.size()),
            app::support_page(app::support_of_operators(kConfigs)));
}

TEST(OperatorsPage, WhatIsSupportedIsRightToTheBit) {
  int ran = 0, refused = 0;
  for (const app::Support& s : app::support_of_operators(kConfigs)) {
    if (!s.why_not.empty()) {
      ++refused;
      continue;
    }
    const report::CaseResult result = app::run_case(app::generated(s.c), {});
    EXPECT_EQ(result.verdict, ExitCode::Pass)
        << s.op << " " << to_string(s.dtype) << " on " << s.config << ": " << result.message;
    EXPECT_FALSE(result.goldens.empty()) << s.op;
    ++ran;
  }
  EXPECT_GT(ran, 150);
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace assay
