assay_add_kernel(gemm SOURCES gemm/gemm_kernel.cpp)
