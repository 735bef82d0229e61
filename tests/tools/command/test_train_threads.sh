#!/usr/bin/env bash
# The same seed gives the same weights on any number of threads: every kind of policy, with and without eyes,
# started by -j or by OMP_NUM_THREADS, gone on with on other threads, in sweeps and in DAgger.
# Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

"$loom" generate threading -n 2 --seed 4 -o "$work/d.hdf5" >/dev/null 2>&1
"$loom" render "$work/d.hdf5" --obs "$work/eyes.hdf5" --limit 1 --camera front --size 40x32 --cloud 300 --rays 32x32 \
  >/dev/null 2>&1

# Threads that wait do so briefly, so that others may use the cores; unless the user has set how.
waits() { env -u GOMP_SPINCOUNT -u OMP_WAIT_POLICY OMP_DISPLAY_ENV=verbose "$@" "$loom" train --help 2>&1 | sed -n "s/.*GOMP_SPINCOUNT = '\(.*\)'/\1/p" | tail -n 1; }
check 'threads wait briefly' test "$(waits)" = 5000
check 'as the user says' test "$(waits env GOMP_SPINCOUNT=77)" = 77
check 'or in which way' test "$(waits env OMP_WAIT_POLICY=active)" -gt 1000000

# inside FOLDER COMMAND...: there, so that one name (`run`) serves all, and files can be compared.
inside() { mkdir -p "$work/$1" && (cd "$work/$1" && "${@:2}"); }
train() { "$loom" train --rollouts 0 --epochs "${epochs:-1}" --steps 3 -o run "$@"; }
env_train() { env OMP_NUM_THREADS="$1" "$loom" train --rollouts 0 --epochs 1 --steps 3 -o run "${@:2}"; }

# Large enough for all that is shared out among threads: products, sums, pictures, clouds.
table=(
  "bc_l2        --data d.hdf5 --hidden 300 --batch 100"
  "bc_gaussian  --data d.hdf5 --hidden 300 --batch 100"
  "bc_gmm       --data d.hdf5 --hidden 300 --batch 100"
  "bc_rnn_gmm   --data d.hdf5 --hidden 100 --batch 50"
  "bc_transformer --data d.hdf5 --hidden 64 --batch 32"
  "diffusion    --data d.hdf5 --hidden 32 --batch 16"
  "diffusion_mlp --data d.hdf5 --hidden 300 --batch 100"
  "bc_rnn_gmm   --data eyes.hdf5 --hidden 32 --batch 4 -k robot0_eef_pos -k front_image"
  "diffusion_mlp --data eyes.hdf5 --hidden 32 --batch 8 -k robot0_eef_pos -k pointcloud"
)

# same ROW COMMAND...: trains like ROW on one thread, to a file with the same bytes.
same() { inside "$@" && cmp "$work/$1/run/last.safetensors" "$work/${1%-*}-1/run/last.safetensors"; }

for row in "${!table[@]}"; do
  # shellcheck disable=SC2086
  set -- ${table[$row]//--data /--data $work/}
  kind=$1
  shift
  check "$kind $*: one thread" inside "$row-1" train -p "$kind" "$@" -j 1
  for threads in 2 3 5; do
    check "$kind $*: $threads threads" same "$row-$threads" train -p "$kind" "$@" -j $threads
  done
  check "$kind $*: as the environment says" same "$row-omp" env_train 3 -p "$kind" "$@"
done

# Stopped after an epoch, gone on with on other threads.
epochs=2 check 'two epochs on one thread' inside on-1 train -p bc_gmm --data "$work/d.hdf5" -j 1
check 'half of it' inside on-2 train -p bc_gmm --data "$work/d.hdf5" -j 1
epochs=2 check 'gone on with, on three threads' same on-2 train -p bc_gmm --data "$work/d.hdf5" -j 3 --resume

# A sweep's table and weights, but for how long it took.
cat >"$work/sweep.yaml" <<EOF
data: {files: [{path: $work/d.hdf5}], keys: [object]}
policy: {kind: bc_l2, layers: [300, 300]}
train: {epochs: 1, steps: 3, batch: 100}
checkpoint: {folder: run}
rollout: {task: threading, n: 2, max_steps: 20}
EOF
sweep() { inside "sweep-$1" "$loom" train "$work/sweep.yaml" --sizes 1,2 --seeds 1 --tests 2 -j "$1"; }
swept() {
  sweep 1 && sweep 3 && for run in 1-seed-1 2-seed-1; do
    cmp "$work"/sweep-{1,3}/run/$run/last.safetensors || return 1
  done && diff <(grep -v seconds "$work/sweep-1/run/sweep.json") <(grep -v seconds "$work/sweep-3/run/sweep.json")
}
check 'a sweep' swept

# DAgger with its safety classifier: data, weights and classifiers of each round.
mkdir "$work/scenes" && ln -s "$PWD/tests/own" "$work/scenes/own" && ln -s "$PWD/tests/own/robots" "$work/scenes/robots"
correct() {
  DEMOLOOM_SCENES=$work/scenes inside dagger-$1 "$loom" dagger own --expert scripted --gate safety --demos 2 --rounds 1 -n 2 \
    --evaluations 2 --steps 20 --hidden 300 --batch 100 --max-steps 60 --expert-successes 0 --seed 2 -j "$1" -o run
}
corrected() {
  local file
  correct 1 && correct 3 && [ -s "$work/dagger-1/run/final.safetensors" ] && for file in "$work"/dagger-1/run/*.safetensors; do
    cmp "$file" "$work/dagger-3/run/${file##*/}" || return 1
  done
}
check 'DAgger' corrected

close_tests
