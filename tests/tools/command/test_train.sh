#!/usr/bin/env bash
# `demoloom train` and `rollout`: a small run, stopped and resumed, killed, and fed with what is wrong.
# Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

# refuses TEXT COMMAND...: COMMAND fails, by no signal, and says TEXT.
refuses() {
  local text=$1 status=0
  shift
  "$@" >"$work/out" 2>&1 || status=$?
  [ "$status" -ge 1 ] && [ "$status" -lt 126 ] && grep -q -- "$text" "$work/out"
}

# A scene that is drawn and simulated in no time, beside all others.
export DEMOLOOM_SCENES=$work/scenes
mkdir "$work/scenes" && ln -s "$PWD"/scenes/* "$PWD/tests/own" "$work/scenes"
"$loom" record own -n 2 --seed 1 -o "$work/recorded.hdf5" >/dev/null 2>&1
"$loom" generate own --source "$work/recorded.hdf5" -n 4 --seed 4 -o "$work/d.hdf5" >/dev/null 2>&1
# inside FOLDER COMMAND...: there, so that one name (`run`) serves all, and files can be compared.
inside() { mkdir -p "$work/$1" && (cd "$work/$1" && "${@:2}"); }
train() { "$loom" train --data "$work/d.hdf5" --threads 2 --batch 16 --steps 10 --rollouts 0 "$@"; }

for kind in bc_l2 bc_gaussian bc_gmm bc_rnn_gmm bc_transformer diffusion diffusion_mlp; do
  hidden=32
  case $kind in diffusion | bc_transformer) hidden=8 ;; esac # the costly ones: a U-Net's first level, a model's width
  check "$kind: whole run" inside $kind train -p $kind --hidden $hidden --epochs 4 -o run
  check "$kind: half a run" inside $kind-half train -p $kind --hidden $hidden --epochs 2 -o run
  check "$kind: the rest" inside $kind-half train -p $kind --hidden $hidden --epochs 4 --resume -o run
  check "$kind: resumed, the same bits" cmp "$work/$kind/run/last.safetensors" "$work/$kind-half/run/last.safetensors"
done

for kind in bc_transformer diffusion; do
  check "$kind: acts" "$loom" rollout "$work/$kind/run/last.safetensors" --task own -n 2 --max-steps 20 -j 2
done

# Demos that lie in other files, as links: the weights that a copy of them gives.
indexed() {
  "$loom" dataset filter "$work/d.hdf5" "$work/one.hdf5" --demos demo_0,demo_1 && "$loom" dataset filter "$work/d.hdf5" "$work/two.hdf5" --demos demo_2,demo_3 &&
    "$loom" dataset merge "$work/copy.hdf5" "$work/one.hdf5" "$work/two.hdf5" && "$loom" dataset merge --index "$work/index.hdf5" "$work/one.hdf5" "$work/two.hdf5" || return 1
  mkdir "$work/by-copy" "$work/by-index" && cp "$work/copy.hdf5" "$work/by-copy/all.hdf5" && cp "$work"/{one,two}.hdf5 "$work/by-index" && cp "$work/index.hdf5" "$work/by-index/all.hdf5"
  for by in copy index; do
    inside by-$by "$loom" train --data all.hdf5 -p bc_l2 --hidden 8 --batch 16 --epochs 1 --steps 4 --rollouts 0 -o run || return 1
  done
  cmp "$work"/by-{copy,index}/run/last.safetensors && "$loom" dataset merge --size 0.0001 "$work/sized.hdf5" "$work/copy.hdf5" && test -s "$work/sized-1.hdf5" &&
    [ "$("$loom" info "$work/sized.hdf5" | grep ' rows ')" = "$("$loom" info "$work/copy.hdf5" | grep ' rows ')" ] && "$loom" verify "$work/index.hdf5" --task own
}
check 'an index of files' indexed
expect 'an index, changed' 2 'is an index, whose demos lie in the files beside it' "$loom" verify "$work/index.hdf5" --task own --perturb 1 --store

# Killed at any moment: what is there loads and goes on to the same weights.
killed() {
  for delay in 0.2 0.5 0.9; do
    inside killed timeout -s KILL $delay "$loom" train --data "$work/d.hdf5" --threads 2 --batch 16 --steps 10 \
      --rollouts 0 -p bc_gmm --hidden 32 --epochs 4 --resume -o run
  done
  inside killed train -p bc_gmm --hidden 32 --epochs 4 --resume -o run &&
    cmp "$work/bc_gmm/run/last.safetensors" "$work/killed/run/last.safetensors"
}
check 'killed and resumed, the same bits' killed

check 'rollouts while training' "$loom" train --data "$work/d.hdf5" -p bc_gmm --hidden 32 --epochs 1 --steps 20 \
  --rollouts 2 --validate valid --mask train -o "$work/tried"
check 'curves' cmp -n 4 "$work/tried/curves.png" <(printf '\211PNG')
check 'a policy by success' test -s "$work/tried/best_success.safetensors"
roll() { "$loom" rollout "$work/tried/best_success.safetensors" -n 3 --max-steps 60 --json "$@"; }
ends() { roll "$@" | grep '"end"\|"steps"'; }
twice() { [ "$(ends --threads 1)" = "$(ends --threads 2)" ] && [ "$(ends -j 1 | wc -l)" = 6 ]; }
check 'rollouts on any number of threads' twice

# The states of recordings give the observations that were written beside them.
observed() {
  "$loom" replay "$work/d.hdf5" -o "$work/o.hdf5" && grep -q robot0_eef_pos <("$loom" info "$work/o.hdf5") &&
    "$loom" replay "$work/recorded.hdf5" -o "$work/sources.hdf5" && [ -s "$work/sources.hdf5" ] &&
    "$loom" train --data "$work/sources.hdf5" --rollouts 0 -p bc_gmm --hidden 8 --epochs 1 --steps 5 -o "$work/few"
}
check 'observations of recordings' observed

written() {
  "$loom" rollout "$work/tried/best_success.safetensors" -n 3 --max-steps 60 -j 2 -o "$work/rolled.hdf5" &&
    "$loom" replay "$work/rolled.hdf5" | grep -c '0.00e+00 rad' | grep -qx 3 && [ ! -e "$work/rolled.hdf5.parts" ]
}
check 'episodes as demos' written

# Goals of the hands instead of moves: trained, resumed to the same bits, let loose.
absolute() {
  inside goals train -p bc_gmm --hidden 32 --epochs 3 --actions absolute -o run &&
    inside goals-half train -p bc_gmm --hidden 32 --epochs 2 --actions absolute -o run &&
    inside goals-half train -p bc_gmm --hidden 32 --epochs 3 --actions absolute --resume -o run &&
    cmp "$work/goals/run/last.safetensors" "$work/goals-half/run/last.safetensors" &&
    "$loom" rollout "$work/goals/run/last.safetensors" --task own -n 1 --max-steps 20 -j 1
}
check 'absolute actions' absolute

# A checkpoint of format 1 (tests/golden/README.md) acts and goes on.
"$loom" generate threading -n 4 --seed 4 -o "$work/threading.hdf5" >/dev/null 2>&1
old() {
  mkdir -p "$work/old/run" && cp tests/golden/policy_format_1.safetensors "$work/old/run/last.safetensors" &&
    cp "$work/threading.hdf5" "$work/old/d.hdf5" && "$loom" rollout "$work/old/run/last.safetensors" -n 1 --max-steps 5 -j 1 &&
    grep -q 'trained_on.*d.hdf5' <("$loom" info "$work/old/run/last.safetensors") &&
    inside old "$loom" train --data d.hdf5 -p bc_rnn_gmm -k object -k robot0_eef_pos --validate valid --hidden 4 \
      --batch 4 --steps 3 --epochs 3 --every 1 --rollouts 1 -j 1 --resume -o run | grep '^9 steps' &&
    grep -q 'trained_on.*d.hdf5' <("$loom" info "$work/old/run/last.safetensors")
}
check 'a checkpoint of an older format' old

# Sizes and seeds: a run each; what is done is not done again, what was broken off goes on.
cat >"$work/sweep.yaml" <<EOF
data: {files: [{path: $work/d.hdf5}], keys: [object]}
policy: {kind: bc_l2, layers: [8]}
train: {epochs: 2, steps: 4, batch: 8, threads: 1}
checkpoint: {folder: $work/sweep}
rollout: {task: own, n: 1, every: 2, max_steps: 20, threads: 1}
EOF
sweep() { "$loom" train "$work/sweep.yaml" --tests 2 "$@" >"$work/table"; }
swept() {
  sweep --sizes 2 --seeds 1 && sweep --sizes 3,2 --seeds 1,2 && grep -q '^2  *2  .* %' "$work/table" &&
    [ "$(grep -c '"policy"' "$work/sweep/sweep.json")" = 4 ] && [ -s "$work/sweep/sweep.png" ] &&
    rm "$work/sweep/3-seed-2/result.json" && cp "$work/sweep/sweep.json" "$work/before" &&
    ls -l --time-style=full-iso "$work/sweep/2-seed-1" >"$work/files" && sweep --sizes 2,3 --seeds 1,2 &&
    ls -l --time-style=full-iso "$work/sweep/2-seed-1" | cmp - "$work/files" &&
    diff <(grep -v seconds "$work/before") <(grep -v seconds "$work/sweep/sweep.json")
}
check 'a sweep' swept
check 'a sweep tested by what chose its checkpoints' refuses 'has chosen' sweep --seeds 1 --test-seed 1000
check 'a sweep of nothing' refuses 'whole number\|no number' sweep --sizes 1,,2
check 'more demos than there are' refuses 'has 4 demos' train --first 9 -o "$work/none"

compared() {
  "$loom" rollout "$work/tried/best_success.safetensors" "$work/goals/run/last.safetensors" -n 2 --max-steps 10 -j 1 \
    >"$work/table" && [ "$(grep -c ' to .*safetensors' "$work/table")" = 2 ]
}
check 'policies side by side' compared
filmed() {
  "$loom" rollout "$work/tried/best_success.safetensors" -n 1 --max-steps 3 -j 1 --video "$work/film.mp4" &&
    [ "$(head -c 8 "$work/film.mp4" | tail -c 4)" = ftyp ] && [ ! -e "$work/film.mp4.hdf5" ]
}
check 'a film of rollouts' filmed

# Policies with eyes: of pictures and point clouds, any subset of the keys.
eyes=(-k robot0_eef_pos -k front_image -k pointcloud)
draw() { "$loom" render "$work/d.hdf5" --camera front "$@"; }
check 'pictures and point clouds' draw --obs "$work/eyes.hdf5" --limit 2 --size 32x24 --cloud 64 --rays 32x32
look() { "$loom" train --data "$work/eyes.hdf5" --threads 2 --batch 4 --steps 3 --hidden 16 --rollouts 0 "$@"; }
for kind in bc_rnn_gmm diffusion_mlp; do
  check "$kind with eyes: whole run" inside eyes-$kind look -p $kind "${eyes[@]}" --epochs 2 -o run
  check "$kind with eyes: half a run" inside eyes-$kind-half look -p $kind "${eyes[@]}" --epochs 1 -o run
  check "$kind with eyes: the rest" inside eyes-$kind-half look -p $kind "${eyes[@]}" --epochs 2 --resume -o run
  check "$kind with eyes: resumed, the same bits" cmp "$work/eyes-$kind/run/last.safetensors" \
    "$work/eyes-$kind-half/run/last.safetensors"
  for threads in 1 2; do
    check "$kind with eyes: episodes" "$loom" rollout "$work/eyes-$kind/run/epoch_2.safetensors" --task own -n 2 --max-steps 12 \
      -j $threads -o "$work/eyes-$kind-$threads.hdf5"
  done
  check "$kind with eyes: the same on any number of threads" cmp "$work/eyes-$kind-1.hdf5" "$work/eyes-$kind-2.hdf5"
done
check 'pictures alone' look -p bc_l2 -k front_image --epochs 1 -o "$work/pictures"
check 'a policy of pictures alone' "$loom" rollout "$work/pictures/epoch_1.safetensors" --task own -n 1 --max-steps 4
cp -r tests/own "$work/scenes/blind" && sed -i '/<camera name="front"/d' "$work/scenes/blind/scene.xml"
check 'pictures of another task' refuses "no camera 'front'" "$loom" rollout "$work/pictures/epoch_1.safetensors" -n 1 --task blind

check 'a folder that holds a run' refuses 'holds a run already' inside bc_gmm train -p bc_gmm --hidden 32 -o run
# One run trains, for longer than this test waits; another one finds its folder locked, and leaves it as it is.
locked() {
  local status=0 pid
  "$loom" train --data "$work/d.hdf5" --threads 1 --batch 16 --steps 1000000 --epochs 1 --rollouts 0 -p bc_l2 --hidden 8 \
    -o "$work/busy" &
  pid=$!
  await $pid test -s "$work/busy/config.yaml" && cp "$work/busy/config.yaml" "$work/before.yaml" &&
    refuses 'another run is at work' train -p bc_l2 --hidden 8 -o "$work/busy" &&
    refuses 'another run is at work' train -p bc_l2 --hidden 9 --resume -o "$work/busy" &&
    cmp "$work/before.yaml" "$work/busy/config.yaml" || status=1
  kill -TERM $pid
  wait $pid
  return $status
}
check 'a folder in use' locked
check 'another configuration' refuses "other settings .*there, .*48.* now" inside bc_gmm train -p bc_gmm --hidden 48 --resume -o run
draw --obs "$work/small.hdf5" --limit 1 --size 16x16 >/dev/null 2>&1
check 'pictures of two sizes' refuses 'small.hdf5: demo_0: obs/front_image has rows of 16 x 16 x 3' \
  look -k front_image --data "$work/small.hdf5" -o "$work/none"
check 'no such key' refuses 'nonsense' train -k nonsense -o "$work/none"
check 'no such mask' refuses 'nomask' train --mask nomask -o "$work/none"
check 'no such kind' refuses '--policy takes one of bc_l2.*bc_magic' train -p bc_magic -o "$work/none"
check 'a size that does not fit' refuses "'width': 30 is no multiple of 8 heads" train -p bc_transformer --hidden 30 -o "$work/none"
check 'usage' refuses 'one configuration, or --data' "$loom" train
check 'a dataset for a configuration' refuses 'a.hdf5 is a dataset: --data a.hdf5' "$loom" train a.hdf5 -p bc_gaussian
check 'another task' refuses "no observation\|numbers where" roll --task pouring
head -c 5000 "$work/tried/best_success.safetensors" >"$work/cut.safetensors"
# Weights that grow hundredfold a step: the run stops, and the last checkpoint is there and whole.
cat >"$work/wild.yaml" <<EOF
data: {files: [{path: $work/d.hdf5}], keys: [object]}
policy: {kind: bc_l2, layers: [8]}
optimizer: {kind: adamw, rate: 10, weight_decay: 10}
train: {epochs: 40, steps: 4, batch: 8, threads: 1}
checkpoint: {folder: $work/wild, every: 1}
EOF
diverges() {
  refuses "the last checkpoint stays.*d.hdf5, demo_[0-9]*, row [0-9]*, has .*object" "$loom" train "$work/wild.yaml" &&
    "$loom" info "$work/wild/last.safetensors"
}
check 'a loss that is no number' diverges
# Weights that stand still: after two epochs without a better one it is over, and stays so.
cat >"$work/still.yaml" <<EOF
data: {files: [{path: $work/d.hdf5, mask: train}], keys: [object]}
policy: {kind: bc_l2, layers: [8]}
optimizer: {rate: 1e-12}
train: {epochs: 40, steps: 4, batch: 8, threads: 1}
validate: {mask: valid}
checkpoint: {folder: $work/still}
stop: {patience: 2}
EOF
stops() {
  [ -n "$("$loom" train "$work/still.yaml" | grep '^12 steps')" ] && [ -n "$("$loom" train "$work/still.yaml" --resume | grep '^12 steps')" ]
}
check 'stops early' stops
check 'a policy cut short' refuses 'cut.safetensors' "$loom" rollout "$work/cut.safetensors" -n 1
cp "$work/d.hdf5" "$work/nan.hdf5"
if command -v python3 >/dev/null && python3 -c 'import h5py' 2>/dev/null; then
  python3 -c "import h5py; f = h5py.File('$work/nan.hdf5', 'r+'); f['data/demo_2/actions'][7, 3] = float('nan')"
  check 'not a number in the data' refuses 'demo_2.*actions' \
    "$loom" train --data "$work/nan.hdf5" --rollouts 0 -p bc_gmm --hidden 8 --epochs 1 --steps 5 -o "$work/none"
fi

close_tests
