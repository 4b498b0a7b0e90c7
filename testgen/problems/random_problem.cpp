#include "testgen/problems/random_problem.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "base/error.hpp"
#include "testgen/operator_examples.hpp"
#include "testgen/problems/random_conv.hpp"

namespace assay::testgen {
namespace {

constexpr std::uint64_t kMostProducts = 400'000;

bool coin(Generator& random) { return random() % 2 != 0; }

Shape random_shape(Generator& random, std::int64_t most_rank, std::int64_t most) {
  Shape shape(static_cast<std::size_t>(pick(random, 0, most_rank)));
  for (std::int64_t& dim : shape) dim = random() % 4 == 0 ? 1 : pick(random, 1, most);
  return shape;
}

// A shape that broadcasts with it: some dimensions of 1, some outermost ones left out.
Shape broadcasting(Shape shape, Generator& random) {
  for (std::int64_t& dim : shape)
    if (random() % 4 == 0) dim = 1;
  if (coin(random))
    shape.erase(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(random() % (shape.size() + 1)));
  return shape;
}

ops::Problem random_elementwise(std::string_view op, DType type, Generator& random) {
  ops::Problem p{std::string(op), {}, {}, {}};
  const Shape shape = random_shape(random, 4, 14);
  const bool any = op == "max" || op == "min", one = ops::find_operator(op).input_names().size() == 1;
  const std::int64_t inputs = one ? 1 : any ? pick(random, 1, 4) : 2;
  for (std::int64_t i = 0; i < inputs; ++i)
    p.inputs.push_back({"", type, one ? shape : broadcasting(shape, random)});
  return p;
}

ops::Problem random_softmax(DType type, Generator& random) {
  Shape shape = random_shape(random, 3, 12);
  shape.push_back(coin(random) ? pick(random, 1, 20) : pick(random, 1, 900));
  const auto rank = static_cast<std::int64_t>(shape.size());
  const std::int64_t axis = pick(random, -rank, rank - 1);
  std::swap(shape.back(), shape[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)]);
  ops::Problem p{"softmax", {}, {{"", type, shape}}, {}};
  p.attributes.set("axis", axis);
  return p;
}

ops::Problem random_rotary(DType type, Generator& random) {
  const std::int64_t positions = pick(random, 1, 40), half = pick(random, 1, 40);
  Shape shape = random_shape(random, 2, 6);
  shape.insert(shape.end(), {positions, 2 * half});
  const DType angles = coin(random) ? DType::f32 : type;
  return {"rotary",
          {},
          {{"", type, shape}, {"", angles, {positions, half}}, {"", angles, {positions, half}}},
          {}};
}

ops::Problem random_gather(DType type, Generator& random) {
  Shape data = random_shape(random, 2, 30);
  data.insert(data.begin(), pick(random, 1, 60));
  return {"gather", {}, {{"", type, data}, {"", DType::s32, random_shape(random, 2, 20)}}, {}};
}

// One or two operands over up to five letters and "...": transposed, summed, diagonal and broadcast.
ops::Problem random_einsum(DType type, Generator& random) {
  std::array<std::int64_t, 5> length{};
  for (std::int64_t& n : length) n = random() % 6 == 0 ? pick(random, 7, 40) : pick(random, 1, 6);
  const bool ellipsis = random() % 3 == 0;
  const std::array<std::int64_t, 2> hidden{pick(random, 1, 3), pick(random, 1, 3)};
  ops::Problem p{"einsum", {}, {}, {}};
  std::string equation, output;
  const std::int64_t operands = pick(random, 1, 2);
  for (std::int64_t i = 0; i < operands; ++i) {
    const std::int64_t rank = pick(random, 0, 3), at = pick(random, 0, rank);
    Shape shape;
    if (i > 0) equation += ',';
    for (std::int64_t d = 0; d <= rank; ++d) {
      if (d == at && ellipsis) {
        equation += "...";
        for (const std::int64_t size : hidden) shape.push_back(coin(random) ? 1 : size);
      }
      if (d == rank) break;
      const auto letter = static_cast<std::size_t>(random() % length.size());
      const char label = static_cast<char>('a' + letter);
      equation += label;
      shape.push_back(length[letter]);
      if (output.find(label) == std::string::npos && coin(random)) output += label;
    }
    p.inputs.push_back({"", type, shape});
  }
  if (random() % 4 != 0) equation += "->" + std::string(ellipsis ? "..." : "") + output;
  p.attributes.set("equation", equation);
  return p;
}

// A third of the products of floats with a function behind the sum.
ops::Problem random_activated_gemm(std::string_view op, DType type, Generator& random) {
  static constexpr std::array kFunctions{"relu", "clip", "tanh", "sigmoid", "silu", "gelu", "gelu_tanh"};
  ops::Problem p = random_gemm(op, type, random);
  if (is_float(type) && random() % 3 == 0)
    p.attributes.set("activation", std::string(kFunctions[random() % kFunctions.size()]));
  return p;
}

ops::Problem draw(std::string_view op, DType type, Generator& random) {
  static constexpr std::array kPointwise{"add", "sub", "mul", "div", "max", "min", "relu"};
  static constexpr std::array kConvolutions{"conv", "convtranspose", "convinteger", "qlinearconv"};
  const auto among = [&](const auto& names) {
    return std::find(names.begin(), names.end(), op) != names.end();
  };
  if (op == "gemm" || op == "matmul") return random_activated_gemm(op, type, random);
  if (op == "matmulinteger" || op == "qlinearmatmul") return random_quantised(std::string(op), random);
  if (op == "matmul_nbits") return random_nbits(type, random);
  if (op == "grouped_gemm") return random_grouped(type, random);
  if (op == "attention") return random_attention(type, random).problem;
  if (op == "softmax") return random_softmax(type, random);
  if (op == "rotary") return random_rotary(type, random);
  if (op == "gather") return random_gather(type, random);
  if (op == "einsum") return random_einsum(type, random);
  if (among(kPointwise)) return random_elementwise(op, type, random);
  if (among(kConvolutions)) return RandomConv(random())(std::string(op), type, kMostProducts);
  fail(ExitCode::Error, "operator '{}' has no generator of random problems", op);
}

}  // namespace

ops::Problem random_problem(std::string_view op, DType type, Generator& random) {
  ops::Problem p = draw(op, type, random);
  const ops::Operator& spec = ops::find_operator(op);
  ops::name_inputs(spec, p);
  spec.infer(p);
  return p;
}

std::vector<DType> problem_types(std::string_view op) {
  std::vector<DType> types;
  for (const DType type : all_dtypes()) {
    const auto example = operator_example(op, type);
    if (!example) fail(ExitCode::Error, "operator '{}' has no example", op);
    try {
      case_from_arguments(*example);
      types.push_back(type);
    } catch (const Error& error) {
      if (error.code() != ExitCode::Unsupported) throw;
    }
  }
  return types;
}

}  // namespace assay::testgen
