#!/bin/sh
# Twins, or other tasks, as USD, opened by usd-core in a Python environment of its own (about 100 MB, made once) and compared
# with their URDF.
#   tests/usd/run.sh [-e ENV] PROGRAM DIR...
# PROGRAM is build/demoloom. ENV is by default $DEMOLOOM_HOME/usd-env; PYTHON names the Python that makes it (3.9 to 3.13).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../python_env.sh"
first_arguments "$@"
shift $taken
python_env usd-env

program=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for dir in "$@"; do
  "$program" twin export "$dir" --urdf -o "$work/x.urdf" --overwrite
  "$program" twin export "$dir" --usd -o "$work/x.usda" --overwrite
  "$env/bin/python" "$here/check.py" "$work/x.usda" "$work/x.urdf"
done
