#!/usr/bin/env bash
# `demoloom rollout --disturb`: what is recorded replays bit for bit, any episode can be had again alone, on any number
# of threads; what is wrong in a set is named; --widen prints a set. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export OMP_NUM_THREADS=1
. tests/tools/reach_policy.sh
roll() { "$loom" rollout "$work/reach.safetensors" --seed 7 "$@"; }

# ---- the same again

check 'a run' eval 'roll --disturb rough -n 4 -j 1 --json -o "$work/r.hdf5" >"$work/r.json"'
check 'two threads' roll --disturb rough -n 4 -j 2 --json -o "$work/two.hdf5"
check 'two threads: the same bytes' cmp "$work/r.hdf5" "$work/two.hdf5"
# Its failures are told, and nothing else: every array is what the replayed states give.
replays() {
  "$loom" verify "$work/r.hdf5" --task "$reach" >"$work/verified" 2>&1
  cat "$work/verified"
  says "$work/verified" '^4 demos: .* 4 identical bit for bit' && ! grep '^demo_' "$work/verified" | grep -v 'no success at the end'
}
check 'verify replays all of them' replays
# episode FILE NUMBER: how it ended, after how many steps, how jerkily, and what it drew.
episode() { sed -n "/\"number\":\t$2,/,/\"disturb\":/p" "$1"; }
alone() {
  roll --disturb rough -n 1 --first "$1" -j 1 --json >"$work/one.json" || return 1
  episode "$work/one.json" "$1" >"$work/one" && [ "$(wc -l <"$work/one")" = 6 ] && episode "$work/r.json" "$1" | cmp - "$work/one"
}
for number in 0 1 3; do check "episode $number alone" alone $number; done
check 'without, they are others' eval 'roll -n 4 -j 1 --json -o "$work/calm.hdf5" && differ "$work/r.hdf5" "$work/calm.hdf5"'

# ---- what is seen

# Only lights and cameras: the same states, other pictures, and late ones.
printf 'light: [0.2, 0.4]\ncamera_position: [-0.1, 0.1]\npicture_delay: 2\n' >"$work/seen.yaml"
check 'lights and cameras' eval 'roll --disturb "$work/seen.yaml" -n 1 -j 1 -o "$work/seen.hdf5" && roll -n 1 -j 1 -o "$work/plain.hdf5"'
check 'verify replays it' eval '"$loom" verify "$work/seen.hdf5" --task "$reach" >"$work/verified" 2>&1; grep -q "1 identical bit for bit" "$work/verified"'
draw() { "$loom" render "$work/$1.hdf5" --task "$reach" --camera front --size 32x32 --frame demo_0:3 --sheet "$work/$1.png"; }
check 'render shows them' eval 'draw seen && draw plain && differ "$work/seen.png" "$work/plain.png"'
check 'render --obs' "$loom" render "$work/seen.hdf5" --task "$reach" --camera front --size 16x16 -j 1 --obs "$work/eyes.hdf5"

# Clouds with noise, rays that are lost, and a calibration that is off: other points of the same states, the same on any number
# of threads.
printf 'camera_position: 0.01\ncamera_turn: 0.03\n' >"$work/moved.yaml"
{ cat "$work/moved.yaml" && echo 'cloud_unaware: 1'; } >"$work/unaware.yaml"
printf 'cloud_noise: 0.003\ncloud_dropout: [0.05, 0.1]\n' >"$work/haze.yaml"
clouds() { # SET THREADS NAME
  roll --disturb "$work/$1.yaml" -n 1 --max-steps 3 -j 1 -o "$work/$3.hdf5" --overwrite &&
    "$loom" render "$work/$3.hdf5" --task "$reach" --cloud 32 --rays 16x16 --cloud-camera front -j "$2" --obs "$work/$3-seen.hdf5" --overwrite
}
for set in moved unaware haze; do check "clouds: $set" clouds $set 1 $set; done
check 'clouds: the same by two threads' eval 'cp "$work/haze-seen.hdf5" "$work/one.hdf5" && clouds haze 2 haze && cmp "$work/one.hdf5" "$work/haze-seen.hdf5"'
check 'clouds: a camera that is off' differ "$work/moved-seen.hdf5" "$work/unaware-seen.hdf5"

# ---- source demos

record() { "$loom" record own -n 2 --seed 5 -o "$work/$1.hdf5" "${@:2}"; }
printf 'mass: 1.3\nfriction: 0.7\naction_delay: 1\n' >"$work/real.yaml"
check 'record' record real --disturb "$work/real.yaml"
check 'record: they replay' eval '"$loom" replay "$work/real.hdf5" --task own -o "$work/replayed.hdf5" >"$work/said-replay" && [ "$(grep -c "success  *success" "$work/said-replay")" = 2 ]'
check 'record: with what disturbed them' grep -qa '"set":"real"' "$work/real.hdf5"
check 'record: the same run' record real --disturb "$work/real.yaml" --resume
printf 'mass: 1.4\n' >"$work/other.yaml"
expect 'record: another set' 2 'other settings .*disturb' record real --disturb "$work/other.yaml" --resume
expect 'record: no such set' 2 "no disturbances 'none'" record none --disturb none
printf 'mass: {of: cup, range: 2}\n' >"$work/cup.yaml"
expect 'record: no such object' 1 "cup.yaml:1: .*'cup'" record none --disturb "$work/cup.yaml"
stripped() {
  "$loom" dataset filter "$work/replayed.hdf5" "$work/$1.hdf5" --without "$2" && "$loom" info "$work/$1.hdf5" >"$work/info" && cat "$work/info"
}
check 'only what a robot sees' stripped stripped states,obs/object,datagen_info,model_file,loom_disturb
check 'which is there' says "$work/info" 'obs/robot0_eef_pos'
for what in ' states' obs/object datagen_info; do check "without$what" eval '! says "$work/info" "$what"'; done
for what in loom_disturb '<mujoco'; do check "without $what" eval '! grep -qa "$what" "$work/stripped.hdf5" && grep -qa "$what" "$work/replayed.hdf5"'; done

# ---- sets

printf 'mass: {range: [0.95, 1.05], scale: log, limits: [0.5, 2]}\n' >"$work/mass.yaml"
check 'a file' roll --disturb "$work/mass.yaml" -n 1 -j 1
check '--widen' eval 'roll --disturb "$work/mass.yaml" -n 2 --widen 0.5 -j 1 >"$work/copes.yaml"'
check '--widen: a range and its limits' grep -qE '^mass: \{range: \[[0-9.]+, [0-9.]+\], scale: log, limits: \[0.5, 2\]\}$' "$work/copes.yaml"
check '--widen: it is a set' roll --disturb "$work/copes.yaml" -n 1 -j 1
wrong() { # NAME PATTERN TEXT
  printf '%b' "$3" >"$work/wrong.yaml"
  expect "$1" 1 "wrong.yaml:$2" roll --disturb "$work/wrong.yaml" -n 1
}
wrong 'an unknown term' "2: key 'mas': unknown; did you mean 'mass'" 'friction: [0.5, 1]\nmas: [0.5, 2]\n'
wrong 'a range upside down' '2: key .range' '# upside down\nmass: {range: [2, 0.5]}\n'
wrong 'no such object' "1: .*'cup'" 'mass: {of: cup, range: [0.5, 2]}\n'
wrong 'a push that never begins' "1: key 'at'" 'push: {of: box, range: [1, 2]}\n'
wrong 'no such camera' "1: .*camera 'top'" 'camera_turn: {of: top, range: [0, 0.1]}\n'
wrong 'a light of the start only' "1: key 'at'" 'light: {range: [0, 1], at: 1}\n'
expect 'no such set' 2 "no disturbances 'none', neither in its .randomize:. .rough. nor as a file" roll --disturb none -n 1
expect '--widen alone' 2 'needs --disturb' roll --widen 0.5 -n 1
expect '--widen keeps nothing' 2 'keeps no episodes' roll --disturb rough --widen 0.5 -n 1 -o "$work/x.hdf5"

close_tests
