#include "golden/strict/activated.hpp"

#include <map>
#include <optional>
#include <string>

#include "golden/strict/functions.hpp"
#include "golden/strict/vector_pass.hpp"

namespace assay::golden::strict {

float activated(const Activation& a, float t) {
  if (a.name == "clip") return clip(t, static_cast<float>(a.low), static_cast<float>(a.high));
  const std::map<std::string, Function> functions{
      {"relu", Function::Relu}, {"tanh", Function::Tanh}, {"sigmoid", Function::Sigmoid},
      {"silu", Function::Silu}, {"gelu", Function::Gelu}, {"gelu_tanh", Function::GeluTanh}};
  return a.present() ? vector_pass(t, std::nullopt, std::nullopt, functions.at(a.name)) : t;
}

}  // namespace assay::golden::strict
