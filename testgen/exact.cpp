// EXACT mode: how large integer operands may be (docs/numerics.md, "EXACT mode").
#include "base/error.hpp"
#include "golden/formats.hpp"
#include "testgen/data.hpp"

namespace assay::testgen {
namespace {

// Up to here the accumulator holds every integer.
double exact_integers(DType accumulator) { return 1 / golden::unit_roundoff(accumulator); }

}  // namespace

std::int32_t exact_limit(const ops::Problem& problem) {
  const ops::Operator& op = ops::find_operator(problem.op);
  ops::Problem p = problem;
  op.infer(p);
  if (!op.integer_reach(p, 1))
    fail(ExitCode::Usage, "{}: no data make its result exact; use mode bits or real", problem.op);
  const DType out = p.outputs.at(0).dtype;
  if (!is_float(out)) return kLargestInteger;
  const double finite = golden::largest_finite(out);
  const double exact = exact_integers(op.tolerance(p).accumulator);
  std::int32_t limit = 0;
  for (std::int32_t q = 1; q <= kLargestInteger; ++q) {
    const ops::IntegerReach reach = *op.integer_reach(p, q);
    if (reach.exact <= exact && (q == 1 || reach.result <= finite)) limit = q;  // no needless overflow
  }
  if (limit == 0)
    fail(ExitCode::Usage,
         "{}: exact mode: not even operands of 1 and -1 keep every sum exact; use a smaller K, or "
         "factors with few significant bits",
         ops::to_string(p));
  return limit;
}

bool can_be_exact(const ops::Problem& problem) {
  try {
    return exact_limit(problem) > 0;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace assay::testgen
