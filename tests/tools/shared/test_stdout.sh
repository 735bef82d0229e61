#!/usr/bin/env bash
# What a command prints is part of what was asked for: where stdout cannot be written the status is not 0, and
# stderr says why. Every command, each with its subcommands and its JSON, onto a full disk, into a closed stream
# and into a pipe that nobody reads. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
hopper=$PWD/tests/gym/hopper.yaml
easy_task=$PWD/tests/tools/easy_task.sh
panda=$PWD/scenes/robots/panda.yaml
sequence=$PWD/tests/generators/twin/sequence
. tests/tools/own_data.sh

# OUT is a name that is not there yet.
table=(
  '--help' '--version' '--version --json' 'help' 'help task' 'help train'
  'scenes' 'info gen.hdf5' 'info gen.hdf5 --json' "info $policy" "info $policy --json"
  'replay base.hdf5 --task own' 'segment base.hdf5 --task own' 'verify gen.hdf5 --task own' 'verify gen.hdf5 --task own --json'
  'record own -n 1 --seed 1 -o OUT.hdf5'
  'retarget base.hdf5 --task own' 'retarget base.hdf5 --task own --json'
  'relabel base.hdf5 --task own --method differences' 'relabel base.hdf5 --task own --method differences --json'
  'generate own --source base.hdf5 -n 1 --seed 1 -t 1 -o OUT.hdf5' 'generate own --source base.hdf5 -n 1 --seed 1 -t 1 --json'
  'render gen.hdf5 --task own --sheet OUT.png --size 64x48 --json'
  "train --data gen.hdf5 -p bc_l2 --hidden 8 --epochs 1 --steps 2 --rollouts 0 -o OUT"
  "train --data gen.hdf5 -p bc_l2 --hidden 8 --epochs 1 --steps 2 --rollouts 0 -o OUT --json"
  "rollout $policy --task own -n 1 --max-steps 3 -j 1" "rollout $policy --task own -n 1 --max-steps 3 -j 1 --json"
  'export --help'
  'dagger own --expert scripted --demos 1 --rounds 1 -n 1 --evaluations 1 --steps 2 --max-steps 5 --expert-successes 0 -j 1 -o OUT'
  "finetune -t $hopper --scratch -n 256 --environments 2 --evaluate 1 -j 1 -o OUT"
  "finetune -t $hopper --scratch -n 256 --environments 2 --evaluate 1 -j 1 -o OUT --json"
  "distill $policy --task easy -n 1 --eval 1 -c student.yaml -j 1 -o OUT" "distill $policy --task easy -n 1 --eval 1 -c student.yaml -j 1 -o OUT --json"
  'weave easy --source base.hdf5 --plan plan.yaml -p bc_l2 --eval 1 -j 1 -o OUT'
  'observe watched.hdf5 -n 5 -o OUT' 'observe watched.hdf5 -n 5 -o OUT --json'
  'irl cliff:7x4 --horizon 9' 'irl cliff:7x4 --horizon 9 --json'
  "irl $hopper --data hopper.hdf5 -n 256 --environments 2 --evaluate 1 -j 1 -o OUT"
  "irl $hopper --data hopper.hdf5 -n 256 --environments 2 --evaluate 1 -j 1 -o OUT --json"
  'irl own --data base.hdf5 --samples 16 --l2 10 -o OUT' 'irl own --data base.hdf5 --samples 16 --l2 10 -o OUT --json'
  'gail --toy ring -n 5 --looked 100 --samples 100' 'gail --toy ring -n 5 --looked 100 --samples 100 --json'
  "rollout hopper/best.safetensors -n 1" "rollout hopper/best.safetensors -n 1 --json"
  "gail $hopper --data hopper.hdf5 -n 256 --environments 2 --evaluate 1 -j 1 -o OUT"
  "gail $hopper --data hopper.hdf5 -n 256 --environments 2 --evaluate 1 -j 1 -o OUT --json"
  'gail corridor -n 3' 'gail corridor -n 3 --json'
  'gail goals -n 2048 --looked 20' 'gail goals -n 2048 --looked 20 --json'
  'twin new OUT --object block.obj --up z' 'twin new OUT --object block.obj --up z --json' 'twin check made' 'twin check made --json'
  "twin fuse $sequence --voxel 0.05 -o OUT.ply" "twin fuse $sequence --voxel 0.05 -o OUT.glb --json"
  'twin edit made --script place.yaml' 'twin edit made --script place.yaml --json' 'twin edit --help'
  'twin edit made --headless --events shown'
  'dataset lerobot watched.hdf5 OUT' 'dataset lerobot watched.hdf5 OUT --json' 'dataset isaac watched.hdf5 OUT.hdf5 --task own' 'dataset isaac watched.hdf5 OUT.hdf5 --task own --json' 'dataset --help' 'view --help' 'view watched.hdf5 --task own --limit 1 --html OUT' 'teleop own -o OUT.hdf5 --input lines --json'
)
echo >lines
printf '%s: %d\n' looks 10 max_steps 40 demos 2 first_steps 10 steps 10 rounds 1 finetune -1 taught 1 student_steps 10 >plan.yaml
{
  for x in -0.02 0.02; do for y in -0.02 0.02; do for z in 0 0.04; do echo "v $x $y $z"; done; done; done
  printf 'f %d %d %d\n' 1 2 3 2 4 3 5 7 6 6 7 8 1 5 2 2 5 6 3 4 7 4 8 7 1 3 5 3 7 5 2 6 4 4 6 8
} >block.obj
mkdir -p robots && cp "$panda" robots/
check 'a twin' "$loom" twin new made --object block.obj --up z
echo '- place: {body: block, at: [0, 0, 0.801]}' >place.yaml
printf '%s\n' saved tell quit >shown
check 'demos to watch' "$loom" generate own --source base.hdf5 -n 4 --seed 1 -t 1 -o watched.hdf5
check 'a policy of a plain control task' "$loom" finetune -t "$hopper" --scratch -n 256 --environments 2 --evaluate 1 -j 1 -o hopper
check 'its demos' "$loom" rollout hopper/best.safetensors -n 1 -o hopper.hdf5
. "$easy_task"

# A pipe whose reader is gone; SIGPIPE is ignored, or it would end the program before it could say anything.
into_pipe() {
  (
    trap '' PIPE
    mkfifo pipe
    exec 5<>pipe 6>pipe 5<&-
    "$@" >&6 6>&-
  )
  local status=$?
  rm -f pipe
  return $status
}
into_full() { "$@" >/dev/full; }
into_nothing() { "$@" >&-; }

# The pipe, whose fault reaches a command as a full disk's does, is for every third row.
number=0
for row in "${table[@]}"; do
  for lost in full nothing pipe; do
    number=$((number + 1))
    [ $lost != pipe ] || [ $((number % 9)) = 0 ] || continue
    # shellcheck disable=SC2086
    expect "$row: into_$lost" 1 'stdout cannot be written' into_$lost "$loom" ${row//OUT/out-$number} </dev/null
  done
done

# Every command of the program is in the table.
for command in $("$loom" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
  check "$command is in the table" grep -qE "^$command " <(printf '%s \n' "${table[@]}")
done

# No stream's number is lent to a file: what is printed stays out of the dataset.
closed_all() { "$loom" record own -n 1 --seed 1 -o closed.hdf5 <&- >&- 2>&-; [ $? = 1 ] && "$loom" info closed.hdf5; }
check 'all streams closed' closed_all

close_tests
