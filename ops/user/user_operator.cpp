#include "ops/user/user_operator.hpp"

#include "base/error.hpp"

namespace assay::ops {
namespace {

class UserOperator final : public Operator {
 public:
  std::string_view name() const override { return "user"; }
  std::string_view kernel_name() const override { return ""; }

  const std::vector<AttributeSpec>& attributes() const override {
    static const std::vector<AttributeSpec> specs{
        {"arguments", AttributeType::Ints, std::vector<std::int64_t>{}, "words of the argument block", {}},
        {"macs",
         AttributeType::Int,
         std::int64_t{0},
         "multiply-accumulates that it takes; 0: not declared",
         {}},
        {"read_bytes", AttributeType::Int, std::int64_t{0}, "bytes that must be read; 0: not declared", {}}};
    return specs;
  }
  const std::vector<std::string>& input_names() const override {
    static const std::vector<std::string> none;
    return none;
  }
  std::size_t required_inputs() const override { return 0; }
  bool takes_host_types() const override { return true; }

  void infer(Problem& problem) const override {
    if (problem.outputs.empty()) fail(ExitCode::Usage, "user: no output");
    for (const TensorInfo& tensor : problem.inputs) check_tensor(*this, tensor, "input");
    for (const TensorInfo& tensor : problem.outputs) check_tensor(*this, tensor, "output");
  }

  Work work(const Problem& problem) const override {
    Work work;
    work.macs = static_cast<std::uint64_t>(problem.attributes.get_int(name(), attributes()[1]));
    work.flops = 2 * work.macs;
    for (const TensorInfo& tensor : problem.inputs) work.compulsory_read += bytes_of(tensor);
    const std::int64_t declared = problem.attributes.get_int(name(), attributes()[2]);
    if (declared > 0) work.compulsory_read = Bytes(static_cast<std::uint64_t>(declared));
    for (const TensorInfo& tensor : problem.outputs) work.compulsory_written += bytes_of(tensor);
    return work;
  }

  Tolerance tolerance(const Problem&) const override { return {}; }  // the case brings its own
  std::optional<IntegerReach> integer_reach(const Problem&, double) const override { return std::nullopt; }

  KernelCall pack(const Problem& problem) const override {
    KernelCall call;
    for (std::size_t i = 0; i < problem.inputs.size(); ++i)
      call.tensors.push_back({TensorRef::Role::Input, i});
    for (std::size_t i = 0; i < problem.outputs.size(); ++i)
      call.tensors.push_back({TensorRef::Role::Output, i});
    if (const AttributeValue* words = problem.attributes.find("arguments"))
      for (const std::int64_t word : std::get<std::vector<std::int64_t>>(*words))
        call.attributes.push_back(static_cast<std::uint64_t>(word));
    return call;
  }
};

}  // namespace

const Operator& user_operator() {
  static const UserOperator op;
  return op;
}

bool declares_work(const Problem& problem) {
  return problem.op != user_operator().name() || problem.attributes.find("macs") != nullptr ||
         problem.attributes.find("read_bytes") != nullptr;
}

}  // namespace assay::ops
