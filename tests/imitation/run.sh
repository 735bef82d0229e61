#!/bin/sh
# Ours against `imitation`'s, in a Python environment of its own (about 6 GB, made once): whose policy of maximum causal
# entropy does what the expert does, processor time of its iterations, and of GAIL's steps, in turns.
#   tests/imitation/run.sh [-e ENV] PROGRAM [ROUNDS]
# PROGRAM is build/demoloom. ENV is by default $DEMOLOOM_HOME/imitation-env; PYTHON names the Python that makes it (3.11).
# One thread each.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
home=${DEMOLOOM_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/demoloom}
env=$home/imitation-env
if [ "${1:-}" = -e ]; then
  env=${2:?-e wants a folder}
  shift 2
fi
if [ $# -eq 0 ]; then
  sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
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
exec "$env/bin/python" "$here/compare.py" "$@"
