#include "base/suggest.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

const std::vector<std::string> kNames{"freq_mhz", "rows", "cols"};

TEST(Suggest, FindsTheNearestName) {
  EXPECT_EQ(nearest("frq_mhz", kNames), "freq_mhz");
  EXPECT_EQ(nearest("row", kNames), "rows");
}

TEST(Suggest, IsSilentWhereNothingIsNear) { EXPECT_EQ(nearest("bandwidth", kNames), ""); }

TEST(Suggest, ListsWhatIsValidAndAsksOnlyWhereSomethingIsNear) {
  EXPECT_EQ(expected_one_of("row", kNames), "expected one of freq_mhz, rows, cols; did you mean 'rows'?");
  EXPECT_EQ(expected_one_of("bandwidth", kNames), "expected one of freq_mhz, rows, cols");
  EXPECT_EQ(expected_one_of("rows", {}), "there is none");
}

}  // namespace
}  // namespace assay
