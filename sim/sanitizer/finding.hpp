// What the kernel sanitizer reports.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::sim {

enum class FindingKind : std::uint8_t {
#define ASSAY_FINDING(id, name, doc) id,
#include "sim/sanitizer/kinds.def"
#undef ASSAY_FINDING
};
std::string_view to_string(FindingKind kind);  // its name: "race-read-after-write"
std::string_view explain(FindingKind kind);    // what it means, a clause
const std::vector<FindingKind>& all_finding_kinds();

// An instruction of the kernel that takes part in a finding.
struct FindingSite {
  std::uint64_t pc = 0;
  std::string text;  // "mxu.ws #12 reads A, outer 1, line 5, byte 12"
};

struct Finding {
  FindingKind kind;
  std::string place;               // "SPM 0x1240", "semaphore 3": what it is about
  std::vector<FindingSite> sites;  // the offender first, then the other party
  std::uint64_t count = 1;         // how often these instructions did it
};

}  // namespace assay::sim
