#!/usr/bin/env bash
# Demos in Isaac Lab Mimic's layout by command: there and back, by joints and by poses alone, and generated from; bad input.
# Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
root=$PWD
export DEMOLOOM_SCENES=$work/scenes
mkdir -p "$work/scenes" && cp -R tests/own "$work/scenes/own"
sed -i 's/{name: lift, reference: box, until: end}/{name: reach, reference: box, until: auto}\n      - {name: lift, reference: box, until: end}/' "$work/scenes/own/task.yaml"
cd "$work" || exit 1
check 'sources' "$loom" record own -n 2 --seed 1 -o base.hdf5

# There and back, by what the file says of itself.
expect 'there' 0 'wrote isaac.hdf5: 2 demos' "$loom" dataset isaac base.hdf5 isaac.hdf5
expect 'what is left behind is told' 0 'left out of the copy: rewards' "$loom" dataset isaac base.hdf5 again.hdf5
check 'the same bytes twice' cmp isaac.hdf5 again.hdf5
check 'type 2' grep -aq '"type":2' isaac.hdf5
expect 'and back' 0 'joints known in 2 of 2' "$loom" dataset isaac isaac.hdf5 back.hdf5
expect 'replayed' 0 'demo_1 .* success' "$loom" replay back.hdf5 --task own
expect 'as JSON' 0 '"annotated":[[:space:]]*true' "$loom" dataset isaac isaac.hdf5 json.hdf5 --json
expect 'generated from' 0 '2 demos from' "$loom" generate own --source back.hdf5 -n 2 -t 1 -o gen.hdf5

# Poses and signals alone.
printf 'arms: [{eef: arm0, gripper: [6]}, {eef: arm1, gripper: [13]}]\n' >poses.yaml
expect 'by poses' 0 'joints known in 0 of 2' "$loom" dataset isaac isaac.hdf5 poses.hdf5 --map poses.yaml
expect 'generated from poses' 0 '2 demos from' "$loom" generate own --source poses.hdf5 -n 2 -t 1 -o gen2.hdf5

# What is wrong is told in one line, and nothing is left.
head -c $(($(stat -c %s isaac.hdf5) * 2 / 3)) isaac.hdf5 >cut.hdf5
printf 'arms: [{eef: ../x, gripper: [6]}, {eef: arm1, gripper: [13]}]\n' >path.yaml
printf 'arms: [{eef: other, gripper: [6]}, {eef: arm1, gripper: [13]}]\n' >other.yaml
no() { expect "$1" "$2" "$3" "$loom" dataset isaac "${@:4}" && check "$1: nothing is left" test ! -e no.hdf5 -a ! -e no.hdf5.parts; }
no 'cut short' 1 'cut.hdf5' cut.hdf5 no.hdf5
no 'no such file' 1 'none.hdf5' none.hdf5 no.hdf5
no 'no such mapping' 1 'none.yaml' isaac.hdf5 no.hdf5 --map none.yaml
no 'a name that is a path' 1 'path.yaml:1.*no name in a group' isaac.hdf5 no.hdf5 --map path.yaml
no 'an end effector that is not there' 1 'isaac.hdf5.*eef_pose/other' isaac.hdf5 no.hdf5 --map other.yaml
no 'all demos skipped' 1 'no demo is left' isaac.hdf5 no.hdf5 --map other.yaml --skip
no 'no such task' 2 'nowhere' isaac.hdf5 no.hdf5 --task nowhere
no 'no HDF5' 1 'poses.yaml' poses.yaml no.hdf5 --task own

# robosuite plays its own environments only; a copy for its script says what they are made with.
no2() { expect "$1" 1 "$2" "$loom" dataset robosuite "${@:3}" && check "$1: nothing is left" test ! -e no.hdf5; }
no2 'robosuite: not one of its environments' "robosuite has no environment 'own'" base.hdf5 no.hdf5
no2 'robosuite: cut short' 'cut.hdf5' cut.hdf5 no.hdf5
mkdir -p "$work/scenes/lift" && cp scenes/own/* scenes/lift/ 2>/dev/null
cp -R scenes/own/robots scenes/lift/ && sed -i 's/^task: own/task: lift\nenv_name: TwoArmLift/' scenes/lift/task.yaml
check 'an environment of robosuite' "$loom" record lift -n 1 --seed 1 -o lift.hdf5
expect 'robosuite: a copy' 0 '' "$loom" dataset robosuite lift.hdf5 rs.hdf5
check 'robosuite: env_info' grep -aq '"env_name":"TwoArmLift"}' rs.hdf5
check 'robosuite: attributes' eval 'grep -aq env_info rs.hdf5 && grep -aq repository_version rs.hdf5'
expect 'robosuite: replayed here' 0 'demo_0 .* success' "$loom" replay rs.hdf5 --task lift
cd "$root" || exit 1
close_tests
