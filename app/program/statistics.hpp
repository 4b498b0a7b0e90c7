// What programs were made of, as the reference machine executed them.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "app/program/judge.hpp"

namespace assay::app::program {

struct Statistics {
  std::uint64_t programs = 0, host_instructions = 0;
  std::map<std::string, std::uint64_t> instructions;  // AI commands of items that were queued, by mnemonic
  std::map<std::string, std::uint64_t> engines;       // the same, by engine
  std::map<std::string, std::uint64_t> traps;         // taken, by cause
  std::map<std::string, std::uint64_t> ends;          // of programs
  // Values that fields of launches had, "mxu.m"; of each the first kMostValues.
  static constexpr std::size_t kMostValues = 64;
  std::map<std::string, std::set<std::uint64_t>> values;

  void add(const Judged& judged);
  std::uint64_t launches() const;  // without semaphores
  nlohmann::ordered_json json() const;
  std::string text() const;
};

// The name of a trap's cause: "illegal instruction".
std::string trap_name(std::uint64_t cause);

}  // namespace assay::app::program
