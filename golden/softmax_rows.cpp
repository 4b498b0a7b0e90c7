#include "golden/softmax_rows.hpp"

#include <algorithm>
#include <cmath>

#include "golden/formats.hpp"

namespace assay::golden {
namespace {

constexpr double kLog2e = 1.4426950408889634;
constexpr double kJudgeable = 0x1p24;

// Additions on the way from an exponential to its row's sum: in a block, of blocks, folds.
double additions(std::size_t length) {
  const double blocks = std::ceil(static_cast<double>(length) / 1024);
  return 16 + (1 + std::ceil(std::log2(blocks))) + 6;
}

void softmax_magnitudes(const std::vector<double>& x, const std::vector<double>& y,
                        std::vector<double>& magnitude) {
  const double greatest = *std::max_element(x.begin(), x.end());
  double distance = 0;
  for (std::size_t j = 0; j < x.size(); ++j)
    if (y[j] > 0) distance += y[j] * (greatest - x[j]);
  const double exponential = 1 + 0x1p-24 * kLog2e * std::fabs(greatest) + 1.06;
  const double common = 1.224 * distance + 2 * exponential + additions(x.size()) + 3;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double own = std::isinf(x[j]) ? 0 : 1.224 * (greatest - x[j]);
    const double s = y[j] * (own + common) * (1 + 0x1p-20);  // second-order terms
    magnitude[j] = std::fabs(greatest) > kJudgeable ? HUGE_VAL : s;
  }
}

}  // namespace

SoftmaxRows::SoftmaxRows(const ops::Problem& checked) {
  const Shape& shape = checked.inputs.at(0).shape;
  const ops::AttributeValue* given = checked.attributes.find("axis");
  std::int64_t axis = given == nullptr ? -1 : std::get<std::int64_t>(*given);
  if (axis < 0) axis += static_cast<std::int64_t>(shape.size());
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const auto extent = static_cast<std::size_t>(shape[d]);
    if (static_cast<std::int64_t>(d) == axis) length = extent;
    else (static_cast<std::int64_t>(d) < axis ? outer : inner) *= extent;
  }
}

UnitRows SoftmaxRows::unit_rows(DType type) const {
  const auto n = static_cast<double>(length);
  const double rounded = unit_roundoff(type) + n * half_smallest(type);
  return {length, inner, (additions(length) + 3) * 0x1p-24 + rounded};
}

void finish_softmax(const SoftmaxRows& rows, const std::vector<double>& x, const std::vector<double>& y,
                    Expected& expected) {
  expected.values.resize(x.size());
  expected.magnitude.resize(x.size());
  std::vector<double> row(rows.length), results(rows.length), magnitude(rows.length);
  for (std::size_t r = 0; r < rows.count(); ++r) {
    for (std::size_t j = 0; j < rows.length; ++j) {
      row[j] = x[r * rows.length + j];
      results[j] = y[r * rows.length + j];
    }
    softmax_magnitudes(row, results, magnitude);
    for (std::size_t j = 0; j < rows.length; ++j) {
      expected.values[rows.at(r, j)] = results[j];
      expected.magnitude[rows.at(r, j)] = magnitude[j];
    }
  }
  expected.unit_rows = rows.unit_rows(expected.dtype);
}

}  // namespace assay::golden
