#!/usr/bin/env bash
# nightly.sh [OUT] [SEED] [MINUTES]: the corpus, every corner of every parameter, random cases and random programs for
# MINUTES each, then a case for each hole that coverage has left; the report, the holes and the verification plan.
# Everything lies in OUT (default nightly-out); SEED is today's date unless given. Exit code: 1 where anything failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 3
out=${1:-nightly-out} seed=${2:-$(date -u +%Y%m%d)} minutes=${3:-10}
assay=${ASSAY:-build/release/assay}
machines=edge16,tests/tiny4,server128,tpuv1,tests/wide8x32
mkdir -p "$out" || exit 3
records=$out/records.jsonl failed=0
step() {
  echo "$ $*"
  "$@" || { failed=1; echo "nightly: exit code $?" >&2; }
}

echo "nightly: seed $seed"
step "$assay" fuzz --cases regressions/corpus/*.yaml --coverage "$records"
for machine in ${machines//,/ }; do
  step "$assay" gen --directed --config "$machine" --seed "$seed" -o "$out/directed.yaml"
  step "$assay" fuzz --cases "$out/directed.yaml" --coverage "$records" --corpus "$out"
done
step "$assay" fuzz --minutes "$minutes" --seed "$seed" --config "$machines" --coverage "$records" --corpus "$out"
step "$assay" fuzz --minutes "$minutes" --seed "$((seed + 1))" --config "$machines" --relations all --coverage "$records" \
  --corpus "$out"
for machine in ${machines//,/ }; do
  step "$assay" program random --count $((minutes * 120)) --seed "$seed" --config "$machine" --coverage "$records"
done

# What is left: each hole's own case, where there is one.
"$assay" coverage "$records" --holes --json >"$out/holes.json"
python3 - "$out/holes.json" <<'PYTHON' >"$out/fill.sh"
import json, sys
lines = {hole.get("fill", "") for hole in json.load(open(sys.argv[1]))["holes"]}
print("\n".join(sorted(line for line in lines if line.startswith("assay run "))))
PYTHON
echo "nightly: $(grep -c . "$out/fill.sh") cases for holes"
while IFS= read -r line; do
  bash -c "$assay ${line#assay } --coverage '$records'" >"$out/fill.log" 2>&1 || { failed=1; echo "FAILED $line"; }
done <"$out/fill.sh"

step "$assay" coverage "$records" -o "$out/coverage.html"
"$assay" plan "$records" -o "$out/plan.html" || failed=1
exit "$failed"
