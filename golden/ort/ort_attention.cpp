// The ONNX Runtime golden of attention, unfused, one head after another: MatMul, Mul, Tanh, Add, Softmax and
// MatMul, in fp64 as ort_softmax.cpp. Which keys a query sees is decided here, and a Where takes the others'
// scores away.
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "golden/attention_error.hpp"
#include "golden/backends.hpp"
#include "golden/formats.hpp"
#include "golden/ort/ort_graph.hpp"

namespace assay::golden {
namespace {

Tensor scalar(const char* name, double value) {
  Tensor t(name, DType::f64, {});
  t.as<double>()[0] = value;
  return t;
}

std::int64_t dim(std::size_t extent) { return static_cast<std::int64_t>(extent); }

class Attention {
 public:
  Attention(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected)
      : view_(problem, inputs),
        type_(inputs[0].dtype),
        q_(decode(inputs[0])),
        k_(decode(inputs[1])),
        v_(decode(inputs[2])),
        mask_(view_.mask != nullptr ? decode(*view_.mask) : std::vector<double>()),
        expected_(expected) {
    describe_graph();
  }

  void evaluate() {
    if (view_.keys == 0) return;  // zeros
    for (std::size_t b = 0; b < view_.batch; ++b)
      for (std::size_t head = 0; head < view_.q_heads; ++head) evaluate(b, head);
    // Sums in any order, exponentials and tangents within a few ULP.
    expected_.own = {0x1p-53, 2 * static_cast<double>(view_.keys + view_.depth) + 32, 0};
  }

 private:
  void describe_graph() {
    const Shape scores{dim(view_.queries), dim(view_.keys)};
    nodes_ = {{"MatMul", {"q", "k"}, "products"},
              {"MatMul", {"q_size", "k_size"}, "sizes"},
              {"Mul", {"products", "scale"}, "scaled"}};
    std::string last = "scaled";
    if (view_.softcap != 0) {
      nodes_.push_back({"Div", {"scaled", "cap"}, "inside"});
      nodes_.push_back({"Tanh", {"inside"}, "tanh"});
      nodes_.push_back({"Mul", {"tanh", "cap"}, "capped"});
      last = "capped";
    }
    if (view_.added_mask) {
      nodes_.push_back({"Add", {last, "mask"}, "masked"});
      last = "masked";
    }
    OrtNode& cast = nodes_.emplace_back(OrtNode{"Cast", {"seen"}, "sees"});
    cast.attributes.set("to", std::int64_t{9});  // BOOL
    nodes_.push_back({"Where", {"sees", last, "hidden"}, "x"});
    nodes_.push_back({"Softmax", {"x"}, "p"});
    nodes_.push_back({"MatMul", {"p", "v"}, "y"});
    outputs_ = {{"y", DType::f64, {dim(view_.queries), dim(view_.value_depth)}}};
    for (const char* name : {"sizes", "scaled", "x", "p"}) outputs_.push_back({name, DType::f64, scores});
    if (view_.softcap != 0) outputs_.push_back({"capped", DType::f64, scores});
  }

  bool sees(std::size_t b, std::size_t head, std::size_t i, std::size_t j) const {
    if (!view_.sees(b, i, j)) return false;
    return !view_.byte_mask || mask_[view_.mask_at(b, head, i, j)] != 0;
  }

  // Row i of a matrix out of `from`.
  static void copy_row(const std::vector<double>& from, std::size_t at, Tensor& to, std::size_t i) {
    const auto cols = static_cast<std::size_t>(to.shape[1]);
    std::copy_n(from.data() + at, cols, to.as<double>() + i * cols);
  }

  std::vector<Tensor> operands(std::size_t b, std::size_t head) {
    const std::size_t rows = view_.queries, keys = view_.keys, depth = view_.depth;
    Tensor q("q", DType::f64, {dim(rows), dim(depth)}), k("k", DType::f64, {dim(depth), dim(keys)});
    Tensor v("v", DType::f64, {dim(keys), dim(view_.value_depth)});
    Tensor seen("seen", DType::u8, {dim(rows), dim(keys)}), mask("mask", DType::f64, seen.shape);
    for (std::size_t i = 0; i < rows; ++i) copy_row(q_, view_.q_row(b, head, i), q, i);
    for (std::size_t j = 0; j < keys; ++j) {
      std::size_t seen_by = 0;
      for (std::size_t i = 0; i < rows; ++i) {
        const bool visible = sees(b, head, i, j);
        seen.bytes[i * keys + j] = static_cast<std::byte>(visible);
        if (visible) ++seen_by;
        if (visible && view_.added_mask)
          mask.as<double>()[i * keys + j] = mask_[view_.mask_at(b, head, i, j)];
      }
      if (seen_by == 0) continue;  // its row of zeros changes nothing, whatever K and V hold there
      for (std::size_t d = 0; d < depth; ++d) k.as<double>()[d * keys + j] = k_[view_.k_row(b, head, j) + d];
      copy_row(v_, view_.v_row(b, head, j), v, j);
      if (seen_by < rows) require_finite(v, j);
    }
    Tensor q_size = absolute(q), k_size = absolute(k);
    q_size.name = "q_size";
    k_size.name = "k_size";
    std::vector<Tensor> all{
        q, k, q_size, k_size, v, seen, scalar("scale", view_.scale), scalar("hidden", -HUGE_VAL)};
    if (view_.softcap != 0) all.push_back(scalar("cap", view_.softcap));
    if (view_.added_mask) all.push_back(mask);
    return all;
  }

  // The contract leaves hidden keys out; here they are multiplied by 0.
  static void require_finite(const Tensor& v, std::size_t j) {
    const auto cols = static_cast<std::size_t>(v.shape[1]);
    for (std::size_t d = 0; d < cols; ++d)
      if (!std::isfinite(v.as<double>()[j * cols + d]))
        fail(ExitCode::Unsupported,
             "golden ort: attention: V is not finite at a key that some queries do not see");
  }

  void evaluate(std::size_t b, std::size_t head) {
    const std::vector<Tensor> tensors = operands(b, head);
    const std::vector<Tensor> results = run_ort(nodes_, tensors, outputs_);
    const double *v = tensors[4].as<double>(), *y = results[0].as<double>(), *sizes = results[1].as<double>(),
                 *scaled = results[2].as<double>(), *x = results[3].as<double>(),
                 *p = results[4].as<double>();
    const double* capped = view_.softcap != 0 ? results[5].as<double>() : scaled;
    for (auto* list : {&scores_.x, &scores_.errors, &scores_.p, &weights_}) list->resize(view_.keys);
    for (std::size_t i = 0; i < view_.queries; ++i) {
      scores_.seen.clear();
      scores_.greatest = -HUGE_VAL;
      for (std::size_t j = 0; j < view_.keys; ++j) {
        const std::size_t at = i * view_.keys + j;
        if (tensors[5].bytes[at] == std::byte{0}) continue;
        scores_.seen.push_back(j);
        scores_.x[j] = x[at];
        scores_.p[j] = p[at];
        scores_.errors[j] = score_error(view_, type_, sizes[at], scaled[at], capped[at], x[at]);
        if (!(scores_.x[j] <= scores_.greatest) && !std::isnan(scores_.greatest))
          scores_.greatest = scores_.x[j];
      }
      finish(view_.y_row(b, head, i), y + i * view_.value_depth, v);
    }
  }

  // One query's results, y, at `to`.
  void finish(std::size_t to, const double* y, const double* v) {
    const std::size_t cols = view_.value_depth;
    double *value = &expected_.values[to], *magnitude = &expected_.magnitude[to];
    if (scores_.greatest == -HUGE_VAL) return;  // no key, or none that counts: 0, where ONNX Runtime has NaN
    weigh_values(view_, type_, scores_, weights_);
    for (const std::size_t j : scores_.seen)
      for (std::size_t d = 0; d < cols; ++d) magnitude[d] += weights_[j] * std::fabs(v[j * cols + d]);
    for (std::size_t d = 0; d < cols; ++d) {
      value[d] = double{view_.value_scale} * y[d];
      magnitude[d] *= std::fabs(double{view_.value_scale}) * (1 + 0x1p-20);
    }
    if (!judgeable_score(scores_.greatest)) std::fill_n(magnitude, cols, HUGE_VAL);
  }

  const AttentionView view_;
  const DType type_;
  const std::vector<double> q_, k_, v_, mask_;
  Expected& expected_;
  std::vector<OrtNode> nodes_;
  std::vector<ops::TensorInfo> outputs_;
  QueryScores scores_;
  std::vector<double> weights_;
};

}  // namespace

void ort_attention(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const auto count = static_cast<std::size_t>(element_count(expected.shape));
  expected.values.resize(count);
  expected.magnitude.resize(count);
  Attention(problem, inputs, expected).evaluate();
}

}  // namespace assay::golden
