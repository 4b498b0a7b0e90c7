#!/usr/bin/env bash
# test.sh: on a bare Debian 12, installs, builds and runs all tests, and the quick ones again under the
# address and undefined-behaviour sanitizers. The last line counts what ctest reports; a step that does not
# get as far as a report counts as one failure.
set -uo pipefail
cd "$(dirname "$0")" || exit 3
. .ci/setup.sh

passed=0 failed=0
finish() {
  local status=$?
  [ "$status" -eq 0 ] || [ "$failed" -ne 0 ] || failed=1 # interrupted
  [ "$passed" -ne 0 ] || [ "$failed" -ne 0 ] || failed=1 # nothing ran
  echo "$passed passed, $failed failed"
  exit $((failed > 0))
}
trap finish EXIT
trap 'exit 130' INT TERM

broken() {
  echo "test.sh: $1" >&2
  failed=$((failed + 1))
}

# attribute NAME FILE: of the one <testsuite> element.
attribute() { sed -n '/<testsuite/,/>/p' "$2" | grep -o "[[:space:]]$1=\"[0-9]*\"" | head -n 1 | tr -dc '0-9'; }

# run_tests PRESET [CTEST OPTION...]
run_tests() {
  local preset=$1 report=$PWD/build/$1/ctest.xml status=0
  shift
  rm -f "$report"
  ctest --preset "$preset" -j "$(nproc)" --output-junit "$report" "$@" || status=$?
  [ -s "$report" ] || { broken "ctest wrote no report for $preset"; return; }
  local tests bad
  tests=$(attribute tests "$report")
  bad=$(($(attribute failures "$report") + $(attribute disabled "$report") + $(attribute skipped "$report")))
  [ "$bad" -ne 0 ] || [ "$status" -eq 0 ] || bad=1
  [ "$tests" -gt 0 ] || { broken "no tests for $preset"; return; }
  [ "$bad" -le "$tests" ] || bad=$tests
  passed=$((passed + tests - bad))
  failed=$((failed + bad))
}

# check PRESET [CTEST OPTION...]: build, then test.
check() {
  if build "$1"; then run_tests "$@"; else broken "the $1 build failed"; fi
}

if (set -e; install_packages); then
  install_ort || broken "ONNX Runtime could not be installed"
  check release
  check asan -LE 'slow|bits|bench'
else
  broken "the packages could not be installed"
fi
