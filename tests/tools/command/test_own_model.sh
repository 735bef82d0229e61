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

# As dm_control has it, and gymnasium-robotics: a folder of models, what they share, and meshes beside both.
task dm '<include file="./common/act.xml"/><include file="./common/geoms.xml"/>' &&
  part "$work/scenes/dm/common/act.xml" "$acts" && part "$work/scenes/dm/common/geoms.xml" '<worldbody><geom size="0.01" pos="0 0 2"/></worldbody>'
task gym && mkdir -p "$work/scenes/gym/assets/hand" "$work/scenes/gym/assets/textures" && sed -i 's|file: scene.xml|file: assets/hand/reach.xml|' "$work/scenes/gym/task.yaml" &&
  sed 's|</mujoco>|<compiler meshdir="../stls/hand" texturedir="../textures"/><include file="shared.xml"/></mujoco>|' "$work/scenes/gym/scene.xml" \
    >"$work/scenes/gym/assets/hand/reach.xml" && rm "$work/scenes/gym/scene.xml" &&
  part "$work/scenes/gym/assets/hand/shared.xml" '<include file="robot.xml"/>' &&
  part "$work/scenes/gym/assets/hand/robot.xml" "<asset><texture name=\"t\" type=\"2d\" file=\"t.png\"/></asset>$stone" &&
  mesh "$work/scenes/gym/assets/stls/hand/stone.stl" && cp scenes/box/box.png "$work/scenes/gym/assets/textures/t.png"
# The whole of such a folder beside the task.
mkdir -p "$work/scenes/reach/hand" && cp -R "$work/scenes/gym/assets/." "$work/scenes/reach/" && mv "$work/scenes/reach/hand/"* "$work/scenes/reach" &&
  rmdir "$work/scenes/reach/hand" && mkdir "$work/scenes/reach/robots" && mv "$work/scenes/reach/textures" "$work/scenes/" &&
  rm -r "$work/scenes/reach/stls" && mesh "$work/scenes/stls/hand/stone.stl" &&
  cp tests/own/robots/* "$work/scenes/reach/robots/" && sed 's/^task: own/task: reach/; s|file: scene.xml|file: reach.xml|' tests/own/task.yaml >"$work/scenes/reach/task.yaml"

forms='dm gym reach beside below from_part common in_body mujoco_root plain_mesh meshdir assetdir outside_mesh included_dir strippath in_folder'
for form in $forms; do check "$form: opens by its name" opens "$form"; done
for form in gym common outside_mesh; do
  check "$form: opens by its path" opens "$work/scenes/$form/task.yaml"
  replays() {
    "$loom" record "$form" -n 1 -o "$work/$form.hdf5" && "$loom" replay "$work/$form.hdf5" &&
      ! grep -aq '<include' "$work/$form.hdf5"
  }
  check "$form: recorded, it stands alone and replays" replays
done

# What is missing, included twice, in a circle or out of reach is told by its own file and line, with the way out.
two='<worldbody/>
'
task missing '<include file="no.xml"/>'
task missing_below '<include file="a.xml"/>' && part "$work/scenes/missing_below/a.xml" "$two<include file=\"no.xml\"/>"
task twice '<include file="act.xml"/><include file="act.xml"/>' && part "$work/scenes/twice/act.xml" ''
task twice_below '<include file="a.xml"/><include file="b.xml"/>' && part "$work/scenes/twice_below/a.xml" '<include file="b.xml"/>' &&
  part "$work/scenes/twice_below/b.xml" ''
task circle '<include file="a.xml"/>' && part "$work/scenes/circle/a.xml" "$two<include file=\"b.xml\"/>" &&
  part "$work/scenes/circle/b.xml" "$two$two<include file=\"a.xml\"/>"
task far '<include file="../../far/act.xml"/>' && part "$work/far/act.xml" "$acts"
task far_below '<include file="a.xml"/>' && part "$work/scenes/far_below/a.xml" "$two<include file=\"../../far/act.xml\"/>"
task far_mesh "<include file=\"a.xml\"/>$acts" && part "$work/scenes/far_mesh/a.xml" "$two${stone/stone.stl/../../far/stone.stl}" && mesh "$work/far/stone.stl"
task linked '<include file="act.xml"/>' && ln -s "$work/far/act.xml" "$work/scenes/linked/act.xml"
task linked_folder '<include file="parts/act.xml"/>' && ln -s "$work/far" "$work/scenes/linked_folder/parts"
task linked_mesh "$stone$acts" && ln -s "$work/far/stone.stl" "$work/scenes/linked_mesh/stone.stl"
task broken '<include file="act.xml"/>' && printf '<mujocoinclude><actuator>' >"$work/scenes/broken/act.xml"
while read -r name what; do
  expect "$name" 1 "$what" "$loom" record "$name" -n 1
done <<'END'
missing scene.xml:[0-9]+: includes "no.xml", which is not in
missing_below a.xml:2: includes "no.xml", which is not in
twice scene.xml:[0-9]+: .*act.xml is included a second time
twice_below scene.xml:[0-9]+: .*b.xml is included a second time
circle b.xml:3: .*a.xml is included a second time
far scene.xml:[0-9]+: .*outside of .*--assets
far_below a.xml:2: .*outside of .*--assets
far_mesh a.xml:2: <mesh> .*outside of .*--assets
linked scene.xml:[0-9]+: .*outside of .*--assets
linked_folder scene.xml:[0-9]+: .*outside of .*--assets
linked_mesh scene.xml:[0-9]+: <mesh> .*outside of .*--assets
broken act.xml:.*XML
END
check 'a root that is given is within reach' opens far --assets "far=$work/far"
task rooted '<include file="far/act.xml"/>'
expect 'what a root has is not there without it' 1 'includes "far/act.xml", which is not in' "$loom" record rooted -n 1
check 'what is included is found in a root by its name' opens rooted --assets "far=$work/far"
task model_root '<include file="far/act.xml"/>' && sed -i 's|file: scene.xml|&\n  asset: far|' "$work/scenes/model_root/task.yaml"
expect 'a root that a model names has to be known' 2 "assets 'far' are not known here; .*--assets far=DIR" "$loom" record model_root -n 1
check 'a root that a model names' opens model_root --assets "far=$work/far"

# What the task file itself names stays in its folder, by whatever way it leads out.
"$loom" record common -n 1 -o "$work/demo.hdf5" >/dev/null 2>&1
climb() { task "$1" "$acts" && printf 'source: {file: %s}\n' "$3" >>"$work/scenes/$1/task.yaml" && sed -i "s|file: scene.xml|file: $2|" "$work/scenes/$1/task.yaml"; }
cp "$work/scenes/in_folder/models/scene.xml" "$work/scenes/loose.xml"
climb source scene.xml ../../demo.hdf5
climb source_near scene.xml ../demo.hdf5 && cp "$work/demo.hdf5" "$work/scenes/"
climb source_link scene.xml demo.hdf5 && ln -s "$work/demo.hdf5" "$work/scenes/source_link/demo.hdf5"
climb model ../loose.xml demo.hdf5
climb model_link link.xml demo.hdf5 && ln -s "$work/scenes/loose.xml" "$work/scenes/model_link/link.xml"
for name in source source_near source_link model model_link; do
  for command in generate replay segment; do expect "$command: $name" 1 'outside of .*--assets' "$loom" "$command" "$name" -n 1; done
done
climb inside scene.xml ./data/../demo.hdf5 && mkdir "$work/scenes/inside/data" && cp "$work/demo.hdf5" "$work/scenes/inside/"
check 'a path may wind' "$loom" replay inside

# Robots, each beside the task in another way; every command finds the task, and so its robots, by its name or its path, and by a
# dataset or a policy made with it.
for place in robots . ../robots; do
  mkdir -p "$work/mine/t/$place" && cp tests/own/scene.xml "$work/mine/t/" && cp tests/own/robots/* "$work/mine/t/$place/"
  sed 's/^task: own/task: mine/' tests/own/task.yaml >"$work/mine/t/task.yaml"
  check "robots in $place" opens "$work/mine/t"
  rm -r "$work/mine"
done
task named "$acts" && sed -i 's/^task: named/task: called_so/' "$work/scenes/named/task.yaml"
demo=$work/named.hdf5
"$loom" record named -n 2 -o "$demo" >/dev/null 2>&1
"$loom" generate named --source "$demo" -n 2 -o "$work/made.hdf5" >/dev/null 2>&1
"$loom" train --data "$work/made.hdf5" -p bc_l2 --epochs 1 --steps 2 --batch 8 --hidden 8 -j 1 --rollouts 1 -o "$work/run" >"$work/out" 2>&1
check 'train finds the scene of a dataset' grep -q 'rollouts succeed' "$work/out"
named=$work/scenes/named/task.yaml
while read -r line; do
  # shellcheck disable=SC2086
  check "$line" "$loom" ${line//WORK/$work}
done <<END
info $demo
verify WORK/made.hdf5
replay $demo
segment $demo
render $demo --sheet WORK/sheet.png --light
generate named --source $demo -n 1
generate called_so --source $demo -n 1
generate $named --source $demo -n 1
record called_so -n 1
rollout WORK/run/last.safetensors -n 1 --max-steps 20
export WORK/run/last.safetensors -o WORK/policy.onnx
END
cp -R "$work/scenes/named" "$work/scenes/copy"
expect 'two scenes of one environment' 2 'copy, named.*--task' "$loom" replay "$demo"
expect 'two scenes of one name' 2 'copy, named.*folder' "$loom" record called_so -n 1
cp -R "$work/scenes/named" "$work/scenes/called_so"
check 'the one whose folder is called so' "$loom" replay "$demo"
rm -r "$work/scenes/copy" "$work/scenes/called_so" && echo 'max_step: 3' >>"$named"
expect 'a scene that cannot be read is told' 2 "could not be read.*max_step" "$loom" replay "$demo"

# Without a robot there is a message.
rm -r "$work/scenes/missing/robots"
expect 'no robot' 1 "unknown robot 'gantry'.*beside the task" "$loom" record missing -n 1
close_tests
