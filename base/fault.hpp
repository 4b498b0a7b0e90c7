// Mistakes that a special build makes on purpose, one at a time, so that what finds mistakes can be measured.
//
// The tables under tests/faults name places of the sources and what may stand there instead. With the CMake
// option ASSAY_FAULTS, copies of those sources are compiled in which each place asks its switch; a build
// without it has no switch and no fault. docs/faults.md says how to add one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct Fault {
  Fault(std::string_view fault_name, std::string_view source, std::string_view mistake,
        std::vector<std::string_view> shown_by, std::vector<std::string_view> of_kernels = {});
  Fault(const Fault&) = delete;
  Fault& operator=(const Fault&) = delete;

  const std::string_view name, file, what;
  const std::vector<std::string_view> operators;  // that show it
  const std::vector<std::string_view> kernels;    // that have it; empty for one of the host's code
  bool on = false;
};

// Those of this build, by name.
std::vector<Fault*> all_faults();

// Throws Error(Usage) with the nearest name.
Fault& find_fault(std::string_view name);

// The file name, without ".elf", of a kernel: of the one with a fault while a fault of it is on.
std::string kernel_with_faults(const std::string& kernel);

// A fault that is on as long as this lives.
class FaultOn {
 public:
  explicit FaultOn(Fault& fault) : fault_(fault) { fault_.on = true; }
  ~FaultOn() { fault_.on = false; }
  FaultOn(const FaultOn&) = delete;
  FaultOn& operator=(const FaultOn&) = delete;

 private:
  Fault& fault_;
};

}  // namespace assay
