#!/usr/bin/env bash
# A dataset of which a part is damaged or missing: every command that reads it fails with the number and the names of
# the demos, --skip-damaged goes on with the others and says so.
set -u
. tests/tools/check.sh
mkdir -p "$work/scenes/own"
cp -r tests/own/robots "$work/scenes/"
cp tests/own/task.yaml tests/own/scene.xml "$work/scenes/own/"
export DEMOLOOM_SCENES=$work/scenes
root=$PWD
cd "$work" || exit 1

check "record" "$loom" record own -n 12 --seed 1 -o recorded.hdf5
check "observe" "$loom" replay recorded.hdf5 --task own -o whole.hdf5
check "split" "$loom" dataset split whole.hdf5

# write_at FILE OFFSET BYTES
write_at() { printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
demos_of() { "$loom" info "$1" --json 2>/dev/null | sed -n 's/.*"demo_count":[^0-9]*\([0-9]*\).*/\1/p'; }

# One byte of the list of the demos is wrong: the nodes of HDF5's groups begin with SNOD, and one of those of `data`
# lists some of the demos, but not all.
at=
for offset in $(LC_ALL=C grep -obUa SNOD whole.hdf5 | cut -d: -f1); do
  cp whole.hdf5 half.hdf5
  write_at half.hdf5 "$offset" X
  n=$(demos_of half.hdf5)
  if [ -n "$n" ] && [ "$n" -gt 0 ] && [ "$n" -lt 12 ]; then
    at=$offset
    break
  fi
done
check "a node of the list of demos" test -n "$at"

train="--task own -p bc_l2 -k object --epochs 1 --steps 1 --batch 4 --rollouts 0 -j 1 --overwrite"
render="--task own --obs o.hdf5 --size 16x16 --camera front --overwrite"
cp half.hdf5 kept.hdf5
while IFS='|' read -r name skips command; do
  # shellcheck disable=SC2086
  expect "$name: half a dataset" 1 'missing: demo_' "$loom" $command
  [ "$skips" = yes ] || continue
  # shellcheck disable=SC2086
  expect "$name: half a dataset, --skip-damaged" 0 'missing: demo_.*left out' "$loom" $command --skip-damaged
  cp kept.hdf5 half.hdf5
done <<EOF
info|no|info half.hdf5
verify|no|verify half.hdf5 --task own
replay|yes|replay half.hdf5 --task own
replay -o|yes|replay half.hdf5 --task own -o r.hdf5 --overwrite
segment|yes|segment half.hdf5 --task own
generate|yes|generate own --source half.hdf5 -n 1 -t 1 -o g.hdf5 --overwrite
merge|yes|dataset merge m.hdf5 half.hdf5 --overwrite
filter|yes|dataset filter half.hdf5 f.hdf5 --min-rows 1 --overwrite
strip|yes|dataset strip half.hdf5 s.hdf5 --overwrite
split|yes|dataset split half.hdf5
lerobot|yes|dataset lerobot half.hdf5 le --overwrite
isaac|yes|dataset isaac half.hdf5 i.hdf5 --task own --overwrite
render|yes|render half.hdf5 $render
train|yes|train --data half.hdf5 -o tr $train
EOF
cd "$root" || exit 1
close_tests
