// Random RV64GC code: pieces of a few instructions each that keep to themselves.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "testgen/program/program.hpp"
#include "testgen/random.hpp"

namespace assay::testgen::program {

// Bytes that the host may load and store, by their address.
struct HostRange {
  std::uint64_t address = 0, bytes = 0;
  bool writable = true;
};

class RandomHost {
 public:
  RandomHost(ElementRandom& random, std::vector<HostRange> ranges)
      : random_(random), ranges_(std::move(ranges)) {}

  // Any piece; `traps`: it may be one that traps.
  HostCode piece(bool traps);

 private:
  std::uint32_t reg() { return 1 + random_.below(25); }  // one that items may write
  std::uint32_t any_reg() { return random_.below(32); }
  std::uint32_t integer();
  std::uint32_t real();
  std::uint32_t compressed();
  std::uint32_t simple();  // any of these
  HostCode scratch_access();
  HostCode atomic();
  HostCode far_access();
  HostCode control();
  HostCode loop();
  HostCode csr();
  HostCode trap();
  HostCode interrupt();
  HostCode print();
  void load_address(HostCode& code, unsigned reg, std::uint64_t address);

  ElementRandom& random_;
  std::vector<HostRange> ranges_;
};

}  // namespace assay::testgen::program
