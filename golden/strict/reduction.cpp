#include "golden/strict/reduction.hpp"

#include "golden/strict/conversions.hpp"

namespace assay::golden::strict {

void add_to_stripes(Stripes& stripes, const float* t, std::size_t count, std::uint64_t first) {
  for (std::size_t j = 0; j < count; ++j) {
    float& stripe = stripes[(first + j) % kStripes];
    stripe = canonical(stripe + t[j]);
  }
}

float fold_stripes(Stripes stripes) {
  for (std::size_t half = kStripes / 2; half >= 1; half /= 2)
    for (std::size_t i = 0; i < half; ++i) stripes[i] = canonical(stripes[i] + stripes[i + half]);
  return stripes[0];
}

float maximum(float a, float b) {
  if (is_nan(a) || is_nan(b)) return from_bits(kCanonicalNan);
  if (a == b) return bits_of(a) == 0 ? a : b;  // the two zeros: +0 where there is one
  return a > b ? a : b;
}

float row_maximum(float start, const float* t, std::size_t count) {
  float result = start;
  for (std::size_t j = 0; j < count; ++j) result = maximum(result, t[j]);
  return result;
}

}  // namespace assay::golden::strict
