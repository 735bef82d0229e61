#!/bin/sh
# A dataset of ours in the hands of robomimic's own scripts, in a Python environment of its own (about 6 GB, made once):
# what it is of, what is in it, two epochs of BC on it, and its pictures played back.
#   tests/robomimic/run.sh [-e ENV] PROGRAM DEMOS.hdf5
# PROGRAM is build/demoloom; DEMOS have observations, and images where pictures are to be played back. ENV is by default
# $DEMOLOOM_HOME/robomimic-env; PYTHON names the Python that makes it (3.11).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../python_env.sh"
first_arguments "$@"
shift $taken
python_env robomimic-env

program=$1 demos=$2
python=$env/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
scripts=$("$python" -c 'import importlib.util as u; print(u.find_spec("robomimic").submodule_search_locations[0])')/scripts
run() { "$python" "$@" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2 && exit 1; }; }

# Both shares of the demos, in a copy.
"$program" dataset strip "$demos" "$work/demos.hdf5" 2>/dev/null
"$program" dataset split "$work/demos.hdf5" --valid 0.4 2>/dev/null
"$python" "$here/check.py" "$work/demos.hdf5" "$work" 2>/dev/null

run "$scripts/get_dataset_info.py" --dataset "$work/demos.hdf5"
echo "get_dataset_info: $(grep -c 'observation key' "$work/log") observations"
run "$scripts/train.py" --config "$work/config.json"
grep -q 'finished run successfully' "$work/log"
echo "train: BC, two epochs, loss $(grep -o '"Loss": [-0-9.e]*' "$work/log" | tail -n 1)"

camera=$(cat "$work/camera")
[ -n "$camera" ] || exit 0
run "$scripts/playback_dataset.py" --dataset "$work/demos.hdf5" --use-obs --render_image_names "$camera" \
  --video_path "$work/played.mp4" --n 1
test -s "$work/played.mp4"
echo "playback_dataset: $camera"
