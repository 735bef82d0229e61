#!/usr/bin/env bash
# The model of a user's own task: what it includes, its assets and its robots are found beside it, in the layouts of dm_control
# and gymnasium-robotics; what is recorded stands alone; how far paths reach. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export DEMOLOOM_SCENES=$work/scenes
mkdir -p "$work/scenes"

# A tetrahedron, in STL's binary form.
mesh() {
  local a='\0\0\0\0\0\0\0\0\0\0\0\0' x='\315\314\314\075\0\0\0\0\0\0\0\0' y='\0\0\0\0\315\314\314\075\0\0\0\0'
  local z='\0\0\0\0\0\0\0\0\315\314\314\075' n='\0\0\0\0\0\0\0\0\0\0\0\0' e='\0\0'
  mkdir -p "$(dirname "$1")"
  { head -c 80 /dev/zero && printf '\4\0\0\0%b%b%b%b%b' "$n$a$y$x$e" "$n$a$x$z$e" "$n$a$z$y$e" "$n$x$y$z$e"; } >"$1"
}
# task NAME [XML]: a task whose actuators are taken out of its model; XML stands in their place, $acts is what was there.
acts=$(sed -n '/<actuator>/,/<\/actuator>/p' tests/own/scene.xml)
task() {
  mkdir -p "$work/scenes/$1" && cp -R tests/own/robots "$work/scenes/$1/"
  sed "s/^task: own/task: $1/" tests/own/task.yaml >"$work/scenes/$1/task.yaml"
  sed '/<actuator>/,/<\/actuator>/d; /<\/mujoco>/d' tests/own/scene.xml >"$work/scenes/$1/scene.xml"
  printf '%s\n</mujoco>\n' "${2-$acts}" >>"$work/scenes/$1/scene.xml"
}
part() { mkdir -p "$(dirname "$1")" && printf '<mujocoinclude>%s</mujocoinclude>\n' "$2" >"$1"; }
opens() { "$loom" record "$1" -n 1 -m 1 "${@:2}" 2>&1 | tee "$work/out" | grep -q 'demos from 1 attempts'; }
stone='<asset><mesh name="stone" file="stone.stl"/></asset><worldbody><geom type="mesh" mesh="stone" pos="0.5 0 0.1"/></worldbody>'

# Include forms, each: NAME, what stands in the model, and files.
task beside '<include file="act.xml"/>' && part "$work/scenes/beside/act.xml" "$acts"
task below '<include file="parts/all.xml"/>' && part "$work/scenes/below/parts/all.xml" '<include file="parts/act.xml"/>' &&
  part "$work/scenes/below/parts/act.xml" "$acts"
task from_part '<include file="parts/all.xml"/>' && part "$work/scenes/from_part/parts/all.xml" '<include file="act.xml"/>' &&
  part "$work/scenes/from_part/parts/act.xml" "$acts"
task common '<include file="../common/act.xml"/>' && part "$work/scenes/common/act.xml" "$acts"
task in_body "<worldbody><body><include file=\"geoms.xml\"/></body></worldbody>$acts" &&
  part "$work/scenes/in_body/geoms.xml" '<geom size="0.01" pos="0 0 2"/>'
task mujoco_root '<include file="act.xml"/>' && printf '<mujoco>%s</mujoco>' "$acts" >"$work/scenes/mujoco_root/act.xml"
task plain_mesh "$stone$acts" && mesh "$work/scenes/plain_mesh/stone.stl"
task meshdir "<compiler meshdir=\"meshes\"/>$stone$acts" && mesh "$work/scenes/meshdir/meshes/stone.stl"
task assetdir "<compiler assetdir=\"assets\"/>$stone$acts" && mesh "$work/scenes/assetdir/assets/stone.stl"
task outside_mesh "<compiler meshdir=\"../stls/hand\"/>$stone$acts" && mesh "$work/scenes/stls/hand/stone.stl"
task included_dir "<include file=\"dirs.xml\"/>$stone$acts" && mesh "$work/scenes/included_dir/m/stone.stl" &&
  part "$work/scenes/included_dir/dirs.xml" '<compiler meshdir="m"/>'
task strippath "<compiler strippath=\"true\" meshdir=\"m\"/>${stone/stone.stl/far\/away\/stone.stl}$acts" &&
  mesh "$work/scenes/strippath/m/stone.stl"
task in_folder && mkdir "$work/scenes/in_folder/models" && mv "$work/scenes/in_folder/scene.xml" "$work/scenes/in_folder/models" &&
  sed -i 's|file: scene.xml|file: models/scene.xml|' "$work/scenes/in_folder/task.yaml" &&
  sed -i 's|</mujoco>|<include file="more.xml"/></mujoco>|' "$work/scenes/in_folder/models/scene.xml" &&
  part "$work/scenes/in_folder/models/more.xml" "$stone" && mesh "$work/scenes/in_folder/models/stone.stl"

forms='beside below from_part common in_body mujoco_root plain_mesh meshdir assetdir outside_mesh included_dir strippath in_folder'
for form in $forms; do check "$form: opens by its name" opens "$form"; done
for form in beside common meshdir outside_mesh; do
  check "$form: opens by its path" opens "$work/scenes/$form/task.yaml"
  replays() {
    "$loom" record "$form" -n 1 -o "$work/$form.hdf5" && "$loom" replay "$work/$form.hdf5" --task "$form" &&
      ! grep -aq '<include' "$work/$form.hdf5"
  }
  check "$form: recorded, it stands alone and replays" replays
done

# What is missing, included twice, in a circle or out of reach is told, with the way out.
task missing '<include file="no.xml"/>'
task twice '<include file="act.xml"/><include file="act.xml"/>' && part "$work/scenes/twice/act.xml" ''
task circle '<include file="a.xml"/>' && part "$work/scenes/circle/a.xml" '<include file="a.xml"/>'
task far '<include file="../../far/act.xml"/>' && part "$work/far/act.xml" "$acts"
task broken '<include file="act.xml"/>' && printf '<mujocoinclude><actuator>' >"$work/scenes/broken/act.xml"
expect 'missing' 1 'no.xml.*not in' "$loom" record missing -n 1
expect 'twice' 1 'second time' "$loom" record twice -n 1
expect 'in a circle' 1 'second time' "$loom" record circle -n 1
expect 'out of reach' 1 'outside of .*--assets' "$loom" record far -n 1
expect 'broken' 1 'act.xml:.*XML' "$loom" record broken -n 1
check 'a root that is given is within reach' opens far --assets "far=$work/far"

# Robots stand in the task's folder; without one there is a message.
rm -r "$work/scenes/missing/robots"
expect 'no robot' 1 "unknown robot 'gantry'.*beside the task" "$loom" record missing -n 1
close_tests
