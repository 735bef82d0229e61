#!/usr/bin/env bash
# Every command that brings data, a policy and a task together, against every way in which these can disagree: refused by
# name, with a status of its own. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
own=$PWD/tests/own
cd "$work" || exit 1
export DEMOLOOM_SCENES=$work/scenes
mkdir scenes && cp -r "$own/robots" scenes

# task NAME SED: a copy of the task `own`, changed.
task() {
  mkdir "scenes/$1" && cp "$own/scene.xml" "scenes/$1" && sed "s/^task: own/task: $1/; $2" "$own/task.yaml" >"scenes/$1/task.yaml"
}
sed 's/^robot: gantry/robot: crane/' "$own/robots/gantry.yaml" >scenes/robots/crane.yaml
task own ''
task fast 's/^max_steps: 200/max_steps: 400\ncontrol_freq: 40/'
task soft '/^controller/s/kp: 150/kp: 30/'
task units '/^controller/s/output_max: \[0.05, 0.05, 0.05/output_max: [0.1, 0.1, 0.1/'
task joint 's/^controller:.*/controller: {type: JOINT_POSITION}/'
task goals '/^controller/s/delta: true/delta: false/'
task base '/^controller/s/{type/{input_ref_frame: base, type/'
task other 's/^robots: .*/robots: [gantry, crane]/'
task theirs 's/^controller:.*//'

# One dataset of 20 Hz and kp 150, and a policy of it; what of it each task is at odds with.
check 'recorded' "$loom" record own -n 2 --seed 1 -o own.hdf5
small=(-p bc_l2 -k object -k robot0_eef_pos --hidden 4 --epochs 1 --steps 2 --batch 4)
check 'generated' "$loom" generate own --source own.hdf5 -n 1 --attempts 4 -t 1 -o gen.hdf5
check 'trained' "$loom" train --data gen.hdf5 "${small[@]}" --rollouts 0 -o policy
check 'trained on goals' "$loom" train --data gen.hdf5 "${small[@]}" --actions absolute --rollouts 0 -o wishes
policy=policy/last.safetensors wishes=wishes/last.safetensors
odds='fast|control_freq.*20.*40|20 Hz.*40 Hz
soft|kp.*150.*30
units|output_max.*0\.05.*0\.1
joint|type.*OSC_POSE.*JOINT_POSITION|kp.*150.*50
goals|delta
base|base|input_ref_frame
other|gantry.*crane'
echo '{"steps": 2, "arm": 0, "move": [0, 0, 0]}' >still.txt

# told NAME PATTERN COMMAND...: COMMAND fails by no signal, says PATTERN, and says nothing of a crash.
told() {
  local name=$1 pattern=$2 said status=0
  shift 2
  said=$("$@" 2>&1 </dev/null) || status=$?
  check "$name" test "$status" -ge 1 -a "$status" -lt 126
  grep -qE -- "$pattern" <<<"$said" || said=no$'\n'$said
  check "$name: ${said:0:300}" test "${said%%$'\n'*}" != no
}
while IFS='|' read -r task pattern; do
  told "replay, $task" "$pattern" "$loom" replay own.hdf5 --task $task
  told "replay -o, $task" "$pattern" "$loom" replay own.hdf5 --task $task -o replayed.hdf5
  told "segment, $task" "$pattern" "$loom" segment own.hdf5 --task $task
  told "verify, $task" "$pattern" "$loom" verify gen.hdf5 --task $task
  told "generate, $task" "$pattern" "$loom" generate $task --source own.hdf5 -n 1 --attempts 1 -t 1 -o no.hdf5
  told "rollout, $task" "$pattern" "$loom" rollout $policy --task $task -n 1 --max-steps 2 -j 1
  told "train with rollouts, $task" "$pattern" "$loom" train --data gen.hdf5 "${small[@]}" --rollouts 1 --task $task -o no
  told "export, $task" "$pattern" "$loom" export $policy --task $task -o no.onnx
  told "a policy as dagger's expert, $task" "$pattern" "$loom" dagger $task --expert $policy --rounds 0 --demos 1 -n 1 -o no
  told "dagger --data, $task" "gen.hdf5.*($pattern)|base_body" "$loom" dagger $task --expert scripted --data gen.hdf5 --rounds 0 -o no
  told "teleop, $task" "own.hdf5: its demos are of another environment|base_body" "$loom" teleop $task --input still.txt -o own.hdf5

  # Where hands are to be, any controller that takes poses may be told; not at another rate, nor another robot.
  case $task in
    fast | other) told "goals, $task" "$pattern" "$loom" rollout $wishes --task $task -n 1 --max-steps 2 -j 1 ;;
    joint) told "goals, $task" 'takes joint angles' "$loom" rollout $wishes --task $task -n 1 --max-steps 2 -j 1 ;;
    base) ;;
    *) check "goals, $task" "$loom" rollout $wishes --task $task -n 1 --max-steps 2 -j 1 ;;
  esac
done <<<"$odds"

# Nothing was left of what was refused; data as they are go with a task that leaves the controller to them.
check 'nothing is left' test ! -e no.hdf5 -a ! -e no -a ! -e no.onnx -a ! -e replayed.hdf5
expect 'the rate is in the policy' 0 'control_freq.*20' "$loom" info $policy
expect 'the controller of the data' 0 'identical' "$loom" verify gen.hdf5 --task theirs

# Two datasets in one: as one file, and as one training set.
for task in fast soft; do
  check "recorded, $task" "$loom" record $task -n 1 --attempts 6 --seed 1 -o $task.hdf5
  check "observed, $task" "$loom" replay $task.hdf5 --task $task -o seen-$task.hdf5
  told "merge, $task" 'control_freq|kp' "$loom" dataset merge both.hdf5 own.hdf5 $task.hdf5
  told "train on two, $task" "seen-$task.hdf5.*(control_freq|kp)" "$loom" train --data gen.hdf5 --data seen-$task.hdf5 "${small[@]}" \
    --rollouts 0 -o no
done

close_tests
