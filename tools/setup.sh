#!/usr/bin/env bash
# Install the Debian packages that are missing: `tools/setup.sh [build] [fetch] [lint]`. Without the right to,
# print the line that does and exit 1. When nothing is missing nothing is contacted.
set -u -o pipefail

build=(build-essential pkg-config libhdf5-dev libyaml-dev libcjson-dev libxml2-dev libpng-dev libavcodec-dev
  libavformat-dev libavutil-dev libswscale-dev libmuparser-dev libcairo2-dev fonts-dejavu-core libegl-dev libegl1 libegl-mesa0
  libgl1-mesa-dri libmeshoptimizer-dev libassimp-dev libturbojpeg0-dev libosmesa6-dev libosmesa6 libgl-dev libglfw3-dev xvfb xauth libcmocka-dev
  libopenblas-openmp-dev libprotobuf-c-dev protobuf-c-compiler libonnx-dev libseccomp-dev
  zlib1g-dev libzstd-dev liblz4-dev)
lint=(clang-format-14 clang-tidy-14)

# These may well be there without Debian's package.
fetch=()
command -v curl >/dev/null || fetch+=(curl ca-certificates)
command -v unzip >/dev/null || fetch+=(unzip)
python3 -m pip --version >/dev/null 2>&1 || /usr/bin/python3 -m pip --version >/dev/null 2>&1 || fetch+=(python3-pip)

wanted=()
for group in "${@:-build}"; do
  case $group in
    build) wanted+=("${build[@]}") ;;
    fetch) wanted+=("${fetch[@]}") ;;
    lint) wanted+=("${lint[@]}") ;;
    *) echo 'usage: setup.sh [build] [fetch] [lint]' >&2 && exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null; then
  echo "setup: this is no Debian; the build needs what these packages hold: ${wanted[*]}" >&2
  exit 0
fi
missing=()
for package in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ]; then
  root=()
elif sudo -n true 2>/dev/null; then
  root=(sudo -n)
else
  echo "setup: packages are missing and only root may install them; run:" >&2
  echo "sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
echo "setup: installing ${missing[*]}" >&2
log=$(mktemp) && trap 'rm -f "$log"' EXIT
install() {
  "${root[@]}" apt-get update && "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y \
    --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}"
}
if ! install >"$log" 2>&1 </dev/null; then
  tail -n 5 "$log" >&2
  echo "setup: apt-get could not install ${missing[*]}" >&2
  exit 1
fi
