#!/usr/bin/env bash
# A Slurm of this machine's own, one machine as two nodes (Debian's slurm-wlm and munge; as root), whose job tests/slurm/job.sh
# drains a grid of finetuning runs, generates a dataset and rolls a policy out: both nodes have had a part of it, and the
# bytes are those that one process makes. Then one task of such a generation is killed. Not in `make test`. Closes with `N passed, N failed`.
#   tests/slurm/run.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tools/check.sh
for program in slurmctld slurmd sbatch munged; do
  command -v $program >/dev/null || { echo "$program is not there: apt-get install slurm-wlm munge" && exit 1; }
done
[ "$(id -u)" = 0 ] || { echo 'slurmd starts steps for others: run it as root' && exit 1; }

# ---- the cluster: keys, a configuration, and four daemons that go when we do

pids=()
export SLURM_CONF=$work/slurm.conf
leave() {
  kill "${pids[@]}" 2>/dev/null
  wait 2>/dev/null
  rm -rf "$work"
}
trap leave EXIT
start() { # NAME COMMAND...
  "${@:2}" >"$work/$1.log" 2>&1 &
  pids+=($!)
}

chmod 755 "$work"
mkdir "$work/munge" "$work/state" "$work/one" "$work/two"
head -c 1024 /dev/urandom >"$work/munge/key"
chmod 400 "$work/munge/key"
host=$(hostname -s)
cat >"$SLURM_CONF" <<END
ClusterName=tests
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=17817
SlurmUser=root
SlurmdUser=root
AuthInfo=socket=$work/munge/socket
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/%n
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
NodeName=one NodeHostname=$host NodeAddr=127.0.0.1 Port=17818 CPUs=1
NodeName=two NodeHostname=$host NodeAddr=127.0.0.1 Port=17819 CPUs=1
PartitionName=all Nodes=one,two Default=YES State=UP
END
start munged munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" \
  --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed"
await $! test -S "$work/munge/socket"
start slurmctld slurmctld -D
start one slurmd -D -N one
start two slurmd -D -N two
idle() { [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 2 ]; }
await $! idle
check 'two nodes' idle

# ---- what one process makes

. tests/tools/reach_policy.sh
export PATH=$PWD/build:$PATH
task=$PWD/tests/gym/hopper.yaml
printf 'finetune: {steps: 768, evaluate: 1, evaluate_every: 256, checkpoint_every: 512}
ppo: {environments: 2, steps: 128, epochs: 1, minibatches: 2, hidden: [8]}\n' >"$work/short.yaml"
printf 'grid: {config: %s, seed: [1, 2, 3, 4]}\nset: {scratch: true, task: %s}\n' "$work/short.yaml" "$task" >"$work/grid.yaml"
"$loom" record tests/own -n 3 --seed 77 -o "$work/source.hdf5" >/dev/null 2>&1
export POLICY="$work/reach.safetensors --task $reach -n 40 --seed 3 -j 1"
export GRID=$work/grid.yaml TASK="$PWD/tests/own --source $work/source.hdf5 --seed 3 -n 60"
# shellcheck disable=SC2086 # words
{
  "$loom" finetune "$GRID" -o "$work/alone" -j 1
  "$loom" generate $TASK -j 1 -o "$work/whole.hdf5"
  "$loom" rollout $POLICY --results "$work/tried.json"
} >/dev/null 2>&1

# ---- the job

mkdir "$work/job"
job() { (cd "$work/job" && sbatch --wait --nodes=2 --ntasks=2 "$OLDPWD/tests/slurm/job.sh"); }
check 'the job' job
check 'the same dataset' cmp "$work/whole.hdf5" "$work/job/demos.hdf5"
check 'nothing beside it' test ! -e "$work/job/demos.hdf5.parts"
check 'the same results' cmp "$work/tried.json" "$work/job/tried.json"
alike() {
  local cell
  for cell in "$work"/alone/cells/*/; do cmp "$cell/last.safetensors" "$work/job/grid/cells/$(basename "$cell")/last.safetensors" || return 1; done
}
check 'the same checkpoints' alike
told() { [ "$(grep -c 'demos from .* attempts' "$work"/job/demoloom-*.txt)" = 1 ]; }
check 'one process tells of the dataset' told
both() { cat "$work"/one.log "$work"/two.log && [ "$(grep -l 'launch task' "$work/one.log" "$work/two.log" | wc -l)" = 2 ]; }
check 'both nodes had tasks' both

# ---- a task that is killed: the other one makes it all, and Slurm is told

cut() {
  local out=$work/job/cut.hdf5 step
  # shellcheck disable=SC2086 # words
  srun -n 2 "$loom" generate $TASK -o "$out" >"$work/cut" 2>&1 &
  step=$!
  await $step test -e "$out.parts/start-00000009" || return 1
  kill -9 "$(pgrep -f "^$loom generate .* -o $out" | head -n 1)"
  wait $step && return 1
  # shellcheck disable=SC2086 # words
  cat "$work/cut" && cmp "$work/whole.hdf5" "$out" && srun -n 2 "$loom" generate $TASK -o "$out"
}
check 'a task is killed' cut

[ $failed -eq 0 ] || tail -n 5 "$work"/*.log "$work"/job/*.txt
close_tests
