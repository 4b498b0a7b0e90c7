// One case for the terminal and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "report/result.hpp"

namespace assay::report {

// "race-read-after-write: SPM 0x40: mxu.ws #12 reads A, line 5, byte 12 (k.cpp:30)": one line.
std::string to_line(const Finding& finding);

// The block that ends `assay run`; lines end in '\n'.
std::string to_text(const CaseResult& result);

// Keys: verdict, exit_code, message, case.*, cycles, macs.{declared,executed,padding},
// vector_elements.{declared,executed}, bytes.{compulsory,moved}, roofline.*, accounting.UNIT.OWNER,
// accounting.critical_path and what_if, counters.EVENT and relations (where asked for), losses,
// golden.*
nlohmann::ordered_json to_json(const CaseResult& result);

}  // namespace assay::report
