#!/usr/bin/env bash
# A door with two handles, from nothing to a dataset: recorded by its scripted expert, cut where both hands have it
# (`until: auto`), generated and verified; and dagger's expert is as good as record's. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

mkdir "$work/scenes" && cp -r tests/door "$work/scenes/door" && ln -s "$PWD/tests/own/robots" "$work/scenes/robots"
export DEMOLOOM_SCENES=$work/scenes
record() { [ -n "$("$loom" record door -n 4 --seed 3 -o "$work/scenes/door/demo.hdf5" 2>"$work/told" | grep '^4 demos from 4 attempts')" ]; }

# Neither at the start nor at the end: both arms of all demos take the handles in the middle of them.
cut_in_the_middle() {
  "$loom" segment door | awk '/arm/ { split($7, rows, "-"); n++; good += rows[2] > 40 && rows[2] < $2 - 7 }
    END { exit !(n == 8 && good == 8) }'
}
generate() { "$loom" generate door -n 10 --max-failures 2 --seed 5 -o "$work/door.hdf5" >"$work/out" 2>&1; }
expert() {
  "$loom" dagger door --expert scripted --demos 1 --rounds 0 -n 1 --evaluations 4 --evaluation-seed 3 --steps 10 \
    --hidden 8 --final-steps 0 -o "$work/dagger" >/dev/null 2>"$work/told" &&
    grep -q '^expert scripted: 4 of 4 succeed (100.0 %, 95 % interval' "$work/told" && ! grep -q weak "$work/told"
}

check 'four demos from four attempts' record
check 'cut where the hands have the handles' cut_in_the_middle
check 'ten demos from at most twelve attempts' generate
check 'each replays to success' "$loom" verify "$work/door.hdf5"
check "dagger's expert succeeds where record does" expert

close_tests
