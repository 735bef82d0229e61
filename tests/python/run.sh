#!/bin/sh
# The Python package against the packages that it is for, in a Python environment of its own (about 6 GB, made once).
#   tests/python/run.sh [-e ENV] PROGRAM WHEEL [check]           Gymnasium's checkers, rollouts' bytes, handles, Ctrl-C
#   tests/python/run.sh [-e ENV] PROGRAM WHEEL train [STEPS]     Stable-Baselines3's PPO on it
# PROGRAM is build/demoloom, WHEEL what `make wheel` has made. ENV is by default $DEMOLOOM_HOME/python-env; PYTHON names the
# Python that makes it (3.11 to 3.13).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../python_env.sh"
first_arguments "$@"
shift $taken
python_env python-env

program=$1 wheel=$2 what=${3:-check}
[ $# -lt 3 ] || shift
shift 2
"$env/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheel" >&2
PYTHONWARNINGS=ignore exec "$env/bin/python" "$here/$what.py" "$program" "$@"
