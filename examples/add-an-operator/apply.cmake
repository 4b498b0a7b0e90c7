# cmake -P examples/add-an-operator/apply.cmake [-- TREE]: adds the example to the tree that it lies in, or to TREE.
cmake_minimum_required(VERSION 3.25)
math(EXPR last "${CMAKE_ARGC} - 1")
set(tree ${CMAKE_CURRENT_LIST_DIR}/../..)
if(CMAKE_ARGV${last} MATCHES "^/")
  set(tree ${CMAKE_ARGV${last}})
endif()

# The new files, at their places.
file(COPY ${CMAKE_CURRENT_LIST_DIR}/ops ${CMAKE_CURRENT_LIST_DIR}/golden DESTINATION ${tree})

include(${CMAKE_CURRENT_LIST_DIR}/../edit_tree.cmake)

add_line(ops/operator.cpp [[#include "ops/gemm/gemm_spec.hpp"]] [[#include "ops/leakyrelu/leakyrelu_spec.hpp"]])
add_line(ops/operator.cpp "list.push_back(&matmul_operator());" "list.push_back(&leakyrelu_operator());")
add_line(ops/CMakeLists.txt "gemm/gemm_form.cpp gemm/gemm_operator.cpp" "leakyrelu/leakyrelu_operator.cpp")
add_line(ops/kernels.cmake "assay_add_kernel(gemm SOURCES gemm/gemm_kernel.cpp)"
         "assay_add_kernel(leakyrelu SOURCES leakyrelu/leakyrelu_kernel.cpp)")

set(parameters "(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);")
add_line(golden/backends.hpp "void dnnl_gemm${parameters}" "void strict_leakyrelu${parameters}")
add_line(golden/backends.hpp "void strict_leakyrelu${parameters}" "void cpu_leakyrelu${parameters}")
add_line(golden/backend.cpp [[Row{"gather", strict_gather, cpu_gather, nullptr, ort_gather},]]
         [[Row{"leakyrelu", strict_leakyrelu, cpu_leakyrelu, nullptr, nullptr},]])
add_line(golden/CMakeLists.txt "strict/strict_gemm.cpp cpu/cpu_gemm.cpp cpu/multiply.cpp dnnl/dnnl_gemm.cpp"
         "strict/strict_leakyrelu.cpp cpu/cpu_leakyrelu.cpp")

add_line(testgen/operator_examples.cpp [[{{"relu", "softmax"}, {"X:{}:4x6"}},]] [[{{"leakyrelu"}, {"X:{}:4x6"}},]])
add_line(testgen/space/spaces/elementwise_space.cpp
         [[if (is_elementwise(op)) return std::make_unique<ElementwiseSpace>(op, limits);]]
         [[if (op == "leakyrelu") return std::make_unique<ElementwiseSpace>(op, limits);]])
add_line(testgen/onnx_case.cpp [[{"Relu", "relu", 6, 1},]] [[{"LeakyRelu", "leakyrelu", 6, 1, {"alpha"}},]])
