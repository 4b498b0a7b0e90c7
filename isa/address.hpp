// Addresses as AI instructions carry them. Units: bytes.
#pragma once

#include <cstdint>

#include "isa/abi.h"

namespace assay::isa {

// A local address: the scratchpad (SPM), or with the top bit set the accumulator memory (ACC).
class LocalAddr {
 public:
  constexpr LocalAddr() = default;
  constexpr explicit LocalAddr(std::uint32_t raw) : raw_(raw) {}
  static constexpr LocalAddr spm(std::uint32_t offset) { return LocalAddr(offset); }
  static constexpr LocalAddr acc(std::uint32_t offset) { return LocalAddr(offset | ASSAY_LOCAL_ACC); }

  constexpr bool is_acc() const { return (raw_ & ASSAY_LOCAL_ACC) != 0; }
  constexpr std::uint32_t offset() const { return raw_ & ~ASSAY_LOCAL_ACC; }  // within SPM or ACC
  constexpr std::uint32_t raw() const { return raw_; }

  friend constexpr bool operator==(LocalAddr a, LocalAddr b) { return a.raw_ == b.raw_; }
  friend constexpr bool operator!=(LocalAddr a, LocalAddr b) { return a.raw_ != b.raw_; }

 private:
  std::uint32_t raw_ = 0;
};

// A host physical address that should lie in HBM, at or above ASSAY_HBM_BASE; the DMA engine checks it.
class HbmAddr {
 public:
  constexpr HbmAddr() = default;
  constexpr explicit HbmAddr(std::uint64_t raw) : raw_(raw) {}

  constexpr std::uint64_t raw() const { return raw_; }

  friend constexpr bool operator==(HbmAddr a, HbmAddr b) { return a.raw_ == b.raw_; }
  friend constexpr bool operator!=(HbmAddr a, HbmAddr b) { return a.raw_ != b.raw_; }

 private:
  std::uint64_t raw_ = 0;
};

}  // namespace assay::isa
