// The goldens of gather, a copy of bytes: the strict one element by element, the cpu one row by row, ONNX
// Runtime's as rows of bytes.
#include <cstring>

#include "base/error.hpp"
#include "golden/backends.hpp"
#include "golden/ort/ort_graph.hpp"

namespace assay::golden {
namespace {

std::size_t row_of(const Tensor& data, const Tensor& indices, std::size_t i) {
  const std::int32_t index = indices.as<std::int32_t>()[i];
  if (index < 0 || index >= data.shape[0])
    fail(ExitCode::Usage, "gather: indices name row {}; expected 0 to {}", index, data.shape[0] - 1);
  return static_cast<std::size_t>(index);
}

}  // namespace

void strict_gather(const ops::Problem&, const std::vector<Tensor>& inputs, Expected& expected) {
  Tensor& y = expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  const Tensor &data = inputs[0], &indices = inputs[1];
  const std::size_t row = data.bytes.size() / static_cast<std::size_t>(data.shape[0]);
  for (std::size_t at = 0; at < y.bytes.size(); ++at)
    y.bytes[at] = data.bytes[row_of(data, indices, at / row) * row + at % row];
}

void cpu_gather(const ops::Problem&, const std::vector<Tensor>& inputs, Expected& expected) {
  Tensor& y = expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  const auto count = static_cast<std::size_t>(inputs[1].elements());
  const std::size_t row = y.bytes.size() / count;
  for (std::size_t i = 0; i < count; ++i)
    std::memcpy(&y.bytes[i * row], &inputs[0].bytes[row_of(inputs[0], inputs[1], i) * row], row);
}

void ort_gather(const ops::Problem&, const std::vector<Tensor>& inputs, Expected& expected) {
  const Tensor& indices = inputs[1];
  Tensor data = inputs[0];
  for (std::size_t i = 0; i < static_cast<std::size_t>(indices.elements()); ++i)
    row_of(data, indices, i);  // ONNX's negative ones are errors here
  const auto size = static_cast<std::int64_t>(size_of(data.dtype));
  data.name = "data";
  data.dtype = DType::u8;
  data.shape.push_back(size);
  Shape shape = expected.shape;
  shape.push_back(size);
  Tensor list = indices;
  list.name = "indices";
  Tensor y = run_ort(OrtNode{"Gather", {"data", "indices"}, "y"}, {data, list}, DType::u8, shape);
  expected.bits.emplace(expected.name, expected.dtype, expected.shape).bytes = std::move(y.bytes);
}

}  // namespace assay::golden
