// The cpu golden of einsum: sums in long double, from the last product to the first, with S.
#include <cmath>
#include <limits>

#include "golden/backends.hpp"
#include "golden/formats.hpp"
#include "ops/einsum/einsum_spec.hpp"

namespace assay::golden {
namespace {

// Offsets, in elements, of every combination of these labels from the operand's first element.
std::vector<std::int64_t> offsets(const ops::EinsumForm& form, std::size_t operand, std::size_t first,
                                  std::size_t end) {
  std::vector<std::int64_t> list{0};
  for (std::size_t l = first; l < end; ++l) {
    std::vector<std::int64_t> longer;
    for (const std::int64_t offset : list)
      for (std::int64_t i = 0; i < form.length[l]; ++i)
        longer.push_back(offset + i * form.stride[operand][l]);
    list = std::move(longer);
  }
  return list;
}

struct Operand {
  std::vector<double> values;
  std::vector<std::int64_t> outer, summed;
};

}  // namespace

void cpu_einsum(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const ops::EinsumForm form = ops::einsum_form(problem);
  std::vector<Operand> operands;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    operands.push_back({decode(inputs[i]), offsets(form, i, 0, form.outer),
                        offsets(form, i, form.outer, form.length.size())});
  const std::size_t count = operands[0].outer.size(), terms = operands[0].summed.size();
  if (!form.sums() && inputs.size() == 1) {  // a copy
    Tensor& y = expected.bits.emplace(expected.name, expected.dtype, expected.shape);
    for (std::size_t i = 0; i < count; ++i)
      set_element_bits(y.dtype, y.bytes.data(), i,
                       element_bits(inputs[0], static_cast<std::size_t>(operands[0].outer[i])));
    return;
  }
  for (std::size_t y = 0; y < count; ++y) {
    long double sum = 0, magnitude = 0;
    for (std::size_t t = terms; t-- > 0;) {
      long double product = 1;
      for (const Operand& o : operands)
        product *= o.values[static_cast<std::size_t>(o.outer[y] + o.summed[t])];
      sum += product;
      magnitude += std::fabs(product);
    }
    expected.values.push_back(static_cast<double>(sum));
    expected.magnitude.push_back(static_cast<double>(magnitude) * (1 + 0x1p-50));
  }
  // One rounding to fp64 of a sum whose product and addition each round in long double.
  constexpr auto kUnit = static_cast<double>(std::numeric_limits<long double>::epsilon() / 2);
  expected.own = {0x1p-53, 1 + 2 * static_cast<double>(terms) * kUnit * 0x1p53,
                  std::numeric_limits<double>::denorm_min()};
}

}  // namespace assay::golden
