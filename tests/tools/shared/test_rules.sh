#!/usr/bin/env bash
# What holds for options of every command: a letter has one meaning, an option with one value takes one, a file's
# name may not say another kind than what is written, and --json puts JSON, and nothing else, on stdout.
# Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
. tests/tools/own_data.sh
commands=$("$loom" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')

# One meaning everywhere.
options() { for command in $commands; do "$loom" "$command" --help; done; }
one_meaning() { [ "$(options | sed -n "s/^  -$1, --\([a-z-]*\).*/\1/p" | sort -u)" = "$2" ]; }
for letter in j:threads t:task o:output s:seed d:data p:policy k:key; do
  check "-${letter%%:*} is --${letter#*:}" one_meaning "${letter%%:*}" "${letter#*:}"
done
threads_have_j() { ! options | grep -E '^ {6}--threads '; }
check '--threads has its letter everywhere' threads_have_j
check 'earlier letters: threads' "$loom" generate own --source base.hdf5 -n 1 -t 1
check 'earlier letters: json' "$loom" segment base.hdf5 --task own -j

# Where an option writes a file: COMMAND, option, an ending that does not say what is written.
while read -r option ending rest; do
  for as in "$ending" "${ending^^}"; do
    # shellcheck disable=SC2086
    expect "$rest $option named $as" 2 'another kind|takes a name ending' "$loom" $rest $option "out.$as"
    check "$rest $option named $as: nothing written" [ ! -e "out.$as" ]
  done
done <<EOF
--video avi render gen.hdf5 --task own
--video gif render gen.hdf5 --task own
--video mkv render gen.hdf5 --task own
--sheet jpg render gen.hdf5 --task own
--sheet bmp render gen.hdf5 --task own
--sheet mp4 render gen.hdf5 --task own
--obs png render gen.hdf5 --task own
--video webm rollout $policy --task own -n 1
-o npz rollout $policy --task own -n 1
-o onnx record own -n 1
-o json generate own --source base.hdf5 -n 1
--failed csv generate own --source base.hdf5 -n 1
--report pdf generate own --source base.hdf5 -n 1
-o pt export $policy
-o zarr replay base.hdf5 --task own
-o parquet teleop own --input -
--export json segment base.hdf5 --task own
--record mp4 view own --headless
--annotated yaml view gen.hdf5 --task own --headless
EOF
check 'a dataset of LeRobot' "$loom" dataset lerobot base.hdf5 le
for verb in "merge out.npz base.hdf5 base.hdf5" "filter base.hdf5 out.npz" "strip base.hdf5 out.npz" "lerobot le out.npz"; do
  # shellcheck disable=SC2086
  expect "dataset $verb" 2 'name it FILE.hdf5' "$loom" dataset $verb
done
for word in 'shot out.jpg' 'film out.avi'; do
  expect "view: $word" 1 'no such command, or not so' "$loom" view gen.hdf5 --task own --headless --script - <<<"$word"
done
check 'nothing written' [ -z "$(ls out.* 2>/dev/null)" ]

# What takes one value takes no second one; what collects, does.
while read -r line; do
  # shellcheck disable=SC2086
  expect "$line" 2 'takes one value and is given two' "$loom" $line
done <<EOF
render gen.hdf5 --task own --sheet a.png --frame demo_0:1 --frame demo_1:2
render gen.hdf5 --task own --sheet a.png --size 64x48 --size 32x24
render gen.hdf5 --task own --video a.mp4 --depth-range 0:1 --depth-range 0:2
generate own --source base.hdf5 --source gen.hdf5 -n 1
record own -n 1 --seed 1 --seed 2
train --data gen.hdf5 -o a --output b
rollout $policy -n 1 -j 1 --threads 2
dataset filter base.hdf5 a.hdf5 --demos demo_0 --demos demo_1
EOF
check 'several demos' "$loom" render gen.hdf5 --task own --sheet several.png --demo 0 --demo 1 --size 32x24

echo >lines
# Every command with results has --json; what is on stdout is one value, or one a line.
# (teleop has nothing to record here, and says so by its status.)
json() { { "$loom" "$@" --json >printed </dev/null || [ "$1" = teleop ]; } && grep -q '^[[{]' printed && [ "$(head -c 1 printed)" = '{' ] && [ "$(tail -c 2 printed)" = '}' ]; }
has_keys() { for key in "$@"; do grep -q "\"$key\":" printed || return 1; done; }
while read -r line; do
  # shellcheck disable=SC2086
  check "$line --json" json $line

  # One name for one thing: the file that was written, the seed of what was random, how often it was tried.
  case $line in train* | dagger* | teleop* | "dataset split"*) continue ;; esac
  case $line in *\ -o\ * | *--sheet* | dataset*) check "$line --json: its file" has_keys file ;; esac
  case $line in generate* | rollout* | record*) check "$line --json: what was tried" has_keys seed successes ;; esac
  case $line in generate* | record*) check "$line --json: attempts" has_keys attempts ;; esac
done <<EOF
scenes
info gen.hdf5
info $policy
replay base.hdf5 --task own
segment base.hdf5 --task own
verify gen.hdf5 --task own
record own -n 1 --seed 1
record own -n 1 --seed 1 -o json.hdf5
generate own --source base.hdf5 -n 1 --seed 1
render gen.hdf5 --task own --sheet json.png --size 32x24
teleop own --input lines -o teleop.hdf5
train --data gen.hdf5 -p bc_l2 --hidden 8 --epochs 2 --steps 2 --rollouts 0 -o trained
rollout $policy --task own -n 1 --max-steps 3 -j 1
export $policy -o json.onnx
export $policy -o json2.onnx --check json.safetensors -n 2
dagger own --expert scripted --demos 1 --rounds 1 -n 1 --evaluations 1 --steps 2 --max-steps 5 --expert-successes 0 -j 1 -o corrected
dataset merge merged.hdf5 base.hdf5 base.hdf5
dataset filter base.hdf5 few.hdf5 --demos demo_0
dataset strip base.hdf5 stripped.hdf5
dataset lerobot le unlayered.hdf5
dataset split base.hdf5 --valid 0.5
EOF
for command in $commands; do
  [ "$command" = view ] || check "$command has --json" grep -q -- ' --json ' <("$loom" "$command" --help)
done
check 'how many were merged' grep -q '"demos":[[:space:]]*4' <("$loom" dataset merge again.hdf5 base.hdf5 base.hdf5 --json)

# Demos are told in lines for people, without --json.
check 'info: a line a demo' grep -qE '^  demo_0 +[0-9]+ rows  14 actions$' <("$loom" info gen.hdf5)

# Errors are for people: stdout stays empty.
silent() { ! "$loom" "$@" --json >printed 2>said && [ ! -s printed ] && [ -s said ]; }
while read -r line; do
  # shellcheck disable=SC2086
  check "$line --json: nothing on stdout" silent $line
done <<EOF
info none.hdf5
replay none.hdf5 --task own
segment none.hdf5 --task own
verify none.hdf5 --task own
record none -n 1
generate own --source none.hdf5 -n 1
render none.hdf5 --task own --sheet none.png
teleop none --input lines -o none.hdf5
train --data none.hdf5 -o none
rollout none.safetensors --task own -n 1
export none.safetensors -o none.onnx
dagger own --expert none --rounds 1 -o none
dataset merge none.hdf5 nothing.hdf5
dataset split none.hdf5
EOF

# A task need not name source demos; who asks for them is told what to do.
while read -r line; do
  # shellcheck disable=SC2086
  expect "$line: no source demos" 2 'names no source demos .*name a file of its demos' "$loom" $line
done <<EOF
generate own -n 1
replay own
segment own
render own --sheet none.png
EOF

# Nothing of nothing.
sweep() { "$loom" train --data gen.hdf5 -p bc_l2 --hidden 8 --epochs 1 --steps 2 --rollouts 0 --seeds 1 -o sweep "$@"; }
expect 'a sweep that is not tested' 0 'seed 1: not tested' sweep
expect 'a sweep that is done already' 0 '^run 1 of 1: 2 demos, seed 1: not tested$' sweep
counts_nothing() { ! sweep 2>&1 | grep -E -- '-1| of 0 '; }
check 'a sweep that is done already counts nothing' counts_nothing
expect 'tests without a task' 2 'there is no task to test on' sweep --tests 5

# Wall clock and processors are told apart.
check 'times' grep -c '^wall clock of all workers: .* s$\|^processor time of all workers: .* s$' \
  <("$loom" generate own --source base.hdf5 -n 1 --seed 1)

close_tests
