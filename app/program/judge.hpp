// A program on the simulated machine against the same on the reference machine.
#pragma once

#include <optional>
#include <string>

#include "app/program/execute.hpp"
#include "golden/machine/reference.hpp"

namespace assay::app::program {

// What differs first, in program order.
struct Difference {
  // What is compared: memory, outcome, uart, commands, register, flags, trap, instructions, law, counter; or
  // a finding's name.
  std::string kind;
  std::string text;  // one line
};

struct Judged {
  Execution execution;
  golden::machine::ReferenceResult reference;
  Image image;
  std::optional<Difference> difference;  // nothing: the two agree, and the sanitizer found nothing
};

// Errors: as of assemble() and execute(); Error(Unsupported) where the reference machine cannot say.
Judged judge(const Program& program, const Machine& machine, const ExecuteOptions& options = {});

// An item in words: "item 7, mxu.ws a_addr=spm+0x40 ...", "item 8, host code".
std::string describe(const Program& program, std::size_t item);

}  // namespace assay::app::program
