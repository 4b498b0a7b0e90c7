// Operands with a pattern: the array sees the matrix that the digits describe.
#include <algorithm>
#include <cstring>

#include "core/mxu/mxu_feed.hpp"
#include "core/mxu/pattern.hpp"
#include "mxu_commands.hpp"
#include "random.hpp"

namespace assay {
namespace {

using core::Digit;
using core::IndexRange;
using test::MxuCommand;
using test::Random;

std::uint64_t draw(Random& random, std::uint64_t from, std::uint64_t to) {
  return from + random.below(to - from + 1);
}

std::array<Digit, 4> random_digits(Random& random) {
  std::array<Digit, 4> digits;
  for (Digit& digit : digits)
    digit = {draw(random, 1, 4), static_cast<std::int64_t>(draw(random, 0, 40)) - 20};
  return digits;
}

TEST(OperandPattern, BoxesHoldEachIndexOfTheRangeOnce) {
  Random random(3);
  std::size_t most = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::array<Digit, 4> digits = random_digits(random);
    const IndexRange range{random.below(100), 1 + random.below(100)};
    std::vector<std::int64_t> expected = core::offsets_of(digits, range), got;
    const auto boxes = core::boxes_of(digits, range);
    most = std::max(most, boxes.size());
    for (const core::DigitBox<4>& box : boxes) {
      std::uint64_t count = 1;
      for (const IndexRange& r : box) count *= r.count;
      for (std::uint64_t j = 0; j < count; ++j) {
        std::uint64_t rest = j;
        std::int64_t offset = 0;
        for (std::size_t d = 0; d < 4; ++d) {
          offset += static_cast<std::int64_t>(box[d].first + rest % box[d].count) * digits[d].stride;
          rest /= box[d].count;
        }
        got.push_back(offset);
      }
    }
    std::sort(expected.begin(), expected.end());
    std::sort(got.begin(), got.end());
    ASSERT_EQ(got, expected) << i;
  }
  EXPECT_EQ(most, 7u) << "a head and a tail a digit, and the whole ones";
}

// A command on kSize bytes of SPM, half for each operand, whose result is computed by hand beside it.
class PatternedProduct {
 public:
  PatternedProduct(Random& random, bool output_stationary) : random_(random), os_(output_stationary) {
    c_.instruction = os_ ? isa::Instruction::mxu_os : isa::Instruction::mxu_ws;
    c_.dtype = DType::s8;
    c_.m = number(1, 4), c_.n = number(1, 4), c_.k = number(1, 8);
    c_.inner = number(1, 3), c_.outer = number(1, 3);
    c_.acc_addr = isa::LocalAddr::acc(0);
    c_.acc_stride = 16;
    c_.inner_acc_step = 256;
    c_.outer_acc_step = 768;
    const bool k_by_outer = random.below(2) == 0;
    if (k_by_outer) c_.outer_acc_step = 0;
    c_.a_k_major = random.below(2) == 0, c_.b_n_major = random.below(2) == 0;
    place_a(k_by_outer);
    place_b(k_by_outer);
    if (random.below(2) == 0 && !c_.b_outer_cols) c_.n_last = number(1, c_.n);
    if (k_by_outer && random.below(2) == 0) c_.k_last = number(1, c_.k);
  }

  const isa::MxuCommand& command() const { return c_; }

  std::int32_t expected(const memory::LocalMemory& local, std::uint32_t inner, std::uint32_t outer,
                        std::uint32_t row, std::uint32_t col) const {
    std::int32_t sum = 0;
    for (std::uint32_t o = c_.outer_acc_step == 0 ? 0 : outer; o <= outer; ++o) {
      const std::uint32_t k = o + 1 == c_.outer && c_.k_last != 0 ? c_.k_last : c_.k;
      for (std::uint32_t p = 0; p < k; ++p)
        sum += at(local, a_place(inner, o, row, p)) * at(local, b_place(inner, o, col, p));
    }
    return sum;
  }

 private:
  std::uint32_t number(std::uint64_t from, std::uint64_t to) {
    return static_cast<std::uint32_t>(draw(random_, from, to));
  }
  std::int32_t step() { return static_cast<std::int32_t>(draw(random_, 0, 60)) - 30; }
  static int at(const memory::LocalMemory& local, std::int64_t place) {
    return static_cast<std::int8_t>(*local.at(isa::LocalAddr::spm(static_cast<std::uint32_t>(place))));
  }

  void place_a(bool k_by_outer) {
    c_.a_addr = isa::LocalAddr::spm(4000);
    c_.a_pattern = random_.below(4) != 0;
    c_.a_stride = number(8, 20);
    c_.inner_a_step = step(), c_.outer_a_step = step();
    c_.a_outer_k = k_by_outer;
    c_.a_outer_rows = !k_by_outer && random_.below(2) == 0;
    c_.a_inner_rows = !c_.a_outer_rows && random_.below(2) == 0;
    c_.a_row_count0 = number(1, 5), c_.a_row_count1 = number(1, 3);
    c_.a_row_stride0 = step(), c_.a_row_stride1 = step(), c_.a_row_stride2 = step();
    c_.a_first_row = number(0, 20);
    c_.a_k_count0 = number(1, 5), c_.a_k_count1 = number(1, 3), c_.a_k_count2 = number(1, 3);
    c_.a_k_stride0 = random_.below(2) == 0 ? 1 : step(), c_.a_k_stride1 = step();
    c_.a_k_stride2 = step(), c_.a_k_stride3 = step();
    c_.a_first_k = number(0, 20);
  }
  void place_b(bool k_by_outer) {
    c_.b_addr = isa::LocalAddr::spm(12000);
    c_.b_pattern = !c_.a_pattern || random_.below(2) == 0;
    c_.b_stride = number(8, 20);
    c_.inner_b_step = step(), c_.outer_b_step = step();
    c_.b_outer_k = k_by_outer;
    c_.b_inner_cols = random_.below(2) == 0;
    c_.b_col_count0 = number(1, 5), c_.b_col_count1 = number(1, 3);
    c_.b_col_stride0 = step(), c_.b_col_stride1 = step(), c_.b_col_stride2 = step();
    c_.b_first_col = number(0, 20);
    c_.b_k_count0 = number(1, 5), c_.b_k_count1 = number(1, 3), c_.b_k_count2 = number(1, 3);
    c_.b_k_stride0 = step(), c_.b_k_stride1 = step(), c_.b_k_stride2 = step(), c_.b_k_stride3 = step();
    c_.b_first_k = number(0, 20);
  }

  // As the page of the instruction says it, digit by digit.
  std::int64_t a_place(std::uint32_t inner, std::uint32_t outer, std::uint32_t row, std::uint32_t p) const {
    if (!c_.a_pattern)
      return 4000 + std::int64_t{c_.outer_a_step} * outer + std::int64_t{c_.inner_a_step} * inner +
             (c_.a_k_major ? std::int64_t{p} * c_.a_stride + row : std::int64_t{row} * c_.a_stride + p);
    const std::int64_t r =
        c_.a_first_row + row + (c_.a_inner_rows ? inner * c_.m : 0) + (c_.a_outer_rows ? outer * c_.m : 0);
    const std::int64_t k = c_.a_first_k + p + (c_.a_outer_k ? outer * c_.k : 0);
    const std::int64_t rows = std::int64_t{c_.a_row_count0} * c_.a_row_count1;
    const std::int64_t plane = std::int64_t{c_.a_k_count0} * c_.a_k_count1;
    return 4000 + r % c_.a_row_count0 * c_.a_row_stride0 +
           r / c_.a_row_count0 % c_.a_row_count1 * c_.a_row_stride1 + r / rows * c_.a_row_stride2 +
           k % c_.a_k_count0 * c_.a_k_stride0 + k / c_.a_k_count0 % c_.a_k_count1 * c_.a_k_stride1 +
           k / plane % c_.a_k_count2 * c_.a_k_stride2 + k / (plane * c_.a_k_count2) * c_.a_k_stride3;
  }
  std::int64_t b_place(std::uint32_t inner, std::uint32_t outer, std::uint32_t col, std::uint32_t p) const {
    if (!c_.b_pattern)
      return 12000 + std::int64_t{c_.outer_b_step} * outer + std::int64_t{c_.inner_b_step} * inner +
             (c_.b_n_major ? std::int64_t{col} * c_.b_stride + p : std::int64_t{p} * c_.b_stride + col);
    const std::int64_t j = c_.b_first_col + col + (c_.b_inner_cols ? inner * c_.n : 0);
    const std::int64_t k = c_.b_first_k + p + (c_.b_outer_k ? outer * c_.k : 0);
    const std::int64_t cols = std::int64_t{c_.b_col_count0} * c_.b_col_count1;
    const std::int64_t plane = std::int64_t{c_.b_k_count0} * c_.b_k_count1;
    return 12000 + j % c_.b_col_count0 * c_.b_col_stride0 +
           j / c_.b_col_count0 % c_.b_col_count1 * c_.b_col_stride1 + j / cols * c_.b_col_stride2 +
           k % c_.b_k_count0 * c_.b_k_stride0 + k / c_.b_k_count0 % c_.b_k_count1 * c_.b_k_stride1 +
           k / plane % c_.b_k_count2 * c_.b_k_stride2 + k / (plane * c_.b_k_count2) * c_.b_k_stride3;
  }

  Random& random_;
  bool os_;
  isa::MxuCommand c_{};
};

class PatternCommand : public MxuCommand {
 protected:
  PatternCommand() {
    for (std::uint32_t i = 0; i < 16 * 1024; ++i)
      *local.at(isa::LocalAddr::spm(i)) = static_cast<std::byte>(random.below(256));
  }
  Random random{11};
};

TEST_F(PatternCommand, EveryElementIsWhereItsDigitsSay) {
  int both = 0;
  for (int i = 0; i < 1500; ++i) {
    const bool os = random.below(2) == 0;
    const PatternedProduct product(random, os);
    const isa::MxuCommand& c = product.command();
    both += c.a_pattern && c.b_pattern ? 1 : 0;
    core::Mxu(machine, local).compute(c, os, Cycle(0));
    for (std::uint32_t outer = c.outer_acc_step == 0 ? c.outer - 1 : 0; outer < c.outer; ++outer)
      for (std::uint32_t inner = 0; inner < c.inner; ++inner)
        for (std::uint32_t row = 0; row < c.m; ++row)
          for (std::uint32_t col = 0; col < (inner + 1 == c.inner && c.n_last != 0 ? c.n_last : c.n); ++col) {
            std::int32_t got = 0;
            const auto place = static_cast<std::uint32_t>(
                outer * static_cast<std::uint32_t>(c.outer_acc_step) + inner * 256 + row * 16 + col * 4);
            std::memcpy(&got, local.at(isa::LocalAddr::acc(place)), 4);
            ASSERT_EQ(got, product.expected(local, inner, outer, row, col))
                << "case " << i << " outer " << outer << " inner " << inner << " row " << row << " column "
                << col;
          }
  }
  EXPECT_GT(both, 300);
}

TEST_F(PatternCommand, ALoadedPatternIsUsedAsItWas) {
  isa::MxuCommand c{};
  c.dtype = DType::s8;
  c.m = 2, c.n = 3, c.k = 4;
  c.inner = c.outer = 1;
  c.a_stride = 4, c.acc_stride = 12;
  c.acc_addr = isa::LocalAddr::acc(0);
  c.b_addr = isa::LocalAddr::spm(1000);
  c.b_pattern = true;
  c.b_col_count0 = 2, c.b_col_stride0 = 7, c.b_col_count1 = 1, c.b_col_stride2 = 31;
  c.b_k_count0 = 2, c.b_k_stride0 = 1, c.b_k_count1 = 1, c.b_k_count2 = 1, c.b_k_stride3 = 100;
  core::Mxu fresh(machine, local);
  fresh.compute(c, false, Cycle(0));
  std::vector<std::int32_t> expected(6), got(6);
  std::memcpy(expected.data(), local.at(isa::LocalAddr::acc(0)), 24);
  core::Mxu mxu(machine, local);
  mxu.load(c, Cycle(0));
  for (std::uint32_t i = 1000; i < 2000; ++i) *local.at(isa::LocalAddr::spm(i)) = std::byte{77};
  c.resident = true;
  mxu.compute(c, false, Cycle(10));
  std::memcpy(got.data(), local.at(isa::LocalAddr::acc(0)), 24);
  EXPECT_EQ(got, expected);
}

TEST_F(PatternCommand, FaultsSayWhatIsWrong) {
  isa::MxuCommand c = tile();
  c.a_pattern = true;
  c.a_row_count0 = c.a_row_count1 = c.a_k_count0 = c.a_k_count1 = c.a_k_count2 = 1;
  c.a_k_stride3 = -2;
  expect_fault(c, "A: its pattern reaches from SPM byte -6 to 2; SPM has 16384 bytes");
  c.a_k_stride3 = 2;
  c.a_row_stride2 = 16384;
  expect_fault(c, "A: its pattern reaches from SPM byte 0 to 16392; SPM has 16384 bytes");
  c.a_row_stride2 = 0;
  c.a_inner_k = true;
  c.k_last = 1;
  expect_fault(c, "A: k_last where inner repetitions advance k");
  c.k_last = 0;
  c.a_outer_k = true;
  expect_fault(c, "A: inner and outer repetitions advance the same index");
  c.a_pattern = false;
  c.b_pattern = true;
  c.resident = true;
  c.inner = 2;
  c.b_col_count0 = c.b_col_count1 = c.b_k_count0 = c.b_k_count1 = c.b_k_count2 = 1;
  expect_fault(c, "resident: a pattern of B takes one repetition");
  c.resident = false;
  c.b_outer_cols = true;
  c.n_last = 1;
  expect_fault(c, "B: n_last where outer repetitions advance its columns");
}

constexpr Machine::LocalMemory kSpm{16384, 64, 64};  // server128's

// 128 channels of an image of 30 x 30 pixels, either way round.
TEST(PatternFeed, ChannelsLastStreamsAWholeTileAStep) {
  const std::array<Digit, 4> channels{{{128, 2}, {3, 256}, {3, 30 * 256}, {0, 0}}};
  const std::array<Digit, 3> pixels{{{28, 256}, {28, 30 * 256}, {0, 0}}};
  const core::PatternFeed feed{core::offsets_of(channels, {128, 128}), core::offsets_of(pixels, {0, 64}), 1};
  EXPECT_EQ(core::feed_cycles(kSpm, feed), 1u);
}

TEST(PatternFeed, ChannelsFirstRefillsLineBuffers) {
  const std::array<Digit, 3> pixels{{{28, 2}, {28, 60}, {0, 0}}};
  const auto cycles = [&](std::int64_t plane) {
    const std::array<Digit, 4> channels{{{128, plane}, {3, 2}, {3, 60}, {0, 0}}};
    return core::feed_cycles(
        kSpm, core::PatternFeed{core::offsets_of(channels, {0, 128}), core::offsets_of(pixels, {0, 64}), 1});
  };
  // 128 words, two of each bank, last for about 30 pixels.
  EXPECT_EQ(cycles(1856), 1u) << "planes 29 words apart";
  // All planes begin in one bank: 128 cycles for each of the three words that 64 pixels lie in.
  EXPECT_EQ(cycles(4096), 6u);
}

}  // namespace
}  // namespace assay
