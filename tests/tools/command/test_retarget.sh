#!/usr/bin/env bash
# Demos of other robots become source demos: a task that is like another, its demos from that one's and attempts made of
# them, and what is told where that cannot be. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

export DEMOLOOM_SCENES=$work/scenes OMP_NUM_THREADS=1
own=$work/scenes/own
mkdir -p "$own" && cp -r tests/own/robots "$work/scenes/" && cp tests/own/{task.yaml,scene.xml} "$own/"
cd "$work" || exit 1
"$loom" record own -n 3 --seed 1 -o base.hdf5 >/dev/null 2>&1

# variant NAME LINE...: a task like own, with these lines besides.
variant() {
  local name=$1
  shift
  printf '%s\n' 'like: task.yaml' "task: own_$name" "env_name: Own$name" "$@" >"$own/$name.yaml"
}
variant same
variant moved 'retarget: {shift: [0.02, 0, 0]}'

# Variants are listed by the names that commands take; other YAML beside them is none.
printf 'speed: 1\n' >"$own/settings.yaml"
expect 'variants are listed' 0 '^own/moved ' "$loom" scenes
expect 'and their task' 0 '"name":.*"own/same"' "$loom" scenes --json
check 'but no settings' test -z "$("$loom" scenes 2>&1 | grep settings)"

variant far 'retarget: {shift: [3, 0, 0]}'
variant one 'retarget: {arms: [0, -1]}'
variant none 'retarget: {arms: [-1, -1]}'
variant third 'retarget: {arms: [0, 2]}'
variant turned 'retarget: {arms: [1, 0, 2]}'
variant flat 'retarget: {scale: 0}'
variant offsets 'retarget: {offset: [{pos: [0, 0, 0.01]}]}'
variant odd 'retarget: {shft: [0, 0, 0]}'
variant below 'limits: {penetrtion: 1}'

printf 'like: same.yaml\ntask: twice\n' >"$own/twice.yaml"
printf 'like: ../own/task.yaml\ntask: away\n' >"$own/away.yaml"
printf 'like: absent.yaml\ntask: nothing\n' >"$own/nothing.yaml"

# A hand of two entries that does not say how it holds things, and the same one that does.
sed 's/^robot: gantry/robot: two/; s/closing_sign: .*/&\n  entries: [0, 1]\n  absolute: true/' scenes/robots/gantry.yaml >scenes/robots/two.yaml
sed 's/^  absolute: .*/&\n  grasp: {sides: [[0], [1]]}/; s/^robot: two/robot: told/' scenes/robots/two.yaml >scenes/robots/told.yaml
sed 's/sides: .*/sides: [[0], [2]]}/' scenes/robots/told.yaml >scenes/robots/wrong.yaml
variant pair 'robots: [two, two]'
variant speaking 'robots: [told, told]'
variant mistaken 'robots: [wrong, wrong]'

same_demos() { # IN OUT: as many rows, and all of them kept
  "$loom" retarget "$1" --task own/same -o "$2" --json >report 2>told &&
    grep -q '"demos":3,"kept":3' <(tr -d ' \t\n' <report) && grep -q 'OwnSame\|Ownsame' <("$loom" info "$2")
}
check 'onto the same robots: all are kept' same_demos base.hdf5 same.hdf5
check 'the same again: the same bytes' bash -c "cp same.hdf5 first.hdf5 && '$loom' retarget base.hdf5 --task own/same -o same.hdf5 --overwrite && cmp first.hdf5 same.hdf5"
expect 'each is told' 0 'demo_1 .* rows  reach .* mm  at limits .* joint speed .* %  in each other .* mm  kept' "$loom" retarget base.hdf5 --task own/same
expect 'nothing is there without -o' 0 '^3 of 3 demos kept$' "$loom" retarget base.hdf5 --task own/same
expect 'they are source demos' 0 '^4 demos from 4 attempts' "$loom" generate own/same --source same.hdf5 -n 4 --attempts 4 --seed 3 -o gen.hdf5
expect 'whose demos replay, their task found by its environment' 0 '4 demos: 4 succeed, 4 identical' "$loom" verify gen.hdf5
expect 'and are demos to retarget themselves' 0 '^4 of 4 demos kept' "$loom" retarget gen.hdf5 --task own -o back.hdf5
expect 'moved, with all that they touch' 0 '3 of 3 demos kept: moved.hdf5' "$loom" retarget base.hdf5 --task own/moved -o moved.hdf5

# A hand of another kind, and back from it.
expect 'a hand that says how it holds' 0 '3 of 3 demos kept: told.hdf5' "$loom" retarget base.hdf5 --task own/speaking -o told.hdf5
expect 'makes demos' 0 '^4 demos from 4 attempts' "$loom" generate own/speaking --source told.hdf5 -n 4 --attempts 4 --seed 3 -o told_gen.hdf5
expect 'and a plain gripper of them' 0 '3 of 3 demos kept' "$loom" retarget told.hdf5 --task own/same -o plain.hdf5
expect 'one that does not' 1 "arm 0: 'gantry' and 'two' have different hands, and the file of 'two' .*gripper: grasp:" \
  "$loom" retarget base.hdf5 --task own/pair -o no.hdf5
expect 'sides of no entry' 1 "wrong.yaml:[0-9]+: key 'sides': expected action entries from 0 to 1, none twice" \
  "$loom" retarget base.hdf5 --task own/mistaken -o no.hdf5

# One arm of the demos alone: the other one stays.
expect 'an arm that follows none' 0 'kept' "$loom" retarget base.hdf5 --task own/one -o one.hdf5
expect 'none at all' 1 'no arm follows' "$loom" retarget base.hdf5 --task own/none -o no.hdf5
expect 'an arm that is not there' 1 'third.yaml:4: `retarget:`: arm 1 is to follow arm 2, but the demos .* have 2' \
  "$loom" retarget base.hdf5 --task own/third -o no.hdf5
expect 'too many arms' 1 "turned.yaml:4: key 'arms'" "$loom" retarget base.hdf5 --task own/turned -o no.hdf5
expect 'no size' 1 "flat.yaml:4: key 'scale': expected more than 0" "$loom" retarget base.hdf5 --task own/flat -o no.hdf5
expect 'too few offsets' 1 "offsets.yaml:4: key 'offset': expected one entry for each of the 2 arms" \
  "$loom" retarget base.hdf5 --task own/offsets -o no.hdf5
expect 'a key that there is not' 1 "odd.yaml:4: key 'shft': unknown; did you mean 'shift'" "$loom" retarget base.hdf5 --task own/odd -o no.hdf5
expect 'out of reach' 1 'demo_0 .*left out: out of reach: arm [01] stays .*none of the 3 demos|none of the 3 demos.*nothing was written' \
  "$loom" retarget base.hdf5 --task own/far -o no.hdf5
check 'and no file' test ! -e no.hdf5

# Usage, and what is no dataset.
expect 'no task' 2 'it takes --task' "$loom" retarget base.hdf5 -o no.hdf5
expect 'no dataset' 2 'it takes one dataset' "$loom" retarget --task own/same -o no.hdf5
expect 'no file of that name' 1 'nothing.hdf5' "$loom" retarget nothing.hdf5 --task own/same -o no.hdf5
expect 'no mirror' 2 'does not say how its demos are mirrored' "$loom" retarget base.hdf5 --task own/same --mirrored on -o no.hdf5
expect 'what it reads' 2 'that is what is read' "$loom" retarget base.hdf5 --task own/same -o base.hdf5 --overwrite
expect 'there already' 2 'overwrite' "$loom" retarget base.hdf5 --task own/same -o same.hdf5

# What a task may be like.
expect 'a task that is like one that is like another' 1 "twice.yaml:1: key 'like': same.yaml is like another itself" \
  "$loom" record own/twice -n 1
expect 'from another folder' 1 "away.yaml:1: key 'like': expected the name of a file in the same folder" "$loom" record own/away -n 1
expect 'of which there is none' 1 "nothing.yaml:1: key 'like': there is no file" "$loom" record own/nothing -n 1
expect 'a mistake of its own' 1 "below.yaml:4: key 'penetrtion'" "$loom" record own/below -n 1
sed -i.good 's/height: {of: box/height: {of: {site: nowhere}/' "$own/task.yaml"
expect 'what its model lacks' 1 "own/task.yaml:[0-9]+: the model has no site 'nowhere'" "$loom" record own/same -n 1
mv "$own/task.yaml.good" "$own/task.yaml"
sed -i 's/^success_hold:.*/success_hold: none/' "$own/task.yaml"
expect 'one of the task that it is like' 1 "own/task.yaml:[0-9]+: key 'success_hold'" "$loom" record own/same -n 1

close_tests
