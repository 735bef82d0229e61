#!/bin/sh
# PPO on HalfCheetah, ours against Stable-Baselines3's with the same settings, in turns, in a Python environment of its own
# (about 6 GB, made once): processor time of a step, or what is learned (returns, seed by seed; half an hour each).
#   tests/gym/bench.sh [-e ENV] PROGRAM [ROUNDS]
#   tests/gym/bench.sh [-e ENV] PROGRAM learn [STEPS [SEEDS]]
# PROGRAM is build/demoloom. ENV is by default $DEMOLOOM_HOME/rl-env; PYTHON names the Python that makes it (3.11 to 3.13).
# One thread each.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../python_env.sh"
first_arguments "$@"
shift $taken
python_env rl-env

export OMP_NUM_THREADS=1
exec "$env/bin/python" "$here/bench.py" "$@"
