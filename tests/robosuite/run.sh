#!/bin/sh
# Replay a dataset's demos in robosuite 1.4.1, in a Python environment of its own (about 1.2 GB, made once).
#   tests/robosuite/run.sh [-e ENV] FILE [-n LIMIT] [--jobs N] [--json] [--ours PROGRAM]
#   tests/robosuite/run.sh [-e ENV] --speed FILE [-n LIMIT] [--repeat R]
#   tests/robosuite/run.sh [-e ENV] --observations FILE [-n LIMIT] [--every ROWS]
#   tests/robosuite/run.sh [-e ENV] --images FILE [-n LIMIT] [--ours PROGRAM]
#   tests/robosuite/run.sh [-e ENV] --playback FILE [--frames N]
#   tests/robosuite/run.sh [-e ENV] --record FILE --ours PROGRAM [--rows N]
#   tests/robosuite/run.sh [-e ENV] --onnx POLICY.onnx [EPISODES [SEED]]
# ENV is by default $DEMOLOOM_HOME/robosuite-env; PYTHON names the Python that makes it (3.10 or 3.11).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../python_env.sh"
first_arguments "$@"
shift $taken
script=replay.py
case $1 in --onnx) script=../../tools/python/run_onnx.py && shift ;; esac
case $1 in --speed | --observations | --images | --record | --playback) script=${1#--}.py && shift ;; esac
python_env robosuite-env

PYTHONWARNINGS=ignore exec "$env/bin/python" "$here/$script" "$@"
