#!/usr/bin/env bash
# Training by several `demoloom train` at once in one folder: the weights and scalars that one process makes, on any
# number of processes and threads, whoever of them is killed; what is refused. Closes with `N passed, N failed`.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
. tests/tools/share.sh
mkdir "$work/scenes" && ln -s "$PWD/tests/own" "$work/scenes/own" && ln -s "$PWD/tests/own/robots" "$work/scenes/robots"
export DEMOLOOM_SCENES=$work/scenes
"$loom" record own -n 3 --seed 1 -o "$work/driven.hdf5" >/dev/null 2>&1
"$loom" replay "$work/driven.hdf5" --task own -o "$work/d.hdf5" >/dev/null 2>&1
check 'a split' "$loom" dataset split "$work/d.hdf5" --valid 0.34

# Large enough that parameters are moved in several parts; blocks of unlike sizes. In its folder, whose name checkpoints keep.
inside() { (mkdir -p "$1" && cd "$1" && "${@:2}"); }
learn=("$loom" train --data "$work/d.hdf5" --mask train --validate valid --rollouts 0 --epochs 2 --steps 3 --batch 10 -j 1)
files='run/last.safetensors run/best_loss.safetensors run/epoch_2.safetensors'
KILLS=${KILLS:-3}
there=(bash -c 'cd OUT && exec "$@"' there)
same_shared gmm "$files" "${there[@]}" "${learn[@]}" -p bc_gmm --hidden 128 --blocks 4 -o run

# The scalars too, but for seconds and samples per second.
scalars() { cut -d, -f1-3 "$work/gmm-$1/run/scalars.csv" | grep -v samples_per_second; }
same_scalars() { cmp <(scalars a) <(scalars 2) && cmp <(scalars a) <(scalars 4); }
check 'scalars' same_scalars

# Other kinds, which draw noise or see several rows, on three processes, and by one on three threads.
others() { # NAME OPTION...
  shared_by 3 "$1" run/last.safetensors "${there[@]}" "${learn[@]}" "${@:2}" -o run || return 1
  inside "$work/$1-threads" "${learn[@]:0:${#learn[@]}-2}" -j 3 "${@:2}" -o run && cmp "$work/$1-a/run/last.safetensors" "$work/$1-threads/run/last.safetensors"
}
check 'an LSTM' others lstm -p bc_rnn_gmm --hidden 16 --blocks 3
check 'diffusion' others diffusion -p diffusion_mlp --hidden 32 --blocks 2
check 'a transformer, which has dropout' others transformer -p bc_transformer --hidden 16 --blocks 3
check 'one block' others one -p bc_l2 --hidden 16

# ---- what is told

small=("${learn[@]}" -p bc_l2 --hidden 8)
together() {
  two_launched inside "$work/two" "${small[@]}" --blocks 2 -o run || return 1
  inside "$work/by-one" "${small[@]}" --blocks 2 -o run >"$work/m1" && cmp "$work/two/run/last.safetensors" "$work/by-one/run/last.safetensors" &&
    cmp <(cat "$work/l0" "$work/l1" | grep 'steps, loss') <(grep 'steps, loss' "$work/m1")
}
check 'two of a launcher share it without being told, and one of them tells' together
expect 'one that comes late' 0 '^6 steps' inside "$work/two" "${small[@]}" --blocks 2 -o run --share on
expect 'a block for each process' 0 '--blocks N is for N processes' launched 2 0 "${small[@]}" -o "$work/n"
expect 'other settings' 2 "the run there has other settings .*'blocks: 2' there" inside "$work/two" "${small[@]}" --blocks 1 --share on -o run

# One that is stopped leaves the rest to the same command.
long=("${learn[@]:0:${#learn[@]}-6}" --batch 10 -j 1 -p bc_l2 --hidden 8 --blocks 2)
stopped() {
  interrupted "$work/stopped/scalars.csv" "${long[@]}" --steps 100000000 --share on -o "$work/stopped" &&
    [ ! -e "$work/stopped/team" ] && [ -e "$work/stopped/last.safetensors" ]
}
check 'Ctrl-C' stopped

# ---- what is refused

while IFS='|' read -r words pattern; do
  # shellcheck disable=SC2086 # words
  expect "refused: $words" 2 "$pattern" launched 4 1 "${small[@]}" -o "$work/x" $words
done <<END
--overwrite|one of several processes .--share off: by itself., it cannot --overwrite
--seeds 1,2|it makes one run: no --sizes, no --seeds
END

expect 'more blocks than samples' 1 'a batch of 10 samples has no 11 blocks' "${small[@]}" --blocks 11 -o "$work/x"

# Where one trains by itself, others do not wait for ever.
alone() {
  local pid status
  "${long[@]}" --steps 100000000 -o "$work/alone" >"$work/told" 2>&1 &
  pid=$!
  await $pid test -e "$work/alone/scalars.csv" && kill -STOP $pid || return 1
  "${long[@]}" --steps 100000000 --share on -o "$work/alone" >"$work/heard" 2>&1
  status=$?
  kill -9 $pid
  wait $pid
  [ $status -eq 2 ] && says "$work/heard" 'another run is at work on it'
}
check 'one that does not share' alone

close_tests
