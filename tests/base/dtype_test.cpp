#include "base/dtype.hpp"

#include <set>

#include "../support/expect_error.hpp"

namespace assay {
namespace {

TEST(DType, CodesAreDenseAndStable) {
  // Kernels carry these codes: a change is a new ABI version.
  EXPECT_EQ(static_cast<int>(DType::f32), 0);
  EXPECT_EQ(static_cast<int>(DType::f16), 1);
  EXPECT_EQ(static_cast<int>(DType::bf16), 2);
  EXPECT_EQ(static_cast<int>(DType::s8), 3);
  EXPECT_EQ(static_cast<int>(DType::u8), 4);
  EXPECT_EQ(static_cast<int>(DType::s32), 5);
  for (std::size_t code = 0; code < engine_dtypes().size(); ++code)
    EXPECT_EQ(static_cast<std::size_t>(engine_dtypes()[code]), code);
  EXPECT_EQ(static_cast<int>(DType::f64), 16);
}

TEST(DType, WhatCommandsCannotNameHasACodeBeyondTheirFourBits) {
  EXPECT_EQ(engine_dtypes().size() + 1, all_dtypes().size());
  EXPECT_TRUE(is_engine_type(DType::u4));
  EXPECT_FALSE(is_engine_type(DType::f64));
  EXPECT_EQ(size_of(DType::f64), 8U);
  EXPECT_EQ(accumulator_of(DType::f64), DType::f64);
}

TEST(DType, HasItsSizeInBytes) {
  EXPECT_EQ(size_of(DType::f32), 4u);
  EXPECT_EQ(size_of(DType::bf16), 2u);
  EXPECT_EQ(size_of(DType::u8), 1u);
}

TEST(DType, EveryNameReadsBack) {
  for (const DType type : all_dtypes()) EXPECT_EQ(dtype_from_name(to_string(type)), type);
}

TEST(DType, UsualAliasesAreAccepted) {
  EXPECT_EQ(dtype_from_name("fp16"), DType::f16);
  EXPECT_EQ(dtype_from_name("bfloat16"), DType::bf16);
  EXPECT_EQ(dtype_from_name("int8"), DType::s8);
  EXPECT_EQ(dtype_from_name("float"), DType::f32);
  EXPECT_EQ(dtype_from_name("double"), DType::f64);
}

TEST(DType, AnUnknownNameIsAUsageErrorWithTheNearestOne) {
  test::expect_error(ExitCode::Usage, "--dtype: unknown dtype 'bf61'",
                     [] { parse_dtype("bf61", "--dtype"); });
  test::expect_error(ExitCode::Usage, "did you mean 'bf16'?", [] { parse_dtype("bf61", "--dtype"); });
  EXPECT_EQ(dtype_from_name("f65"), std::nullopt);
}

TEST(DType, ProductsAccumulateInTheWideTypeOfTheirKind) {
  EXPECT_EQ(accumulator_of(DType::bf16), DType::f32);
  EXPECT_EQ(accumulator_of(DType::f32), DType::f32);
  EXPECT_EQ(accumulator_of(DType::s8), DType::s32);
  EXPECT_EQ(accumulator_of(DType::u8), DType::s32);
}

}  // namespace
}  // namespace assay
