#!/usr/bin/env bash
# record.sh: on a computer with an NVIDIA GPU and CUDA's toolkit, everything that needs them, in one call: configures and
# builds with CUDA, runs the kernels' tests, alone and beside cuBLAS and cuDNN, and again under compute-sanitizer, times
# the kernels, and records the cuda golden's results for computers without a GPU.
#
#   golden/cuda/record.sh [BUILD]             BUILD: the build folder, build/gpu by default
#   golden/cuda/record.sh --built [BUILD]     takes what is built there already
#
# Ends at the first step that fails, with that step's exit code; 9 where there is no device.
set -euo pipefail
cd "$(dirname "$0")/../.."
build_first=true
if [ "${1:-}" = --built ]; then
  build_first=false
  shift
fi
build=${1:-build/gpu}
programs=(assay gpu_bench golden_cuda_test golden_cuda_libraries_test)

step() { printf '\n== %s\n' "$*"; }

if $build_first; then
  step "build with CUDA in $build"
  command -v nvcc >/dev/null || { echo "record.sh: nvcc is not on the PATH" >&2; exit 3; }
  cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DASSAY_CUDA=ON \
    -DCMAKE_CUDA_ARCHITECTURES="${CUDA_ARCHITECTURES:-80;90}"
  cmake --build "$build" --target "${programs[@]}" assay_kernels
fi

step "device"
"$build/gpu_bench" --device

step "kernels and golden"
"$build/tests/golden/golden_cuda_test" --gtest_brief=1

step "beside cuBLAS and cuDNN"
"$build/tests/golden/golden_cuda_libraries_test" --gtest_brief=1

# The wrapping product is one block that takes the tools minutes.
step "compute-sanitizer"
for tool in memcheck racecheck initcheck synccheck; do
  compute-sanitizer --tool "$tool" --error-exitcode 1 "$build/tests/golden/golden_cuda_test" --gtest_brief=1 \
    --gtest_filter='-*Wrap*'
done

step "times"
"$build/gpu_bench"

step "recording"
"$build/assay" golden record golden/recorded/list.yaml --golden cuda -o golden/recorded
