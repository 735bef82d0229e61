#!/bin/sh
# PPO on HalfCheetah, ours against Stable-Baselines3's with the same settings, in turns, in a Python environment of its own
# (about 6 GB, made once): processor time of a step, or what is learned (returns, seed by seed; half an hour each).
#   tests/gym/bench.sh [-e ENV] PROGRAM [ROUNDS]
#   tests/gym/bench.sh [-e ENV] PROGRAM learn [STEPS [SEEDS]]
# PROGRAM is build/demoloom. ENV is by default $DEMOLOOM_HOME/rl-env; PYTHON names the Python that makes it (3.11 to 3.13).
# One thread each.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
home=${DEMOLOOM_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/demoloom}
env=$home/rl-env
if [ "${1:-}" = -e ]; then
  env=${2:?-e wants a folder}
  shift 2
fi
if [ $# -eq 0 ]; then
  sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi

# The mark is written last: an installation broken off half-way is taken up again.
mark=$env/requirements-installed.txt
if ! cmp -s "$here/requirements.txt" "$mark"; then
  "${PYTHON:-python3}" -m venv "$env"
  "$env/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt" >&2
  cp "$here/requirements.txt" "$mark"
fi
export OMP_NUM_THREADS=1
exec "$env/bin/python" "$here/bench.py" "$@"
