# Kernels: freestanding C++ for the simulated RISC-V host.
