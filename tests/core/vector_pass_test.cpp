// The VXU's arithmetic against the scalar model in golden/strict: every operand source, broadcast, type,
// function and reduction, on any data, bit for bit.
#include "core/vxu/vector_pass.hpp"

#include <gmock/gmock.h>

#include <optional>

#include "bits.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/reduction.hpp"
#include "golden/strict/vector_pass.hpp"

namespace assay {
namespace {

namespace strict = golden::strict;
using core::Pass;
using core::PassOperand;
using isa::OperandSource;
using isa::Reduction;

// A pass over storage of its own, with gaps between rows.
class RandomPass {
 public:
  explicit RandomPass(std::uint64_t seed) : random_(seed) {
    pass.rows = 1 + random_() % 5;
    pass.cols = 1 + random_() % 150;
    pass.out_dtype = any_dtype();
    integer = !is_float(pass.out_dtype);
    pass.x.dtype = operand_dtype();
    operand(pass.x, OperandSource::memory, x_storage_);
    pass.operation = static_cast<isa::VectorOperation>(random_() % 4);
    choose(pass.scale, scale_storage_, pass.operation == isa::VectorOperation::divide);
    choose(pass.bias, bias_storage_, pass.operation > isa::VectorOperation::divide);
    pass.function = static_cast<isa::VectorFunction>(random_() % (integer ? 2 : 5));
    pass.out_row_stride = static_cast<std::ptrdiff_t>(pass.cols * size_of(pass.out_dtype) + random_() % 9);
    out.assign(pass.rows * static_cast<std::size_t>(pass.out_row_stride), std::byte{0x5A});
    pass.out = out.data();
    if (!integer) reduction();
  }

  Pass pass;
  bool integer = false;
  std::vector<std::byte> out, reduced;

 private:
  DType any_dtype() { return all_dtypes()[random_() % all_dtypes().size()]; }

  DType operand_dtype() {
    for (;;) {
      const DType type = any_dtype();
      if (integer ? !is_float(type) : type != DType::s32) return type;
    }
  }

  // multiply_add takes either operand or not; the others need theirs and refuse the other one.
  void choose(PassOperand& o, std::vector<std::byte>& storage, bool needed) {
    o.dtype = operand_dtype();
    if (pass.operation == isa::VectorOperation::multiply_add)
      return operand(o, static_cast<OperandSource>(random_() % 3), storage);
    if (needed) operand(o, random_() % 2 != 0 ? OperandSource::immediate : OperandSource::memory, storage);
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
  std::vector<std::byte> x_storage_, scale_storage_, bias_storage_;
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

void model_reduction(const Pass& p, const std::vector<float>& t, std::byte* place) {
  if (p.reduction == Reduction::max) {
    float start = -INFINITY;
    if (p.reduce_accumulate) std::memcpy(&start, place, sizeof start);
    const float result = strict::row_maximum(start, t.data(), t.size());
    std::memcpy(place, &result, sizeof result);
  } else if (p.reduction == Reduction::sum) {
    strict::Stripes stripes{};
    if (p.reduce_accumulate) std::memcpy(stripes.data(), place, sizeof stripes);
    strict::add_to_stripes(stripes, t.data(), t.size(), p.column_base);
    std::memcpy(place, stripes.data(), sizeof stripes);
  }
}

// What the pass must leave in `out` and `reduced`.
void model(const RandomPass& r, std::vector<std::byte>& out, std::vector<std::byte>& reduced) {
  const Pass& p = r.pass;
  const auto f = static_cast<strict::Function>(p.function);  // both in the same order
  const auto operation = static_cast<strict::Operation>(p.operation);
  for (std::size_t row = 0; row < p.rows; ++row) {
    std::byte* line = &out[row * static_cast<std::size_t>(p.out_row_stride)];
    std::vector<float> t;
    for (std::size_t col = 0; col < p.cols; ++col) {
      if (r.integer) {
        const std::int32_t y =
            strict::vector_pass(*integer_operand(p.x, row, col), integer_operand(p.scale, row, col),
                                integer_operand(p.bias, row, col), f, operation);
        std::memcpy(line + size_of(p.out_dtype) * col, &y, size_of(p.out_dtype));  // the low bytes
        continue;
      }
      t.push_back(strict::vector_pass(*float_operand(p.x, row, col), float_operand(p.scale, row, col),
                                      float_operand(p.bias, row, col), f, operation));
      strict::store_f32(p.out_dtype, t.back(), line, col);
    }
    if (!r.integer && !reduced.empty())
      model_reduction(p, t, &reduced[row * static_cast<std::size_t>(p.reduced_row_stride)]);
  }
}

TEST(VectorPass, AnyPassOnAnyDataHasTheBitsOfTheScalarModel) {
  int integers = 0, floats = 0;
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    RandomPass r(seed);
    std::vector<std::byte> out = r.out, reduced = r.reduced;
    model(r, out, reduced);
    core::run_pass(r.pass);
    const auto shown = [&] {
      return "seed " + std::to_string(seed) + ": " + std::string(to_string(r.pass.x.dtype)) + " to " +
             std::string(to_string(r.pass.out_dtype));
    };
    ASSERT_TRUE(r.out == out) << shown();
    ASSERT_TRUE(r.reduced == reduced) << shown() << ", reduction " << static_cast<int>(r.pass.reduction);
    (r.integer ? integers : floats) += 1;
  }
  EXPECT_GT(integers, 200);
  EXPECT_GT(floats, 2000);
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
