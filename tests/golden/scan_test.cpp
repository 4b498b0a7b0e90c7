// What the scan leaves beyond doubt, the bound accepts; and it leaves little in doubt.
#include "golden/scan.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "golden/bound.hpp"
#include "golden/formats.hpp"
#include "testgen/random.hpp"

namespace assay::golden {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

struct Sample {
  std::vector<double> got, want, magnitude;
};

// Values of `type` around references anywhere in and around its range, ties and binades included.
Sample sample_of(DType type, std::size_t count, std::uint64_t key) {
  Sample s;
  testgen::ElementRandom random(key, 0);
  const int low = type == DType::f16 ? -27 : -152, high = type == DType::f16 ? 17 : 129;
  for (std::size_t i = 0; i < count; ++i) {
    double want = std::ldexp(1 + random.unit(), random.between(low, high));
    if (random.below(4) == 0) want = std::ldexp(1.0, random.between(low, high));
    if (random.below(3) == 0) want = round_to(type, want) + 0.5 * ulp_at(type, want);  // a tie
    if (random.below(3) == 0) want *= 1 + 0x1p-40 * (random.unit() - 0.5);
    if (random.below(16) == 0) want = 0;
    if (!std::isfinite(want)) want = largest_finite(type);
    if (random.coin()) want = -want;
    const double got = round_to(type, want + random.between(-3, 3) * 0.5 * ulp_at(type, want));
    s.got.push_back(random.below(50) == 0 ? kInf : got);
    s.want.push_back(random.below(50) == 0 ? std::nan("") : want);
    s.magnitude.push_back(std::fabs(want) * (random.coin() ? 1 : 0x1p12 * random.unit()));
  }
  return s;
}

Expected expected_of(DType type) {
  Expected e;
  e.dtype = type;
  e.tolerance = {DType::f32, 30, 30};
  return e;
}

TEST(Scan, WhatItLeavesBeyondDoubtTheBoundAccepts) {
  for (const DType type : {DType::f32, DType::bf16, DType::f16})
    for (const double worst : {0.0, 0.3, 0.99, kInf}) {
      const Bound bound(expected_of(type), {});
      const Scan scan(type, bound.converts());
      const Sample s = sample_of(type, 20001, 7);
      std::vector<double> e(s.got.size());
      bound.errors(s.want.data(), s.magnitude.data(), e.size(), e.data());
      std::vector<std::size_t> doubtful;
      Totals totals;
      scan(s.got.data(), s.want.data(), e.data(), e.size(), worst, 0, doubtful, totals);
      doubtful.push_back(e.size());
      std::size_t next = 0;
      for (std::size_t i = 0; i < e.size(); ++i) {
        if (doubtful[next] == i) {
          ++next;
          continue;
        }
        ASSERT_TRUE(std::isfinite(s.got[i]) && std::isfinite(s.want[i]));
        ASSERT_TRUE(bound.accepts(s.got[i], s.want[i], s.magnitude[i]))
            << to_string(type) << " " << s.got[i] << " for " << s.want[i];
        const double error = std::fabs(s.got[i] - s.want[i]);
        if (error > 0) {
          ASSERT_LE(error / bound.distance(s.want[i], s.magnitude[i]), worst);
        }
      }
      EXPECT_EQ(next, doubtful.size() - 1);
    }
}

TEST(Scan, ResultsThatAreRoundedReferencesAreBeyondDoubt) {
  for (const DType type : {DType::bf16, DType::f16}) {
    const Scan scan(type, true);
    Sample s = sample_of(type, 5000, 9);
    std::size_t ties = 0;
    std::vector<std::size_t> doubtful;
    Totals totals;
    for (std::size_t i = 0; i < s.got.size(); ++i) {
      if (!std::isfinite(s.want[i])) s.want[i] = 1;
      s.got[i] = round_to(type, s.want[i]);
      // At a tie the scan may be in doubt.
      if (std::fabs(s.got[i] - s.want[i]) >= 0.4999 * ulp_at(type, s.want[i]) || !std::isfinite(s.got[i]))
        ++ties;
    }
    const std::vector<double> e(s.got.size(), 0);
    scan(s.got.data(), s.want.data(), e.data(), e.size(), kInf, 0, doubtful, totals);
    EXPECT_LE(doubtful.size(), ties);
    EXPECT_LT(ties, s.got.size() / 2);
  }
}

TEST(Scan, TotalsSkipWhatIsNotFinite) {
  const std::vector<double> got{1, kInf, 3, 4, std::nan(""), 6, 7}, want{2, 1, 3, kInf, 5, 6, 7.5};
  const std::vector<double> e(got.size(), 0.25);
  std::vector<std::size_t> doubtful;
  Totals totals;
  Scan(DType::f32, false)(got.data(), want.data(), e.data(), e.size(), kInf, 100, doubtful, totals);
  EXPECT_EQ(doubtful, (std::vector<std::size_t>{100, 101, 103, 104, 106}));
  EXPECT_EQ(totals.got_want, 2 + 9 + 36 + 52.5);
  EXPECT_EQ(totals.got_got, 1 + 9 + 36 + 49);
  EXPECT_EQ(totals.want_want, 4 + 9 + 36 + 56.25);
  EXPECT_EQ(totals.noise, 1.25);
  EXPECT_EQ(totals.max_ulps, 0x1p22);
}

TEST(Scan, UlpsAreThoseOfTheFormat) {
  for (const DType type : {DType::f32, DType::bf16, DType::f16}) {
    const Sample s = sample_of(type, 3000, 21);
    for (std::size_t i = 0; i < s.got.size(); ++i) {
      std::vector<std::size_t> doubtful;
      Totals totals;
      const double e = 0;
      Scan(type, true)(&s.got[i], &s.want[i], &e, 1, kInf, 0, doubtful, totals);
      const bool finite = std::isfinite(s.got[i]) && std::isfinite(s.want[i]);
      ASSERT_EQ(totals.max_ulps, finite ? std::fabs(s.got[i] - s.want[i]) / ulp_at(type, s.want[i]) : 0)
          << s.got[i] << " for " << s.want[i];
    }
  }
}

}  // namespace
}  // namespace assay::golden
