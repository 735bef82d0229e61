#!/usr/bin/env bash
# An arm of six joints beside one of eight, from nothing to a policy, under each controller that takes poses: recorded,
# generated, verified, looked at, learned from. Arms that take joint angles are refused by name where poses are needed;
# six of them are not taken for a pose. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

mkdir "$work/scenes" && cp -r tests/joints/robots "$work/scenes/robots"
export DEMOLOOM_SCENES=$work/scenes
ranges='input_max: 1, input_min: -1, output_max: [0.05, 0.05, 0.05, 0.5, 0.5, 0.5], output_min: [-0.05, -0.05, -0.05, -0.5, -0.5, -0.5]'

# task NAME CONTROLLER: tests/joints with another controller.
task() {
  mkdir "$work/scenes/$1" && cp tests/joints/scene.xml "$work/scenes/$1"
  sed "s/^task:.*/task: $1/; s/^controller:.*/controller: {$2}/" tests/joints/task.yaml >"$work/scenes/$1/task.yaml"
}
task osc "type: OSC_POSE, $ranges, kp: 150, damping_ratio: 1"
task base "type: OSC_POSE, $ranges, kp: 150, damping_ratio: 1, input_ref_frame: base"
task whole "type: WHOLE_BODY_IK, delta: false"
task steps "type: WHOLE_BODY_IK, $ranges"
task angles 'type: JOINT_POSITION, kp: 150'

record() { [ -n "$("$loom" record "$1" -n 2 --seed 1 -o "$work/scenes/$1/demo.hdf5" 2>/dev/null | grep '^2 demos from 2 attempts')" ]; }
generate() { "$loom" generate "$1" -n 3 --max-failures 1 --seed 5 -o "$work/$1.hdf5"; }
printf '%s\n' 'row 20' 'plot 1' tell 'plot 2' tell 'plot 3' tell 'plot 4' tell 'plot 5' tell paths targets frames ghost \
  tell attempt finish tell expert finish tell "shot $work/joints.png" quit >"$work/script"
look() {
  rm -f "$work/joints.png"
  "$loom" view "$work/$1.hdf5" --headless --script "$work/script" >"$work/told" 2>"$work/errors" && [ ! -s "$work/errors" ] &&
    [ "$(grep -o '"outcome":"success"' "$work/told" | wc -l)" -ge 2 ] && ! grep -q '"gl_error":[1-9]' "$work/told"
}
window() {
  rm -f "$work/joints.png"
  timeout 600 xvfb-run -a -s '-screen 0 1400x900x24' "$loom" view "$work/osc.hdf5" --script "$work/script" >"$work/told" 2>"$work/errors" &&
    [ ! -s "$work/errors" ] && ! grep -q '"gl_error":[1-9]' "$work/told"
}
learn() {
  "$loom" train --data "$work/osc.hdf5" -p bc_l2 --actions "$1" --hidden 8 --epochs 1 --steps 5 --rollouts 0 -j 1 -s 1 \
    -o "$work/$1" && "$loom" rollout "$work/$1/last.safetensors" --task osc -n 1 --max-steps 5
}
# Arm 1's hand goes up, arm 0's stays: their heights before and after.
echo '{"steps": 20, "arm": 1, "move": [0, 0, 0.01]}' >"$work/lines"
driven() {
  # No success, so that no demo comes of it.
  "$loom" teleop "$1" --input "$work/lines" --echo -o "$work/driven.hdf5" >"$work/told" 2>/dev/null
  tr -d '[]"' <"$work/told" |
    awk -F '[:,]' '/eef:/ { for (i = 1; i <= NF; i++) if ($i == "eef") { z0[++n] = $(i + 3); z1[n] = $(i + 10) } }
      END { d0 = z0[n] - z0[1]; exit !(n == 2 && d0 * d0 < 1e-5 && z1[n] - z1[1] > 0.02) }'
}
expert() {
  "$loom" dagger osc --expert scripted --demos 1 --rounds 0 -n 1 --evaluations 2 --steps 5 --hidden 8 --final-steps 0 \
    -o "$work/dagger" 2>"$work/told" >/dev/null && grep -q '^expert scripted: 2 of 2 succeed' "$work/told"
}

for name in osc base whole steps; do
  check "$name: recorded" record $name
  check "$name: generated" generate $name
  check "$name: as it was" "$loom" verify "$work/$name.hdf5"
  check "$name: looked at" look $name
  check "$name: driven" driven $name
done
command -v xvfb-run >/dev/null && check 'in a window' window
check 'learned from' learn relative
check 'learned from, goals of the hands' learn absolute
check 'the expert of dagger succeeds' expert

# What aims hands at poses says that these arms take none, before anything is written.
cp "$work/scenes/osc/demo.hdf5" "$work/scenes/angles/"
refused='arm 0.s controller takes joint angles \(JOINT_POSITION\)'
expect 'angles: not recorded' 1 "$refused" "$loom" record angles -n 1 -o "$work/angles.hdf5"
expect 'angles: no expert' 1 "$refused" "$loom" dagger angles --expert scripted --demos 1 --rounds 0 -n 1 --evaluations 1 \
  --steps 5 --hidden 8 -o "$work/angles"
expect 'angles: not driven' 1 "$refused" "$loom" teleop angles --input "$work/lines" -o "$work/angles.hdf5"
check 'angles: nothing written' test ! -e "$work/angles.hdf5" -a ! -e "$work/angles.hdf5.parts"

close_tests
