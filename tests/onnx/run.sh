#!/bin/sh
# Run check.py with onnxruntime, onnx and numpy from a folder of their own (210 MB, fetched once, pinned):
#   tests/onnx/run.sh POLICY.onnx CASES.safetensors [MORE.onnx CASES.safetensors ...] [--mixture POLICY.safetensors]
# The folder is $DEMOLOOM_HOME/onnx-python; PYTHON names the Python (3.11 to 3.13).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
home=${DEMOLOOM_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/demoloom}
folder=$home/onnx-python
for python in "${PYTHON:-python3}" /usr/bin/python3; do
  if "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null &&
    "$python" -m pip --version >/dev/null 2>&1; then break; fi
  python=
done
if [ -z "$python" ]; then
  echo 'run.sh: no Python 3.11 to 3.13 with pip; as root, run: apt-get install -y python3-pip, or set PYTHON' >&2
  exit 1
fi

# The mark is written last, of which Python too: an installation broken off half-way is begun anew.
mark=$folder/installed.txt
wanted=$("$python" -c 'import sys; print(sys.version_info[:2])' && cat "$here/requirements.txt")
mkdir -p "$home"
exec 9>"$home/.onnx-python.lock"
flock 9
if [ "$(cat "$mark" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$folder"
  "$python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: --require-hashes \
    --root-user-action ignore --target "$folder" -r "$here/requirements.txt" >&2
  printf '%s\n' "$wanted" >"$mark"
fi
exec 9>&-
PYTHONPATH=$folder PYTHONWARNINGS=ignore exec "$python" "$here/check.py" "$@"
