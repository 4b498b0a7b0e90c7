// Footprints: the region arithmetic against sets of bytes, and what commands claim to touch against what they
// do.
#include "core/footprint.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>

#include "core/command_fault.hpp"
#include "core/mxu/mxu.hpp"
#include "core/vxu/vxu.hpp"
#include "random.hpp"
#include "transfers.hpp"

namespace assay {
namespace {

using core::Access;
using core::Region;
using core::Space;
using test::Random;

constexpr std::uint64_t kCapacity = 4096;

// Adds the bytes of an access's loops from `d` on, begun at `start`.
void add_bytes(const Access& a, std::size_t d, std::int64_t start, std::map<std::int64_t, int>& bytes) {
  if (d == core::kAccessDims) {
    for (std::uint64_t b = 0; b < a.run; ++b) ++bytes[start + static_cast<std::int64_t>(b)];
    return;
  }
  for (std::uint64_t i = 0; i < a.dims[d].count; ++i)
    add_bytes(a, d + 1, start + static_cast<std::int64_t>(i) * a.dims[d].stride, bytes);
}

// The bytes of an access, each with how often its loops meet it.
std::map<std::int64_t, int> bytes_of(const Access& a) {
  std::map<std::int64_t, int> bytes;
  add_bytes(a, 0, a.base, bytes);
  return bytes;
}

Access random_access(Random& random) {
  Access a;
  a.base = random.between(0, 1500);
  a.run = 1 + random.below(12);
  for (core::AccessDim& dim : a.dims) {
    dim.name = "loop";
    if (random.below(3) != 0) continue;
    dim.count = 1 + random.below(4);
    const std::int64_t dense = static_cast<std::int64_t>(a.run);
    const std::int64_t strides[] = {0, dense, dense * 2, -dense, 64, random.between(-90, 200)};
    dim.stride = strides[random.below(6)];
  }
  return a;
}

std::set<std::uint64_t> bytes_of(const Region& region) {
  std::set<std::uint64_t> bytes;
  region.for_each_run(0, kCapacity, [&](std::uint64_t offset, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) bytes.insert(offset + i);
    return true;
  });
  return bytes;
}

TEST(Region, HoldsTheBytesOfItsAccess) {
  Random random(1);
  int outside = 0;
  for (int i = 0; i < 3000; ++i) {
    const Access access = random_access(random);
    std::set<std::uint64_t> expected;
    bool inside = true;
    for (const auto& [byte, count] : bytes_of(access)) {
      inside = inside && byte >= 0 && byte < static_cast<std::int64_t>(kCapacity);
      expected.insert(static_cast<std::uint64_t>(byte));
    }
    const auto region = Region::of(access, kCapacity);
    ASSERT_EQ(region.has_value(), inside);
    outside += inside ? 0 : 1;
    if (!inside) continue;
    ASSERT_EQ(bytes_of(*region), expected);
    EXPECT_EQ(region->low, *expected.begin());
    EXPECT_EQ(region->high, *expected.rbegin() + 1);
    const std::uint64_t from = random.below(kCapacity), to = from + random.below(300);
    std::set<std::uint64_t> clipped;
    region->for_each_run(from, to, [&](std::uint64_t offset, std::uint64_t count) {
      for (std::uint64_t b = 0; b < count; ++b) clipped.insert(offset + b);
      return true;
    });
    EXPECT_EQ(clipped, std::set<std::uint64_t>(expected.lower_bound(from), expected.lower_bound(to)));
  }
  EXPECT_GT(outside, 10);
}

TEST(Region, CommonBytesAreFoundIfAndOnlyIfThereAreAny) {
  Random random(2);
  int common = 0, apart = 0;
  for (int i = 0; i < 6000; ++i) {
    const auto a = Region::of(random_access(random), kCapacity),
               b = Region::of(random_access(random), kCapacity);
    if (!a || !b) continue;
    const std::set<std::uint64_t> in_a = bytes_of(*a), in_b = bytes_of(*b);
    const bool any =
        std::any_of(in_a.begin(), in_a.end(), [&](std::uint64_t byte) { return in_b.count(byte) > 0; });
    const auto byte = core::common_byte(*a, *b);
    ASSERT_EQ(byte.has_value(), any);
    if (byte) {
      ASSERT_TRUE(in_a.count(*byte) == 1 && in_b.count(*byte) == 1);
    }
    ++(any ? common : apart);
  }
  EXPECT_GT(common, 200);
  EXPECT_GT(apart, 200);
}

TEST(Region, OfAnotherMemoryHasNothingInCommon) {
  Access a;
  a.run = 4;
  Access b = a;
  b.space = Space::acc;
  EXPECT_FALSE(core::common_byte(*Region::of(a, 16), *Region::of(b, 16)));
}

TEST(Region, EqualBytesHaveEqualHashes) {
  Access rows;  // the same bytes, by rows and by columns
  rows.run = 4;
  rows.dims[0] = {"row", 3, 64, 0};
  rows.dims[1] = {"column", 5, 4, 0};
  Access columns = rows;
  std::swap(columns.dims[0], columns.dims[1]);
  const Region a = *Region::of(rows, 4096), b = *Region::of(columns, 4096);
  EXPECT_TRUE(a == b);
  EXPECT_EQ(a.hash(), b.hash());
  rows.base = 4;
  EXPECT_FALSE(a == *Region::of(rows, 4096));
}

TEST(Access, OverlapsItselfWhereALoopMeetsAByteTwice) {
  Random random(3);
  int overlapping = 0;
  for (int i = 0; i < 3000; ++i) {
    const Access access = random_access(random);
    bool twice = false;
    for (const auto& [byte, count] : bytes_of(access)) twice = twice || count > 1;
    ASSERT_EQ(core::overlaps_itself(access), twice);
    overlapping += twice ? 1 : 0;
  }
  EXPECT_GT(overlapping, 100);
  EXPECT_LT(overlapping, 2900);
}

TEST(Access, ALocatedByteNamesItsSteps) {
  Access a;
  a.role = "B";
  a.base = 100;
  a.run = 8;
  a.dims[0] = {"outer", 3, 1000, 2};
  a.dims[2] = {"line", 4, -16, 0};
  EXPECT_EQ(core::locate(a, 103), "B, outer 2, line 0, byte 3");
  EXPECT_EQ(core::locate(a, 2100 - 48 + 7), "B, outer 4, line 3, byte 7");
  EXPECT_EQ(core::locate(a, 109), "B");  // none of its bytes
}

TEST(Access, HugeStridesLeaveTheirMemoryAndNeverOverflow) {
  isa::DmaCommand c{};
  c.hbm_addr = isa::HbmAddr(ASSAY_HBM_BASE);
  c.run_bytes = 16;
  c.count1 = c.count2 = c.count3 = c.count4 = 1u << 24;
  c.hbm_stride1 = c.hbm_stride2 = std::numeric_limits<std::int64_t>::max();
  c.hbm_stride3 = c.hbm_stride4 = std::numeric_limits<std::int64_t>::min();
  for (const Access& access : core::footprint(c))
    EXPECT_FALSE(Region::of(access, access.space == Space::hbm ? std::uint64_t{1} << 40 : kCapacity) &&
                 access.space == Space::hbm);
}

TEST(Footprint, OfATransferIsItsBytesAndItsPadding) {
  const Machine machine = test::small_machine();
  const memory::LocalMemory local(machine, false);
  const memory::HbmStorage hbm{Bytes(test::kHbmBytes)};
  test::RandomTransfers transfers(4);
  for (int i = 0; i < 400; ++i) {
    const isa::DmaCommand command = transfers.next_command(false, i % 2 == 1, local, hbm);
    const auto accesses = core::footprint(command);
    ASSERT_EQ(accesses.size(), 2U);
    std::set<std::int64_t> far;
    const auto near = bytes_of(accesses[1]);
    const core::Transfer t = core::make_transfer(command, false);
    for (const test::MovedByte& byte : test::moved_bytes(t)) {
      far.insert(static_cast<std::int64_t>(byte.hbm));
      EXPECT_EQ(near.count(static_cast<std::int64_t>(byte.local)), 1U);
    }
    std::set<std::int64_t> claimed;
    for (const auto& [byte, count] : bytes_of(accesses[0])) claimed.insert(byte);
    EXPECT_EQ(claimed, far);
    EXPECT_FALSE(accesses[0].write);
    EXPECT_TRUE(accesses[1].write);
  }
}

// Runs commands on memories full of noise and holds what they touch against what they claim to touch.
class Claims {
 public:
  explicit Claims(std::uint64_t seed) : random_(seed) {
    machine_.spm = {4, 4, 16};
    machine_.acc = {4, 4, 16};
    machine_.mxu.rows = machine_.mxu.cols = 4;
    machine_.mxu.load_rows_per_cycle = machine_.mxu.pe_latency = 1;
    for (const DType type : {DType::s8, DType::u8, DType::bf16})
      machine_.mxu.rates[static_cast<std::size_t>(type)] = {1, 1};
    machine_.vxu = {16, 20, 4};
  }

  // `run(local)` executes the command on a memory. Reads outside the claim would change the results, writes
  // outside it would change other bytes.
  template <typename Run>
  void check(const isa::Command& command, Run run) {
    std::vector<bool> reads(2 * kCapacity), writes(2 * kCapacity);  // SPM, then ACC
    for (const Access& a : core::footprint(command)) {
      ASSERT_TRUE(Region::of(a, kCapacity));
      for (const auto& [byte, count] : bytes_of(a))
        (a.write ? writes : reads)[index(a.space, static_cast<std::uint64_t>(byte))] = true;
    }
    memory::LocalMemory one(machine_, true), other(machine_, true);
    for (const Space space : {Space::spm, Space::acc})
      for (std::uint32_t i = 0; i < kCapacity; ++i) {
        at(one, space, i) = noise();
        const bool read = reads[index(space, i)];
        at(other, space, i) = read ? at(one, space, i) : noise();
      }
    const std::vector<std::byte> before = bytes(other);
    run(one);
    run(other);
    for (const Space space : {Space::spm, Space::acc})
      for (std::uint32_t i = 0; i < kCapacity; ++i) {
        const bool written = writes[index(space, i)];
        const std::byte now = at(other, space, i);
        const std::byte expected = written ? at(one, space, i) : before[index(space, i)];
        if (now != expected)
          FAIL() << core::to_string(space) << " " << i
                 << (written ? " depends on unclaimed bytes" : " is unclaimed");
      }
  }

  Random random_;
  Machine machine_;

 private:
  // Often 0, which means something to a mask.
  std::byte noise() { return static_cast<std::byte>(random_.below(2) * random_.below(256)); }
  static std::size_t index(Space space, std::uint64_t byte) {
    return byte + (space == Space::acc ? kCapacity : 0);
  }
  static std::byte& at(memory::LocalMemory& local, Space space, std::uint32_t offset) {
    return *local.at(space == Space::acc ? isa::LocalAddr::acc(offset) : isa::LocalAddr::spm(offset));
  }
  static std::vector<std::byte> bytes(memory::LocalMemory& local) {
    std::vector<std::byte> all;
    for (const Space space : {Space::spm, Space::acc})
      for (std::uint32_t i = 0; i < kCapacity; ++i) all.push_back(at(local, space, i));
    return all;
  }
};

// Small digits around the operands' addresses; false where the command forbids them.
bool add_pattern(Random& random, isa::MxuCommand& c) {
  const auto count = [&] { return static_cast<std::uint32_t>(1 + random.below(3)); };
  const auto step = [&] { return random.between(-6, 6); };
  c.a_pattern = random.below(2) == 0;
  c.b_pattern = (!c.a_pattern || random.below(2) == 0) && !(c.resident && c.inner * c.outer > 1);
  c.a_row_count0 = count(), c.a_row_count1 = count();
  c.a_row_stride0 = step(), c.a_row_stride1 = step(), c.a_row_stride2 = step();
  c.a_k_count0 = count(), c.a_k_count1 = count(), c.a_k_count2 = count();
  c.a_k_stride0 = 1, c.a_k_stride1 = step(), c.a_k_stride2 = step(), c.a_k_stride3 = step();
  c.b_col_count0 = count(), c.b_col_count1 = count();
  c.b_col_stride0 = step(), c.b_col_stride1 = step(), c.b_col_stride2 = step();
  c.b_k_count0 = count(), c.b_k_count1 = count(), c.b_k_count2 = count();
  c.b_k_stride0 = 1, c.b_k_stride1 = step(), c.b_k_stride2 = step(), c.b_k_stride3 = step();
  c.a_first_row = count(), c.a_first_k = count(), c.b_first_col = count(), c.b_first_k = count();
  c.a_outer_k = c.b_outer_k = random.below(2) == 0;
  c.a_inner_rows = random.below(2) == 0;
  c.b_inner_cols = random.below(2) == 0;
  return c.a_pattern || c.b_pattern;
}

// Scales, and perhaps zero points, somewhere beside B, with any strides.
void dequantise_at_random(isa::MxuCommand& c, Random& random) {
  c.dtype = DType::bf16;
  c.b_format = static_cast<isa::StationaryFormat>(
      random.below(2) == 0 ? 1 + random.below(2) : 5 + random.below(2));  // s8, u8, s4, u4
  c.group = static_cast<std::uint32_t>(1 + random.below(5));
  c.scale_dtype = random.below(2) == 0 ? DType::bf16 : DType::f32;
  c.scale_addr = isa::LocalAddr::spm(static_cast<std::uint32_t>(500 + random.below(8)));
  c.scale_group_stride = random.between(-20, 20);
  c.scale_col_stride = random.between(-20, 20);
  c.inner_scale_step = random.between(-30, 30);
  c.outer_scale_step = random.between(-30, 30);
  c.zeros = random.below(2) == 0;
  c.zero_addr = isa::LocalAddr::spm(static_cast<std::uint32_t>(3700 + random.below(8)));
  c.zero_group_stride = random.between(-20, 20);
  c.zero_col_stride = random.between(-20, 20);
  c.inner_zero_step = random.between(-30, 30);
  c.outer_zero_step = random.between(-30, 30);
}

TEST(Footprint, OfAProductIsAllThatItTouches) {
  Claims claims(5);
  Random& random = claims.random_;
  int resident = 0, several = 0, patterns = 0, dequantised = 0;
  for (int i = 0; i < 800; ++i) {
    isa::MxuCommand c{};
    const bool os = random.below(2) == 0;
    c.instruction = os ? isa::Instruction::mxu_os : isa::Instruction::mxu_ws;
    c.dtype = DType::s8;
    if (random.below(2) == 0) c.b_format = isa::StationaryFormat::u8;
    if (!os && random.below(3) == 0) dequantise_at_random(c, random);
    dequantised += c.group != 0 ? 1 : 0;
    c.a_k_major = random.below(2) == 0;
    c.b_n_major = random.below(2) == 0;
    c.accumulate = random.below(2) == 0;
    c.resident = !os && random.below(3) == 0;
    c.m = static_cast<std::uint32_t>(1 + random.below(4));
    c.n = static_cast<std::uint32_t>(1 + random.below(4));
    c.k = static_cast<std::uint32_t>(1 + random.below(4));
    c.a_addr = isa::LocalAddr::spm(static_cast<std::uint32_t>(1500 + random.below(64)));
    c.b_addr = isa::LocalAddr::spm(static_cast<std::uint32_t>(3000 + random.below(64)));
    c.acc_addr = isa::LocalAddr::acc(static_cast<std::uint32_t>(1024 + 4 * random.below(64)));
    c.a_stride = static_cast<std::uint32_t>(random.below(40));
    c.b_stride = static_cast<std::uint32_t>(random.below(40));
    c.acc_stride = static_cast<std::uint32_t>(16 + 4 * random.below(5));
    c.inner = static_cast<std::uint32_t>(1 + random.below(3));
    c.outer = static_cast<std::uint32_t>(1 + random.below(3));
    if (random.below(2) == 0) c.n_last = static_cast<std::uint32_t>(1 + random.below(c.n));
    if (random.below(2) == 0) c.k_last = static_cast<std::uint32_t>(1 + random.below(c.k));
    c.inner_a_step = random.between(-60, 60);
    c.inner_b_step = random.between(-60, 60);
    c.outer_a_step = random.between(-90, 90);
    c.outer_b_step = random.between(-90, 90);
    // Tiles apart, so that no repetition reads what another has written but where they accumulate.
    c.inner_acc_step = 256;
    c.outer_acc_step = random.below(2) == 0 ? 0 : 800;
    if (random.below(2) == 0) patterns += add_pattern(random, c) ? 1 : 0;
    if (c.group != 0) c.b_pattern = false;
    resident += c.resident ? 1 : 0;
    several += c.inner * c.outer > 3 ? 1 : 0;
    isa::MxuCommand first = c;  // what a resident command finds in the shadow buffer
    first.instruction = isa::Instruction::mxu_load;
    if (c.inner == 1 && c.n_last != 0) first.n = c.n_last;
    if (c.outer == 1 && c.k_last != 0) first.k = c.k_last;
    std::vector<std::byte> tile(kCapacity, std::byte{3});
    claims.check(c, [&](memory::LocalMemory& local) {
      core::Mxu mxu(claims.machine_, local);
      if (c.resident) {
        std::vector<std::byte> kept(kCapacity);
        std::memcpy(kept.data(), local.at(isa::LocalAddr::spm(0)), kCapacity);
        std::memcpy(local.at(isa::LocalAddr::spm(0)), tile.data(), kCapacity);
        mxu.load(first, Cycle(0));
        std::memcpy(local.at(isa::LocalAddr::spm(0)), kept.data(), kCapacity);
      }
      mxu.compute(c, os, Cycle(0));
    });
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(resident, 20);
  EXPECT_GT(several, 50);
  EXPECT_GT(patterns, 100);
  EXPECT_GT(dequantised, 50);
}

TEST(Footprint, OfAPassIsAllThatItTouches) {
  Claims claims(6);
  Random& random = claims.random_;
  int reductions = 0, broadcasts = 0, masks = 0;
  for (int i = 0; i < 400; ++i) {
    isa::VxuCommand c{};
    const bool floats = random.below(2) == 0;
    const DType in = floats ? DType::f16 : DType::s8;
    const auto element = static_cast<std::int64_t>(size_of(in));
    c.x_dtype = c.scale_dtype = c.bias_dtype = in;
    c.out_dtype = floats ? DType::f32 : DType::s32;
    c.rows = static_cast<std::uint32_t>(1 + random.below(4));
    c.cols = static_cast<std::uint32_t>(1 + random.below(9));
    const auto columns = [&] { return random.below(3) == 0 ? 0 : element; };
    const auto rows = [&] { return random.between(-20, 20) * element; };
    c.scale_source = static_cast<isa::OperandSource>(random.below(3));
    c.bias_source = static_cast<isa::OperandSource>(random.below(3));
    c.x_addr = isa::LocalAddr::spm(static_cast<std::uint32_t>(1000 + element * random.between(0, 30)));
    c.scale_addr = isa::LocalAddr::spm(static_cast<std::uint32_t>(2000 + element * random.between(0, 30)));
    c.bias_addr = isa::LocalAddr::acc(static_cast<std::uint32_t>(2000 + element * random.between(0, 30)));
    c.out_addr = isa::LocalAddr::acc(static_cast<std::uint32_t>(400 + 4 * random.between(0, 30)));
    c.x_row_stride = rows();
    c.x_col_stride = columns();
    c.scale_row_stride = rows();
    c.scale_col_stride = columns();
    c.bias_row_stride = rows();
    c.bias_col_stride = columns();
    c.out_row_stride = 64;
    c.scale_imm = c.bias_imm = floats ? 0x3F800000 : 5;
    if (floats) c.reduction = static_cast<isa::Reduction>(random.below(3));
    c.reduce_addr = isa::LocalAddr::acc(2600);
    c.reduce_row_stride = 256;
    c.reduce_accumulate = random.below(2) == 0;
    c.reduce_only = c.reduction != isa::Reduction::none && random.below(2) == 0;
    if (random.below(2) == 0) {
      c.mask_by_bytes = true;
      c.mask_addr = isa::LocalAddr::spm(static_cast<std::uint32_t>(3000 + random.between(0, 30)));
      c.mask_row_stride = random.between(-20, 20);
      ++masks;
    }
    reductions += c.reduction != isa::Reduction::none ? 1 : 0;
    broadcasts += c.x_col_stride == 0 ? 1 : 0;
    claims.check(c, [&](memory::LocalMemory& local) { core::Vxu(claims.machine_, local).pass(c, Cycle(0)); });
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(masks, 50);
  EXPECT_GT(reductions, 50);
  EXPECT_GT(broadcasts, 50);
}

}  // namespace
}  // namespace assay
