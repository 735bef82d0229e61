#!/bin/sh
# A scripted motion of robosuite 1.5.2, recorded by its own recorder and replayed by ours (two Pandas; one on a base; a GR-1), in a
# Python environment of its own (about 1.2 GB, made once). --ik: by WHOLE_BODY_IK.
#   tests/robosuite15/run.sh [-e ENV] FILE --ours PROGRAM [--rows N] [--robot PandaOmron|GR1FixedLowerBody] [--ik]
# FILE is what is recorded. ENV is by default $DEMOLOOM_HOME/robosuite15-env; PYTHON names the Python that makes it (3.10 or
# 3.11).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../python_env.sh"
first_arguments "$@"
shift $taken
python_env robosuite15-env

PYTHONWARNINGS=ignore exec "$env/bin/python" "$here/../robosuite/record.py" "$@"
