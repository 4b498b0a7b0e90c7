// The oneDNN golden of the elementwise operators: binary and eltwise primitives in fp32 on operands that are
// widened and expanded to the output's shape here.
#include <cmath>

#include "golden/backends.hpp"
#include "golden/broadcast.hpp"
#include "golden/dnnl/call_dnnl.hpp"
#include "golden/formats.hpp"

namespace assay::golden {
namespace {

using Values = std::vector<float>;

std::vector<Values> expand(const std::vector<Tensor>& inputs, const Shape& shape) {
  const auto count = static_cast<std::size_t>(element_count(shape));
  std::vector<Values> expanded(inputs.size(), Values(count));
  BroadcastWalk walk(shape, inputs);
  for (std::size_t at = 0; at < count; ++at, walk.next())
    for (std::size_t i = 0; i < inputs.size(); ++i)  // exact: at most fp32 wide
      expanded[i][at] = static_cast<float>(decode(inputs[i].dtype, element_bits(inputs[i], walk.at(i))));
  return expanded;
}

dnnl::algorithm algorithm_of(const std::string& op) {
  if (op == "add") return dnnl::algorithm::binary_add;
  if (op == "sub") return dnnl::algorithm::binary_sub;
  if (op == "mul") return dnnl::algorithm::binary_mul;
  if (op == "div") return dnnl::algorithm::binary_div;
  return op == "max" ? dnnl::algorithm::binary_max : dnnl::algorithm::binary_min;
}

class Vectors {
 public:
  explicit Vectors(std::size_t count)
      : engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        layout_({static_cast<dnnl::memory::dim>(count)}, dnnl::memory::data_type::f32,
                dnnl::memory::format_tag::a) {}

  void binary(dnnl::algorithm algorithm, Values& a, Values& b) {
    const dnnl::binary primitive({{algorithm, layout_, layout_, layout_}, engine_});
    primitive.execute(stream_,
                      {{DNNL_ARG_SRC_0, memory(a)}, {DNNL_ARG_SRC_1, memory(b)}, {DNNL_ARG_DST, memory(a)}});
    stream_.wait();
  }
  void relu(Values& x) {
    const dnnl::eltwise_forward primitive(
        {{dnnl::prop_kind::forward_inference, dnnl::algorithm::eltwise_relu, layout_, 0.0F, 0.0F}, engine_});
    primitive.execute(stream_, {{DNNL_ARG_SRC, memory(x)}, {DNNL_ARG_DST, memory(x)}});
    stream_.wait();
  }

 private:
  dnnl::memory memory(Values& values) { return {layout_, engine_, values.data()}; }

  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::memory::desc layout_;
};

void evaluate(const std::string& op, const std::vector<Tensor>& inputs, Expected& expected) {
  std::vector<Values> x = expand(inputs, expected.shape);
  const Values first = x[0];
  Vectors vectors(first.size());
  if (op == "relu") vectors.relu(x[0]);
  for (std::size_t i = 1; i < x.size(); ++i) vectors.binary(algorithm_of(op), x[0], x[i]);
  const bool sum = op == "add" || op == "sub";
  for (std::size_t at = 0; at < first.size(); ++at) {
    expected.values.push_back(x[0][at]);
    const double size = std::fabs(static_cast<double>(x[0][at]));
    expected.magnitude.push_back(sum ? std::fabs(static_cast<double>(first[at])) + std::fabs(x[1][at])
                                     : size);
  }
  const double roundings = expected.tolerance.roundings;
  expected.own = {0x1p-24, roundings, roundings * 0x1p-149};
}

}  // namespace

void dnnl_elementwise(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  call_dnnl([&] { evaluate(problem.op, inputs, expected); });
}

}  // namespace assay::golden
