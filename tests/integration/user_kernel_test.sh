#!/usr/bin/env bash
# The example of docs/user-kernel.md as a stranger meets it: Assay installed elsewhere, the example copied out of the
# tree, found by find_package(Assay), built, run and judged. Arguments: the build tree, the example, ONNX test data.
set -euo pipefail
build=$1 example=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$build" --prefix "$scratch/assay" >/dev/null
cp -r "$example" "$scratch/example"
cd "$scratch/example"
cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$scratch/assay"
cmake --build build
ctest --test-dir build --output-on-failure --no-tests=error

assay=$scratch/assay/bin/assay
# The installed program uses its own kernels and configurations.
env -u ASSAY_CONFIG_DIR -u ASSAY_KERNEL_DIR "$assay" run gemm --m 16 --n 16 --k 16 --config edge16 | tail -n 1 | grep -x 'verdict   PASS'
"$assay" config show edge16 | grep "$scratch/assay/share/assay/configs" >/dev/null

# A wrong result is a FAIL, one element is enough; a kernel that is missing is named.
expect() { # CODE TEXT COMMAND...
  local code=$1 text=$2 status=0 output
  shift 2
  output=$("$@" 2>&1) || status=$?
  [ "$status" -eq "$code" ] && [[ $output == *"$text"* ]] && return
  printf 'expected exit code %s and "%s" of: %s\ngot %s:\n%s\n' "$code" "$text" "$*" "$status" "$output" >&2
  exit 1
}
cp data/z.npy good.npy
printf '\x00' | dd of=data/z.npy bs=1 seek=$(($(stat -c %s data/z.npy) - 1)) conv=notrunc status=none
expect 1 "FAIL 1 of 1001 elements; first at [6, 142]" "$assay" run --kernel build/saxpy.elf --case saxpy.yaml
cp good.npy data/z.npy
expect 2 "--kernel" "$assay" run --case saxpy.yaml
expect 4 "the kernel gave up" "$assay" run --kernel build/saxpy.elf --case neg.yaml
head -c 4000 good.npy >data/z.npy
expect 7 "z.npy: 3872 bytes of data" "$assay" run --kernel build/saxpy.elf --case saxpy.yaml
