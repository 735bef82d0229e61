#!/usr/bin/env bash
# The Python package as a wheel: `tools/python/wheel.sh LIBRARY OUT VERSION MUJOCO CARQUET`, what `make wheel` runs.
#
# In it are the library with MuJoCo, HDF5, OpenBLAS and all else that it is linked with, each under a name that no other
# package's has (auditwheel's work), the scenes, tools/fetch.sh and the licenses of all that. Not in it: the C library,
# libstdc++ and the drivers that pictures are drawn by (EGL or OSMesa), which are the machine's; FFmpeg, which only
# videos need; robosuite's assets, which demoloom.fetch brings.
set -eu -o pipefail
library=$1 out=$2 version=$3 mujoco=$4 carquet=$5
here=$(cd "$(dirname "$0")" && pwd) tree=$(cd "$(dirname "$0")/../.." && pwd)
home=${DEMOLOOM_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/demoloom} env=

# What it is put together with, in a Python environment of its own; the mark is written last.
env=$home/wheel-env
if ! cmp -s "$here/wheel-requirements.txt" "$env/installed.txt"; then
  echo "fetching what wheels are put together with into $env" >&2
  "${PYTHON:-python3}" -m venv --clear "$env"
  "$env/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/wheel-requirements.txt" >&2
  cp "$here/wheel-requirements.txt" "$env/installed.txt"
fi

# The package as it is to lie there; scenes beside the library's folder, where it looks for them.
mkdir -p "$out"
work=$(mktemp -d "$out/work-XXXXXX") && trap 'rm -rf "$work"' EXIT
cp -R "$here/demoloom" "$here/pyproject.toml" "$here/setup.py" "$work/"
find "$work" -name __pycache__ -prune -exec rm -rf {} +
mkdir "$work/demoloom/lib" "$work/demoloom/tools" "$work/demoloom/licenses"
install -m 755 "$library" "$work/demoloom/lib/libdemoloom.so"
strip --strip-unneeded "$work/demoloom/lib/libdemoloom.so"
(cd "$tree" && find scenes -type f ! -name '*.png' ! -name README.md ! -name pictures.sum) |
  while read -r file; do install -D -m 644 "$tree/$file" "$work/demoloom/$file"; done
install "$tree/tools/fetch.sh" "$work/demoloom/tools/"

# Licenses: Debian has one beside each library.
install -m 644 "$tree/LICENSE" "$work/demoloom/licenses/demoloom.txt"
for file in "$mujoco"/LICENSE*; do [ ! -f "$file" ] || install -m 644 "$file" "$work/demoloom/licenses/mujoco-$(basename "$file")"; done
[ ! -f "$carquet/LICENSE" ] || install -m 644 "$carquet/LICENSE" "$work/demoloom/licenses/carquet.txt"
if command -v dpkg-query >/dev/null; then
  ldd "$library" | awk '$3 ~ /^\// {print $3}' | xargs -r -n 1 realpath | while read -r file; do
    dpkg-query -S "$file" "${file#/usr}" 2>/dev/null || true
  done | sed 's/:.*//' | sort -u | while read -r package; do
    [ ! -f "/usr/share/doc/$package/copyright" ] || install -m 644 "/usr/share/doc/$package/copyright" "$work/demoloom/licenses/$package.txt"
  done
fi

log=$work/log
run() { "$@" >"$log" 2>&1 || { tail -n 20 "$log" >&2 && exit 1; }; }
export DEMOLOOM_VERSION=$version PATH="$env/bin:$PATH"
run "$env/bin/python" -m pip wheel --no-deps --no-build-isolation --disable-pip-version-check -w "$work/plain" "$work"
run "$env/bin/auditwheel" repair -w "$work/fixed" "$work/plain/"demoloom-*.whl
rm -f "$out"/demoloom-*.whl
mv "$work/fixed/"demoloom-*.whl "$out/"
ls -1 "$out"/demoloom-*.whl
