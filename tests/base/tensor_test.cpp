#include "base/tensor.hpp"

#include "../support/expect_error.hpp"

namespace assay {
namespace {

TEST(Shape, CountsItsElements) {
  EXPECT_EQ(element_count({2, 3, 4}), 24);
  EXPECT_EQ(element_count({}), 1) << "a scalar";
  EXPECT_EQ(element_count({5, 0, 7}), 0) << "an empty tensor";
}

TEST(Shape, RefusesNegativeAndAbsurdDimensions) {
  test::expect_error(ExitCode::Usage, "shape [2, -1]: dimension -1 is negative", [] {
    element_count({2, -1});
  });
  const std::int64_t big = std::int64_t{1} << 32;
  test::expect_error(ExitCode::Usage, "more than 2^62 elements", [=] { element_count({big, big}); });
  test::expect_error(ExitCode::Usage, "dimension -1 is negative", [] { element_count({0, -1}); });
  EXPECT_EQ(element_count({std::int64_t{1} << 62}), std::int64_t{1} << 62);
}

TEST(Tensor, HoldsItsBytesRowMajorAndZero) {
  Tensor t("a", DType::bf16, {3, 5});
  EXPECT_EQ(t.elements(), 15);
  EXPECT_EQ(t.bytes.size(), 30u);
  for (const std::byte b : t.bytes) EXPECT_EQ(b, std::byte{0});
  t.as<std::uint16_t>()[14] = 7;
  EXPECT_EQ(t.bytes[28], std::byte{7});
}

}  // namespace
}  // namespace assay
