// The device layer and all kernels, compiled for the host shim: a program that links this has a device.
#include "golden/cuda/device.cu"
