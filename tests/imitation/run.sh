#!/bin/sh
# Ours against `imitation`'s, in a Python environment of its own (about 6 GB, made once): whose policy of maximum causal
# entropy does what the expert does, processor time of its iterations, and of GAIL's steps, in turns.
#   tests/imitation/run.sh [-e ENV] PROGRAM [ROUNDS]
# PROGRAM is build/demoloom. ENV is by default $DEMOLOOM_HOME/imitation-env; PYTHON names the Python that makes it (3.11).
# One thread each.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../python_env.sh"
first_arguments "$@"
shift $taken
python_env imitation-env

export OMP_NUM_THREADS=1
exec "$env/bin/python" "$here/compare.py" "$@"
