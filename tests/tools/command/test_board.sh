#!/usr/bin/env bash
# A board between the bins of `transport`, of which no source demo knows: what is carried from one to the other
# goes around it, and without looking ahead does not come there. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

mkdir "$work/scenes" && cp -r scenes/transport scenes/robots "$work/scenes"
export DEMOLOOM_SCENES=$work/scenes
board='<geom name="board" group="1" type="box" size="0.006 0.06 0.095" pos="0.075 0.17 0.895" rgba="0.6 0.3 0.2 1"/>'
sed -i "s|<body name=\"start_bin\"|$board&|" "$work/scenes/transport/scene.xml"

generate() { "$loom" generate transport -n 3 --attempts 3 --seed 11 --json "$@" >"$work/out" 2>"$work/told"; }
holds() { grep -q "\"$1\":[[:space:]]*$2[,}]*$" "$work/out"; }
around() { generate -o "$work/board.hdf5" && holds successes 3 && holds went_around 3; }
blind() { ! generate --no-preview && holds successes 0 && holds went_around 0; }
told() { grep -q '^1 attempts went around' <("$loom" generate transport -n 1 --attempts 1 --seed 11 2>/dev/null); }

check 'the board is there' grep -q '"board"' "$work/scenes/transport/scene.xml"
check 'three demos from three attempts, around it' around
check 'each replays to success' "$loom" verify "$work/board.hdf5"
check 'none without looking ahead' blind
check 'and it is told' told

close_tests
