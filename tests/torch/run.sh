#!/bin/sh
# Training steps and decisions of our networks against PyTorch's on the CPU, in turns, in a Python environment of
# its own (about 5 GB, made once).
#   tests/torch/run.sh [-e ENV] PROGRAM [ROUNDS] [NAME...]
# PROGRAM is build/tests/policies/bench_nn. ENV is by default $DEMOLOOM_HOME/torch-env; PYTHON names the Python that
# makes it (3.11 to 3.13). OMP_NUM_THREADS is 2 unless set.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../python_env.sh"
first_arguments "$@"
shift $taken
python_env torch-env

export OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}"
exec "$env/bin/python" "$here/bench.py" "$@"
