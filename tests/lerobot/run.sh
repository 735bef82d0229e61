#!/bin/sh
# Demos as a LeRobot dataset, opened, compared and trained on by the real package in a Python environment of its own
# (about 8 GB, made once); and datasets that the package makes, read here.
#   tests/lerobot/run.sh [-e ENV] PROGRAM DEMOS.hdf5 [STEPS]
# PROGRAM is build/demoloom; DEMOS have images where films are to be looked at (demoloom render --obs). STEPS of
# lerobot-train, by default 20; 0 is none. ENV is by default $DEMOLOOM_HOME/lerobot-env; PYTHON names the Python that
# makes it (3.11). Frames are decoded by torchcodec where its libraries load (Debian: libavfilter8 libavdevice59), else
# by PyAV.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../python_env.sh"
first_arguments "$@"
shift $taken
python_env lerobot-env

program=$1 demos=$2 steps=${3:-20}
python=$env/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SVT_LOG=1 PYTHONWARNINGS=ignore HF_DATASETS_DISABLE_PROGRESS_BARS=1 HF_HUB_OFFLINE=1 HF_HOME="$work/hub" \
  HF_DATASETS_CACHE="$work/cache" TOKENIZERS_PARALLELISM=false
backend=$("$python" "$here/check.py" backend)

# Ours there, and back.
"$program" dataset lerobot "$demos" "$work/ours" --overwrite
"$python" "$here/check.py" ours "$work/ours" "$demos" "$backend"
"$program" dataset lerobot "$work/ours" "$work/back.hdf5"
"$python" "$here/check.py" same "$work/back.hdf5" "$demos"

# Edited by their tools, and back; then one that is all theirs.
"$python" "$here/check.py" delete "$work/ours" "$work/fewer"
"$program" dataset lerobot "$work/fewer" "$work/fewer.hdf5"
"$python" "$here/check.py" fewer "$work/fewer.hdf5" "$demos"
"$python" "$here/check.py" make "$work/theirs"
"$program" dataset lerobot "$work/theirs" "$work/theirs.hdf5"
"$python" "$here/check.py" theirs "$work/theirs.hdf5"

[ "$steps" = 0 ] && exit
"$env/bin/lerobot-train" --dataset.repo_id=demoloom/ours --dataset.root="$work/ours" --dataset.video_backend="$backend" \
  --policy.type=act --policy.device=cpu --policy.push_to_hub=false --policy.pretrained_backbone_weights=null \
  --policy.chunk_size=20 --policy.n_action_steps=20 --batch_size=4 --steps="$steps" --log_freq=5 --num_workers=0 \
  --wandb.enable=false --output_dir="$work/act" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2 && exit 1; }
grep -o 'step:[0-9]* .*loss:[0-9.]*' "$work/log" | tail -n 1
test -s "$work/act/checkpoints/last/pretrained_model/model.safetensors"
echo "lerobot-train: ACT, $steps steps"
