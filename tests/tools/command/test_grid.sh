#!/usr/bin/env bash
# `demoloom finetune GRID.yaml`: cells of one folder shared out among processes, the same bytes by one and by three of
# them, killed, frozen or interrupted; what is missing or fails is named and the rest runs; the report of successes on
# the same starts. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export OMP_NUM_THREADS=1
task=tests/gym/hopper.yaml

# config NAME STEPS: tiny runs, told apart by their settings.
config() { echo "finetune: {steps: $2, evaluate: 1, evaluate_every: 256, checkpoint_every: 512}
ppo: {environments: 2, steps: 128, epochs: 1, minibatches: 2, hidden: [8], rate: $3}" >"$work/$1.yaml"; }
config slow 768 1e-4
config fast 768 1e-3
cat >"$work/grid.yaml" <<END
grid:
  - {config: [$work/slow.yaml, $work/fast.yaml], seed: [32351, 32352]}
  - {config: [$work/none.yaml, $work/fast.yaml], seed: [32351]}   # one missing, and one named twice
set: {scratch: true, task: $task}
report: {reach: 1}
END
# grid DIR OPTION...: what it says in DIR.said, what it tells in DIR.told
grid() { "$loom" finetune "$work/grid.yaml" -o "$work/$1" -j 1 "${@:2}" >"$work/$1.told" 2>"$work/$1.said"; }
reports='report.txt report.json report.csv report.png'

# ---- one process, and three of which one is killed

plan() { grid one --dry-run; grep -q '^5 cells: 4 to do, 0 done, 0 failed, 1 that cannot be run$' "$work/one.told" && [ ! -e "$work/one" ]; }
check 'what there is to do' plan
one() { grid one; [ $? -eq 1 ] && says "$work/one.told" "not run .*config: there is no file $work/none.yaml" && says "$work/one.said" '1 of 5 cells name a file'; }
check 'one process: what is missing is named, the rest runs' one
check 'one process: each cell has its result' test "$(ls "$work"/one/cells/*/result.json | wc -l)" = 4
rates() { grid one --dry-run; says "$work/one.told" '^5 cells: 0 to do, 4 done' && grid one --json; grep -q '"steps_to_reach":' "$work/one.told"; }
check 'one process: once more, which is done already' rates

# Killed with a cell half done, whose lease nobody would take for its age for a long time.
three() {
  local pid=() i
  for i in 1 2 3; do
    "$loom" finetune "$work/grid.yaml" -o "$work/three" -j 1 --heartbeat 1000 >"$work/told$i" 2>"$work/said$i" &
    pid[$i]=$!
  done
  await ${pid[2]} eval '[ -n "$(grep -ls " ${pid[2]} " "$work"/three/leases/*)" ]'
  kill -9 ${pid[2]}
  wait ${pid[1]} && return 1
  wait ${pid[3]} && return 1
  cat "$work"/said[13]
  [ "$(ls "$work"/three/cells/*/result.json | wc -l)" = 4 ]
}
check 'three processes, one killed' three
alike() {
  local cell file
  for file in $reports; do cmp "$work/one/$file" "$work/$1/$file" || return 1; done
  for cell in "$work"/one/cells/*/; do
    for file in last best; do cmp "$cell$file.safetensors" "$work/$1/cells/$(basename "$cell")/$file.safetensors" || return 1; done
  done
}
check 'three processes: the same checkpoints and reports' alike three

# ---- frozen, interrupted

# A worker and its child stand still until another one has taken the cell: then it writes nothing any more.
frozen() {
  local first child second
  "$loom" finetune "$work/long.yaml" -o "$work/frozen" -j 1 --heartbeat 0.5 >"$work/told1" 2>"$work/said1" &
  first=$!
  await $first eval '[ -n "$(ls "$work"/frozen/cells/*/scalars.csv 2>/dev/null)" ]' || return 1
  child=$(pgrep -P $first)
  kill -STOP $first "$child"
  "$loom" finetune "$work/long.yaml" -o "$work/frozen" -j 1 --heartbeat 0.5 >"$work/told2" 2>"$work/said2" &
  second=$!
  await $second says "$work/said2" 'has not beaten for too long' || return 1
  await $second eval '[ ! -e "$work"/frozen/leases/*.1 ]'
  kill -CONT $first "$child"
  wait $first && wait $second && cmp "$work/told1" "$work/told2" && says "$work/said1" 'its lease was lost'
}
config long_run 2560 1e-3
printf 'grid: {config: %s, seed: 32351}\nset: {scratch: true, task: %s}\n' "$work/long_run.yaml" $task >"$work/long.yaml"
check 'a worker that was frozen' frozen
interrupted() {
  local pid
  "$loom" finetune "$work/long.yaml" -o "$work/stopped" -j 1 >"$work/told1" 2>"$work/said1" &
  pid=$!
  await $pid eval '[ -n "$(ls "$work"/stopped/cells/*/scalars.csv 2>/dev/null)" ]' || return 1
  kill -INT $pid
  wait $pid && return 1
  says "$work/said1" 'interrupted; the same command goes on' && says "$(echo "$work"/stopped/leases/*)" '^free' &&
    [ ! -e "$work"/stopped/cells/*/result.json ] && "$loom" finetune "$work/long.yaml" -o "$work/stopped" -j 1 &&
    cmp "$work"/{stopped,frozen}/cells/*/last.safetensors && cmp "$work"/{stopped,frozen}/report.txt
}
check 'Ctrl-C lets go of its cells' interrupted

# ---- what fails

printf 'grid: {environments: [0, 2], seed: 32351}\nset: {scratch: true, task: %s, config: %s}\n' \
  $task "$work/fast.yaml" >"$work/failing.yaml"
fails() { "$loom" finetune "$work/failing.yaml" -o "$work/fails" -j 1 "$@"; }
expect 'a cell that fails' 1 'failed [0-9a-f]{16}: demoloom finetune: --environments takes .*, not .0.$' fails
check 'the others are done' test "$(ls "$work"/fails/cells/*/result.json | wc -l)" = 1
expect 'it is not tried again' 1 '1 of 2 cells failed; --retry' fails
check 'unless told to' eval '! fails --retry >"$work/said" 2>&1 && says "$work/said" "^cell .*: failed"'

# ---- before and after on the same starts

cat >"$work/rates.yaml" <<END
grid: {method: [ppo, td3], seed: [1, 2, 3]}
set: {task: $task, scratch: true}
END
# rough WITHIN DEEP JERK: so many successes within the limits, episodes that press too deep (one is too fast), and the jerk.
rough() { echo "\"successes_within_limits\":$1,\"breaches\":{\"penetration\":$2,\"joint_speed\":1},\"mean_squared_jerk\":$3"; }
# Results as runs of a policy leave them: 20 starts, of which 8 succeed before and so many after; the first is rougher, for
# 4 breaches are more than 1.2 times 3.
rates() {
  local i=0 cell after
  for cell in $("$loom" finetune "$work/rates.yaml" -o "$work/rates" --dry-run | sed -n 's/^\([0-9a-f]\{16\}\) .*/\1/p'); do
    after=$((10 + i)) && i=$((i + 1))
    mkdir -p "$work/rates/cells/$cell" || return 1
    echo "{\"result\":{\"before\":{\"n\":20,\"successes\":8,$(rough 7 2 10)},\"after\":{\"n\":20,\"successes\":$after,$(rough 9 $((i == 1 ? 3 : 2)) 11.5)},\"steps\":500}}" \
      >"$work/rates/cells/$cell/result.json"
    { echo start,before,after && for k in $(seq 0 19); do echo "$k,$((k < 8)),$((k >= 1 && k <= after))"; done; } \
      >"$work/rates/cells/$cell/evaluation.csv"
  done
  "$loom" finetune "$work/rates.yaml" -o "$work/rates" -j 1 >"$work/rates.told"
}
check 'rates' rates
# By hand: 8 before, 10 after, of which one is lost and three are gained; McNemar of 3 and 1 is 0.625.
check 'Wilson and McNemar' grep -qE '^ppo +1 +40.0 % \[21.9, 61.3\] +50.0 % \[29.9, 70.1\] +\+10.0 .*\+3 -1 p 0.6[23] +35 -> 45 % +2 -> 3 +1 -> 1 +10 -> 11.5 +rougher +500$' "$work/rates.told"
check 'one of them is rougher than before' test "$(grep -c rougher "$work/rates.told")" = 1
# Of 10 11 12 and 13 14 15 twentieths: the middle two of each three and all of them, and every run of TD3 is better.
check 'IQM' grep -qE '^td3 +1 +3 +0.7 \[0.65, 0.75\]$' "$work/rates.told"
check 'IQM before' grep -qE '^before +1 +6 +0.4 \[0.4, 0.4\]$' "$work/rates.told"
check 'probability of improvement' grep -qxF 'P(a run of ppo beats one of td3) 0.000 [0.000, 0.000]' "$work/rates.told"
check 'a picture' cmp -n 4 "$work/rates/report.png" <(printf '\211PNG')
check 'CSV' grep -qE '^[0-9a-f]{16},done,ppo,1,20,8,0.2188[0-9]*,0.613[0-9]*,20,10,0.29[0-9]*,0.70[0-9]*,3,1,0.625,,500,,7,2,1,10,9,3,1,11.5$' "$work/rates/report.csv"

# ---- a policy, tried before and after

. tests/tools/reach_policy.sh
printf 'grid: {policy: [%s, gone.safetensors], seed: [32353, 32354]}\nset: {config: %s}\n' "$work/reach.safetensors" "$work/reach.yaml" \
  >"$work/policy.yaml"
policies() { ! "$loom" finetune "$work/policy.yaml" -o "$work/policy" -j 1 >"$work/policy.told" && says "$work/policy.told" "$1"; }
check 'a policy that is not there is named, the rest runs' policies '^not run [0-9a-f]*: policy: there is no file gone.safetensors$'
check 'a policy: before, after and the same starts' \
  test "$(grep -cE ' 3235[34] +[0-9.]+ % \[[0-9., ]+\] +[0-9.]+ % \[[0-9., ]+\] +[+][0-9.]+ \[[-+0-9., ]+\] +[+][0-9]+ -[0-9]+ p [0-9.]+ +[0-9.]+ -> [0-9.]+ % +[0-9.]+ -> [0-9.]+( +rougher)? +[0-9]+$' "$work/policy.told")" = 2
# counted CELL: the report's counts are those of the cell's starts.
counted() {
  awk -F, 'NR > 1 { b += $2; a += $3; g += $3 > $2; l += $2 > $3 } END { printf "%d %d %d %d %d\n", NR - 1, b, a, g, l }' "$work/policy/cells/$1/evaluation.csv" \
    >"$work/counts"
  grep "^$1," "$work/policy/report.csv" | awk -F, '{ printf "%d %d %d %d %d\n", $5, $6, $10, $13, $14 }' | cmp - "$work/counts"
}
printf 'grid: {task: [own, nowhere]}\nset: {policy: %s, data: none.hdf5}\n' "$work/reach.safetensors" >"$work/names.yaml"
names() { "$loom" finetune "$work/names.yaml" -o "$work/names" --dry-run; }
check 'a dataset that is not there' eval 'names | grep -c "data: there is no file none.hdf5" | grep -qx 2'
sed -i 's/, data: none.hdf5//' "$work/names.yaml"
check 'a scene is known by its name' eval 'grep -q "to do .* task=own$" <(names) && grep -q "task: there is no file nowhere" <(names)'
for cell in "$work"/policy/cells/*; do check 'a policy: starts are counted' counted "$(basename "$cell")"; done

# ---- what is refused

refuse() { expect "$1" "$2" "$3" "$loom" finetune "$work/bad_grid.yaml" -o "$work/x" "${@:5}" < <(echo) ; }
bad() { printf '%b\n' "$4" >"$work/bad_grid.yaml"; refuse "$@"; }
bad 'a key that is no option' 1 "bad_grid.yaml:1: key 'metod': unknown; did you mean 'method'" 'grid: {metod: [ppo]}'
bad 'an option that is the grid command'"'"'s' 1 "key 'output': unknown" 'grid: {output: x}'
bad 'a switch that is neither on nor off' 1 "takes true or false, not 'maybe'" 'grid: {scratch: maybe}'
bad 'no grid' 1 'has no `grid:`' 'set: {seed: 1}'
bad 'a list of nothing' 1 'list of nothing' 'grid: {seed: []}'
bad 'a range upside down' 1 'lower one first' 'grid: {seed: 1}\nreport: {range: [1, 0]}'
bad 'a comparison of nothing' 1 'takes keys of' 'grid: {seed: 1}\nreport: {compare: colour}'
bad 'too many' 1 'more than 10000 cells' "grid: {seed: [$(seq -s, 1 101)], steps: [$(seq -s, 1 100)]}"
bad 'options beside a grid' 2 '--seed: is for .*bad_grid.yaml to say' 'grid: {seed: 1}' --seed 3
expect 'a grid'"'"'s option without one' 2 'are of a grid' "$loom" finetune --task $task --scratch --dry-run -o "$work/x"
expect 'a grid with no folder' 2 'takes -o' "$loom" finetune "$work/grid.yaml"
check 'nothing was begun' test ! -e "$work/x"

close_tests
