// The oneDNN golden: softmax in fp32 on widened operands, rows gathered here.
#include "golden/backends.hpp"
#include "golden/dnnl/call_dnnl.hpp"
#include "golden/formats.hpp"
#include "golden/softmax_rows.hpp"

namespace assay::golden {
namespace {

// Dense rows, in place.
void softmax(std::vector<float>& x, std::size_t rows, std::size_t length) {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const dnnl::memory::desc layout(
      {static_cast<dnnl::memory::dim>(rows), static_cast<dnnl::memory::dim>(length)},
      dnnl::memory::data_type::f32, dnnl::memory::format_tag::ab);
  const dnnl::softmax_forward primitive({{dnnl::prop_kind::forward_inference, layout, 1}, engine});
  dnnl::memory memory(layout, engine, x.data());
  primitive.execute(stream, {{DNNL_ARG_SRC, memory}, {DNNL_ARG_DST, memory}});
  stream.wait();
}

}  // namespace

void dnnl_softmax(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const SoftmaxRows rows(problem);
  const std::vector<double> x = dense_rows(rows, decode(inputs[0]));
  std::vector<float> dense(x.begin(), x.end());  // exact: at most fp32 wide
  call_dnnl([&] { softmax(dense, rows.count(), rows.length); });
  finish_softmax(rows, x, {dense.begin(), dense.end()}, expected);
  // As the operator's own bound, twice; oneDNN's exponential flushes what is below 2^-126 to zero.
  expected.own = {0x1p-23, 1, 0x1p-125};
}

}  // namespace assay::golden
