#!/usr/bin/env bash
# `demoloom twin` as a user has it: a folder from scans, what it says of bad ones, whether it simulates, and that every
# other command takes it; values of a motion; pictures that are fused. Scans made by others are tried where they lie
# beside the repository; LOOM_SCANS=all takes their large ones too, which is minutes of work. Closes with `N passed, N
# failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
unset DEMOLOOM_SCENES
export OMP_NUM_THREADS=1
scans=$PWD/../shared/scans
[ -d "$scans" ] || scans=/nowhere
home=$PWD
cd "$work" || exit 1

# box FILE X Y Z [FACES]: a closed box of these half sizes that stands on z = 0, or only the first FACES of its triangles.
box() {
  awk -v x="$2" -v y="$3" -v z="$4" -v n="${5:-12}" 'BEGIN {
    for (i = 0; i < 8; i++) print "v", (i % 2 ? x : -x), (int(i / 2) % 2 ? y : -y), (i > 3 ? 2 * z : 0)
    split("1 3 2 2 3 4 5 6 7 6 8 7 1 2 5 2 6 5 3 7 4 4 7 8 1 5 3 3 5 7 2 4 6 4 8 6", f)
    for (i = 0; i < n; i++) print "f", f[3 * i + 1], f[3 * i + 2], f[3 * i + 3]
  }' >"$1"
}
box block.obj 0.02 0.03 0.025
new() { "$loom" twin new "$@"; }

expect 'a folder' 0 'a task; fill in' new made --object block.obj --up z
check 'is whole' test -s made/task.yaml -a -s made/scene.xml -a -s made/meshes/block_look0.obj
expect 'there is one already' 2 'made' new made --object block.obj --up z
expect 'overwritten' 0 '"mass":' new made --object block.obj --up z --overwrite --json
expect 'a mass of its own' 0 '0.25 kg' new made --object block.obj --up z --overwrite --mass block=0.25
expect 'simulates' 0 '"ok":[[:space:]]*true' "$loom" twin check made --json
expect 'in words' 0 'it simulates' "$loom" twin check made --picture made.png
check 'a picture' test -s made.png
expect 'a picture there already' 2 'made.png' "$loom" twin check made --picture made.png

# It is a task for every other command, wherever the folder goes.
mv made moved
check 'recorded' "$loom" record moved -n 2 --seed 1 -o moved/demo.hdf5
check 'replayed' "$loom" replay moved
check 'cut' "$loom" segment moved
check 'generated' "$loom" generate moved -n 2 --seed 1 -t 1 -o many.hdf5
expect 'no path of this machine' 1 '^$' grep -rl "$work" moved/scene.xml moved/task.yaml
check 'no file outside' test "$(find moved -type f | wc -l)" -gt 3 -a -z "$(find moved -type l)"

# A script cuts it: a drawer comes out of the block, and the folder is a task as before.
edit() { "$loom" twin edit "$@"; }
cat >drawer.yaml <<'END'
- cut: {body: block, low: [-0.1, -0.1, 0.01], high: [0.01, 0.1, 0.04], into: drawer}
- joint: {body: drawer, type: slide, range: [0, 0.02]}
- cavity: {body: block, part: drawer, clearance: 0.001}
- handle: {body: drawer}
- reset: {body: drawer, joint: [0, 0.005]}
END
cp -r moved made && cp -r moved fresh
expect 'no script, no display' 1 'needs no window' env -u DISPLAY -u WAYLAND_DISPLAY "$loom" twin edit made
expect 'no such script' 1 'absent.yaml' edit made --script absent.yaml
expect 'no folder to edit' 2 'nowhere' edit nowhere --script drawer.yaml
expect 'its commands are told' 0 'cavity +take a box out' edit --help
expect 'edited' 0 'the cavity.s wall, at its thinnest: -x none, \+x 9 mm, -y none' edit made --script drawer.yaml
expect 'what it made' 0 'drawer: \{joint: \[0, 0.005\]\}' cat made/task.yaml
expect 'no second time' 2 "drawer.yaml:1: cut: there is a body 'drawer' already" edit made --script drawer.yaml
expect 'its joint moves' 0 '"opens":[[:space:]]*true' "$loom" twin check made --json
expect 'in words' 0 'drawer_joint +ok  pushed both ways' "$loom" twin check made
expect 'what was cut is gone' 0 'made/meshes/drawer_e1_look0.obj' ls made/meshes/drawer_e1_look0.obj
check 'nothing is left over' test ! -e made/meshes/block_surface.obj -a -z "$(find made -name '*.tmp')"
cp -r fresh twice
expect 'as JSON' 0 '"commands":[[:space:]]*5' edit twice --script drawer.yaml --json
check 'the same bytes' diff -r made twice

# Values of a motion: what its log does not show is said, and a script puts in what one does.
fit() { "$loom" twin fit moved --log moved/demo.hdf5 --demo demo_0 --seconds 0.5 --starts 0 --around 1 "$@"; }
expect 'not to be told' 1 'mass of block +cannot be told from this log' fit --fit mass -o untold.yaml
expect 'in the script, too' 0 '# mass of block cannot be told' cat untold.yaml
expect 'as JSON' 1 '"known":[[:space:]]*"unmoved"' fit --fit mass --of block --json
expect 'a script that is there' 2 'untold.yaml' fit --fit mass -o untold.yaml
expect 'no log' 2 'give --log' "$loom" twin fit moved
expect 'no such log' 1 'absent.hdf5' "$loom" twin fit moved --log absent.hdf5
expect 'no such object' 2 "has no object 'mug', but block" fit --of mug
expect 'no such value' 2 "expected mass, friction or damping.*'weight'" fit --fit mass,weight
expect 'no joint' 2 'damping is that of joints' fit --fit damping
cp -r fresh fitted
cat >fitted.yaml <<'END'
- weigh: {body: block, mass: 0.123}
- rub: {body: block, friction: [0.4, 0.004, 0.0001]}
- rub: {body: table, friction: [0.35, 0.004, 0.0001]}
- rub: {body: world, friction: [0.3, 0.004, 0.0001]}
END
expect 'values are put in' 0 '4 commands' edit fitted --script fitted.yaml
expect 'a mass' 0 'mass="0.123"' grep '<inertial' fitted/scene.xml
expect 'three surfaces' 0 '^3$' grep -c 'friction="0\.[34]5* 0.004 0.0001"' fitted/scene.xml
expect 'it simulates' 0 '"ok":[[:space:]]*true' "$loom" twin check fitted --json
printf -- '- drag: {body: drawer, damping: 7}\n' >drag.yaml
expect 'a joint drags' 0 '1 commands' edit made --script drag.yaml
expect 'by that much' 0 'name="drawer_joint".* damping="7" frictionloss="0.5"' cat made/scene.xml
printf -- '- drag: {body: block, damping: 7}\n' >drag.yaml
expect 'not without one' 2 "drag.yaml:1: drag: 'block' has no joint yet" edit made --script drag.yaml

# A script says what is to be done, too: one arm lifts the block higher, and what it cannot reach is told.
cat >lift.yaml <<'END'
- task:
    about: One arm lifts the block.
    robots: [panda]
    model: {file: scene.xml, place: [{pos: [0, -0.66, 0.912], yaw: pi/2}]}
    success: {height: {of: block, above: 0.95}}
    arms:
      - subtasks: [{name: lift, reference: block, until: end}]
    expert:
      - - {to: block, pos: [0, 0, 0.1], rpy: [pi, 0, 0], grip: open}
        - {to: block, pos: [0, 0, 0.03], rpy: [pi, 0, 0], speed: 0.1, grip: close, stay: 15}
        - {to: {eef: 0}, pos: [0, 0, -0.2], speed: 0.2, stay: 20}
END
cp -r fresh lifted
expect 'its task is filled in' 0 '1 commands' edit lifted --script lift.yaml
expect 'by one arm' 0 '1 demos' "$loom" record lifted -n 1 --seed 1 -o lifted/demo.hdf5 --overwrite
sed 's/-0.66, 0.912/-1.06, 0.912/; s/robots: .*/&\n    reset: {D0: {block: {x: [0, 0], y: [0, 0], z: 0.801, radius: 0.3}}}/' lift.yaml >far.yaml
cp -r fresh far
check 'from too far' edit far --script far.yaml
expect 'how much too far' 1 'mm short of step [12]' "$loom" record far -n 1 -m 1
sed 's/above: 0.95/abuve: 0.95/' lift.yaml >wrong.yaml
cp -r fresh wrong
expect 'a key that is wrong' 1 "wrong.yaml:5: key 'abuve'" edit wrong --script wrong.yaml
check 'changes nothing' diff -r fresh wrong

# For other simulators: the drawer's joint is there, and every mesh that is named.
expect 'as URDF' 0 'made.urdf: [0-9]+ bodies, 1 joints' "$loom" twin export made --urdf -o made.urdf
expect 'its joint' 0 'name="drawer_joint" type="prismatic"' cat made.urdf
check 'its meshes' eval 'grep -o "filename=\"[^\"]*" made.urdf | cut -d\" -f2 | xargs ls'
expect 'as USD' 0 '"joints":[[:space:]]*1' "$loom" twin export made --usd -o made.usda --json
expect 'its joint in USD' 0 'def PhysicsPrismaticJoint "drawer_joint"' cat made.usda
expect 'neither' 2 'give either --urdf or --usd' "$loom" twin export made -o x.urdf
expect 'another name' 2 'give -o FILE.usda' "$loom" twin export made --usd -o x.urdf
expect 'there already' 2 'made.urdf' "$loom" twin export made --urdf -o made.urdf

# Killed at any of its writes it leaves a task, of before or after, and goes through the next time from before.
check 'a library for kill -9' ${CC:-cc} -shared -fPIC -O1 -o kill_at.so "$home/tests/tools/command/kill_at.c" -ldl
cp -r fresh counted
check 'its writes are counted' env KILL_COUNT="$work/writes" LD_PRELOAD="$work/kill_at.so" "$loom" twin edit counted --script drawer.yaml
calls=$(cat writes)
for at in $((calls / 2)) $((calls - 8)) $((calls - 3)); do
  rm -rf killed && cp -r fresh killed
  { KILL_AT=$at LD_PRELOAD=$work/kill_at.so "$loom" twin edit killed --script drawer.yaml; } >/dev/null 2>&1
  check "killed at call $at of $calls: it is a task" "$loom" record killed -n 1 --attempts 1 --max-failures 0 --all -o killed.hdf5 --overwrite
  grep -q 'name="drawer"' killed/scene.xml || check "killed at call $at of $calls: edited again" edit killed --script drawer.yaml
done

# What it cannot use it names, with what to do, and writes nothing.
bad() { # NAME PATTERN ARGUMENT...
  local name=$1 pattern=$2
  shift 2
  expect "$name" 1 "$pattern" new bad "$@"
  check "$name: nothing is written" test ! -e bad
}
box large.obj 100 100 100
box flat.obj 0.1 0.1 0 2
bad 'the wrong unit' 'it is 200 m across.*With --scale 0.001 it would be 0.2 m' --object large.obj --up z
expect 'the right one' 0 '0.200 x 0.200 x 0.200 m' new right --object large.obj --up z --scale 0.001
bad 'no volume' 'encloses no volume.*scan it from all sides' --object flat.obj --up z
sed '1s/.*/v nan 0 0/' block.obj >nan.obj
bad 'no numbers' 'nan.obj: .* are no finite numbers \(NaN\); export it again' --object nan.obj
head -n 8 block.obj >points.obj
bad 'no triangles' 'points.obj: ' --object points.obj
head -c 200 /dev/urandom >noise.glb
bad 'no GLB' 'noise.glb: it cannot be read .*export it again' --object noise.glb
bad 'no such file' 'absent.glb' --object absent.glb
bad 'no kind of scan' 'a scan is a .glb' --object "$0"
box open.obj 0.02 0.03 0.025 11
expect 'not watertight' 0 'not watertight \(3 open edges\): 1 small holes are closed' new open --object open.obj --up z
expect 'no texture' 0 'neither textures nor vertex colors' new plain --object block.obj --up z
expect 'nothing at all' 2 'give --scene' new none
expect 'no such axis' 2 'up' new none --object block.obj --up x
expect 'no such verb' 2 'new, edit, check, fit, fuse or export' "$loom" twin old none
expect 'no folder to check' 2 'nowhere' "$loom" twin check nowhere

# Pictures with depth become a scan that a room is made of.
fuse() { "$loom" twin fuse "$@"; }
sequence=$home/tests/generators/twin/sequence
expect 'fused' 0 '6 pictures of 32 x 24 \(Redwood\), 0 left out; 0.80 x 0.80' fuse "$sequence" --voxel 0.02 -o fused.glb
expect 'as JSON' 0 '"pictures":[[:space:]]*3' fuse "$sequence" --voxel 0.04 --every 2 -o fused.ply --json
expect 'it is a scan' 0 'floor level' new fused --scene fused.ply --pieces 4 --concavity 1

# Photographs, by a stand-in for COLMAP: it notes what it is asked, and writes what the real one would.
mkdir -p photos bin && for i in 1 2 3 4; do : >photos/$i.jpg; done
cat >bin/colmap <<'END'
#!/usr/bin/env bash
echo "$1" >>"$COLMAP_CALLS"
[ "$1" != "${COLMAP_FAILS-}" ] || { echo "no $1 today"; exit 3; }
declare -A o && name=$1 && shift && while [ $# -gt 1 ]; do o[$1]=$2 && shift 2; done
ply() { printf 'ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n' >"$1"; }
case $name in
  feature_extractor) [ -d "${o[--image_path]}" ] && : >"${o[--database_path]}" ;;
  mapper) mkdir -p "${o[--output_path]}/0" && : >"${o[--output_path]}/0/images.bin" ;;
  model_converter) for i in 1 2 3; do printf '%d 1 0 0 0 0 0 0 1 %d.jpg\n1 2 3\n' $i $i; done >"${o[--output_path]}/images.txt" ;;
  image_undistorter) mkdir -p "${o[--output_path]}/images" ;;
  patch_match_stereo) mkdir -p "${o[--workspace_path]}/stereo/depth_maps" ;;
  stereo_fusion | poisson_mesher | delaunay_mesher) ply "${o[--output_path]}" ;;
esac
END
chmod +x bin/colmap
export COLMAP_CALLS=$PWD/calls DEMOLOOM_COLMAP=$PWD/bin/colmap
calls() { [ "$(wc -l <calls)" = "$1" ]; }
COLMAP_FAILS=mapper expect 'photographs: a step that fails' 1 "mapper ends with status 3: no mapper today; .*photos/log" fuse photos -o room.ply
expect 'photographs' 0 '3 of 4 photographs placed by COLMAP; a dense mesh' fuse photos -o room.ply
check 'what was done is not done again' calls 9
check 'their mesh' grep -q '^element face 1' room.ply
COLMAP_FAILS=patch_match_stereo expect 'photographs without CUDA' 0 '"dense":[[:space:]]*false' fuse photos -o coarse.ply --json
check 'by the features' grep -qx delaunay_mesher calls
expect 'photographs as GLB' 2 'give -o FILE.ply' fuse photos -o room.glb
DEMOLOOM_COLMAP=$PWD/none expect 'no COLMAP' 1 'apt-get install colmap' fuse photos -o other.ply
rm photos/[234].jpg
expect 'one photograph' 2 'it takes 3 at least' fuse photos -o other.ply

expect 'there already' 2 'fused.ply' fuse "$sequence" -o fused.ply
expect 'of no kind' 2 'FILE.ply or FILE.glb' fuse "$sequence" -o fused.stl
expect 'a camera of three numbers' 2 'expected FX,FY,CX,CY' fuse "$sequence" --camera 1,2,3 -o other.ply
expect 'another scale' 1 'is the depth scale right' fuse "$sequence" --depth-scale 100000 -o other.ply
check 'nothing is written' test ! -e other.ply
cp -r "$sequence" blind && rm blind/camera_intrinsic.json
expect 'no intrinsics' 2 'blind: nothing says how its camera sees: give --camera' fuse blind -o other.ply
expect 'given' 0 '6 pictures' fuse blind --camera 28,28,15.5,11.5 --voxel 0.04 -o other.ply
rm blind/depth/00003.png
expect 'no depth' 1 '6 pictures in color and 5 in depth' fuse blind --camera 28,28,15.5,11.5 -o other.ply --overwrite

# A room: what lies in it keeps its place, its floor becomes level, its table is worked on.
{
  awk 'BEGIN { for (j = 0; j < 21; j++) for (i = 0; i < 21; i++) print "v", (i - 10) / 5, (j - 10) / 5, (i - 10) * 0.002
    for (j = 0; j < 20; j++) for (i = 1; i < 21; i++) { a = 21 * j + i; print "f", a, a + 1, a + 22; print "f", a, a + 22, a + 21 } }'
  box table.obj 0.4 0.5 0.02
  awk '$1 == "v" { print "v", $2 + 1, $3, $4 + 0.7 } $1 == "f" { print "f", $2 + 441, $3 + 441, $4 + 441 }' table.obj
} >room.obj
expect 'a room' 0 '"tops":[[:space:]]*1' new room --scene room.obj --object block.obj --up z --json
expect 'what is put on its table rests' 0 '"ok":[[:space:]]*true' "$loom" twin check room --json

# Scans of real things.
if [ -r "$scans/cup.glb" ]; then
  expect 'a cup' 0 'hollow at the top .* give --mass cup=KG' new cup --object "$scans/cup.glb"
  expect 'a cup rests' 0 '"ok":[[:space:]]*true' "$loom" twin check cup --json
fi
for scan in drawer2 chair; do
  [ "${LOOM_SCANS-}" = all ] && [ -r "$scans/$scan.glb" ] || continue
  expect "$scan" 0 '"floor":[[:space:]]*true' new "$scan" --object "$scans/$scan.glb" --json
  expect "$scan rests" 0 '"ok":[[:space:]]*true' "$loom" twin check "$scan" --json
done

close_tests
