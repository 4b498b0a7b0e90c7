// Random MXU programs and their comparison: the same commands through core::Mxu and through the RTL.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "rtl/mxu_model.hpp"

namespace assay::test {

// A machine whose array is the RTL's, with SPM banks narrow enough to conflict.
Machine machine_of(rtl::Array array, std::uint32_t banks, std::uint32_t bank_bytes);

// What a bank pattern costs, as core/mxu/mxu_feed.hpp prices it.
rtl::BankModel banks_of(const Machine& machine);

struct Program {
  std::vector<rtl::Issue> issues;
  rtl::Memories memories;
};

// Where result tiles begin in a line of ACC: on a grid, where the model's interlock is exact; or anywhere.
enum class Columns { OnAGrid, Anywhere };

// About `commands` commands that overlap in time and in ACC.
Program random_program(std::mt19937_64& random, const Machine& machine, std::size_t commands,
                       Columns columns = Columns::OnAGrid);

// How many commands were compared, by what they exercise.
using Coverage = std::map<std::string, std::uint64_t>;

enum class What { BitsAndCycles, Bits };

// Runs both; the first difference as one line, or nothing. Counts into `coverage`.
std::optional<std::string> compare(const Machine& machine, rtl::MxuModel& rtl, const Program& program,
                                   Coverage& coverage, What what = What::BitsAndCycles);

}  // namespace assay::test
