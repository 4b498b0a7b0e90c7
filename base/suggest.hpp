// The nearest valid name, for error messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay {

// "expected one of a, b, c; did you mean 'b'?" - the question only where a name is near enough.
std::string expected_one_of(std::string_view given, const std::vector<std::string>& valid);

// The valid name with the smallest edit distance, or empty where none is near.
std::string nearest(std::string_view given, const std::vector<std::string>& valid);

}  // namespace assay
