// The VXU's arithmetic against the scalar model in golden/strict: every operand source, broadcast, type,
// function and reduction, on any data, bit for bit.
#include "core/vxu/vector_pass.hpp"

#include <gmock/gmock.h>

#include <optional>

#include "bits.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/functions.hpp"
#include "golden/strict/reduction.hpp"
#include "golden/strict/vector_pass.hpp"

namespace assay {
namespace {

namespace strict = golden::strict;
using core::Pass;
using core::PassOperand;
using isa::OperandSource;
using isa::Reduction;

using Op = isa::VectorOperation;

// A pass over storage of its own, with gaps between rows.
class RandomPass {
 public:
  explicit RandomPass(std::uint64_t seed) : random_(seed) {
    pass.rows = 1 + random_() % 5;
    pass.cols = 1 + random_() % 150;
    pass.out_dtype = any_dtype();
    pass.saturate = random_() % 2 != 0;
    pass.operation = static_cast<Op>(random_() % 6);
    requantised = pass.operation == Op::requantise;
    do pass.x.dtype = any_dtype();
    while (requantised ? is_float(pass.x.dtype) : is_float(pass.out_dtype) == (pass.x.dtype == DType::s32));
    integer = core::integer_pass(pass.operation, pass.x.dtype, pass.out_dtype);
    operand(pass.x, OperandSource::memory, x_storage_);
    choose(pass.scale, scale_storage_, pass.operation == Op::divide, integer);
    choose(pass.bias, bias_storage_, pass.operation == Op::maximum || pass.operation == Op::minimum,
           integer || requantised);
    pass.function = static_cast<isa::VectorFunction>(random_() % (integer ? 2 : 15));
    if (random_() % 8 == 0) pass.function = isa::VectorFunction::clip;
    pass.clip = {bound(), bound()};
    pass.out_row_stride = static_cast<std::ptrdiff_t>(pass.cols * size_of(pass.out_dtype) + random_() % 9);
    out.assign(pass.rows * static_cast<std::size_t>(pass.out_row_stride), std::byte{0x5A});
    pass.out = out.data();
    if (!integer) reduction();
    if (!is_float(pass.x.dtype)) pass.x_zero = zero_point();
    if (!is_float(pass.out_dtype) && !integer) pass.out_zero = zero_point();
    mask();
  }

  Pass pass;
  bool integer = false, requantised = false;
  std::vector<std::byte> out, reduced;

 private:
  DType any_dtype() { return all_dtypes()[random_() % 8]; }  // but the four-bit ones

  DType operand_dtype(bool integers) {
    for (;;) {
      const DType type = any_dtype();
      if (integers ? !is_float(type) : type != DType::s32) return type;
    }
  }

  std::uint32_t bound() {
    return integer ? static_cast<std::uint32_t>(random_()) : test::bits_of(test::any_float(random_));
  }

  std::int32_t zero_point() {
    return random_() % 3 == 0 ? 0 : static_cast<std::int32_t>(random_() % 65536) - 32768;
  }

  // multiply_add and requantise take either operand or not, add_add both; the others refuse one.
  void choose(PassOperand& o, std::vector<std::byte>& storage, bool needed, bool integers) {
    o.dtype = operand_dtype(integers);
    if (pass.operation == Op::multiply_add || requantised)
      return operand(o, static_cast<OperandSource>(random_() % 3), storage);
    if (needed || pass.operation == Op::add_add)
      operand(o, random_() % 2 != 0 ? OperandSource::immediate : OperandSource::memory, storage);
  }

  void mask() {
    core::PassMask& m = pass.mask;
    m.by_range = random_() % 2 != 0;
    const auto column = [&] { return static_cast<std::int64_t>(random_() % (2 * pass.cols)); };
    m.lo = column() - static_cast<std::int64_t>(pass.cols);
    m.hi = column();
    m.lo_step = random_() % 2;
    m.hi_step = random_() % 2;
    if (random_() % 2 != 0) return;
    const std::size_t line = pass.cols + random_() % 5;
    mask_storage_.resize(line * pass.rows);
    const std::uint64_t sparse = 1 + random_() % 4;
    for (std::byte& b : mask_storage_)
      b = static_cast<std::byte>(random_() % sparse == 0 ? random_() % 256 : 0);
    m.bytes = mask_storage_.data();
    m.row_stride = random_() % 3 == 0 ? 0 : static_cast<std::ptrdiff_t>(line);
  }

  void operand(PassOperand& o, OperandSource source, std::vector<std::byte>& storage) {
    o.source = source;
    o.immediate = integer ? static_cast<std::uint32_t>(random_()) : test::bits_of(test::any_float(random_));
    const auto element = static_cast<std::ptrdiff_t>(size_of(o.dtype));
    const auto line = static_cast<std::ptrdiff_t>(pass.cols) * element;
    o.col_stride = random_() % 3 == 0 ? 0 : element;
    const auto gap = static_cast<std::ptrdiff_t>(random_() % 7);
    const std::ptrdiff_t strides[] = {0, line + gap, -(line + gap)};
    o.row_stride = strides[random_() % 3];
    const auto span = static_cast<std::size_t>((line + gap) * static_cast<std::ptrdiff_t>(pass.rows));
    storage.resize(span);
    for (std::size_t at = 0; at < span; at += 4) {
      const float value = test::any_float(random_);
      std::memcpy(&storage[at], &value, std::min<std::size_t>(4, span - at));
    }
    o.data = storage.data();
    if (o.row_stride < 0) o.data -= o.row_stride * static_cast<std::ptrdiff_t>(pass.rows - 1);
  }

  void reduction() {
    pass.reduction = static_cast<Reduction>(random_() % 3);
    pass.reduce_accumulate = random_() % 2 != 0;
    pass.column_base = random_() % 1000;
    pass.reduced_row_stride = static_cast<std::ptrdiff_t>(pass.reduction == Reduction::sum ? 256 : 4) + 8;
    reduced.resize(pass.rows * static_cast<std::size_t>(pass.reduced_row_stride));
    for (std::size_t at = 0; at < reduced.size(); at += 4) {
      const float value = test::any_float(random_);
      std::memcpy(&reduced[at], &value, 4);
    }
    pass.reduced = reduced.data();
  }

  std::mt19937_64 random_;
  std::vector<std::byte> x_storage_, scale_storage_, bias_storage_, mask_storage_;
};

const std::byte* element(const PassOperand& o, std::size_t row, std::size_t col) {
  return o.data + static_cast<std::ptrdiff_t>(row) * o.row_stride +
         static_cast<std::ptrdiff_t>(col) * o.col_stride;
}

std::optional<float> float_operand(const PassOperand& o, std::size_t row, std::size_t col) {
  if (o.source == OperandSource::none) return std::nullopt;
  if (o.source == OperandSource::immediate) return test::float_of(o.immediate);
  return strict::load_f32(o.dtype, element(o, row, col), 0);
}

std::optional<std::int32_t> integer_operand(const PassOperand& o, std::size_t row, std::size_t col) {
  if (o.source == OperandSource::none) return std::nullopt;
  if (o.source == OperandSource::immediate) return static_cast<std::int32_t>(o.immediate);
  return strict::load_s32(o.dtype, element(o, row, col), 0);
}

strict::Mask model_mask(const core::PassMask& m) {
  strict::Mask mask;
  if (m.by_range) mask = {m.lo, m.hi, m.lo_step, m.hi_step};
  mask.bytes = reinterpret_cast<const std::uint8_t*>(m.bytes);
  mask.row_stride = m.row_stride;
  return mask;
}

// t: the elements that take part, by their columns.
void model_reduction(const Pass& p, const std::vector<std::pair<std::size_t, float>>& t, std::byte* place) {
  if (p.reduction == Reduction::max) {
    float start = -INFINITY;
    if (p.reduce_accumulate) std::memcpy(&start, place, sizeof start);
    for (const auto& [column, value] : t) start = strict::maximum(start, value);
    std::memcpy(place, &start, sizeof start);
  } else if (p.reduction == Reduction::sum) {
    strict::Stripes stripes{};
    if (p.reduce_accumulate) std::memcpy(stripes.data(), place, sizeof stripes);
    for (const auto& [column, value] : t) strict::add_to_stripes(stripes, &value, 1, p.column_base + column);
    std::memcpy(place, stripes.data(), sizeof stripes);
  }
}

// Both in the same order; clip, which has bounds, follows the pass.
strict::Function model_function(const Pass& p) {
  return p.function == isa::VectorFunction::clip ? strict::Function::Identity
                                                 : static_cast<strict::Function>(p.function);
}

float model_float(const RandomPass& r, std::size_t row, std::size_t col) {
  const Pass& p = r.pass;
  const strict::Function f = model_function(p);
  const std::optional<float> scale = float_operand(p.scale, row, col);
  if (r.requantised)
    return strict::requantise(strict::without_zero(*integer_operand(p.x, row, col), p.x_zero), scale,
                              integer_operand(p.bias, row, col), f);
  float x = *float_operand(p.x, row, col);
  if (p.x_zero != 0) x = strict::f32_from_s32(*integer_operand(p.x, row, col) - p.x_zero);
  return strict::vector_pass(x, scale, float_operand(p.bias, row, col), f,
                             static_cast<strict::Operation>(p.operation));
}

std::int32_t model_integer(const Pass& p, std::size_t row, std::size_t col) {
  return strict::vector_pass(strict::without_zero(*integer_operand(p.x, row, col), p.x_zero),
                             integer_operand(p.scale, row, col), integer_operand(p.bias, row, col),
                             model_function(p), static_cast<strict::Operation>(p.operation));
}

// What the pass must leave in `out` and `reduced`.
void model(const RandomPass& r, std::vector<std::byte>& out, std::vector<std::byte>& reduced) {
  const Pass& p = r.pass;
  const strict::Mask mask = model_mask(p.mask);
  const std::size_t element = size_of(p.out_dtype);
  for (std::size_t row = 0; row < p.rows; ++row) {
    std::byte* line = &out[row * static_cast<std::size_t>(p.out_row_stride)];
    std::vector<std::pair<std::size_t, float>> t;
    for (std::size_t col = 0; col < p.cols; ++col) {
      std::int32_t y = 0;
      const bool takes = mask.takes(static_cast<std::int64_t>(row), static_cast<std::int64_t>(col));
      const bool clips = p.function == isa::VectorFunction::clip;
      if (takes && r.integer) {
        y = model_integer(p, row, col);
        if (clips)
          y = strict::clip(y, static_cast<std::int32_t>(p.clip.lo), static_cast<std::int32_t>(p.clip.hi));
      } else if (takes) {
        t.emplace_back(col, model_float(r, row, col));
        if (clips)
          t.back().second =
              strict::clip(t.back().second, test::float_of(p.clip.lo), test::float_of(p.clip.hi));
      }
      if (is_float(p.out_dtype)) {
        strict::store_f32(p.out_dtype, takes ? t.back().second : -0.0F, line, col, p.saturate);
        continue;
      }
      if (takes && !r.integer) y = strict::quantise(t.back().second, p.out_zero, p.out_dtype);
      std::memcpy(line + element * col, &y, element);  // the low bytes
    }
    if (!r.integer && !reduced.empty())
      model_reduction(p, t, &reduced[row * static_cast<std::size_t>(p.reduced_row_stride)]);
  }
}

TEST(VectorPass, AnyPassOnAnyDataHasTheBitsOfTheScalarModel) {
  int integers = 0, floats = 0, masked = 0, requantised = 0;
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    RandomPass r(seed);
    std::vector<std::byte> out = r.out, reduced = r.reduced;
    model(r, out, reduced);
    core::run_pass(r.pass);
    const auto shown = [&] {
      return "seed " + std::to_string(seed) + ": " + std::string(to_string(r.pass.x.dtype)) + " to " +
             std::string(to_string(r.pass.out_dtype)) + ", operation " +
             std::to_string(static_cast<int>(r.pass.operation));
    };
    ASSERT_TRUE(r.out == out) << shown();
    ASSERT_TRUE(r.reduced == reduced) << shown() << ", reduction " << static_cast<int>(r.pass.reduction);
    (r.integer ? integers : floats) += 1;
    masked += r.pass.mask.present() ? 1 : 0;
    requantised += r.requantised ? 1 : 0;
  }
  EXPECT_GT(integers, 2000);
  EXPECT_GT(floats, 5000);
  EXPECT_GT(masked, 5000);
  EXPECT_GT(requantised, 1000);
}

// Random data seldom meets these.
TEST(VectorPass, IntegerDivisionByZeroAndMinusOneIsDefined) {
  const std::int32_t x[] = {INT32_MIN, INT32_MIN, 7, -7, 7, 0};
  const std::int32_t by[] = {-1, 0, 0, 2, -2, -1};
  std::int32_t out[6];
  Pass p;
  p.rows = 1;
  p.cols = 6;
  p.x = {OperandSource::memory, DType::s32, 0, reinterpret_cast<const std::byte*>(x), 0, 4};
  p.scale = {OperandSource::memory, DType::s32, 0, reinterpret_cast<const std::byte*>(by), 0, 4};
  p.operation = isa::VectorOperation::divide;
  p.out_dtype = DType::s32;
  p.out = reinterpret_cast<std::byte*>(out);
  core::run_pass(p);
  EXPECT_THAT(out, testing::ElementsAre(INT32_MIN, 0, 0, -3, -3, 0));
}

// Every accumulator near zero, where scales make ties of them, and some at both ends of s32.
TEST(VectorPass, RequantisationRoundsEveryAccumulatorAsTheScalarModel) {
  std::vector<std::int32_t> x;
  for (std::int32_t v = -70000; v <= 70000; ++v) x.push_back(v);
  for (std::int32_t v = 0; v < 2000; ++v) {
    x.push_back(INT32_MIN + v);
    x.push_back(INT32_MAX - v);
    x.push_back((1 << 24) + v);  // where f32 begins to round
  }
  std::vector<std::uint8_t> out(x.size());
  Pass p;
  p.rows = 1;
  p.cols = x.size();
  p.x = {OperandSource::memory, DType::s32, 0, reinterpret_cast<const std::byte*>(x.data()), 0, 4};
  p.operation = Op::requantise;
  p.scale.source = p.bias.source = OperandSource::immediate;
  p.out = reinterpret_cast<std::byte*>(out.data());
  for (const float scale : {0.5F, 0.25F, 0x1p-9F, 0.002F, 1.0F / 3, -0.5F, 0x1p-23F})
    for (const std::int32_t bias : {0, 1, -12345, INT32_MAX})
      for (const DType type : {DType::s8, DType::u8})
        for (const std::int32_t zero : {-128, 0, 17, 255}) {
          p.scale.immediate = test::bits_of(scale);
          p.bias.immediate = static_cast<std::uint32_t>(bias);
          p.out_dtype = type;
          p.out_zero = zero;
          core::run_pass(p);
          for (std::size_t i = 0; i < x.size(); ++i) {
            const float t = strict::requantise(x[i], scale, bias, strict::Function::Identity);
            ASSERT_EQ(out[i], static_cast<std::uint8_t>(strict::quantise(t, zero, type)))
                << x[i] << " + " << bias << " times " << scale;
          }
        }
}

TEST(VectorPass, RequantisationByHand) {
  const std::int32_t x[] = {1, 2, 3, 5, -1, -3, 1000, -1000, INT32_MAX};
  std::int8_t out[9];
  Pass p;
  p.rows = 1;
  p.cols = 9;
  p.x = {OperandSource::memory, DType::s32, 0, reinterpret_cast<const std::byte*>(x), 0, 4};
  p.operation = Op::requantise;
  p.scale.source = p.bias.source = OperandSource::immediate;
  p.scale.immediate = test::bits_of(0.5F);
  p.bias.immediate = 1;  // wraps at the last one
  p.x_zero = 1;
  p.out_dtype = DType::s8;
  p.out_zero = 10;
  p.out = reinterpret_cast<std::byte*>(out);
  core::run_pass(p);
  EXPECT_THAT(out, testing::ElementsAre(10, 11, 12, 12, 10, 8, 127, -128, 127));
  p.bias.immediate = 2;
  core::run_pass(p);
  EXPECT_EQ(out[8], -128) << "2^31 - 1 - 1 + 2 is -2^31";
}

TEST(VectorPass, TheSumOfThreeRoundsTwice) {
  const float x = 1, bias = 0x1p-24F, scale = 0x1p-24F;
  float out = 0;
  Pass p;
  p.rows = p.cols = 1;
  p.x = {OperandSource::memory, DType::f32, 0, reinterpret_cast<const std::byte*>(&x), 0, 4};
  p.operation = Op::add_add;
  p.scale = {OperandSource::immediate, DType::f32, test::bits_of(scale)};
  p.bias = {OperandSource::immediate, DType::f32, test::bits_of(bias)};
  p.out = reinterpret_cast<std::byte*>(&out);
  core::run_pass(p);
  EXPECT_EQ(out, 1.0F) << "1 + 2^-23 if it rounded once";
}

// A causal tile: row i knows columns up to base + i.
TEST(VectorPass, WhatTheMaskLeavesOutIsMinusZeroAndInNoReduction) {
  const float x[2][4] = {{1, NAN, 3, 8}, {5, -6, INFINITY, NAN}};
  float out[2][4], sums[2][64];
  Pass p;
  p.rows = 2;
  p.cols = 4;
  p.x = {OperandSource::memory, DType::f32, 0, reinterpret_cast<const std::byte*>(x), 16, 4};
  p.out = reinterpret_cast<std::byte*>(out);
  p.out_row_stride = 16;
  p.reduction = Reduction::sum;
  p.reduced = reinterpret_cast<std::byte*>(sums);
  p.reduced_row_stride = 256;
  p.mask.by_range = true;
  p.mask.hi = 1;
  p.mask.hi_step = 1;
  core::run_pass(p);
  EXPECT_THAT(out[0], testing::ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(out[1], testing::ElementsAre(5, -6, 0, 0));
  EXPECT_TRUE(std::signbit(out[0][1]) && std::signbit(out[1][3]));
  EXPECT_EQ(sums[0][0], 1);
  EXPECT_EQ(test::bits_of(sums[0][1]), 0U);
  EXPECT_EQ(sums[1][1], -6);
}

// A stripe, or a maximum, to which no element comes keeps its bits, those of a NaN too.
TEST(VectorPass, AFullyMaskedRowLeavesWhatIsStored) {
  const float x[3] = {1, 2, 3};
  const std::byte none[3] = {};
  std::uint32_t stored[64];
  for (const Reduction kind : {Reduction::sum, Reduction::max})
    for (const bool by_range : {false, true}) {
      std::fill(std::begin(stored), std::end(stored), 0xFFA00001U);
      Pass p;
      p.rows = 1;
      p.cols = 3;
      p.x = {OperandSource::memory, DType::f32, 0, reinterpret_cast<const std::byte*>(x), 0, 4};
      p.reduction = kind;
      p.reduced = reinterpret_cast<std::byte*>(stored);
      p.reduce_accumulate = true;
      p.mask.by_range = by_range;
      p.mask.lo = p.mask.hi = 1;
      if (!by_range) p.mask.bytes = none;
      core::run_pass(p);
      for (const std::uint32_t bits : stored) EXPECT_EQ(bits, 0xFFA00001U);
    }
}

TEST(VectorPass, SumsAreIndependentOfTheTile) {
  constexpr std::size_t kCols = 300;
  std::mt19937_64 random(3);
  std::vector<float> x(kCols), out(kCols), whole(64), cut(64);
  for (float& v : x) v = static_cast<float>(random() % 1000) * 0x1p-7F;
  const auto sum = [&](std::size_t from, std::size_t to, std::vector<float>& stripes, bool accumulate) {
    Pass p;
    p.rows = 1;
    p.cols = to - from;
    p.x = {OperandSource::memory, DType::f32, 0, reinterpret_cast<const std::byte*>(&x[from]), 0, 4};
    p.out = reinterpret_cast<std::byte*>(out.data());
    p.reduction = Reduction::sum;
    p.reduced = reinterpret_cast<std::byte*>(stripes.data());
    p.reduce_accumulate = accumulate;
    p.column_base = from;
    core::run_pass(p);
  };
  sum(0, kCols, whole, false);
  sum(0, 37, cut, false);
  sum(37, 129, cut, true);
  sum(129, kCols, cut, true);
  EXPECT_EQ(std::memcmp(whole.data(), cut.data(), 256), 0);
}

}  // namespace
}  // namespace assay
