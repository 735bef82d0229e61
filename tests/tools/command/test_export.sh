#!/usr/bin/env bash
# `demoloom export` and `info`: exported policies of every kind, run by onnxruntime, decide as ours do; files cut
# short, of other kinds or that cannot be written are refused. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

# refuses TEXT COMMAND...: COMMAND ends with status 1 and says TEXT.
refuses() {
  local text=$1 status=0
  shift
  "$@" >"$work/out" 2>&1 || status=$?
  [ "$status" -eq 1 ] && grep -q -- "$text" "$work/out"
}

# Small policies of all kinds, with weights as drawn; NAME_visual sees images and a point cloud too.
mkdir "$work/p"
check 'policies to try' env LOOM_ONNX_POLICIES="$work/p" build/tests/policies/export/test_onnx
"$loom" generate threading -n 1 --seed 4 -o "$work/d.hdf5" >/dev/null 2>&1
random=() real=()
for kind in bc_l2 bc_gaussian bc_gmm bc_rnn_gmm bc_transformer diffusion diffusion_mlp; do
  check "$kind: exported" "$loom" export "$work/p/$kind.safetensors" -o "$work/$kind.onnx" --check "$work/$kind.random" -n 40
  check "$kind: visual" "$loom" export "$work/p/${kind}_visual.safetensors" -o "$work/${kind}_visual.onnx" \
    --check "$work/${kind}_visual.random" -n 20
  check "$kind: real rows" "$loom" export "$work/p/$kind.safetensors" --check "$work/$kind.real" --data "$work/d.hdf5" -n 40
  random+=("$work/$kind.onnx" "$work/$kind.random" "$work/${kind}_visual.onnx" "$work/${kind}_visual.random")
  real+=("$work/$kind.onnx" "$work/$kind.real")
done
check 'as ours on random rows' tests/onnx/run.sh "${random[@]}"
check 'as ours on real rows' tests/onnx/run.sh "${real[@]}"
for kind in bc_gaussian bc_gmm; do
  check "$kind: means, scales, logits" tests/onnx/run.sh "$work/$kind.onnx" "$work/$kind.real" \
    --mixture "$work/p/$kind.safetensors"
done

# One that was trained.
policy=$work/trained/last.safetensors
check 'trained' "$loom" train --data "$work/d.hdf5" --threads 1 --batch 16 --steps 10 --rollouts 0 --hidden 24 --epochs 1 \
  -p bc_gmm -o "$work/trained"
check 'trained: exported' "$loom" export "$policy" -o "$work/bc_gmm.onnx" --check "$work/bc_gmm.random" --task threading --overwrite
check 'trained: as ours' tests/onnx/run.sh "$work/bc_gmm.onnx" "$work/bc_gmm.random"

# One that tells how far from the hands, which training moves, with half the noise: trained, broken off and resumed, in
# ONNX as here.
cat >"$work/offsets.yaml" <<END
data:
  files: [{path: "$work/d.hdf5"}]
  keys: [eef0@world, robot1_eef_pos, robot0_gripper_qpos, robot1_gripper_qpos]
  pose: absolute
  rotation: 6d
  hand_noise: 0.01
  hand_turn: 0.03
policy: {kind: diffusion_mlp, layers: [24], predicts: offset, temperature: 0.5}
train: {batch: 16, steps: 5, epochs: 2, threads: 1}
END
offsets() { "$loom" train "$work/offsets.yaml" --rollouts 0 -o "$work/offsets" "$@"; }
check 'offsets: trained' offsets
mv "$work/offsets" "$work/whole"
check 'offsets: half of it' offsets --epochs 1
check 'offsets: resumed' offsets --epochs 2 --resume
check 'offsets: the same policy' cmp "$work/whole/last.safetensors" "$work/offsets/last.safetensors"
sed '/hand_/d' "$work/offsets.yaml" >"$work/still.yaml"
check 'offsets: of hands that stay' "$loom" train "$work/still.yaml" --rollouts 0 -o "$work/still"
check 'offsets: another policy' differ "$work/whole/last.safetensors" "$work/still/last.safetensors"
check 'offsets: exported' "$loom" export "$work/offsets/last.safetensors" -o "$work/offsets.onnx" --check "$work/offsets.real" \
  --data "$work/d.hdf5"
check 'offsets: as ours' tests/onnx/run.sh "$work/offsets.onnx" "$work/offsets.real"
check 'offsets: acts' "$loom" rollout "$work/offsets/last.safetensors" --task threading -n 1 --max-steps 15

# The comparison itself can fail: two policies that differ.
check 'another policy' refuses 'decision 0 is off' tests/onnx/run.sh "$work/bc_l2.onnx" "$work/bc_gaussian.random"

likeliest() { grep -q '"steps":[[:space:]]*15' <("$loom" rollout "$policy" --task threading -n 1 --max-steps 15 --likeliest --json); }
check 'acts likewise' likeliest

tells() { grep -q -- "$2" <("$loom" info "$1"); }
check 'info: kind' tells "$policy" 'kind  *bc_gmm'
check 'info: steps' tells "$policy" 'steps  *10$'
check 'info: observation' tells "$policy" 'eef0@world 9'
check 'info: input' tells "$work/bc_gmm.onnx" 'eef0@world  *float  *\[1,9\]'
check 'info: rate' tells "$work/bc_gmm.onnx" 'control_freq  *20$'
check 'info: json' grep -q '"action_dim":[[:space:]]*20' <("$loom" info --json "$policy")

# Cut short, damaged, something else.
size=$(stat -c %s "$policy")
for bytes in 0 5 300 2000 $((size / 2)) $((size - 1)); do
  head -c "$bytes" "$policy" >"$work/cut.safetensors"
  for command in "export -o $work/none.onnx" rollout info; do
    # shellcheck disable=SC2086
    check "$command, $bytes bytes" refuses 'cut.safetensors' "$loom" $command "$work/cut.safetensors"
  done
done
size=$(stat -c %s "$work/bc_gmm.onnx")
for bytes in 0 5 300 $((size / 2)) $((size - 20)) $((size - 1)); do
  head -c "$bytes" "$work/bc_gmm.onnx" >"$work/cut.onnx"
  check "info, ONNX of $bytes bytes" refuses 'cut.onnx: .*cut short' "$loom" info "$work/cut.onnx"
done
sed 's/kind: bc_gmm/kind: bc_gnn/' "$policy" >"$work/odd.safetensors"
check 'a kind that is none' refuses 'odd.safetensors.*one of bc_l2' "$loom" export "$work/odd.safetensors" -o "$work/none.onnx"
sed 's/model.mlp.1.weight/model.mlp.7.weight/' "$policy" >"$work/odd.safetensors"
check 'a tensor missing' refuses "'model.mlp.1.weight' is missing" "$loom" export "$work/odd.safetensors" -o "$work/none.onnx"
cp "$work/bc_gmm.random" "$work/foreign.safetensors"
check 'not a policy' refuses 'no policy of ours' "$loom" export "$work/foreign.safetensors" -o "$work/none.onnx"
check 'a dataset' refuses 'not safetensors' "$loom" export "$work/d.hdf5" -o "$work/none.onnx"
check 'an ONNX file' refuses 'not safetensors\|cut short' "$loom" export "$work/bc_gmm.onnx" -o "$work/none.onnx"
check 'nothing there' refuses 'cannot be opened' "$loom" export "$work/nothing.safetensors" -o "$work/none.onnx"
check 'no such folder' refuses 'cannot be written' "$loom" export "$policy" -o "$work/no/policy.onnx"
check 'no such data' refuses 'nowhere.hdf5' "$loom" export "$policy" --check "$work/none" --data nowhere.hdf5
check 'nothing was made' test ! -e "$work/none.onnx" -a ! -e "$work/none.onnx.tmp" -a ! -e "$work/none"

# A disk that takes no more: what was there stays, nothing else is left.
full() (
  trap '' XFSZ
  ulimit -f 8
  "$loom" export "$policy" -o "$work/bc_gmm.onnx" --overwrite
)
cp "$work/bc_gmm.onnx" "$work/before.onnx"
check 'a full disk' refuses 'bc_gmm.onnx: cannot be written' full
check 'what was there' cmp "$work/before.onnx" "$work/bc_gmm.onnx"
check 'no part of it' test ! -e "$work/bc_gmm.onnx.tmp"

usage() { "$loom" export "$@" >/dev/null 2>&1; [ $? -eq 2 ]; }
check 'no output' usage "$policy"
check 'over its policy' usage "$policy" -o "$policy"
check 'no such task' usage "$policy" -o "$work/none.onnx" --task nonsense
check 'two policies' usage "$policy" "$policy" -o "$work/none.onnx"

close_tests
