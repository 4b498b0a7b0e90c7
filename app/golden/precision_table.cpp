#include "app/golden/precision_table.hpp"

#include <algorithm>
#include <array>

#include "golden/backend.hpp"
#include "golden/compare.hpp"
#include "testgen/case.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay::app {
namespace {

constexpr std::array kKinds{testgen::DataKind::Uniform, testgen::DataKind::Normal,
                            testgen::DataKind::Positive};

golden::Comparison measure(const testgen::Case& c) {
  const std::vector<Tensor> inputs = testgen::make_inputs(c);
  const golden::Reference strict = golden::find_backend("strict").evaluate(c.problem, inputs);
  const golden::Reference cpu = golden::find_backend("cpu").evaluate(c.problem, inputs);
  return golden::compare(golden::rounded(strict.outputs.at(0)), cpu.outputs.at(0), testgen::policy_of(c));
}

// Whether results of this kind are rounded: not integers, not copies.
bool has_bound(const testgen::Case& c) {
  const ops::TensorInfo& y = c.problem.outputs.at(0);
  return is_float(y.dtype) && !ops::is_empty(y) &&
         (ops::find_operator(c.problem.op).tolerance(c.problem).roundings > 0);
}

PrecisionRow::Cell cell_of(const ops::Operator& op, DType type, testgen::DataKind kind, int cases,
                           testgen::Generator& random) {
  PrecisionRow::Cell cell{std::string(testgen::to_string(kind)), 0, 0, 0};
  std::vector<double> errors;
  for (int attempts = 0; static_cast<int>(errors.size()) < cases && attempts < 20 * cases; ++attempts) {
    testgen::Case c;
    c.problem = testgen::random_problem(op.name(), type, random);
    c.data = kind;
    c.suite_seed = random();
    testgen::validate(c);
    if (!has_bound(c)) continue;
    const golden::Comparison result = measure(c);
    errors.push_back(result.max_error_in_bounds);
    cell.ulps = std::max(cell.ulps, result.max_ulps);
  }
  if (errors.empty()) return cell;
  std::sort(errors.begin(), errors.end());
  cell.largest = errors.back();
  cell.typical = errors[errors.size() / 2];
  return cell;
}

}  // namespace

std::vector<PrecisionRow> precision_table(int cases, std::uint64_t seed) {
  std::vector<PrecisionRow> rows;
  for (const ops::Operator* op : ops::all_operators())
    for (const DType type : testgen::problem_types(op->name())) {
      testgen::Generator random(seed);
      PrecisionRow row{std::string(op->name()), type, {}, cases};
      for (const testgen::DataKind kind : kKinds)
        row.cells.push_back(cell_of(*op, type, kind, cases, random));
      const auto measured = [](const PrecisionRow::Cell& c) { return c.largest > 0; };
      if (std::any_of(row.cells.begin(), row.cells.end(), measured)) rows.push_back(std::move(row));
    }
  return rows;
}

}  // namespace assay::app
