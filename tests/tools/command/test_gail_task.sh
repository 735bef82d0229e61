#!/usr/bin/env bash
# `demoloom gail TASK`: an expert on a plain control task, recorded by `rollout -o`; by PPO, TD3 and of a policy the same
# bytes on any number of threads, after Ctrl-C and after kill -9; what is told; what was learned acts; and what is refused.
# Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export OMP_NUM_THREADS=1
task=tests/gym/hopper.yaml

# ---- an expert

learn=("$loom" finetune -t $task --scratch -n 2048 --environments 2 --evaluate 1 -j 1 -o "$work/expert")
check 'an expert' "${learn[@]}"
expert=$work/expert/best.safetensors demos=$work/demos.hdf5
expect 'its returns' 0 '^return [0-9.]+ \(deviation [0-9.]+\) over 3 episodes of [0-9]+ steps' "$loom" rollout "$expert" -n 3 --seed 5
expect 'of a checkpoint too, as JSON' 0 '"return":' "$loom" rollout "$work/expert/last.safetensors" -n 1 --json
check 'its demos' "$loom" rollout "$expert" -n 3 --seed 5 -o "$demos"
check 'and again' "$loom" rollout "$expert" -n 3 --seed 5 -o "$work/again.hdf5"
check 'the same' cmp "$demos" "$work/again.hdf5"
expect 'in a dataset' 0 'obs/observation +float64' "$loom" info "$demos"
expect 'a demo it is not for' 2 'of a plain control task, it takes one policy' "$loom" rollout "$expert" -n 1 --video "$work/v.mp4"
expect 'a policy of another task' 1 'missing or of another size' "$loom" rollout "$expert" -n 1 --task tests/gym/half_cheetah.yaml
check 'nothing is left' test ! -e "$demos.parts"

# ---- the same bytes

cat >"$work/ppo.yaml" <<'END'
finetune: {method: ppo, steps: 1536, threads: 1, evaluate: 1, evaluate_every: 1024, checkpoint_every: 512}
ppo: {environments: 4, steps: 64, epochs: 2, minibatches: 4, hidden: [16]}
gail: {updates: 4, batch: 32, hidden: [16], replay: 2}
END
cat >"$work/td3.yaml" <<'END'
finetune: {method: td3, steps: 6000, threads: 1, evaluate: 1, evaluate_every: 4000, checkpoint_every: 2000}
td3: {environments: 2, buffer: 3000, warmup: 1000, batch: 16, updates: 0.1, hidden: [16]}
gail: {updates: 20, batch: 32, hidden: [16]}
END
. tests/tools/same_bytes.sh
weights='last.safetensors best.safetensors'
same_bytes ppo "$weights" "$loom" gail $task -c "$work/ppo.yaml" --data "$demos" --every 5
same_bytes td3 "$weights" "$loom" gail $task -c "$work/td3.yaml" --data "$demos" --json
check 'td3: told' grep -q '"method":"td3","data":".*","discriminator":"bce","see":"state,action","won_at":\[0\],"return":{"mean":.*"steps":6000' "$work/td3.said"
for method in ppo td3; do
  check "$method: what was learned acts" "$loom" rollout "$work/$method-a/best.safetensors" -n 1
  check "$method: curves" cmp -n 4 "$work/$method-a/curves.png" <(printf '\211PNG')
  for tag in expert_accuracy policy_accuracy entropy wasserstein reward absorbing; do
    check "$method: $tag is logged" grep -q ",discriminator/$tag," "$work/$method-a/scalars.csv"
  done
done
check 'its own configuration' "$loom" gail -c "$work/ppo-a/config.yaml" -o "$work/ppo-c"
run_name=ppo run_files=$weights
check 'the same bytes by it' same_files c

# What is learned of a reward, and by it.
same_bytes airl "$weights reward.safetensors reward.yaml" "$loom" gail $task -c "$work/ppo.yaml" --data "$demos" --every 5 --discriminator airl --penalty 0.01
check 'airl: what was learned acts' "$loom" rollout "$work/airl-a/best.safetensors" -n 1
reward=$work/airl-a/reward.yaml
fresh=("$loom" finetune --scratch -t $task --environments 2 -n 2048 --evaluate 1 -j 1)
check 'airl: a fresh policy by its reward' "${fresh[@]}" --reward "$reward" -o "$work/fresh"
check 'airl: differs from one by the task' differ "$work/fresh/last.safetensors" "$work/expert/last.safetensors"
sed 's/file: reward.safetensors/&, weight: -1/' "$reward" >"$work/airl-a/minus.yaml"
sed 's|}$|, shaped: true}|' "$reward" >"$work/airl-a/shaped.yaml"
check 'airl: shaped' "${fresh[@]}" --reward "$work/airl-a/shaped.yaml" -o "$work/shaped"
check 'airl: shaped differs' differ "$work/fresh/last.safetensors" "$work/shaped/last.safetensors"
check 'airl: a weight counts' "${fresh[@]}" --reward "$work/airl-a/minus.yaml" -o "$work/minus"
check 'airl: and differs' differ "$work/fresh/last.safetensors" "$work/minus/last.safetensors"
mkdir "$work/moved"
cp "$reward" "$work/moved"
by_moved() { expect "$1" 1 "$2" "${fresh[@]}" --reward "$work/moved/reward.yaml" -o "$work/x"; }
by_moved 'a reward without its file' 'moved/reward.safetensors'
head -c 900 "$work/airl-a/reward.safetensors" >"$work/moved/reward.safetensors"
by_moved 'cut short' 'moved/reward.safetensors'
cp "$work/airl-a/best.safetensors" "$work/moved/reward.safetensors"
by_moved 'a policy in its place' 'reward.safetensors: reward.sizes is missing, or not as .*airl. writes it'
echo '- {term: learned, file: ../airl-a/reward.safetensors}' >"$work/moved/reward.yaml"
by_moved 'a file elsewhere' 'airl-a/reward.safetensors'
echo '- {term: learned}' >"$work/moved/reward.yaml"
by_moved 'no file' "reward.yaml:1: key 'file'"
expect 'of another task' 1 'reward.safetensors: is of a task with 11 numbers to see and 3 to do, where this one has 17 and 6' \
  "$loom" finetune --scratch -t tests/gym/half_cheetah.yaml --reward "$reward" -o "$work/x"
expect 'as a feature' 1 'nothing has opened' "$loom" irl $task --data "$demos" --feature '{term: learned, file: reward.safetensors}' -o "$work/x"

# Other rows, other sights, other discriminators are other runs.
run=("$loom" gail $task -c "$work/ppo.yaml" --data "$demos" -n 512)
check 'as it is' "${run[@]}" -o "$work/plain"
while read -r name option; do
  # shellcheck disable=SC2086
  check "$name" "${run[@]}" $option -o "$work/$name"
  check "$name: differs" differ "$work/$name/last.safetensors" "$work/plain/last.safetensors"
done <<'END'
every --every 20
demos --demos 1
next --see state,next
wgan --discriminator wgan
spectral --discriminator wgan --spectral --penalty 0
linear --discriminator linear
pack --pack 3
gail-form --reward gail
no-end --absorbing off
airl --discriminator airl
airl-states --discriminator airl --see state,next
airl-no-end --discriminator airl --absorbing off
END
expect 'beside it' 0 'on the same starts \(1 episodes\): behavioral cloning of the same rows [0-9.]+, random actions [0-9.]+' "${run[@]}" -o "$work/beside"
check 'beside it, as JSON' grep -q '"baselines":{"episodes":1,"bc":{"mean":[0-9.]*,"of_each_seed":\[[0-9.]*\]},"random":{' "$work/td3.said"
check 'not beside it' eval "[ -z \"\$(${run[*]} --no-baselines --json -o '$work/alone' | grep baselines)\" ]"
check 'an end is of no absorbing state' eval "! grep -q discriminator/absorbing '$work/no-end/scalars.csv'"
sed -e 's/updates: 4/updates: 50/; s/batch: 32, hidden: .16./batch: 64, hidden: [64]/' -e 's/replay: 2/replay: 1, penalty: 0, rate: 0.003, pack: 8/' "$work/ppo.yaml" >"$work/won.yaml"
expect 'it has won' 0 'warning: run 1: after iteration [0-9]+ the discriminator had been right .* for 20 iterations' \
  "$loom" gail $task -c "$work/won.yaml" --data "$demos" -n 12288 -o "$work/won"
expect 'seeds' 0 'mean of 2 seeds' "${run[@]}" --seeds 3,4 -j 2 -o "$work/seeds"

# ---- a policy

. tests/tools/reach_policy.sh
check 'a mixture' "$loom" train --data "$work/reach.hdf5" --task "$reach" -p bc_gmm --hidden 16 --epochs 1 --steps 40 --rollouts 1 -j 1 -o "$work/gmm"
cat >"$work/policy.yaml" <<'END'
finetune: {method: ppo, steps: 600, threads: 1, evaluate: 4, evaluate_every: 600, checkpoint_every: 200}
ppo: {environments: 2, steps: 48, epochs: 2, minibatches: 2, hidden: [8]}
base: {test: 2}
direct: {critic_first: 1}
gail: {updates: 4, batch: 32, hidden: [16]}
END
gmm=$work/gmm/last.safetensors
of_policy=("$loom" gail "$reach" --policy "$gmm" -c "$work/policy.yaml" --data "$work/reach.hdf5")
same_bytes policy "$weights evaluation.csv" "${of_policy[@]}" --bc 0.1 --json
check 'policy: beside it' grep -q '"baselines":{"episodes":4,"bc":{"mean":[01]' "$work/policy.said"
check 'policy: before and after' grep -q '"before":{"n":2,.*"after":{"n":2,' "$work/policy.said"
check 'policy: its best one acts' "$loom" rollout "$work/policy-a/best.safetensors" -n 1 -j 1

# ---- refused

go_wrong() { expect "$1" "$2" "$3" "${@:4}" -o "$work/x"; }
go_wrong 'no demos' 2 'it takes --data' "$loom" gail $task
go_wrong 'no such demos' 1 'none.hdf5' "$loom" gail $task --data "$work/none.hdf5"
expect 'no folder' 2 'it takes -o' "$loom" gail $task --data "$demos"
go_wrong 'demos of another task' 1 'demos.hdf5: is of the task hopper, not of half_cheetah' "$loom" gail tests/gym/half_cheetah.yaml --data "$demos"
sed 's/frame_skip: 4/frame_skip: 8/' $task >"$work/slow.yaml"
go_wrong 'demos of another rate' 1 'has 125 control steps a second, where .*slow.yaml has 62.5' "$loom" gail "$work/slow.yaml" --data "$demos"
sed 's/from: 1}, {of: qvel/from: 0}, {of: qvel/' $task >"$work/wide.yaml"
go_wrong 'demos that saw other numbers' 1 'obs/observation has [0-9]+ rows of 11 numbers, where hopper has 12' "$loom" gail "$work/wide.yaml" --data "$demos"
go_wrong 'demos of robots' 1 'is of the task own' "$loom" gail $task --data "$work/reach.hdf5"
go_wrong 'demos of a plain control task' 1 'demos.hdf5' "$loom" gail "$reach" --policy "$gmm" --data "$demos"
sed 's/^task: own/task: own\ncontrol_freq: 10/' "$reach" >"$work/scenes/reach/slow.yaml"
go_wrong 'a slower task' 1 'control_freq|steps a second|Hz' "$loom" gail "$work/scenes/reach/slow.yaml" --policy "$gmm" --data "$work/reach.hdf5"
go_wrong 'no policy' 2 'name it with --policy' "$loom" gail "$reach" --data "$work/reach.hdf5"
go_wrong 'a policy of a plain control task' 2 'learned from scratch' "$loom" gail $task --policy "$gmm" --data "$demos"
go_wrong 'td3 of a policy' 1 'begins with no policy' "$loom" gail "$reach" --policy "$gmm" --rl td3 --data "$work/reach.hdf5"
go_wrong 'of no policy' 2 'are of a policy' "$loom" gail $task --data "$demos" --bc 1
go_wrong 'packs of td3' 1 'a pack of 1' "$loom" gail $task --data "$demos" --rl td3 --pack 2
go_wrong 'airl of td3' 1 'td3, whose policy is certain, cannot tell; take ppo' "$loom" gail $task --data "$demos" --rl td3 --discriminator airl
go_wrong 'airl of a policy' 1 'of policies from scratch alone' "${of_policy[@]}" --discriminator airl
go_wrong 'packs of airl' 2 'a pack of 1' "$loom" gail $task --data "$demos" --discriminator airl --pack 2
expect 'airl of a toy' 2 'airl discriminator is of states' "$loom" gail --toy ring --discriminator airl -n 10
expect 'airl of goals' 1 'of policies from scratch alone, that see what the expert saw' "$loom" gail goals --discriminator airl -n 2048
go_wrong 'too few rows' 1 'no row is left' "$loom" gail $task --data "$demos" --every 100000
go_wrong 'another method' 2 'leave --rl out' "$loom" gail $task -c "$work/ppo.yaml" --rl td3 --data "$demos"
go_wrong 'settings without a discriminator' 2 'demoloom finetune' "$loom" gail -c "$work/expert/config.yaml" --data "$demos"
go_wrong 'settings with one' 2 'demoloom gail' "$loom" finetune --scratch -c "$work/ppo-a/config.yaml"
go_wrong 'no such sight' 2 'state,next' "$loom" gail $task --data "$demos" --see all
check 'other demos' "$loom" rollout "$expert" -n 3 --seed 6 -o "$work/other.hdf5"
expect 'a run of other demos' 2 'has other settings' "$loom" gail -c "$work/ppo-a/config.yaml" --data "$work/other.hdf5" -o "$work/ppo-a" --resume
expect 'a folder with a run' 2 'holds a run already' "${run[@]}" -o "$work/plain"
close_tests
