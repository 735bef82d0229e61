#!/usr/bin/env bash
# Demos with MimicGen's datagen_info: its shapes and attributes, in copies too; policies learn from what they frame. Closes with
# `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
root=$PWD
export DEMOLOOM_SCENES=$work/scenes OMP_NUM_THREADS=1
mkdir -p "$work/scenes" && cp -R tests/own "$work/scenes/own"
cp -R tests/own/robots "$work/scenes/robots"

. tests/tools/one_task.sh
cd "$work" || exit 1
check 'scripted' "$loom" record one -n 2 --seed 1 -o scripted.hdf5
check 'demos' "$loom" generate one --source scripted.hdf5 -n 2 -t 1 -o base.hdf5
expect 'a copy for MimicGen' 0 '' "$loom" dataset mimicgen base.hdf5 mimicgen.hdf5 --interface MG_One

# Shapes as its get_source_info.py tells them.
shapes() { # FILE
  local rows what text
  text=$("$loom" info "$1" | tr -s ' ')
  rows=$(sed -n 's/^ actions .*\[\([0-9]*\),.*/\1/p' <<<"$text" | head -n 1)
  for what in "eef_pose float64 [$rows,4,4]" "target_pose float64 [$rows,4,4]" "gripper_action float64 [$rows,1]" \
    "object_poses/box float64 [$rows,4,4]" "subtask_term_signals/reach int64 [$rows]"; do
    check "$1: $what" grep -Fq "datagen_info/$what" <<<"$text"
  done
  for what in env_interface_name MG_One env_interface_type; do check "$1: $what" grep -aq $what "$1"; done
  expect "$1: as it was written" 0 '2 identical' "$loom" verify "$1" --task one
}
shapes mimicgen.hdf5
expect 'merged' 0 '' "$loom" dataset merge merged.hdf5 mimicgen.hdf5 mimicgen.hdf5
expect 'filtered' 0 '' "$loom" dataset filter merged.hdf5 some.hdf5 --demos demo_0,demo_1
shapes some.hdf5
expect 'the copy of a copy' 0 '' "$loom" dataset mimicgen some.hdf5 again.hdf5 --interface MG_One
shapes again.hdf5

# What is made of it: demos, and policies that see poses of the one hand.
expect 'generated from' 0 '2 demos from' "$loom" generate one --source mimicgen.hdf5 -n 2 -t 1 -o gen.hdf5
expect 'trained on framed poses' 0 '' "$loom" train --data mimicgen.hdf5 --task one -p bc_l2 -k box@eef0 --epochs 1 --steps 2 --batch 4 \
  --hidden 8 --rollouts 0 -j 1 -o policy

# Two arms have no place there.
check 'two arms' "$loom" record own -n 1 --seed 1 -o two.hdf5
expect 'two arms are refused' 1 'has 2 arms' "$loom" dataset mimicgen two.hdf5 no.hdf5
head -c $(($(stat -c %s base.hdf5) * 2 / 3)) base.hdf5 >cut.hdf5
expect 'cut short' 1 'cut.hdf5' "$loom" dataset mimicgen cut.hdf5 no.hdf5 --task one
check 'nothing is left' test ! -e no.hdf5 -a ! -e no.hdf5.parts
cd "$root" || exit 1
close_tests
