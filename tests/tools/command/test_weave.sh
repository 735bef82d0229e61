#!/usr/bin/env bash
# `demoloom weave`: from demos to a policy; the same bytes from the same plan on any number of threads, after Ctrl-C and
# after kill -9; what is refused. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export OMP_NUM_THREADS=1
. tests/tools/reach_policy.sh
cd "$work" || exit 1

cat >plan.yaml <<'END'
looks: 10
max_steps: 40
demos: 6
first_steps: 20
steps: 100
rounds: 1
finetune: 300
taught: 2
student_steps: 30
END
run=("$loom" weave "$reach" --source driven.hdf5 -p bc_l2 --eval 10 --seed 3)
weave() { "${run[@]}" --plan plan.yaml -o "$@"; }

check 'a run' eval 'weave a -j 1 --json >a.json 2>a.said'
check 'its stages' test "$(grep -o '"name":"[^"]*"' a.json | cut -d'"' -f4 | grep -v '^choose\|^test' | head -n 4 | paste -sd' ')" = 'generate-1 train-1 generate-2 train-2'
check 'each policy is tested from the same starts' test "$(grep -c '^test-[a-z0-9-]*: demoloom rollout --seed 61 ' a.said)" -ge 2
check 'success of them' grep -qE '\{"name":"train-2","seconds":[0-9.]+,"core_seconds":[0-9.]+,"n":10,"successes":[0-9]+,"success":[0-9.]+,"success_low":' a.json
check 'the line is the file' cmp <(tr -d '[:space:]' <a.json) <(tr -d '[:space:]' <a/report.json)
check 'a policy' "$loom" rollout a/policy.safetensors --task "$reach" -n 1 -j 1
check 'its graph' test -s a/policy.onnx
check 'a picture' eval 'head -c 8 a/report.png | grep -q PNG'
check 'commands that could be given by hand' eval 'sed -n "s/^train-1: demoloom/\"\$loom\"/p" a.said | sed "s| a/train-1 | by-hand |" >by-hand.sh; . ./by-hand.sh >log 2>&1; "$loom" export by-hand/last.safetensors -o hand.onnx >log && "$loom" export a/train-1/last.safetensors -o first.onnx >log && cmp hand.onnx first.onnx'

same_policy() { # A B: in files of the same names
  for file in policy.safetensors policy.onnx demos-2.hdf5; do cmp "$1/$file" "$2/$file" || return 1; done
}
check 'two threads' weave two -j 2
check 'two threads: the same bytes' same_policy two a
check 'whole already' eval 'weave a -j 1 --resume >again 2>again.said && test ! -s again.said'
expect 'there' 2 'holds a run already' weave a -j 1
expect 'other settings' 2 'seed' "$loom" weave "$reach" --source driven.hdf5 -p bc_l2 --plan plan.yaml --eval 10 --seed 4 -o a --resume

# Stopped while a stage is under way, and killed: what a child keeps locked is free once it is gone with its parent. Without
# finetuning, the longest stage, whose own tests stop it.
sed 's/^finetune: .*/finetune: -1/' plan.yaml >short.yaml
run+=(--plan short.yaml -j 1 -o)
check 'without finetuning' "${run[@]}" short
for how in TERM KILL; do
  "${run[@]}" $how >log 2>&1 &
  pid=$!
  check "$how: it is at work" await $pid test -d $how/train-1
  child=$(pgrep -P $pid)
  kill -s $how $pid 2>/dev/null
  wait $pid 2>/dev/null
  while [ "$child" ] && kill -0 $child 2>/dev/null; do sleep 0.02; done
  check "$how: it ended before it was done" test ! -e $how/policy.onnx
  check "$how: it goes on" "${run[@]}" $how --resume
  check "$how: to the same bytes" same_policy $how short
done
check 'overwritten' "${run[@]}" TERM --overwrite
check 'overwritten: the same bytes' same_policy TERM short

# By the clock: a plan is made, and kept.
check 'without a plan' eval '"$loom" weave "$reach" --source driven.hdf5 -p bc_l2 --hours 0.002 --eval 5 -j 1 -o clock >log 2>&1'
check 'of the one source demo that is made the most of' eval 'grep -q "sources: \[\"demo_[0-9]\"\]" clock/plan.yaml && test "$(grep -c "^[a-z]*-[a-z0-9]*: demoloom generate .*--source-demo demo_" log)" = 3'
check 'its plan is whole' test "$(grep -c '^ *[a-z_]*: [1-9-]\|gentle' clock/plan.yaml)" = 10

# ---- what is wrong

expect 'no such task' 2 "no scene 'none'" "$loom" weave none -o x
expect 'no folder' 2 'takes -o' "$loom" weave "$reach"
expect 'no such reset' 2 "no reset distribution 'D9'" "$loom" weave "$reach" --reset D9 -o x
expect 'no such source' 1 'none.hdf5' "$loom" weave "$reach" --source none.hdf5 -o x
expect 'no hours' 2 'hours' "$loom" weave "$reach" --hours 0 -o x
printf 'demos: 6\nstepz: 3\n' >wrong.yaml
expect 'a plan that is none' 1 "wrong.yaml:2: key 'stepz'" "$loom" weave "$reach" --source driven.hdf5 --plan wrong.yaml -o y
expect 'a plan that would be overwritten' 2 'plan.yaml' "$loom" weave "$reach" --plan a/plan.yaml -o a --overwrite

close_tests
