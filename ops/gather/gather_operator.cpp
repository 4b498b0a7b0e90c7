#include "base/error.hpp"
#include "ops/gather/gather_spec.hpp"

namespace assay::ops {
namespace {

class GatherOperator final : public Operator {
 public:
  std::string_view name() const override { return "gather"; }
  std::string_view kernel_name() const override { return "gather"; }
  const std::vector<AttributeSpec>& attributes() const override {
    static const std::vector<AttributeSpec> list{
        {"axis", AttributeType::Int, std::int64_t{0}, "dimension of data that is indexed: 0", {}, false}};
    return list;
  }
  const std::vector<std::string>& input_names() const override {
    static const std::vector<std::string> names{"data", "indices"};
    return names;
  }
  std::size_t required_inputs() const override { return 2; }
  bool allows_empty() const override { return true; }
  bool takes_host_types() const override { return true; }  // it copies

  // About the middle of the table, so that none lies outside.
  std::optional<double> usual_scale(const Problem& problem, std::size_t input) const override {
    if (input != 1) return std::nullopt;
    return static_cast<double>(problem.inputs[0].shape.at(0) - 1) / 2;
  }

  void infer(Problem& problem) const override {
    check_common(*this, problem);
    const TensorInfo &data = problem.inputs[0], &indices = problem.inputs[1];
    if (bits_of(data.dtype) < 8)
      fail(ExitCode::Unsupported, "gather: input 'data' is {}; expected elements of whole bytes",
           to_string(data.dtype));
    if (indices.dtype != DType::s32)
      fail(ExitCode::Unsupported, "gather: input 'indices' is {}; expected s32", to_string(indices.dtype));
    if (data.shape.empty())
      fail(ExitCode::Usage, "gather: input 'data' is a scalar, expected at least rank 1");
    const std::int64_t axis = problem.attributes.get_int(name(), attributes()[0]);
    const auto rank = static_cast<std::int64_t>(data.shape.size());
    if (axis < -rank || axis >= rank)
      fail(ExitCode::Usage, "gather: attribute 'axis' = {}; expected {} to {}", axis, -rank, rank - 1);
    if (axis != 0 && axis != -rank)
      fail(ExitCode::Unsupported, "gather: attribute 'axis' = {}; only 0 is supported", axis);
    if (data.shape[0] > INT32_MAX)
      fail(ExitCode::Unsupported, "gather: input 'data' {} has more rows than s32 counts",
           to_string(data.shape));
    Shape shape = indices.shape;
    shape.insert(shape.end(), data.shape.begin() + 1, data.shape.end());
    problem.outputs = {{"Y", data.dtype, shape}};
    if (data.shape[0] == 0 && !is_empty(problem.outputs[0]))
      fail(ExitCode::Usage, "gather: input 'data' {} has no rows for the indices {}", to_string(data.shape),
           to_string(indices.shape));
    check_tensor(*this, problem.outputs[0], "output");
  }

  // Which rows are read is not known: at least one.
  Work work(const Problem& problem) const override {
    const Problem p = inferred(*this, problem);
    Work work;
    if (is_empty(p.outputs[0])) return work;
    work.compulsory_written = bytes_of(p.outputs[0]);
    work.compulsory_read = bytes_of(p.inputs[1]) + Bytes(row_bytes(p));
    return work;
  }

  Tolerance tolerance(const Problem&) const override { return {DType::f32, 0, 0}; }
  std::optional<IntegerReach> integer_reach(const Problem&, double q) const override {
    return IntegerReach{q, q};
  }

  KernelCall pack(const Problem& problem) const override {
    const Problem p = inferred(*this, problem);
    if (is_empty(p.outputs[0])) return empty_call();
    KernelCall call;
    call.kernel = std::string(kernel_name());
    call.tensors = {{TensorRef::Role::Output, 0}, {TensorRef::Role::Input, 0}, {TensorRef::Role::Input, 1}};
    call.attributes = {static_cast<std::uint64_t>(element_count(p.inputs[1].shape)), row_bytes(p),
                       static_cast<std::uint64_t>(p.inputs[0].shape[0])};
    return call;
  }

 private:
  static std::uint64_t row_bytes(const Problem& p) {
    return bytes_of(p.inputs[0]).count() / static_cast<std::uint64_t>(p.inputs[0].shape[0]);
  }
};

}  // namespace

const Operator& gather_operator() {
  static const GatherOperator op;
  return op;
}

}  // namespace assay::ops
