#!/bin/sh
# Replay a dataset's demos in robosuite 1.4.1, in a Python environment of its own (about 1.2 GB, made once).
#   tests/robosuite/run.sh [-e ENV] FILE [-n LIMIT] [--jobs N] [--json] [--ours PROGRAM]
#   tests/robosuite/run.sh [-e ENV] --speed FILE [-n LIMIT] [--repeat R]
#   tests/robosuite/run.sh [-e ENV] --observations FILE [-n LIMIT] [--every ROWS]
#   tests/robosuite/run.sh [-e ENV] --images FILE [-n LIMIT] [--ours PROGRAM]
# ENV is by default $DEMOLOOM_HOME/robosuite-env; PYTHON names the Python that makes it (3.10 or 3.11).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
home=${DEMOLOOM_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/demoloom}
env=$home/robosuite-env
script=replay.py
while [ $# -gt 0 ]; do
  case $1 in
    -e) env=${2:?-e wants a folder}; shift 2 ;;
    --speed | --observations | --images) script=${1#--}.py; shift ;;
    *) break ;;
  esac
done
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
PYTHONWARNINGS=ignore exec "$env/bin/python" "$here/$script" "$@"
