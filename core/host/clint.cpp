#include "core/host/clint.hpp"

#include "isa/abi.h"

namespace assay::core {
namespace {

constexpr std::uint64_t kBytes = 0x10000;

// Bytes `at` .. `at` + `bytes` - 1 of a register of eight.
std::uint64_t part(std::uint64_t reg, std::uint64_t at, unsigned bytes) {
  return bytes == 8 ? reg : (reg >> (8 * at)) & 0xffffffff;
}
std::uint64_t with_part(std::uint64_t reg, std::uint64_t at, unsigned bytes, std::uint64_t value) {
  if (bytes == 8) return value;
  const std::uint64_t mask = std::uint64_t{0xffffffff} << (8 * at);
  return (reg & ~mask) | (value << (8 * at) & mask);
}

}  // namespace

bool Clint::contains(std::uint64_t address) {
  return address >= ASSAY_CLINT_BASE && address - ASSAY_CLINT_BASE < kBytes;
}

std::optional<std::uint64_t> Clint::load(std::uint64_t cycle, std::uint64_t address, unsigned bytes) const {
  if (bytes < 4) return std::nullopt;
  const std::uint64_t reg = address & ~std::uint64_t{7}, at = address & 7;
  if (address == ASSAY_CLINT_MSIP && bytes == 4) return software_ ? 1 : 0;
  if (reg == ASSAY_CLINT_MTIMECMP) return part(compare_, at, bytes);
  if (reg == ASSAY_CLINT_MTIME) return part(time(cycle), at, bytes);
  return std::nullopt;
}

bool Clint::store(std::uint64_t cycle, std::uint64_t address, unsigned bytes, std::uint64_t value) {
  if (bytes < 4) return false;
  const std::uint64_t reg = address & ~std::uint64_t{7}, at = address & 7;
  if (address == ASSAY_CLINT_MSIP && bytes == 4) software_ = (value & 1) != 0;
  else if (reg == ASSAY_CLINT_MTIMECMP) compare_ = with_part(compare_, at, bytes, value);
  else if (reg == ASSAY_CLINT_MTIME) ahead_ = with_part(time(cycle), at, bytes, value) - cycle;
  else return false;
  return true;
}

std::uint64_t Clint::timer_cycle(std::uint64_t cycle) const {
  if (timer_pending(cycle)) return cycle;
  const std::uint64_t wait = compare_ - time(cycle);
  return wait > kNever - cycle ? kNever : cycle + wait;
}

}  // namespace assay::core
