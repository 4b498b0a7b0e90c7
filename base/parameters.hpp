// Parameters of a configuration, each declared once: name with unit, place in a typed struct, legal range
// and meaning. Reading YAML, showing, comparing and every error message derive from the declarations.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/machine.hpp"

namespace assay {

struct Parameter {
  // The types a parameter can have. A rate reads "2", "1", "1/4" or "0" (unsupported).
  using Target = std::variant<std::uint32_t*, double*, std::string*, Machine::MxuRate*, std::vector<DType>*>;

  std::string path;  // "mxu.rows": the keys from the top of the file
  Target target;
  double min = 0, max = 0;  // legal range of a number
  std::string doc;
  bool power_of_two = false;

  std::string value() const;  // as it would be written in YAML
  std::string range() const;  // "1 .. 1024, a power of two", or the form of a value that is no number
};

// Reads the whole file into the targets; unknown, missing, repeated and malformed keys are errors.
void read_parameters(const std::string& file, const std::vector<Parameter>& parameters);

// Sets one from text; errors name `where` in place of a file.
void set_parameter(const Parameter& parameter, const std::string& value, const std::string& where);

// The parameters that differ between two configurations of one kind.
struct ParameterChange {
  std::string path, before, after;
};
std::vector<ParameterChange> compare(const std::vector<Parameter>& before,
                                     const std::vector<Parameter>& after);

}  // namespace assay
