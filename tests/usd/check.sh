#!/usr/bin/env bash
# tests/usd/check.sh DIR...: twins (or other tasks) as USD, opened by usd-core in an environment of its own and compared
# with their URDF. Not part of `make test`: it fetches some 30 MB once. Run from the repository's root, after `make`.
set -eu -o pipefail
venv=${DEMOLOOM_HOME:-$HOME/.cache/demoloom}/usd-env
[ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import pxr' 2>/dev/null || {
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q usd-core
}
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
for dir in "$@"; do
  build/demoloom twin export "$dir" --urdf -o "$work/x.urdf" --overwrite
  build/demoloom twin export "$dir" --usd -o "$work/x.usda" --overwrite
  "$venv/bin/python" tests/usd/check.py "$work/x.usda" "$work/x.urdf"
done
