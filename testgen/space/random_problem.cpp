#include "testgen/space/random_problem.hpp"

#include "base/error.hpp"
#include "testgen/space/spaces/spaces.hpp"

namespace assay::testgen {

ops::Problem random_problem(std::string_view op, DType type, Generator& random, const SpaceLimits& limits,
                            const NamedPins& pins) {
  const auto space = make_space(std::string(op), limits);
  NamedPins all = pins;
  all.emplace_back("type", std::string(to_string(type)));
  const auto values = Sampler(*space, random()).draw(parse_pins(*space, all));
  if (!values) fail(ExitCode::Usage, "{}: no problem has these values", op);
  return space->problem(*values);
}

}  // namespace assay::testgen
