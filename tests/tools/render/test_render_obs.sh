#!/usr/bin/env bash
# `demoloom render --obs`: names, types, the same bytes for any number of threads and after a stop, what goes wrong.
# Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
render() { DEMOLOOM_SCENES=$work/scenes "$loom" render "$@" >"$work/out" 2>"$work/errors"; }
# refuses PATTERN ARGS...: render fails and says so.
refuses() {
  local pattern=$1
  shift
  ! render "$@" && says "$work/errors" "$pattern"
}
told() { "$loom" info "$1" >"$work/info" && says "$work/info" "$2"; }

# Demos of a scene that is quickly drawn; one of a scene with meshes and cameras in its hands.
mkdir "$work/scenes" && ln -s "$PWD/tests/own" "$PWD/tests/own/robots" "$work/scenes"
own() { DEMOLOOM_SCENES=$work/scenes "$loom" "$@"; }
own record own -n 2 --seed 1 -o "$work/base.hdf5" >/dev/null 2>&1
own generate own --source "$work/base.hdf5" -n 3 --seed 1 -t 1 -o "$work/t.hdf5" >/dev/null 2>&1
"$loom" generate threading -n 1 --seed 4 -o "$work/threading.hdf5" >/dev/null 2>&1
check 'demos to draw' test -s "$work/t.hdf5" -a -s "$work/threading.hdf5"
before=$(sum "$work/t.hdf5")
cameras=(--camera front --camera table)
small=(--size 160x120 "${cameras[@]}")

check 'one thread' render "$work/t.hdf5" --obs "$work/one.hdf5" --threads 1 "${small[@]}"
check 'three threads' render "$work/t.hdf5" --obs "$work/three.hdf5" --threads 3 "${small[@]}"
check 'the same bytes' same "$work/one.hdf5" "$work/three.hdf5"
check 'nothing is left behind' test ! -e "$work/one.hdf5.images"
check 'the file read is as it was' test "$(sum "$work/t.hdf5")" = "$before"
check 'pictures' told "$work/one.hdf5" 'obs/front_image *uint8 *\[[0-9]*,120,160,3\]'
check 'of both cameras' told "$work/one.hdf5" 'obs/table_image *uint8 *\[[0-9]*,120,160,3\]'
check 'what was there stays' told "$work/one.hdf5" 'obs/robot0_eef_pos'
check 'masks too' told "$work/one.hdf5" 'mask train'
check 'the demos still come true' own verify "$work/one.hdf5"
check 'depth and segments' render "$work/t.hdf5" --obs "$work/all.hdf5" --limit 1 --depth --segmentation --json "${small[@]}"
check 'depth' told "$work/all.hdf5" 'obs/front_depth *float32 *\[[0-9]*,120,160,1\]'
check 'segments' told "$work/all.hdf5" 'obs/front_segmentation *int32 *\[[0-9]*,120,160,1\]'
check 'numbers' says "$work/out" '"pictures_per_second"'
check 'depth alone' render "$work/t.hdf5" --obs "$work/depth.hdf5" --limit 1 --mode depth --size 16x16 --camera front
check 'no colors then' sh -c "'$loom' info '$work/depth.hdf5' | grep front_ | grep -v depth | wc -l | grep -q '^0'"
check 'the usual cameras' "$loom" render "$work/threading.hdf5" --obs "$work/usual.hdf5" --size 32x32
check 'the front' told "$work/usual.hdf5" 'obs/front_image'
check 'found in the model' told "$work/usual.hdf5" 'obs/robot0_eye_in_hand_image'

# Stopped at any moment, it goes on and ends as if it had not been.
DEMOLOOM_SCENES=$work/scenes "$loom" render "$work/t.hdf5" --obs "$work/killed.hdf5" --threads 1 "${small[@]}" >/dev/null 2>&1 &
pid=$!
begun() { [ -n "$(ls "$work/killed.hdf5.images" 2>/dev/null)" ]; }
await $pid begun
kill -9 $pid
wait $pid 2>/dev/null
check 'killed before its end' test ! -e "$work/killed.hdf5"
check 'told to resume' refuses '--resume goes on' "$work/t.hdf5" --obs "$work/killed.hdf5" "${small[@]}"
check 'it goes on' render "$work/t.hdf5" --obs "$work/killed.hdf5" --resume "${small[@]}"
check 'to the same bytes' same "$work/one.hdf5" "$work/killed.hdf5"
check 'and does not write over it' refuses 'is there already' "$work/t.hdf5" --obs "$work/killed.hdf5" "${small[@]}"
DEMOLOOM_SCENES=$work/scenes "$loom" render "$work/t.hdf5" --obs "$work/stopped.hdf5" --threads 1 --size 400x400 "${cameras[@]}" >/dev/null 2>"$work/errors" &
pid=$!
await $pid test -d "$work/stopped.hdf5.images"
kill -INT $pid
wait $pid
check 'Ctrl-C says how to go on' says "$work/errors" '--resume goes on'

check 'a wrong camera' refuses "no camera 'nose'" "$work/t.hdf5" --obs "$work/x.hdf5" --camera nose
check 'pictures that are there already' refuses 'has obs/front_image already' "$work/one.hdf5" --obs "$work/x.hdf5" "${small[@]}"
check 'onto itself' refuses 'what is read' "$work/t.hdf5" --obs "$work/t.hdf5" --overwrite "${small[@]}"
check 'a folder that is not there' refuses 'no/x.hdf5: cannot be written' "$work/t.hdf5" --obs "$work/no/x.hdf5" "${small[@]}"
check 'options that need it' refuses 'goes with --obs' "$work/t.hdf5" --sheet "$work/x.png" --resume
check 'overlays are for looking at' refuses 'not for --obs' "$work/t.hdf5" --obs "$work/x.hdf5" --overlay paths
check 'OSMesa, without a device' env DEMOLOOM_GL=osmesa "$loom" render "$work/threading.hdf5" --obs "$work/mesa.hdf5" --size 16x16 --camera front

close_tests
