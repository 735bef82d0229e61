#!/usr/bin/env bash
# What a later step needs is tried before expensive work: each command against what it lacks. What was asked for here would take
# hours if it were begun. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export DEMOLOOM_SCENES=$work/scenes
mkdir -p "$work/scenes" && cp -R tests/own "$work/scenes/own"
"$loom" record own -n 2 --seed 1 -o "$work/base.hdf5" >/dev/null 2>&1
"$loom" generate own --source "$work/base.hdf5" -n 2 -t 1 -o "$work/d.hdf5" >/dev/null 2>&1
change() { mkdir -p "$work/scenes/$1" && cp -R tests/own/. "$work/scenes/$1/" && sed -i "s/^task: own/task: $1/; $2" "$work/scenes/$1/task.yaml"; }

# Observations, bodies, a reset distribution that rollouts lack: told before the first epoch, and nothing is left.
change bodiless 's/height: {of: rod/height: {of: {body: rodd}/'
change crowded 's/gap: 0.02}/gap: 5}/'
train() { timeout 60 "$loom" train --data "$work/d.hdf5" -p bc_l2 --steps 100000000 --batch 8 -j 1 --rollouts 1 -o "$work/run" "$@"; }
expect 'train: a body' 1 'rodd' train --task bodiless
expect 'train: no free start' 1 'rollouts of crowded cannot be made' train --task crowded
expect 'train: reset distribution' 2 'reset distribution' train --task own --reset D9
check 'train: no folder is left' test ! -e "$work/run"

# DAgger: keys, datasets, experts.
dagger() { timeout 60 "$loom" dagger own --rounds 1 --demos 100000 -j 1 -o "$work/dagger" "$@"; }
expect 'dagger: an image' 1 'front_image' dagger --expert scripted -k front_image
expect 'dagger: a dataset' 1 'none.hdf5' dagger --expert scripted --data "$work/none.hdf5"
expect 'dagger: a policy' 1 'none.safetensors' dagger --expert "$work/none.safetensors"
expect 'dagger: source demos' 2 'names no source demos' dagger --expert generator
check 'dagger: no folder is left' test ! -e "$work/dagger"

# Conditions that no episode changes, by command.
change still 's/height: {of: rod, above: 0.1}/height: {of: {geom: floor}, above: 0.1}/'
change joint 's/height: {of: rod, above: 0.1}/joint: {name: x0, above: 3}/'
change hold 's/success_hold: 5/success_hold: 500/'
for task in still joint hold; do
  expect "record: $task" 1 'task.yaml:[0-9]+: .*(never changes|max_steps)' "$loom" record $task -n 1
  expect "generate: $task" 1 'task.yaml:[0-9]+: ' "$loom" generate $task --source "$work/base.hdf5" -n 1
  expect "train: $task" 1 'task.yaml:[0-9]+: ' train --task $task
  expect "dagger: $task" 1 'task.yaml:[0-9]+: ' "$loom" dagger $task --expert scripted -o "$work/dagger"
done

# Of several policies the last one is missing: told before the first one's episodes.
"$loom" train --data "$work/d.hdf5" -p bc_l2 --epochs 1 --steps 2 --batch 8 --hidden 8 -j 1 --rollouts 0 -o "$work/few" >/dev/null 2>&1
roll() { timeout 60 "$loom" rollout "$work/few/last.safetensors" "$@" --task own -n 1000000; }
expect 'rollout: a policy' 1 'none.safetensors' roll "$work/none.safetensors"
expect 'rollout: reset distribution' 2 'D9' roll --reset D9

# Each command against what a later step of it lacks: told before anything is begun, and nothing is left. STATUS|WHAT IT SAYS|COMMAND,
# @F is a path on which nothing can be made, @W the folder of this test, @P a policy; @D a disk with room for so many bytes.
echo 'a file' >"$work/file" && printf 'no policy' >"$work/text.safetensors"
change seen 's/^arms:/observe: [{name: box_pos, pos: box}]\narms:/'
change late 's/max_steps: 200/max_steps: 30/'
sed "s|/few|/run|; s/task: \"\"/task: own/; s/max_steps: 0/max_steps: 3/" "$work/few/config.yaml" >"$work/short.yaml"
"$loom" train --data "$work/d.hdf5" -p bc_l2 -k object --epochs 1 --steps 2 --batch 8 --hidden 8 -j 1 --rollouts 0 -o "$work/seer" >/dev/null 2>&1
# FFmpeg's library is none, the disk nearly full; a run of another seed was broken off, and a folder holds one.
mkdir "$work/lib" && for file in avutil swscale avcodec avformat; do
  for n in {50..69}; do : >"$work/lib/lib$file.so.$n"; done
done
check 'a disk' ${CC:-cc} -shared -fPIC -o "$work/disk_room.so" tests/tools/command/disk_room.c
change short 's/max_steps: 200/max_steps: 12/; s/above: 0.1/above: 0.4/'
"$loom" generate short --source "$work/base.hdf5" -n 1 --max-failures 1 -o "$work/begun.hdf5" >/dev/null 2>&1
mkdir "$work/taught" && : >"$work/taught/settings.yaml"
sed 's|/d.hdf5|/none.hdf5|; s/task: .*/task: ""/' "$work/few/config.yaml" >"$work/absent.yaml"
listing() { find "$work" -not -name said | sort; }
nothing_left() { [ "$(listing)" = "$before" ]; }
while IFS='|' read -r status what line; do
  line=${line//@F/$work/file} line=${line//@W/$work} line=${line//@P/$work/few/last.safetensors}
  line=${line//@D/LD_PRELOAD=$work/disk_room.so DISK_ROOM}
  before=$(listing)
  # shellcheck disable=SC2086
  expect "$line" "$status" "$what" timeout 60 env ${line%%:*} "$loom" ${line#*:}
  check "$line: nothing is left" nothing_left
done <<'END'
1|Not a directory|:generate own --source @W/base.hdf5 -n 1000000 -o @F/x.hdf5
1|Not a directory|:generate own --source @W/base.hdf5 -n 1000000 --report @F/x.png
1|Not a directory|:record own -n 100000 -o @F/x.hdf5
1|Not a directory|:train --data @W/d.hdf5 --task own -p bc_l2 --steps 100000000 -o @F/run
1|Not a directory|:train --data @W/d.hdf5 --task own -p bc_l2 --steps 100000000 --sizes 1,2 -o @F/run
1|Not a directory|:dagger own --expert scripted --demos 100000 -o @F/run
1|Not a directory|:rollout @P --task own -n 1000000 -o @F/x.hdf5
1|Not a directory|:rollout @P --task own -n 1000000 --video @F/x.mp4
1|Not a directory|:render @W/d.hdf5 --video @F/x.mp4
1|Not a directory|:render @W/d.hdf5 --frames @F/x
1|Not a directory|:render @W/d.hdf5 --sheet @F/x.png
1|Not a directory|:render @W/d.hdf5 --obs @F/x.hdf5
1|Not a directory|:export @P -o @F/x.onnx
2|data/demo_0: the model has no camera 'nope'; it has|:render @W/d.hdf5 --camera nope --video @W/x.mp4
2|data/demo_0: the model has no camera 'nope'; it has|:render @W/d.hdf5 --camera nope --frames @W/x
2|data/demo_0: the model has no camera 'nope'; it has|:render @W/d.hdf5 --camera nope --sheet @W/x.png
2|data/demo_0: the model has no camera 'nope'; it has|:render @W/d.hdf5 --camera front --camera nope --obs @W/x.hdf5
2|data/demo_0: the model has no camera 'nope'; it has|:render @W/d.hdf5 --cloud 64 --cloud-camera nope --obs @W/x.hdf5
2|egl or osmesa|DEMOLOOM_GL=none:render @W/d.hdf5 --video @W/x.mp4
2|egl or osmesa|DEMOLOOM_GL=none:render @W/d.hdf5 --frames @W/x
2|egl or osmesa|DEMOLOOM_GL=none:render @W/d.hdf5 --sheet @W/x.png
2|egl or osmesa|DEMOLOOM_GL=none:render @W/d.hdf5 --obs @W/x.hdf5
2|egl or osmesa|DEMOLOOM_GL=none:rollout @P --task own -n 1000000 --video @W/x.mp4
1|text.safetensors|:rollout @W/text.safetensors --task own -n 1000000 -o @W/x.hdf5
1|text.safetensors|:dagger own --expert @W/text.safetensors -o @W/run
1|text.safetensors|:export @W/text.safetensors -o @W/x.onnx
1|object|:rollout @W/seer/last.safetensors --task seen -n 1000000 -o @W/x.hdf5
1|object|:dagger seen --expert @W/seer/last.safetensors -o @W/run
1|nope|:export @P -o @W/x.onnx --check @W/x.safetensors --data @W/nope.hdf5
1|observation|:export @P -o @W/x.onnx --check @W/x.safetensors --data @W/base.hdf5
2|has 2 demos, not the first 9|:train --data @W/d.hdf5 --task own -p bc_l2 --steps 100000000 --sizes 9,2,1 -o @W/run
2|max_steps, 3, is below its success_hold, 5|:train @W/short.yaml
2|max_steps, 3, is below its success_hold, 5|:dagger own --expert scripted --max-steps 3 -o @W/run
0|no episode can succeed: --max-steps 3|:rollout @P --task own -n 1 --max-steps 3
1|no source demo succeeds within the task's max_steps, 30|:generate late --source @W/base.hdf5 -n 1 --max-failures 1
1|mask/nope|:train --data @W/d.hdf5 --task own -p bc_l2 --validate nope -o @W/run
1|FFmpeg|LD_LIBRARY_PATH=@W/lib:render @W/d.hdf5 --video @W/x.mp4
1|FFmpeg|LD_LIBRARY_PATH=@W/lib:rollout @P --task own -n 1000000 --video @W/x.mp4
2|d.hdf5 exists; use --resume|:generate own --source @W/none.hdf5 -n 2 -o @W/d.hdf5
2|other settings .*"seed": "0".*"seed": "9"|:generate own --source @W/none.hdf5 -n 2 --seed 9 --resume -o @W/d.hdf5
2|other settings .*"successes": 2.*"successes": 3|:generate own --source @W/none.hdf5 -n 3 --resume -o @W/d.hdf5
2|other settings .*"record".*"generate"|:generate own --source @W/none.hdf5 -n 2 --resume -o @W/base.hdf5
2|begun.hdf5.parts exists; use --resume|:generate short --source @W/none.hdf5 -n 2 -o @W/begun.hdf5
2|run.json: .*other settings .*"seed": "0"|:generate short --source @W/none.hdf5 -n 2 --seed 9 --resume -o @W/begun.hdf5
2|base.hdf5 is there already|:generate own --source @W/none.hdf5 -n 2 -o @W/n.hdf5 --failed @W/base.hdf5
2|holds a run already|:train @W/absent.yaml -o @W/few
2|holds a run already|:dagger own --expert generator -o @W/taught
1|takes at least .* MB, and its disk has room for 0.1 MB|@D=100000:generate own --source @W/base.hdf5 -n 100 -o @W/x.hdf5
1|takes at least .* MB, and its disk has room for 0.1 MB|@D=100000:dataset merge @W/x.hdf5 @W/d.hdf5 @W/d.hdf5
1|takes at least .* MB, and its disk has room for 0.1 MB|@D=100000:dataset strip @W/d.hdf5 @W/x.hdf5
1|takes at least 0.1 MB, and its disk has room for 0.0 MB|@D=1000:dataset lerobot @W/d.hdf5 @W/le
1|takes at least .* MB, and its disk has room for 0.1 MB|@D=100000:render @W/d.hdf5 --obs @W/x.hdf5
1|takes at least .* MB, and its disk has room for 0.0 MB|@D=1000:train --data @W/d.hdf5 --task own -p bc_l2 --steps 100000000 -o @W/run
2|number of an EGL device|:train --gpu x --data @W/d.hdf5 -o @W/run
2|number of an EGL device|:rollout --gpu x @P
2|number of an EGL device|:render --gpu x @W/d.hdf5 --sheet @W/x.png
2|number of an EGL device|:view --gpu x @W/d.hdf5
END

# Where the first demo tells how large the others will be, it is kept, and the run goes on once there is room.
tight() { timeout 60 env LD_PRELOAD="$work/disk_room.so" DISK_ROOM="$1" "$loom" "${@:2}"; }
kept_and_told() { expect "$1" 1 'takes at least .* MB, and its disk has room for .* --resume goes on' tight "${@:2}"; }
kept_and_told 'record: the disk' 100000 record own -n 1000 --seed 1 -o "$work/tight.hdf5"
expect 'record: goes on' 1 'takes at least' tight 100000 record own -n 1000 --seed 1 --resume -o "$work/tight.hdf5"
check 'record: one was kept' [ "$(find "$work/tight.hdf5.parts" -name 'demo-*' | wc -l)" = 2 ]
check 'record: a disk that is large enough' tight 100000 record own -n 2 --seed 1 -o "$work/roomy.hdf5"
check 'generate: a disk that is large enough' tight 1000000 generate own --source "$work/base.hdf5" -n 2 -o "$work/roomy2.hdf5"

# Nothing succeeds: given up after 200 attempts, the same on any number of threads, with the reasons.
change lost 's/height: {of: rod, above: 0.1}/height: {of: rod, above: 0.4}/; s/max_steps: 200/max_steps: 12/'
hopeless() { timeout 300 "$loom" generate lost --source "$work/base.hdf5" -n 5 -t "$@"; }
expect 'generate: gives up' 1 'gave up: 200 of 200 attempts failed, most often.*--max-failures 0' hopeless 2
expect 'generate: a limit that is given' 1 'gave up: 7 of 7' hopeless 1 --max-failures 7
expect 'generate: on any number of threads' 1 'gave up: 7 of 7' hopeless 3 --max-failures 7
expect 'generate: never' 1 '0 demos from 230 attempts' hopeless 2 --max-failures 0 --attempts 230
expect 'record: gives up' 1 'gave up: 200 of 200' timeout 300 "$loom" record lost -n 30
expect 'record: a limit that is given' 1 'gave up: 3 of 3' "$loom" record lost -n 30 --max-failures 3

# A GPU that is not there; EGL where it is there at all.
if DEMOLOOM_GL=egl "$loom" render "$work/d.hdf5" --task own --sheet "$work/a.png" --light >/dev/null 2>&1; then
  for n in 99 -1 x 0x; do
    expect "MUJOCO_EGL_DEVICE_ID=$n" 2 'device' env MUJOCO_EGL_DEVICE_ID=$n "$loom" render "$work/d.hdf5" --task own --light --sheet "$work/b.png"
    expect "render --gpu $n" 2 'device' "$loom" render "$work/d.hdf5" --task own --light --gpu $n --sheet "$work/b.png"
  done
  check 'software is not asked' env MUJOCO_EGL_DEVICE_ID=99 DEMOLOOM_GL=osmesa "$loom" render "$work/d.hdf5" --task own --light \
    --sheet "$work/c.png"
fi
expect 'software has no GPU to choose' 2 'software' env DEMOLOOM_GL=osmesa "$loom" render "$work/d.hdf5" --gpu 0 --sheet "$work/b.png"
close_tests
