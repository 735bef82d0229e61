#!/usr/bin/env bash
# `demoloom observe` of films and folders of pictures: the same as of the pictures that they were made of, whoever encoded
# them; the same bytes on any number of threads; several cameras; and films that are refused, by name. Closes with `N
# passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export OMP_NUM_THREADS=1
mkdir -p "$work/scenes/own" && cp tests/own/{task.yaml,scene.xml} "$work/scenes/own" && ln -s "$PWD/tests/own/robots" "$work/scenes/robots"
export DEMOLOOM_SCENES=$work/scenes
sed -i 's|<site name="grip\([01]\)".*|&<geom type="sphere" size="0.06" rgba="\1 0.2 0.5 1" contype="0" conaffinity="0" mass="0.0001"/>|
  s|<camera name="front".*|<camera name="front" pos="0.8 0 0.6" xyaxes="0 1 0 -0.5 0 0.8" fovy="60"/><camera name="left" pos="0.5 -0.7 0.7" xyaxes="0.8 0.55 0 -0.3 0.45 0.85" fovy="60"/>|' \
  "$work/scenes/own/scene.xml"
demos=7
"$loom" record own -n 4 --seed 1 -o "$work/base.hdf5" >"$work/log" 2>&1 || cat "$work/log"
"$loom" generate own --source "$work/base.hdf5" -n $demos --seed 1 -t 1 -o "$work/gen.hdf5" >"$work/log" 2>&1 || cat "$work/log"
gen=$work/gen.hdf5

# draw OUT DEMO CAMERA OPTION...: one demo as it is filmed.
draw() { "$loom" render "$gen" --demo "$2" --camera "$3" --plain --light "${@:4}" "$1" >"$work/log" 2>&1 || cat "$work/log"; }
mkdir "$work/films" "$work/views" "$work/pictures"
for i in $(seq 0 $((demos - 1))); do
  draw "$work/films/demo_$i.mp4" "$i" front --size 160x120 --video
  draw "$work/pictures/demo_$i" "$i" front --size 160x120 --frames
done
for i in 0 1 2 3; do
  mkdir "$work/views/$i"
  draw "$work/views/$i/front.mp4" "$i" front --size 64x64 --video
  draw "$work/views/$i/left.mp4" "$i" left --size 64x64 --video
done

# number KEY OF FILE: a number of an embedding in a line of JSON; within A B D: no further apart.
number() { grep '^{' "$3" | sed "s/.*\"$2\":{\([^}]*\)}.*/\1/; s/.*\"$1\":\([-0-9.e]*\).*/\1/"; }
within() { awk -v a="$1" -v b="$2" -v d="$3" 'BEGIN { exit !(a - b <= d && b - a <= d) }'; }
small=(--method tcc --side 24 --batch 4 --frames 8 --channels 4,8 --features 8 --hidden 16 --out 8)
. tests/tools/same_bytes.sh
same_bytes films 'last.safetensors encoder.safetensors alignment.csv' "$loom" observe "$work/films" -n 12 --every 3 "${small[@]}" --json

# What is seen does not depend on who encoded it.
same_tau() { # NAME FILM...
  check "$1" eval '"$loom" observe '"$(printf '%q ' "${@:2}")"' -n 1 "${small[@]}" -j 1 --json -o "$work/'"$1"'" >"$work/'"$1"'.said"'
  check "$1: the same tau" within "$(number tau plain "$work/films.said")" "$(number tau plain "$work/$1.said")" 0.02
}
same_tau pictures "$work/pictures"
same_tau listed "$work/films/"demo_{0,1,2}.mp4 "$work/films/"demo_{3,4,5,6}.mp4
if command -v ffmpeg >/dev/null; then
  mkdir "$work/anew"
  for film in "$work/films/"*.mp4; do
    ffmpeg -nostdin -v error -i "$film" -c:v mpeg4 -q:v 8 "$work/anew/$(basename "$film" .mp4).avi" >"$work/log" 2>&1 || cat "$work/log"
  done
  same_tau anew "$work/anew"
fi
check 'its settings name the films' grep -q 'data: \[".*demo_0.mp4", ".*demo_6.mp4"\]' "$work/listed/config.yaml"

# Cameras are told apart by the names of films.
check 'of two cameras' "$loom" observe "$work/views" --method tcn "${small[@]:2}" -n 3 -j 1 -o "$work/tcn"
check 'translated' "$loom" observe "$work/views" --method translate --side 16 --batch 4 -n 3 -j 1 -o "$work/translated"

# A reward looks through the camera that was named.
check 'a named camera' "$loom" observe "$work/films" "${small[@]}" -k front_image -n 3 -j 1 -o "$work/named"
check 'a policy' "$loom" train --data "$gen" --task own -p bc_gmm --hidden 32 --epochs 1 --steps 50 --rollouts 1 -j 1 -o "$work/policy"
tune() { "$loom" finetune "$work/policy/last.safetensors" --task own --reward "$1/reward.yaml" -n 200 --evaluate 0 --eval 0 -j 1 -o "$2"; }
check 'finetune takes it' tune "$work/named" "$work/tuned"
expect 'none was named' 2 "no camera 'film'.*--key" tune "$work/films-a" "$work/x"
rm -rf "$work/x"

# ---- refused

watch=("$loom" observe)
more=("${small[@]}" -n 1 -j 1 -o "$work/x")
films=$work/films
expect 'poses of films' 2 'films show pictures, and no poses; take --method tcc' "${watch[@]}" "$films" -o "$work/x"
draw "$work/large.mp4" 0 front --size 176x120 --video
expect 'another size' 1 'large.mp4: has 176 x 120 pixels, where .*demo_0.mp4 has 160 x 120' "${watch[@]}" "$films" "$work/large.mp4" "${more[@]}"
draw "$work/short.mp4" 0 left --size 64x64 --speed 2 --video
draw "$work/slow.mp4" 0 front --size 160x120 --fps 5 --video
expect 'another rate' 1 'slow.mp4: has 5 frames a second, where .*demo_0.mp4 has 20' "${watch[@]}" "$films" "$work/slow.mp4" "${more[@]}"
mkdir "$work/one" && cp "$(find "$work/pictures/demo_0" -name '*.png' | head -n 1)" "$work/one/0.png"
expect 'one frame' 1 'one: has a single frame' "${watch[@]}" "$films" "$work/one" "${more[@]}"
head -c 4000 "$films/demo_0.mp4" >"$work/cut.mp4"
expect 'cut short' 1 'cut.mp4: .*cut short' "${watch[@]}" "$films" "$work/cut.mp4" "${more[@]}"
echo 'no film at all, but a text' >"$work/text.mp4"
expect 'no film' 1 'text.mp4: no film' "${watch[@]}" "$films" "$work/text.mp4" "${more[@]}"
: >"$work/empty.mp4"
expect 'an empty file' 1 'empty.mp4: is empty' "${watch[@]}" "$films" "$work/empty.mp4" "${more[@]}"
cp -r "$work/pictures/demo_0" "$work/bad" && echo 'no picture' >"$work/bad/zz.png"
expect 'an unreadable picture' 1 'bad/zz.png: neither a PNG nor a JPEG' "${watch[@]}" "$work/bad" "${more[@]}"
cp "$films/demo_0.mp4" "$work/bad/"
expect 'films among pictures' 1 'bad: has films and pictures' "${watch[@]}" "$work/bad" "${more[@]}"
mkdir "$work/nothing"
expect 'a folder of nothing' 1 'nothing: has neither films .* nor pictures' "${watch[@]}" "$work/nothing" "${more[@]}"
expect 'no such film' 1 'none.mp4: no such file' "${watch[@]}" "$films" "$work/none.mp4" "${more[@]}"
expect 'a dataset among films' 2 'gen.hdf5: is a dataset' "${watch[@]}" "$films" "$gen" "${more[@]}"
expect 'too few' 1 '2 demos, of which 2 are kept aside' "${watch[@]}" "$films/demo_0.mp4" "$films/demo_1.mp4" "${more[@]}"
cp -r "$work/views" "$work/blind" && rm "$work/blind/2/left.mp4"
expect 'a camera is missing' 1 "2: camera 'left' is not there" "${watch[@]}" "$work/blind" "${more[@]}"
cp "$work/short.mp4" "$work/blind/2/left.mp4"
expect 'cameras not of one time' 1 'left.mp4: has [0-9]+ frames, where the demo.s first camera has' "${watch[@]}" "$work/blind" "${more[@]}"
expect 'too many keys' 2 'films of 1 cameras, and 2 keys' "${watch[@]}" "$films" -k front_image -k left_image "${more[@]}"
check 'nothing was learned' test ! -e "$work/x"
close_tests
