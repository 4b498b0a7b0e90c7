// A small array, operands in its SPM, and commands for them.
#pragma once

#include <gmock/gmock.h>

#include "core/command_fault.hpp"
#include "core/mxu/mxu.hpp"

namespace assay::test {

inline constexpr std::uint32_t kA = 0, kB = 4096;  // SPM offsets
inline constexpr int kM = 3, kN = 10, kK = 19;     // of the whole problem below

class MxuCommand : public testing::Test {
 protected:
  static Machine small_machine() {
    Machine m;
    m.spm = {16, 16, 16};
    m.acc = {8, 16, 16};
    m.mxu.rows = m.mxu.cols = 4;
    m.mxu.load_rows_per_cycle = 1;
    m.mxu.pe_latency = 1;
    m.mxu.rates[static_cast<std::size_t>(DType::f32)] = {1, 4};
    m.mxu.rates[static_cast<std::size_t>(DType::bf16)] = {1, 1};
    m.mxu.rates[static_cast<std::size_t>(DType::s8)] = {2, 1};
    return m;
  }

  MxuCommand() {
    for (int i = 0; i < kM; ++i)
      for (int k = 0; k < kK; ++k)
        *local.at(isa::LocalAddr::spm(kA + i * kK + k)) = static_cast<std::byte>(a(i, k));
    for (int k = 0; k < kK; ++k)
      for (int j = 0; j < kN; ++j)
        *local.at(isa::LocalAddr::spm(kB + k * kN + j)) = static_cast<std::byte>(b(k, j));
  }

  static std::int8_t a(int i, int k) { return static_cast<std::int8_t>(i * 37 + k * 11 - 100); }
  static std::int8_t b(int k, int j) { return static_cast<std::int8_t>(k * 29 - j * 53 + 7); }
  static std::int32_t product(int i, int j, int k_from = 0, int k_to = kK) {
    std::int32_t sum = 0;
    for (int k = k_from; k < k_to; ++k) sum += a(i, k) * b(k, j);
    return sum;
  }
  std::int32_t& result(int i, int j, std::uint32_t base = 0) {
    return *reinterpret_cast<std::int32_t*>(local.at(isa::LocalAddr::acc(base + i * kN * 4 + j * 4)));
  }

  // The whole kM x kN x kK product in s8: three tiles of columns, k tiles of `k`.
  static isa::MxuCommand whole(std::uint32_t k) {
    isa::MxuCommand c{};
    c.dtype = DType::s8;
    c.a_addr = isa::LocalAddr::spm(kA);
    c.b_addr = isa::LocalAddr::spm(kB);
    c.acc_addr = isa::LocalAddr::acc(0);
    c.m = kM;
    c.n = 4;
    c.k = k;
    c.a_stride = kK;
    c.b_stride = kN;
    c.acc_stride = kN * 4;
    c.inner = 3;
    c.n_last = kN - 8;
    c.outer = (kK + k - 1) / k;
    c.k_last = kK - (c.outer - 1) * k;
    c.inner_b_step = 4;
    c.inner_acc_step = 16;
    c.outer_a_step = static_cast<std::int32_t>(k);
    c.outer_b_step = static_cast<std::int32_t>(k * kN);
    return c;
  }
  // One bf16 tile of 2 x 3 x 4.
  static isa::MxuCommand tile() {
    isa::MxuCommand c{};
    c.dtype = DType::bf16;
    c.b_addr = isa::LocalAddr::spm(kB);
    c.acc_addr = isa::LocalAddr::acc(0);
    c.m = 2;
    c.n = 3;
    c.k = 4;
    c.a_stride = 8;
    c.b_stride = 6;
    c.acc_stride = 12;
    c.inner = c.outer = 1;
    return c;
  }

  void expect_fault(const isa::MxuCommand& c, const std::string& text, bool output_stationary = false) {
    core::Mxu mxu(machine, local);
    try {
      mxu.compute(c, output_stationary, Cycle(0));
      ADD_FAILURE() << "accepted; expected: " << text;
    } catch (const core::CommandFault& fault) {
      EXPECT_THAT(fault.what(), testing::HasSubstr(text));
    }
  }

  const Machine machine = small_machine();
  memory::LocalMemory local{machine, true};
};

}  // namespace assay::test
