#!/usr/bin/env bash
# `demoloom irl TASK`: rewards from demos of a plain control task and of a robot's, by each method; the reward file is what
# `finetune --reward` takes, from scratch and of a policy; the same bytes on any number of threads, after Ctrl-C and after
# kill -9; what is told; and what is refused. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export OMP_NUM_THREADS=1
task=tests/gym/hopper.yaml

learn=("$loom" finetune -t $task --scratch --environments 2 --evaluate 1 -j 1)
check 'an expert' "${learn[@]}" -n 4096 -o "$work/expert"
demos=$work/demos.hdf5
check 'its demos' "$loom" rollout "$work/expert/best.safetensors" -n 4 --seed 5 -o "$demos"
features=(--feature '{term: healthy}' --feature 'term: velocity, of: qpos, from: 0, count: 1' --feature '{term: action}')

# ---- with PPO inside

cat >"$work/ppo.yaml" <<'YAML'
finetune: {method: ppo, steps: 3072, threads: 1, evaluate: 1, evaluate_every: 1024, checkpoint_every: 512}
ppo: {environments: 4, steps: 64, epochs: 2, minibatches: 4, hidden: [16]}
irl: {first: 4, keep: 8, every: 2}
YAML
. tests/tools/same_bytes.sh
for method in maxent projection; do
  same_bytes $method 'last.safetensors best.safetensors reward.yaml' \
    "$loom" irl $task -c "$work/ppo.yaml" --data "$demos" --method $method "${features[@]}" --json
  check "$method: told" grep -qE "\"by\":\"$method\",\"rewards\":\[\{\"gap\":[0-9.e+-]+,.*\"feature\":\"term: healthy\",\"expert\":[0-9.]+,\"learned\":[0-9.]+,\"weight\":" \
    "$work/$method.said"
  check "$method: a reward file" grep -qE '^- \{term: velocity, of: qpos, from: 0, count: 1, weight: -?[0-9.e+-]+\}$' "$work/$method-a/reward.yaml"
  check "$method: curves" grep -q ',irl/gap,' "$work/$method-a/scalars.csv"
  check "$method: what was learned acts" "$loom" rollout "$work/$method-a/best.safetensors" -n 1
  check "$method: another policy by its reward" "${learn[@]}" -n 256 --reward "$work/$method-a/reward.yaml" -o "$work/by-$method"
done
check 'projection: margins' grep -q ',irl/margin,' "$work/projection-a/scalars.csv"
check 'maxent: effective sample size' grep -q ',irl/effective,' "$work/maxent-a/scalars.csv"
check 'its own configuration' "$loom" irl -c "$work/maxent-a/config.yaml" -o "$work/again"
check 'the same by it' cmp "$work/maxent-a/reward.yaml" "$work/again/reward.yaml"
expect 'as text' 0 'feature \(episode sums\) +expert +learned +weight' "$loom" irl $task -c "$work/ppo.yaml" --data "$demos" --seeds 3,4 -j 2 -o "$work/seeds"
check 'a reward a seed' differ "$work/seeds/seed-3/reward.yaml" "$work/seeds/seed-4/reward.yaml"
expect 'too few episodes' 0 'fewer than 4000 episodes ended' "$loom" irl $task -c "$work/ppo.yaml" --data "$demos" --first 4000 --keep 4000 -n 512 -o "$work/few"
check 'of which no weight is known' grep -q 'term: healthy, weight: 0}' "$work/few/reward.yaml"

# Without --feature what the task has besides its reward, which changes nothing.
sed '/^  reward:/,/^  reset:/{/^  reset:/!d}; s/^  reset:/  reward: [{term: action}]\n  reset:/' $task >"$work/unpaid.yaml"
check 'by default' "$loom" irl $task -c "$work/ppo.yaml" --data "$demos" -o "$work/plain"
check 'of the task without its reward' "$loom" irl "$work/unpaid.yaml" -c "$work/ppo.yaml" --data "$demos" -o "$work/unpaid"
check 'the same weights' cmp "$work/plain/reward.yaml" "$work/unpaid/reward.yaml"
check 'healthy is the first of them' grep -q 'term: healthy' "$work/plain/reward.yaml"

# ---- a reward file from scratch

cat >"$work/own.yaml" <<'YAML'
- {term: healthy, weight: 2}
- {term: action, weight: -0.5}
YAML
check 'from scratch by a file' "${learn[@]}" -n 512 --reward "$work/own.yaml" -o "$work/paid"
check 'it is part of the settings' grep -q "reward: .*own.yaml" "$work/paid/config.yaml"
check 'by its settings' "$loom" finetune --scratch -c "$work/paid/config.yaml" -o "$work/paid-again"
check 'the same policy' cmp "$work/paid/best.safetensors" "$work/paid-again/best.safetensors"
sed -i 's/weight: 2/weight: 3/' "$work/own.yaml"
expect 'another reward' 2 'task was another' "$loom" finetune --scratch -c "$work/paid/config.yaml" -o "$work/paid" --resume
echo '- {term: healthyy}' >"$work/own.yaml"
expect 'a term that is none' 1 "own.yaml:1: key 'term': expected one of healthy" "${learn[@]}" -n 512 --reward "$work/own.yaml" -o "$work/x"
echo '{}' >"$work/own.yaml"
expect 'a reward that is no list' 1 'own.yaml:1: .*expected a list' "${learn[@]}" -n 512 --reward "$work/own.yaml" -o "$work/x"

# ---- of robots

. tests/tools/reach_policy.sh
reaching=("$loom" irl "$reach" --data "$work/reach.hdf5" --method relent --samples 48)
expect 'relent' 0 'effective sample size [0-9.]+ %' "${reaching[@]}" -j 1 -o "$work/relent"
check 'relent on two threads' "${reaching[@]}" -j 2 --json -o "$work/relent-2"
check 'the same bytes' cmp "$work/relent/reward.yaml" "$work/relent-2/reward.yaml"
check 'another seed' "${reaching[@]}" --seed 2 -o "$work/relent-3"
check 'is another reward' differ "$work/relent/reward.yaml" "$work/relent-3/reward.yaml"
check 'time is worth less than nothing' grep -qE '^- \{term: time, weight: -' "$work/relent/reward.yaml"
expect 'a folder with a reward' 2 'holds a run already|reward.yaml' "${reaching[@]}" -o "$work/relent"
check 'which is replaced' "${reaching[@]}" -o "$work/relent" --overwrite
check 'a mixture' "$loom" train --data "$work/reach.hdf5" --task "$reach" -p bc_gmm --hidden 16 --epochs 1 --steps 40 --rollouts 1 -j 1 -o "$work/gmm"
gmm=$work/gmm/last.safetensors
by_policy=("${reaching[@]}" --policy "$gmm" --noise 0.5 --l2 1)
check 'relent of a policy' "${by_policy[@]}" -j 1 -o "$work/by-policy"
check 'on two threads' "${by_policy[@]}" -j 2 -o "$work/by-policy-2"
check 'the same bytes of it' cmp "$work/by-policy/reward.yaml" "$work/by-policy-2/reward.yaml"
check 'which are others' differ "$work/by-policy/reward.yaml" "$work/relent/reward.yaml"
expect 'relent of a plain control policy' 0 '4 demos against 24 trajectories' "$loom" irl $task --data "$demos" --method relent \
  --policy "$work/expert/best.safetensors" --samples 24 --noise 0.5 --l2 10 -o "$work/by-expert"
cat >"$work/policy.yaml" <<'YAML'
finetune: {method: ppo, steps: 900, threads: 1, evaluate: 4, evaluate_every: 600, checkpoint_every: 200}
ppo: {environments: 2, steps: 48, epochs: 2, minibatches: 2, hidden: [8]}
base: {test: 2}
direct: {critic_first: 1}
irl: {first: 2, keep: 4}
YAML
same_bytes policy 'last.safetensors best.safetensors evaluation.csv reward.yaml' \
  "$loom" irl "$reach" --policy "$gmm" -c "$work/policy.yaml" --data "$work/reach.hdf5"
sed '/^irl/d; s/steps: 900/steps: 300/' "$work/policy.yaml" >"$work/finetune.yaml"
for reward in relent policy-a; do
  check "a policy by the reward of $reward" "$loom" finetune "$gmm" -t "$reach" -c "$work/finetune.yaml" --reward "$work/$reward/reward.yaml" -o "$work/by-$reward"
done

# One that never succeeds learns by what a file pays for long before.
other_tasks
hard=("$loom" finetune "$gmm" -t "$work/scenes/reach/hard.yaml" -c "$work/finetune.yaml")
expect 'a policy that never succeeds' 2 'nothing to reinforce' "${hard[@]}" -o "$work/hard"
check 'by a reward of its steps' "${hard[@]}" --reward "$work/relent/reward.yaml" -o "$work/harder"

# ---- refused

go_wrong() { expect "$1" "$2" "$3" "${@:4}" -o "$work/x"; }
inside=("$loom" irl $task -c "$work/ppo.yaml" --data "$demos")
go_wrong 'no demos' 2 'it takes --data' "$loom" irl $task
expect 'no folder' 2 'it takes -o' "$loom" irl $task --data "$demos"
go_wrong 'no such demos' 1 'none.hdf5' "$loom" irl $task --data "$work/none.hdf5"
go_wrong 'demos of another task' 1 'demos.hdf5: is of the task hopper, not of half_cheetah' "$loom" irl tests/gym/half_cheetah.yaml --data "$demos"
sed 's/frame_skip: 4/frame_skip: 8/' $task >"$work/slow.yaml"
go_wrong 'demos of another rate' 1 'has 125 control steps a second, where .*slow.yaml has 62.5' "$loom" irl "$work/slow.yaml" --data "$demos"
sed 's/^task: own/task: own\ncontrol_freq: 10/' "$reach" >"$work/scenes/reach/slow.yaml"
go_wrong 'a slower task' 1 'control_freq|steps a second|Hz' "$loom" irl "$work/scenes/reach/slow.yaml" --method relent --data "$work/reach.hdf5"
go_wrong 'demos of robots' 1 'is of the task own' "$loom" irl $task --data "$work/reach.hdf5"
sed 's/above: 0.7/above: 1.24/' $task >"$work/strict.yaml"
go_wrong 'demos that end elsewhere' 1 'demo 1 of 4 ended after [0-9]+ steps, where its actions .* end after' "$loom" irl "$work/strict.yaml" --data "$demos"
go_wrong 'a term that is none' 1 "feature:1: key 'term': expected one of healthy" "${inside[@]}" --feature '{term: healthyy}'
go_wrong 'a second one' 1 "feature:2: key 'off'" "${inside[@]}" --feature '{term: healthy}' --feature '{term: action, off: 2}'
go_wrong 'a weight' 1 "feature:1: key 'weight'" "${inside[@]}" --feature '{term: healthy, weight: 2}'
go_wrong 'no map' 1 "feature:1: .* is no map of a term" "${inside[@]}" --feature '{term: [}'
go_wrong 'a condition that is none' 1 "feature:1: key 'condition'" "${reaching[@]}" --feature '{term: margin, condition: upside_down}'
go_wrong 'collinear features' 1 'feature 3 \(.*\) is made up of 2 \(' "${inside[@]}" "${features[@]:0:4}" --feature '{term: velocity, of: qpos, from: 0, count: 1}'
go_wrong 'collinear features of relent' 1 'feature 2 \(time\) is made up of 1 \(time\)' "${reaching[@]}" --feature '{term: time}' --feature '{term: time}'
hopping=("$loom" irl $task --data "$demos" --method relent --samples 24)
go_wrong 'out of reach' 1 'outside what the baseline reaches, by [0-9.]+ deviations' "${hopping[@]}" --noise 5
go_wrong 'few that count' 1 'effective sample size [0-9.]+; at least 5 % are wanted' "${hopping[@]}" --noise 0.5 --l2 0
go_wrong 'no policy' 2 'name it with --policy' "$loom" irl "$reach" --data "$work/reach.hdf5" --method maxent
go_wrong 'a policy of a plain control task' 2 'learned from scratch' "$loom" irl $task --policy "$gmm" --data "$demos"
go_wrong 'relent of a policy of another kind' 1 'missing|is not what|no policy of ours' "${reaching[@]}" --policy "$work/expert/best.safetensors"
go_wrong 'relent of a policy of robots' 1 'gmm/last.safetensors' "$loom" irl $task --method relent --policy "$gmm" --data "$demos"
go_wrong 'relent with steps' 2 'no policy learns' "${reaching[@]}" --steps 100
go_wrong 'maxent with samples' 2 'are of --method relent' "$loom" irl $task --data "$demos" --samples 20
go_wrong 'settings without features' 2 'looks for no reward' "$loom" irl -c "$work/expert/config.yaml" --data "$demos"
go_wrong 'settings with them' 2 'demoloom irl learns by it' "$loom" finetune --scratch -c "$work/maxent-a/config.yaml"
expect 'a folder with a run' 2 'holds a run already' "${inside[@]}" -o "$work/plain"
check 'other demos' "$loom" rollout "$work/expert/best.safetensors" -n 3 --seed 6 -o "$work/other.hdf5"
expect 'a run of other demos' 2 'has other settings' "$loom" irl -c "$work/maxent-a/config.yaml" --data "$work/other.hdf5" -o "$work/maxent-a" --resume
expect 'help' 0 'irl TASK --data FILE.hdf5 -o DIR' "$loom" irl $task --help

close_tests
