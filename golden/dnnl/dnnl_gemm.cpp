// The oneDNN golden: gemm and matmul in fp32 on widened operands, alpha, beta, C and R in fp64 after it.
//
// S comes from a second product, of the operands' absolute values, so that nothing is shared with the cpu
// golden but the element formats. Integers are refused: without VNNI oneDNN 2.6 saturates 16-bit
// intermediates, and the cpu golden is exact anyway.
#include <cmath>

#include "golden/backends.hpp"
#include "golden/dnnl/call_dnnl.hpp"
#include "golden/formats.hpp"
#include "golden/gemm_operands.hpp"
#include "golden/sums.hpp"

namespace assay::golden {
namespace {

using Matrix = std::vector<float>;

Matrix dense(const std::vector<double>& values, const MatrixView& view, std::size_t offset, std::size_t rows,
             std::size_t cols) {
  Matrix matrix(rows * cols);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < cols; ++j)
      matrix[i * cols + j] = static_cast<float>(values[view.at(offset, i, j)]);  // exact: at most fp32 wide
  return matrix;
}

// Products of m x k by k x n matrices, one primitive for all of a batch.
class Product {
 public:
  Product(std::size_t m, std::size_t n, std::size_t k)
      : engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        a_(layout(m, k)),
        b_(layout(k, n)),
        y_(layout(m, n)),
        size_(m * n) {
    primitive_ = dnnl::matmul({dnnl::matmul::desc(a_, b_, y_), engine_});
  }

  Matrix operator()(Matrix& a, Matrix& b) {
    Matrix y(size_);
    primitive_.execute(stream_, {{DNNL_ARG_SRC, dnnl::memory(a_, engine_, a.data())},
                                 {DNNL_ARG_WEIGHTS, dnnl::memory(b_, engine_, b.data())},
                                 {DNNL_ARG_DST, dnnl::memory(y_, engine_, y.data())}});
    stream_.wait();
    return y;
  }

 private:
  static dnnl::memory::desc layout(std::size_t rows, std::size_t cols) {
    return {{static_cast<dnnl::memory::dim>(rows), static_cast<dnnl::memory::dim>(cols)},
            dnnl::memory::data_type::f32,
            dnnl::memory::format_tag::ab};
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::memory::desc a_, b_, y_;
  std::size_t size_;
  dnnl::matmul primitive_;
};

void make_absolute(Matrix& matrix) {
  for (float& value : matrix) value = std::fabs(value);
}

void evaluate_floats(const GemmOperands& g, const std::vector<Tensor>& inputs, Expected& expected) {
  if (g.k == 0) {  // oneDNN has no such product; the sums are +0 and nothing is added to them
    expected.values.assign(g.a_offsets.size() * g.m * g.n, 0);
    expected.magnitude = expected.values;
    return;
  }
  const std::vector<double> a_values = decode(inputs[0]);
  const std::vector<double> b_values = decode(inputs[1]);
  std::vector<float> sums, sizes;
  Product product(g.m, g.n, g.k);
  for (std::size_t batch = 0; batch < g.a_offsets.size(); ++batch) {
    Matrix a = dense(a_values, g.a, g.a_offsets[batch], g.m, g.k);
    Matrix b = dense(b_values, g.b, g.b_offsets[batch], g.k, g.n);
    const Matrix sum = product(a, b);
    sums.insert(sums.end(), sum.begin(), sum.end());
    make_absolute(a);
    make_absolute(b);
    const Matrix size = product(a, b);
    sizes.insert(sizes.end(), size.begin(), size.end());
  }
  finish_gemm(g, sums, sizes, plain_sums(static_cast<double>(g.k)), inputs, expected);
}

}  // namespace

void dnnl_gemm(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  call_dnnl([&] { evaluate_floats(read_gemm_operands(problem), inputs, expected); });
}

}  // namespace assay::golden
