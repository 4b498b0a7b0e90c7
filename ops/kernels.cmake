assay_add_kernel(gemm SOURCES gemm/gemm_kernel.cpp)
assay_add_kernel(conv SOURCES conv/conv_kernel.cpp)
assay_add_kernel(elementwise SOURCES elementwise/elementwise_kernel.cpp)
assay_add_kernel(softmax SOURCES softmax/softmax_kernel.cpp)
