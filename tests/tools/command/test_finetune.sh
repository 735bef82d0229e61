#!/usr/bin/env bash
# `demoloom finetune` of a policy and, --scratch, on plain control tasks: the same bytes on any number of threads, after
# Ctrl-C and after kill -9; several seeds; and what is refused. Closes with `N passed, N failed`.
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
learn() { "$loom" finetune -t $task --scratch -c "$work/$1.yaml" -o "$work/$1-$2" "${@:3}"; }
same_run() { cmp "$work/$1-a/last.safetensors" "$work/$1-$2/last.safetensors" && cmp "$work/$1-a/best.safetensors" "$work/$1-$2/best.safetensors"; }

# ---- the same bytes

check 'a library' ${CC:-cc} -shared -fPIC -O1 -o "$work/ctrl_c.so" tests/tools/command/ctrl_c.c -ldl
# interrupted METHOD AT: Ctrl-C at that call, told, and on to the same.
interrupted() {
  local status=0
  rm -rf "$work/$1-int"
  LD_PRELOAD=$work/ctrl_c.so CTRL_C_AT=$2 learn "$1" int >"$work/said" 2>&1 || status=$?
  [ $status -eq 1 ] && grep -q 'interrupted.*--resume goes on' "$work/said" && learn "$1" int --resume && same_run "$1" int
}
# Killed at any moment: whatever the last checkpoint is, it goes on to the same.
killed() {
  for delay in 0.1 0.3 0.6; do
    timeout -s KILL $delay "$loom" finetune -t $task --scratch -c "$work/$1.yaml" -o "$work/$1-kill" --resume
  done
  learn "$1" kill --resume && same_run "$1" kill
}
for method in ppo td3; do
  check "$method: a run" env LD_PRELOAD="$work/ctrl_c.so" CTRL_C_COUNT="$work/n" "$loom" finetune -t $task --scratch \
    -c "$work/$method.yaml" -o "$work/$method-a"
  n=$(cat "$work/n")
  check "$method: 2 threads" learn $method b -j 2
  check "$method: 2 threads, the same bytes" same_run $method b
  check "$method: Ctrl-C at a third of $n" interrupted $method $((n / 3))
  check "$method: Ctrl-C at two thirds" interrupted $method $((n * 2 / 3))
  check "$method: killed" killed $method
  check "$method: curves" cmp -n 4 "$work/$method-a/curves.png" <(printf '\211PNG')
  check "$method: returns are logged" grep -q ',evaluate/return,' "$work/$method-a/scalars.csv"
  check "$method: its own configuration" "$loom" finetune -c "$work/$method-a/config.yaml" --scratch -o "$work/$method-c"
  check "$method: the same bytes by it" same_run $method c
done

# ---- a policy

. tests/tools/reach_policy.sh
residual() { "$loom" finetune "$work/reach.safetensors" -c "$work/reach.yaml" -o "$work/residual-$1" --json "${@:2}"; }
check 'residual: a run' env LD_PRELOAD="$work/ctrl_c.so" CTRL_C_COUNT="$work/n" "$loom" finetune "$work/reach.safetensors" \
  -c "$work/reach.yaml" -o "$work/residual-a" --json
cp "$work/said" "$work/residual.json"
n=$(cat "$work/n")

# On two threads: before it is tested, what was learned is in the best one.
stopped() {
  local status=0
  LD_PRELOAD=$work/ctrl_c.so CTRL_C_AT=$((n / 3)) residual int -j 2 >"$work/said" 2>&1 || status=$?
  cp "$work/residual-int/best.safetensors" "$work/changed.safetensors"
  [ $status -eq 1 ] && grep -q 'interrupted.*--resume goes on' "$work/said" && [ ! -e "$work/residual-int/evaluation.csv" ]
}
check "residual: Ctrl-C at a third of $n" stopped
check 'residual: goes on' residual int -j 2 --resume
check 'residual: to the same bytes' same_run residual int
check 'residual: and the same successes' cmp "$work/residual-a/evaluation.csv" "$work/residual-int/evaluation.csv"
check 'residual: its best one acts' "$loom" rollout "$work/residual-a/best.safetensors" -n 1 -j 1
check 'residual: changed, it acts' "$loom" rollout "$work/changed.safetensors" -n 1 -j 1
expect 'residual: no export' 1 'finetuned policies cannot be exported' "$loom" export "$work/changed.safetensors" -o "$work/x.onnx"

# successes COLUMN: of the starts in evaluation.csv.
successes() { awk -F, -v c="$1" 'NR > 1 { n += $c } END { print n + 0 }' "$work/residual-a/evaluation.csv"; }
check 'residual: successes before' grep -q "\"before\":{\"n\":4,\"successes\":$(successes 2)," "$work/residual.json"
check 'residual: successes after' grep -q "\"after\":{\"n\":4,\"successes\":$(successes 3)," "$work/residual.json"

printf 'mass: {range: [0.9, 1.1], scale: log, limits: [0.5, 2]}\nobservation_delay: {range: 0, limits: [0, 2]}\n' >"$work/wide.yaml"
check 'residual: under disturbances' eval 'residual rough --disturb "$work/wide.yaml" --widen 0.01 -n 100 --evaluate 4 --eval 2 >"$work/rough.json"'
check 'residual: both are told' grep -q '"before":{"n":2,.*"before_disturbed":{"n":2,.*"after_disturbed":{"n":2,' "$work/rough.json"
check 'residual: how far ranges have come' grep -qE '^mass: \{range: \[[0-9.]+, [0-9.]+\], scale: log, limits: \[0.5, 2\]\}$' "$work/residual-rough/disturb.yaml"
expect 'residual: no range has limits' 1 'has `limits`' residual x --disturb rough --widen 0.5
expect 'residual: nothing to widen' 2 'no ranges to widen' residual x --widen 0.5

cp "$work/scenes/reach/task.yaml" "$work/scenes/reach/other.yaml" && sed -i 's/^task: own/task: other/' "$work/scenes/reach/other.yaml"
expect 'a policy of another task' 2 'is a policy for own, not for other' residual x --task "$work/scenes/reach/other.yaml"
expect 'a policy that has been finetuned' 1 'finetuned already' "$loom" finetune "$work/changed.safetensors" -c "$work/reach.yaml" \
  -o "$work/x"

# PPO of the policy itself, with demos.
"$loom" train --data "$work/reach.hdf5" --task "$reach" -p bc_gmm --hidden 16 --epochs 1 --steps 40 --rollouts 1 -j 1 -o "$work/gmm" >"$work/log" 2>&1 ||
  cat "$work/log"
cat >"$work/direct.yaml" <<'END'
finetune: {method: ppo, steps: 600, threads: 1, evaluate: 4, evaluate_every: 600, checkpoint_every: 200}
ppo: {environments: 2, steps: 48, epochs: 2, minibatches: 2, hidden: [8]}
base: {test: 2}
direct: {critic_first: 1}
END
direct() { "$loom" finetune "$work/gmm/last.safetensors" -c "$work/direct.yaml" --bc 0.1 --data "$work/reach.hdf5" -o "$work/direct-$1" --json "${@:2}"; }
stopped_direct() {
  local status=0
  LD_PRELOAD=$work/ctrl_c.so CTRL_C_AT=$((n / 2)) direct int -j 2 >"$work/said" 2>&1 || status=$?
  [ $status -eq 1 ] && grep -q 'interrupted.*--resume goes on' "$work/said"
}
check 'ppo of a policy: a run' env LD_PRELOAD="$work/ctrl_c.so" CTRL_C_COUNT="$work/n" "$loom" finetune "$work/gmm/last.safetensors" \
  -c "$work/direct.yaml" --bc 0.1 --data "$work/reach.hdf5" -o "$work/direct-a" --json
cp "$work/said" "$work/direct.json"
check 'ppo of a policy: before and after' grep -q '"before":{"n":2,.*"after":{"n":2,.*"method":"ppo"' "$work/direct.json"
n=$(cat "$work/n")
check "ppo of a policy: Ctrl-C at half of $n" stopped_direct
check 'ppo of a policy: on two threads it goes on' direct int -j 2 --resume
check 'ppo of a policy: to the same bytes' same_run direct int
check 'ppo of a policy: its best one is exported' "$loom" export "$work/direct-a/best.safetensors" -o "$work/direct.onnx"
expect 'ppo of a policy without a likelihood' 1 'bc_gaussian, bc_gmm, bc_rnn_gmm and bc_transformer' "$loom" finetune "$work/reach.safetensors" -m ppo -o "$work/x"
expect 'a weight of no demos' 2 'name them' "$loom" finetune "$work/gmm/last.safetensors" -m ppo --bc 0.1 -o "$work/x"
expect 'a weight of demos for a residual' 2 'with --method ppo' "$loom" finetune "$work/reach.safetensors" --bc 0.1 -o "$work/x"

# PPO through the denoising steps of a diffusion policy.
"$loom" train --data "$work/reach.hdf5" --task "$reach" -p diffusion_mlp --hidden 16 --epochs 1 --steps 60 --rollouts 1 -j 1 -o "$work/denoiser" \
  >"$work/log" 2>&1 || cat "$work/log"
cat >"$work/dppo.yaml" <<'END'
finetune: {method: dppo, steps: 600, threads: 1, evaluate: 4, evaluate_every: 600, checkpoint_every: 150}
ppo: {environments: 2, steps: 10, epochs: 2, minibatches: 2, hidden: [8]}
dppo: {critic_first: 1, steps: 5}
base: {test: 2}
END
dppo() { "$loom" finetune "$work/denoiser/last.safetensors" -c "$work/dppo.yaml" -o "$work/dppo-$1" --json "${@:2}"; }
stopped_dppo() {
  local status=0
  LD_PRELOAD=$work/ctrl_c.so CTRL_C_AT=$((n / 2)) dppo int -j 2 >"$work/said" 2>&1 || status=$?
  [ $status -eq 1 ] && grep -q 'interrupted.*--resume goes on' "$work/said"
}
check 'dppo: a run' env LD_PRELOAD="$work/ctrl_c.so" CTRL_C_COUNT="$work/n" "$loom" finetune "$work/denoiser/last.safetensors" -c "$work/dppo.yaml" \
  -o "$work/dppo-a" --json
cp "$work/said" "$work/dppo.json"
check 'dppo: before and after' grep -q '"before":{"n":2,.*"after":{"n":2,.*"method":"dppo"' "$work/dppo.json"
n=$(cat "$work/n")
check "dppo: Ctrl-C at half of $n" stopped_dppo
check 'dppo: on two threads it goes on' dppo int -j 2 --resume
check 'dppo: to the same bytes' same_run dppo int
check 'dppo: its best one acts' "$loom" rollout "$work/dppo-a/best.safetensors" -n 1 -j 1
check 'dppo: its best one is exported' "$loom" export "$work/dppo-a/best.safetensors" -o "$work/dppo.onnx"
expect 'dppo of a policy without noise' 1 'diffusion and diffusion_mlp do' "$loom" finetune "$work/reach.safetensors" -m dppo -o "$work/x"
expect 'dppo from scratch' 2 'name one' "$loom" finetune --scratch -m dppo -t $task -o "$work/x"

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
expect 'a manipulation task' 1 'has no `gym:`' "$loom" finetune --scratch -t tests/own/task.yaml -o "$work/x"
expect 'no such task' 1 'none.yaml' "$loom" finetune --scratch -t none.yaml -o "$work/x"
expect 'settings of another method' 2 'settings of ppo' "$loom" finetune --scratch -t $task -c "$work/ppo.yaml" -m td3 -o "$work/x"
printf 'finetune: {method: td3}\nppo: {epochs: 1}\n' >"$work/bad.yaml"
expect 'another section' 1 "bad.yaml:2: key 'ppo': means nothing" "$loom" finetune --scratch -t $task -c "$work/bad.yaml" -o "$work/x"
printf 'ppo: {epoch: 1}\n' >"$work/bad.yaml"
expect 'an unknown key' 1 'epochs' "$loom" finetune --scratch -t $task -c "$work/bad.yaml" -o "$work/x"
printf 'ppo: {rate: 1.0e+1, max_gradient: 0, epochs: 50, normalize_rewards: false}\n' >"$work/bad.yaml"
expect 'a rate too large' 1 'no finite number' "$loom" finetune --scratch -t $task -c "$work/bad.yaml" -n 20000 -o "$work/x"
check 'nothing was begun' test ! -e "$work/x/last.safetensors"

close_tests
