#!/usr/bin/env bash
# demo.sh: on a bare Debian 12, installs, builds, and runs real operators on the simulated core.
set -euo pipefail
cd "$(dirname "$0")"
. .ci/setup.sh

install_packages
build release assay assay_kernels

assay=build/release/assay
onnx_cases=/usr/share/libonnx-testdata/data/node
failed=0
run() {
  printf '\n$ assay run'
  printf ' %s' "$@"
  printf '\n'
  "$assay" run "$@" || failed=$((failed + 1))
}

for config in edge16 server128; do
  for case in "$onnx_cases"/test_gemm_* "$onnx_cases"/test_matmul_{2d,3d,4d} \
    "$onnx_cases"/test_softmax_{axis_0,axis_1,axis_2,large_number} \
    "$onnx_cases"/test_{basic_conv_with_padding,conv_with_strides_and_asymmetric_padding,convtranspose} \
    "$onnx_cases"/test_{convinteger_with_padding,qlinearconv,matmulinteger,qlinearmatmul_2D} \
    "$onnx_cases"/test_{add_bcast,sub,mul_uint8,div,max_float16,min_int32,relu}; do
    run --onnx-case "$case" --config "$config"
  done
done
run gemm --m 512 --n 512 --k 512 --dtype bf16 --config server128
run conv --input X:bf16:1x56x56x64 --input W:bf16:64x3x3x64 --input B:bf16:64 \
  --attr layout=NHWC --attr pads=1,1,1,1 --attr activation=relu --config server128
run attention --input Q:bf16:1x8x512x64 --input K:bf16:1x2x512x64 --input V:bf16:1x2x512x64 \
  --attr causal=1 --config server128
run softmax --input X:bf16:1024x4096 --config server128
run add --input A:f32:1024x4096 --input B:f32:4096 --config server128

if [ "$failed" -ne 0 ]; then
  echo "demo: $failed runs did not pass" >&2
  exit 1
fi
