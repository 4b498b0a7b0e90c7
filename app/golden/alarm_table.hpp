// Right results of another order, blocking or fusion: how many of them the comparison refuses. None may be.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay::app {

// One family of data and one way to compute.
struct AlarmRow {
  std::string data, way;
  int cases = 0, refused = 0;
  double closest = 0;   // the largest error of an accepted result, in bounds
  int not_judged = 0;   // sums of magnitudes beyond the accumulator: an error of the case, neither
  std::string example;  // a refused case
};

// `cases` random problems of all operators with a REAL bound, over all families of data; each is judged by
// every way that has it.
std::vector<AlarmRow> alarm_table(int cases, std::uint64_t seed);

}  // namespace assay::app
