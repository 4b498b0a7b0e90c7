// The comparison policy, in one place: which results pass, and what a mismatch looks like.
//
//   bits   bit for bit against a reference that defines bits (strict), any data
//   exact  bit for bit against any reference, on data whose result is exact in every order
//   real   within the derived bound (docs/numerics.md, "The REAL bound")
//
// A reference that carries bits is compared bit for bit in every mode, recorded outputs excepted: those
// are wrapped by recorded_reference() and compared by the doubled bound. Nothing passes in silence: an
// empty comparison, or one that cannot be judged, is an Error(Error).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/tensor.hpp"
#include "golden/backend.hpp"

namespace assay::golden {

enum class Mode : std::uint8_t { Bits, Exact, Real };
std::string_view to_string(Mode mode);
Mode parse_mode(std::string_view name);  // Error(Usage) with the nearest name

struct Policy {
  Mode mode = Mode::Real;
  bool zero_mean = true;  // zero-mean random data: 4 * sqrt(K) in place of the worst case gamma_K
  bool doubled = false;   // the reference was itself rounded to the output type by a like computation
  // Size of the kernel's output tiles where known; only the guess of a cause uses them.
  std::int64_t tile_rows = 0, tile_cols = 0;
};

enum class Pattern : std::uint8_t {
  None,
  SingleElement,
  OneRow,
  OneColumn,
  OneTile,
  Shift,
  Sign,
  Scale,
  Stale,
  Transposed,
  Scattered
};
std::string_view to_string(Pattern pattern);

struct BadElement {
  std::int64_t linear = 0;  // row-major index
  Shape index;
  double got = 0, expected = 0;
  double bound = 0;  // largest |got - expected| that passes; 0 where bits are compared
  double ulps = 0;   // distance in units of the output type at `expected`
  std::uint64_t got_bits = 0, expected_bits = 0;
};

struct Comparison {
  bool passed = false;
  std::int64_t elements = 0;
  std::int64_t mismatches = 0;
  std::optional<BadElement> first;  // lowest linear index
  double max_error_in_bounds = 0;   // largest |got - expected| / bound; Inf where the bound is 0
  double max_ulps = 0;              // over finite elements
  double cosine = 1, snr_db = 0;    // information, decide nothing; snr is +Inf without any error
  Pattern pattern = Pattern::None;
  std::string cause;  // likely cause in words; empty where it passed

  std::string to_line() const;  // "PASS 4096 elements, max error 0.12 of bound" / "FAIL ..."
};

// Throws Error(Error) where dtype or shape differ, there is no element, bits mode meets a reference
// without bits, or S is beyond the accumulator's range, so that any outcome would be right.
Comparison compare(const Tensor& got, const Expected& expected, const Policy& policy);

// Two references of one problem: passed where they differ by no more than the sum of their own bounds.
Comparison compare(const Expected& a, const Expected& b, const Policy& policy);

// How many elements lie how far from the reference, in units of the output type's last place at it.
// Information.
struct UlpHistogram {
  std::vector<std::pair<std::string, std::int64_t>> counts;  // "0", "up to 0.5", "up to 1", ..., "not finite"
};
UlpHistogram ulp_histogram(const Tensor& got, const Expected& expected);

// What the reference's computation would have put out: its bits, or its values rounded to the output's type.
Tensor rounded(const Expected& expected);

// A recorded output as a reference: S and tolerance from `model` (the fp64 reference of the same
// problem), values from the record; its bits where the model defines bits. Use with Policy::doubled.
Expected recorded_reference(const Tensor& recorded, const Expected& model);

}  // namespace assay::golden
