#!/usr/bin/env bash
# `demoloom render`: sheets, single frames, videos and folders of frames in colors, depth and segments, with overlays and a
# timeline; the same bytes for any number of threads; what goes wrong. Pictures are kept in $LOOM_KEEP where that is set.
# Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
keep=${LOOM_KEEP:-$work}

# is FILE WIDTHxHEIGHT: a PNG of that size.
is() {
  local b
  read -ra b < <(od -An -tu1 -j16 -N8 -w8 "$1")
  [ "$((b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]))x$((b[4] << 24 | b[5] << 16 | b[6] << 8 | b[7]))" = "$2" ]
}
# drawn NAME WIDTHxHEIGHT ARGS...: a sheet of that name and size.
drawn() {
  local name=$1 size=$2
  shift 2
  check "sheet $name" render "$data" --sheet "$keep/render-$name.png" "$@"
  check "size of $name" is "$keep/render-$name.png" "$size"
}

# A small task of one's own, so that drawing takes little.
cp -R tests/own "$work/own"
printf 'source: {file: demo.hdf5}\n' >>"$work/own/task.yaml"
export DEMOLOOM_SCENES=$work/own
"$loom" record "$work/own" -n 3 --seed 77 -o "$work/own/demo.hdf5" >/dev/null 2>&1
"$loom" generate "$work/own" -n 3 --seed 3 -o "$work/own.hdf5" >/dev/null 2>&1
data=$work/own.hdf5
render() { "$loom" render "$@" --task "$work/own/task.yaml" >"$work/out" 2>"$work/errors"; }
# refuses PATTERN ARGS...: render fails and says so.
refuses() {
  local pattern=$1
  shift
  ! render "$@" && says "$work/errors" "$pattern"
}
one=(--frame demo_1:60 --size 160x120 --collision --camera front)
drawn demos 646x364 --size 160x120 --columns 4
drawn rgb 160x120 "${one[@]}"
drawn plain 160x120 "${one[@]}" --plain
drawn depth 160x120 "${one[@]}" --mode depth --plain
drawn far 160x120 "${one[@]}" --mode depth --depth-range 1:2 --plain
drawn segments 160x120 "${one[@]}" --mode segmentation --plain
drawn light 160x120 "${one[@]}" --light --plain
drawn modes 484x120 "${one[@]}" --mode rgb,depth,segmentation
drawn cameras 322x242 "${one[@]}" --camera table --depth
drawn small 84x84 --frame demo_0:0 --size 84x84
for kind in paths targets frames sources ghost; do
  drawn $kind 160x120 "${one[@]}" --plain --overlay $kind
  check "$kind are seen" differ "$keep/render-plain.png" "$keep/render-$kind.png"
done
drawn timeline 484x418 --demo 0 --demo demo_2 --size 160x120 --columns 3 --overlay all --timeline -j 1
drawn threads 484x418 --demo 0 --demo demo_2 --size 160x120 --columns 3 --overlay all --timeline -j 3
check 'a sheet by three threads' same "$keep/render-timeline.png" "$keep/render-threads.png"
for other in depth segments light; do check "$other differs" differ "$keep/render-plain.png" "$keep/render-$other.png"; done
check 'the range of depths' differ "$keep/render-depth.png" "$keep/render-far.png"
check 'captions' differ "$keep/render-plain.png" "$keep/render-rgb.png"
overlaid() { render "$data" --sheet "$work/depth.png" "${one[@]}" --mode rgb,depth --overlay all --plain && is "$work/depth.png" 322x120; }
check 'overlays beside depth' overlaid

# Each part of a video is of 100 frames at most: demo_0 has more.
film=(--demo 0 --demo 1 --size 128x96 --light --timeline --camera table --camera front)
check 'a video' render "$data" --video "$work/one.mp4" -j 1 --json "${film[@]}"
check 'its frames' says "$work/out" '"frames":.2[0-9][0-9]'
check 'its height, the timeline included' says "$work/out" '"height":.184'
check 'by three threads' render "$data" --video "$work/three.mp4" -j 3 "${film[@]}"
check 'the same bytes' same "$work/one.mp4" "$work/three.mp4"

check 'frames' render "$data" --frames "$work/f" --limit 1 --size 84x84 --speed 20 -j 2
check 'a file a frame' test "$(ls "$work/f" | wc -l)" = "$(ls "$work/f" | grep -c '^demo_0_000[0-9]*0.png$')"
check 'of its rows' is "$work/f/demo_0_000040.png" 84x84
check 'other files are left alone' refuses 'there are files in it' "$data" --frames "$work/f" --limit 1
check 'unless told so' render "$data" --frames "$work/f" --limit 1 --size 84x84 --speed 20 --overwrite
check 'several frames a row' refuses 'each row is one file' "$data" --frames "$work/g" --speed 0.5
check 'no sources, no ghost' render "$work/own/demo.hdf5" --sheet "$work/s.png" --limit 1 --columns 2 --size 64x64 --overlay all
check 'which is told' says "$work/errors" 'no ghost'

# Ctrl-C.
"$loom" render "$data" --task "$work/own/task.yaml" --video "$work/stopped.mp4" --size 640x480 -j 2 >/dev/null 2>"$work/errors" &
pid=$!
await $pid test -s "$work/stopped.mp4.tmp"
kill -INT $pid
wait $pid
check 'Ctrl-C' test $? = 1
check 'it says how far it came' says "$work/errors" 'interrupted: .*stopped.mp4'
check 'nothing half-written is left' test ! -e "$work/stopped.mp4.tmp"

# Without EGL, or with none that works, OSMesa draws.
mkdir "$work/lib"
touch "$work/lib/libEGL.so.1" "$work/lib/libEGL.so"
osmesa() { (export "$@" && render "$data" --sheet "$work/mesa.png" --overwrite "${one[@]}" --plain --json) && says "$work/out" '"gl":.*osmesa'; }
check 'EGL without a driver' osmesa __EGL_VENDOR_LIBRARY_DIRS="$work"
check 'no EGL' osmesa LD_LIBRARY_PATH="$work/lib"
neither() {
  touch "$work/lib/libOSMesa.so."{8,6} "$work/lib/libOSMesa.so"
  (export LD_LIBRARY_PATH="$work/lib" && refuses 'install libegl1' "$data" --sheet "$work/x.png" "${one[@]}")
}
check 'neither' neither
no_display() { ! env -u DISPLAY -u WAYLAND_DISPLAY "$loom" view "$data" --task "$work/own/task.yaml" 2>"$work/errors" && says "$work/errors" 'demoloom render'; }
check 'view without a display names render' no_display

check 'a wrong camera' refuses "no camera 'nose'; it has front" "$data" --video "$work/x.mp4" --camera nose
check 'a wrong mode' refuses "takes rgb, depth, segmentation, not 'rbg'" "$data" --sheet "$work/x.png" --mode depth,rbg
check 'a wrong overlay' refuses "not 'path'" "$data" --sheet "$work/x.png" --overlay path
check 'overlays over depth' refuses 'drawn over rgb' "$data" --sheet "$work/x.png" --overlay paths --mode depth
check 'too narrow a timeline' refuses '240 pixels' "$data" --video "$work/x.mp4" --timeline --size 84x84
check 'too small' refuses '16 to 4096' "$data" --sheet "$work/x.png" --size 8x8
check 'too large' refuses '16 to 4096' "$data" --sheet "$work/x.png" --size 5000x5000
check 'too large a sheet' refuses 'smaller --size' "$data" --sheet "$work/x.png" --size 4096x4096 --columns 20
check 'a wrong range' refuses 'NEAR:FAR' "$data" --sheet "$work/x.png" --depth-range 2:1
check 'a wrong demo' refuses "no demo 'demo_9'" "$data" --sheet "$work/x.png" --demo demo_9
check 'a wrong row' refuses 'rows 0 to' "$data" --sheet "$work/x.png" --frame demo_0:9999
check 'two outputs' refuses 'it takes one' "$data" --sheet "$work/x.png" --video "$work/x.mp4"
check 'a sheet nowhere' refuses '/nowhere/x.png: cannot be written' "$data" --sheet /nowhere/x.png
check 'a video nowhere' refuses '/nowhere/x.mp4' "$data" --video /nowhere/x.mp4
check 'frames nowhere' refuses '/nowhere/x: cannot be made' "$data" --frames /nowhere/x
full() { (trap '' XFSZ && ulimit -f 1 && refuses 'cannot be written' "$data" "$@"); }
check 'a full disk' full --frames "$work/full" --limit 1 --speed 50
check 'leaves no part of a file' sh -c "! ls '$work/full' | grep -v 'png\$'"
close_tests
