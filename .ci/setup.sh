# Sourced by demo.sh and test.sh, in the root of the tree: set-up and build, each only where needed.

# The packages of packages.txt, without comments.
listed_packages() { sed 's/#.*//' packages.txt | tr -s ' \t' '\n\n' | sed '/^$/d'; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "packages are missing and can be installed only by root or through sudo: $missing" >&2
    return 3
  fi
}

install_packages() {
  local installed
  # What a package provides counts: other distributions' nodejs is npm, too, and conflicts with Debian's.
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package} ${Provides}\n' 2>/dev/null |
    sed -n 's/ ([^)]*)//g; s/^installed //p' | tr -s ', ' '\n\n')
  missing=$(listed_packages | grep -vxF -f <(printf '%s\n' "$installed") | tr '\n' ' ' || true)
  [ -n "$missing" ] || return 0
  echo "installing: $missing"
  as_root apt-get update -qq
  # shellcheck disable=SC2086  # a list of words
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# ONNX Runtime for the golden ort, into build/ort: from npm alone, as the package's own scripts would download
# what only GPUs need.
install_ort() {
  cmp -s golden/ort/package-lock.json build/ort/installed.json && return 0
  echo "installing: ONNX Runtime"
  mkdir -p build/ort && cp golden/ort/package.json golden/ort/package-lock.json build/ort/ &&
    npm ci --ignore-scripts --no-audit --no-fund --silent --prefix build/ort &&
    cp golden/ort/package-lock.json build/ort/installed.json
}

# build PRESET [TARGET...]: configures once, then lets ninja find out what to do.
build() {
  local preset=$1
  shift
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset"
  cmake --build --preset "$preset" ${1:+--target "$@"}
}
