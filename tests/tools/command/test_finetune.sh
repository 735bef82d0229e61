#!/usr/bin/env bash
# `demoloom finetune` of a policy and, --scratch, on plain control tasks and on those of robots: by every method the same bytes on any number of
# threads, after Ctrl-C and after kill -9; several seeds; and what is refused. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export OMP_NUM_THREADS=1
task=tests/gym/hopper.yaml

cat >"$work/ppo.yaml" <<'END'
finetune: {method: ppo, steps: 4096, threads: 1, evaluate: 2, evaluate_every: 2048, checkpoint_every: 1024}
ppo: {environments: 4, steps: 128, epochs: 2, minibatches: 4, hidden: [16]}
END
cat >"$work/td3.yaml" <<'END'
finetune: {method: td3, steps: 6000, threads: 1, evaluate: 2, evaluate_every: 4000, checkpoint_every: 2000}
td3: {environments: 2, buffer: 3000, warmup: 1000, batch: 16, updates: 0.1, hidden: [16]}
END
printf -- '- {term: distance, from: {eef: 0}, to: target, weight: -2}\n- {term: action_size, weight: -0.01}\n' >"$work/twice.yaml"
printf 'mass: [0.5, 2]\n' >"$work/mass.yaml"
mkdir "$work/spoon" && sed 's/target/spoon/' "$work/twice.yaml" >"$work/spoon/twice.yaml"
cp -r tests/reach "$work/absolute"
sed -i 's/type: JOINT_POSITION,/type: OSC_POSE, delta: false,/' "$work/absolute/task.yaml"
learn() { "$loom" finetune -t $task --scratch -c "$work/$1.yaml" -o "$work/$1-$2" "${@:3}"; }
weights='last.safetensors best.safetensors'

# ---- from scratch

. tests/tools/same_bytes.sh
for method in ppo td3; do
  same_bytes $method "$weights" "$loom" finetune -t $task --scratch -c "$work/$method.yaml"
  check "$method: curves" cmp -n 4 "$work/$method-a/curves.png" <(printf '\211PNG')
  check "$method: returns are logged" grep -q ',evaluate/return,' "$work/$method-a/scalars.csv"
done
check 'its own configuration' "$loom" finetune -c "$work/ppo-a/config.yaml" --scratch -o "$work/ppo-c"
run_name=ppo run_files=$weights
check 'the same bytes by it' same_files c

# ---- from scratch, of robots

robots=tests/reach/task.yaml
same_bytes robots last.safetensors "$loom" finetune -t $robots --scratch -c "$work/td3.yaml" -n 3000 --reward "$work/twice.yaml" --contexts contexts \
  --context-count 3
run_name=robots
check 'robots: their own configuration' "$loom" finetune -c "$work/robots-a/config.yaml" --scratch -o "$work/robots-c"
check 'robots: a set of contexts' grep -q 'context_count: 3' "$work/robots-c/config.yaml"
check 'robots: it acts' eval '"$loom" rollout "$work/robots-a/last.safetensors" -n 3 --seed 4 --json -o "$work/robots.hdf5" >"$work/robots.told"'
check 'robots: each episode is told by the own reward' test "$(grep -c '"last":.*\[-0\.[0-9]*\]' "$work/robots.told")" = 3
check 'robots: demos replay' "$loom" replay "$work/robots.hdf5" --task $robots
check 'robots: by ppo' "$loom" finetune -t $robots --scratch -c "$work/ppo.yaml" -n 1024 -j 1 -o "$work/robots-ppo"
while IFS='|' read -r name status pattern options; do
  # shellcheck disable=SC2086
  expect "robots: $name" "$status" "$pattern" "$loom" finetune -t $robots --scratch -n 1000 -j 1 -o "$work/x" $(eval echo "$options")
done <<'END'
no such distribution|2|no reset distribution 'D7'|--reset D7
no such contexts|2|no disturbances 'rough'.*contexts|--contexts rough
contexts that change more|1|'mass' is no part of what a demo looks like|--contexts $work/mass.yaml
as many of none|2|goes with --contexts|--context-count 2
a reward of what is not there|1|twice.yaml:1: .*spoon|--reward $work/spoon/twice.yaml
END
expect 'robots: poses as they are' 1 'of any size; from scratch it is to take moves' \
  "$loom" finetune --scratch -t "$work/absolute/task.yaml" -o "$work/x"
expect 'a control task in contexts' 2 'is a plain control task' "$loom" finetune -t $task --scratch --contexts contexts -o "$work/x"
expect 'a policy in contexts' 2 'go with --scratch' "$loom" finetune policy.safetensors --contexts contexts -o "$work/x"

# ---- a policy

. tests/tools/reach_policy.sh
train() { "$loom" train --data "$work/reach.hdf5" --task "$reach" -p "$1" --hidden 16 --epochs 1 --steps "$2" --rollouts 1 -j 1 -o "$work/$1"; }
check 'a mixture' train bc_gmm 40
check 'a denoiser' train diffusion_mlp 600
gmm=$work/bc_gmm/last.safetensors denoiser=$work/diffusion_mlp/last.safetensors
cat >"$work/direct.yaml" <<'END'
finetune: {method: ppo, steps: 600, threads: 1, evaluate: 4, evaluate_every: 600, checkpoint_every: 200}
ppo: {environments: 2, steps: 48, epochs: 2, minibatches: 2, hidden: [8]}
base: {test: 2}
direct: {critic_first: 1}
END
cat >"$work/dppo.yaml" <<'END'
finetune: {method: dppo, steps: 600, threads: 1, evaluate: 4, evaluate_every: 600, checkpoint_every: 150}
ppo: {environments: 2, steps: 10, epochs: 2, minibatches: 2, hidden: [8]}
dppo: {critic_first: 1, steps: 5}
base: {test: 2}
END
sed 's/method: dppo/method: residual_ppo/; /^dppo:/d' "$work/dppo.yaml" >"$work/residual_ppo.yaml"
echo 'residual_ppo: {critic_first: 1}' >>"$work/residual_ppo.yaml"
# Every method: the same bytes, and as many episodes before as after.
while read -r method n command; do
  # shellcheck disable=SC2086
  same_bytes "$method" "$weights evaluation.csv" "$loom" finetune $(eval echo "$command") --json
  check "$method: before and after" grep -q "\"before\":{\"n\":$n,.*\"breaches\":{\"penetration\":[0-9]*,\"joint_speed\":[0-9]*},\"mean_squared_jerk\":.*\"after\":{\"n\":$n,.*\"rougher\":\[.*\"method\":\"${method#of-}\"" "$work/$method.said"
  check "$method: its best one acts" "$loom" rollout "$work/$method-a/best.safetensors" -n 1 -j 1
done <<'END'
residual 4 $work/reach.safetensors -c $work/reach.yaml
of-ppo 2 $gmm -c $work/direct.yaml --bc 0.1 --data $work/reach.hdf5
dppo 2 $denoiser -c $work/dppo.yaml
residual_ppo 2 $denoiser -c $work/residual_ppo.yaml
END

expect 'residual: no export' 1 'finetuned policies cannot be exported' "$loom" export "$work/residual-stopped.safetensors" -o "$work/x.onnx"
check 'residual: unfinished, it acts' "$loom" rollout "$work/residual-stopped.safetensors" -n 1 -j 1
for method in of-ppo dppo; do
  check "$method: its best one is exported" "$loom" export "$work/$method-a/best.safetensors" -o "$work/$method.onnx"
done

# What is told is what the starts say.
sum_of() { awk -F, -v c="$1" 'NR > 1 { n += $c } END { print n + 0 }' "$work/residual-a/evaluation.csv"; }
mean_of() { awk -F, -v c="$1" 'NR > 1 && $c != "" { s += $c; n++ } END { printf "%.9g", s / n }' "$work/residual-a/evaluation.csv"; }
# told WHEN KEY: a number of the closing line.
told() { sed "s/.*\"$1\":{\([^}]*}[^}]*\)}.*/\1/; s/.*\"$2\":\([-0-9.e]*\).*/\1/" "$work/residual.said" | tail -n 1; }
check 'residual: successes before' test "$(told before successes)" = "$(sum_of 2)"
check 'residual: successes after' test "$(told after successes)" = "$(sum_of 3)"
check 'residual: within limits' test "$(told after successes_within_limits)" = "$(sum_of 5)"
check 'residual: jerk before' test "$(printf %.9g "$(told before mean_squared_jerk)")" = "$(mean_of 8)"
check 'residual: jerk after' test "$(printf %.9g "$(told after mean_squared_jerk)")" = "$(mean_of 9)"

residual() { "$loom" finetune "$work/reach.safetensors" -c "$work/reach.yaml" -o "$work/residual-$1" --json "${@:2}"; }
printf 'mass: {range: [0.9, 1.1], scale: log, limits: [0.5, 2]}\nobservation_delay: {range: 0, limits: [0, 2]}\n' >"$work/wide.yaml"
check 'residual: under disturbances' eval 'residual rough --disturb "$work/wide.yaml" --widen 0.01 -n 100 --evaluate 4 --eval 2 >"$work/rough.json"'
check 'residual: both are told' grep -q '"before":{"n":2,.*"before_disturbed":{"n":2,.*"after_disturbed":{"n":2,' "$work/rough.json"
check 'residual: how far ranges have come' grep -qE '^mass: \{range: \[[0-9.]+, [0-9.]+\], scale: log, limits: \[0.5, 2\]\}$' "$work/residual-rough/disturb.yaml"
expect 'residual: no range has limits' 1 'has `limits`' residual x --disturb rough --widen 0.5
expect 'residual: nothing to widen' 2 'no ranges to widen' residual x --widen 0.5

# ---- results

seeds() {
  learn ppo seeds --seeds 1,2 --json >"$work/json" &&
    grep -qE '"return":\{"mean":[-0-9.e]+,"of_each_seed":\[[-0-9.e]+,[-0-9.e]+\]\}' "$work/json" &&
    cmp "$work/ppo-a/last.safetensors" "$work/ppo-seeds/seed-1/last.safetensors" &&
    differ "$work/ppo-a/last.safetensors" "$work/ppo-seeds/seed-2/last.safetensors"
}
check 'several seeds' seeds
again() { learn ppo seeds --seeds 1,2 --json --resume >"$work/json2" && diff <(cut -d, -f 1-6 "$work/json") <(cut -d, -f 1-6 "$work/json2"); }
check 'and once more, which is done already' again

# ---- what is refused

other_tasks
printf -- '- {term: time, weight: 1.7e308}\n- {term: time, weight: 1.7e308}\n' >"$work/nan.yaml"
printf -- '- {term: time, weight: .nan}\n' >"$work/no_number.yaml"
while IFS='|' read -r name status said options; do
  # shellcheck disable=SC2086
  expect "$name" "$status" "$said" "$loom" finetune $(eval echo "$options") -j 1 -o "$work/x"
  check "$name: nothing was learned" test ! -e "$work/x/last.safetensors"
  rm -rf "$work/x"
done <<'END'
a policy of another task|2|is a policy for own, not for other; give --task own|$work/reach.safetensors --task $work/scenes/reach/other.yaml
a policy of another rate|1|its control_freq is 20 Hz and the task.s 10 Hz, .*write `control_freq: 20`|$work/reach.safetensors --task $work/scenes/reach/slow.yaml
ppo of a policy of another rate|1|its control_freq is 20 Hz|$gmm -m ppo --task $work/scenes/reach/slow.yaml
dppo of a policy of another rate|1|its control_freq is 20 Hz|$denoiser -m dppo --task $work/scenes/reach/slow.yaml
a policy of other actions|1|takes joint angles .JOINT_POSITION., not poses|$work/reach.safetensors --task $work/scenes/reach/joint.yaml
no such distribution|2|no reset distribution 'D7'|$work/reach.safetensors --reset D7
rewards that are no numbers|1|nan.yaml: the reward's terms add up to no finite number at control step|$work/reach.safetensors -c $work/reach.yaml --reward $work/nan.yaml --evaluate 0
a weight that is no number|1|no_number.yaml:1: key 'weight': expected a number, found '.nan'|$work/reach.safetensors --reward $work/no_number.yaml
demos cut short|1|cut.hdf5: cut short at 3000 bytes .*fetch or copy it again|$work/reach.safetensors --data $work/cut.hdf5
no demos at all|1|empty.hdf5: empty .0 bytes.|$work/reach.safetensors --data $work/empty.hdf5
no such demos|1|none.hdf5: cannot be read|$work/reach.safetensors --data none.hdf5
--bc of demos cut short|1|cut.hdf5: cut short at 3000 bytes|$gmm -m ppo --bc 0.1 --data $work/cut.hdf5
--bc of no demos at all|1|empty.hdf5: empty .0 bytes.|$gmm -m ppo --bc 0.1 --data $work/empty.hdf5
--bc of none|2|name them|$gmm -m ppo --bc 0.1
--bc for a residual|2|with --method ppo|$work/reach.safetensors --bc 0.1
ppo of a policy without a likelihood|1|bc_gaussian, bc_gmm, bc_rnn_gmm and bc_transformer|$work/reach.safetensors -m ppo
dppo of a policy without noise|1|diffusion and diffusion_mlp do|$work/reach.safetensors -m dppo
dppo from scratch|2|name one|--scratch -m dppo -t $task
residual_ppo from scratch|2|name one|--scratch -m residual_ppo -t $task
a policy that has been finetuned|1|finetuned already|$work/residual-stopped.safetensors -c $work/reach.yaml
END
for method in residual ppo dppo; do
  policy=$work/reach.safetensors
  [ $method = ppo ] && policy=$gmm
  [ $method = dppo ] && policy=$denoiser
  expect "$method of a policy that never succeeds" 2 'succeeds in none of 2 episodes, so there is nothing to reinforce; train it on more demos, or' \
    "$loom" finetune "$policy" -m $method --task "$work/scenes/reach/hard.yaml" --evaluate 2 -j 1 -o "$work/hard-$method"
done

expect 'a folder that holds a run' 2 'holds a run already' learn ppo a
sed 's/epochs: 2/epochs: 3/' "$work/ppo.yaml" >"$work/other.yaml"
expect 'other settings' 2 'epochs' "$loom" finetune -t $task --scratch -c "$work/other.yaml" -j 1 -o "$work/ppo-a" --resume
sed 's/weight: -0.001/weight: -0.002/' $task >"$work/task.yaml"
cp "$work/task.yaml" "$work/own.yaml"
check 'a task of its own' "$loom" finetune -t "$work/own.yaml" --scratch -c "$work/ppo.yaml" -o "$work/own"
sed -i 's/-0.002/-0.003/' "$work/own.yaml"
expect 'a task that has changed' 2 'its task was another' "$loom" finetune -t "$work/own.yaml" --scratch -c "$work/ppo.yaml" \
  -o "$work/own" --resume
expect 'a policy and none' 2 'not both' "$loom" finetune policy.safetensors --scratch -t $task -o "$work/x"
expect 'a policy for a control task' 2 'plain control task' "$loom" finetune policy.safetensors -t $task -o "$work/x"
expect 'no such policy' 1 'none.safetensors' "$loom" finetune none.safetensors -t tests/own/task.yaml -o "$work/x"
expect 'no policy' 2 'which policy' "$loom" finetune -t $task -o "$work/x"
expect 'a method for scratch' 2 'takes --scratch' "$loom" finetune policy.safetensors -m td3 -t $task -o "$work/x"
expect 'a method for policies' 2 'name one' "$loom" finetune --scratch -m residual -t $task -o "$work/x"
expect 'no task' 2 'which task' "$loom" finetune --scratch -o "$work/x"
expect 'no folder' 2 'takes -o' "$loom" finetune --scratch -t $task
expect 'no such task' 2 "no scene 'none.yaml'" "$loom" finetune --scratch -t none.yaml -o "$work/x"
expect 'settings of another method' 2 'settings of ppo' "$loom" finetune --scratch -t $task -c "$work/ppo.yaml" -m td3 -o "$work/x"
printf 'finetune: {method: td3}\nppo: {epochs: 1}\n' >"$work/bad.yaml"
expect 'another section' 1 "bad.yaml:2: key 'ppo': means nothing" "$loom" finetune --scratch -t $task -c "$work/bad.yaml" -o "$work/x"
printf 'ppo: {epoch: 1}\n' >"$work/bad.yaml"
expect 'an unknown key' 1 'epochs' "$loom" finetune --scratch -t $task -c "$work/bad.yaml" -o "$work/x"
printf 'ppo: {rate: 1.0e+1, max_gradient: 0, epochs: 200, normalize_rewards: false, activation: relu}\n' >"$work/bad.yaml"
expect 'a rate too large' 1 'no finite number' "$loom" finetune --scratch -t $task -c "$work/bad.yaml" -n 20000 -o "$work/x"
check 'nothing was begun' test ! -e "$work/x/last.safetensors"

close_tests
