// Programs as text: docs/programs.md, "The text form". A program that is written and read again is the same.
#pragma once

#include <functional>
#include <string>

#include "testgen/program/program.hpp"

namespace assay::testgen::program {

// Strict: unknown, missing and repeated keys, fields that an instruction lacks, values that fit no register,
// references to items that do not exist. Throws Error(Usage) "file:line: ...".
Program read_program(const std::string& path);

// `explain`: a comment for host code, where wanted; one line for its words.
using Explain = std::function<std::string(const HostCode&)>;
std::string write_program(const Program& program, const Explain& explain = {});

}  // namespace assay::testgen::program
