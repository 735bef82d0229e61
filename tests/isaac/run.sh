#!/bin/sh
# A dataset of ours in Isaac Lab Mimic's layout against a schema written from its documentation, and a file as its own
# annotator leaves it (gzip, booleans, nothing of ours, quaternions x-y-z-w) read here. Isaac Lab itself is not run.
#   tests/isaac/run.sh [-e ENV] PROGRAM DEMOS.hdf5 TASK
# PROGRAM is build/demoloom; DEMOS are of TASK, which names a scene. ENV is by default $DEMOLOOM_HOME/isaac-env (80 MB, made
# once); PYTHON names the Python that makes it (3.11).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../python_env.sh"
first_arguments "$@"
shift $taken
python_env isaac-env

program=$1 demos=$2 task=$3
python=$env/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$program" dataset isaac "$demos" "$work/isaac.hdf5" --task "$task" 2>/dev/null
"$python" "$here/check.py" schema "$work/isaac.hdf5"
"$python" "$here/check.py" foreign "$work/isaac.hdf5" "$work/foreign.hdf5" "$work/map.yaml"
"$python" "$here/check.py" schema "$work/foreign.hdf5"
"$program" dataset isaac "$work/foreign.hdf5" "$work/back.hdf5" --task "$task" --map "$work/map.yaml" 2>/dev/null
"$python" "$here/check.py" same "$demos" "$work/back.hdf5"
