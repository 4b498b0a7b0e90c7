// What matmulinteger and qlinearmatmul ask of their types, zero points and scales; shapes are matmul's.
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "ops/gemm/gemm_rules.hpp"

namespace assay::ops {
namespace {

class Reader {
 public:
  Reader(const Operator& op, const Problem& problem) : op_(op), p_(problem) {}

  GemmForm read(std::string_view a, std::string_view b, Shape& output) {
    check_common(op_, p_);
    const TensorInfo &left = require_bytes(a), &right = require_bytes(b);
    form_.operand = left.dtype;
    form_.accumulator = form_.out = DType::s32;
    read_matmul_shapes(op_, {p_.op, {}, {left, right}, {}}, form_, output);
    require_one("a_zero_point", left.dtype, "a row");
    require_one("b_zero_point", right.dtype, "a column");
    return form_;
  }

  // The form of read(), requantised. `columns`: the product's, before simplification as after it.
  GemmForm requantised(GemmForm form) {
    form.out = require_bytes("y_zero_point").dtype;
    form.requantised = true;
    if (form.k == 0)
      fail(ExitCode::Unsupported, "{}: the inner dimension of 'a' {} and 'b' {} is 0; expected at least 1",
           op_.name(), to_string(input("a").shape), to_string(input("b").shape));
    require_one("a_scale", DType::f32, "a row");
    require_one("y_scale", DType::f32, "a row");
    require_one("y_zero_point", form.out, "a row");
    const TensorInfo& scale = input("b_scale");
    if (scale.shape != Shape{static_cast<std::int64_t>(form.n)})
      require_one("b_scale", DType::f32, "a matrix");
    require_type(scale, DType::f32);
    return form;
  }

 private:
  const TensorInfo& input(std::string_view name) const { return p_.inputs[find_input(p_, name).value()]; }

  const TensorInfo& require_bytes(std::string_view name) const {
    const TensorInfo& t = input(name);
    if (t.dtype != DType::s8 && t.dtype != DType::u8)
      fail(ExitCode::Unsupported, "{}: input '{}' is {}; expected s8 or u8", op_.name(), name,
           to_string(t.dtype));
    return t;
  }
  void require_type(const TensorInfo& t, DType type) const {
    if (t.dtype != type)
      fail(ExitCode::Unsupported, "{}: input '{}' is {}; expected {}", op_.name(), t.name, to_string(t.dtype),
           to_string(type));
  }
  // Where it is given: one value of that type.
  void require_one(std::string_view name, DType type, std::string_view each) const {
    const auto at = find_input(p_, name);
    if (!at) return;
    const TensorInfo& t = p_.inputs[*at];
    require_type(t, type);
    if (element_count(t.shape) != 1)
      fail(ExitCode::Unsupported, "{}: input '{}' {}: one value for {} is unsupported; expected one value{}",
           op_.name(), name, to_string(t.shape), each,
           name == "b_scale" ? fmt::format(" or [{}], one for each column", form_.n) : "");
  }

  const Operator& op_;
  const Problem& p_;
  GemmForm form_;
};

}  // namespace

GemmForm read_matmulinteger(const Operator& op, const Problem& problem, Shape& output) {
  return Reader(op, problem).read("A", "B", output);
}

GemmForm read_qlinearmatmul(const Operator& op, const Problem& problem, Shape& output) {
  Reader reader(op, problem);
  return reader.requantised(reader.read("a", "b", output));
}

}  // namespace assay::ops
