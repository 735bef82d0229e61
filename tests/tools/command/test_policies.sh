#!/usr/bin/env bash
# tools/policies.sh, the table of what policies learn: its lines, and that what is there is not made again. Closes with `N passed,
# N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

mkdir "$work/scenes" && cp -r tests/own "$work/scenes/own" && ln -s "$PWD/tests/own/robots" "$work/scenes/robots"
export DEMOLOOM_SCENES=$work/scenes
"$loom" record own -n 2 --seed 1 -o "$work/scenes/own/demo.hdf5" >"$work/log" 2>&1 || cat "$work/log"
echo 'source: {file: demo.hdf5}' >>"$work/scenes/own/task.yaml"

export TASKS=own DEMOS=2 SEEDS='1 2' N=2 TRAIN='--epochs 1 --steps 2 --hidden 8' JOBS=1
table=$work/out/policies-1.md
policies() { tools/policies.sh "$loom" "$work/out" >"$work/told" 2>"$work/errors"; }
row() { grep -qE "^\| own \| $1 \|" "$table"; }

export RESETS='D0 D1'
check 'two reset distributions' policies
check 'two policies of two episodes, and the sources' row 'D0 \| diffusion_mlp \| poses \| 4 \| [0-9.]+ \| [0-9. to]+ \| [0-9.]+ \| [012] [012] \| [0-9.]+'
check 'one of four elsewhere' row 'D1 \| diffusion_mlp \| poses \| 4 \| [0-9.]+ \| [0-9. to]+ \| [0-9.]+ \| [0-4]'
cp "$table" "$work/before"
find "$work/out" -name '*.json' -exec touch -d 2000-01-01 {} +
check 'once more' policies
check 'the same table' same "$table" "$work/before"
check 'nothing was made again' test -z "$(find "$work/out" -name '*.json' -newermt 2001-01-01)"

# Each kind learns from the generated demos, and another one from the sources.
of() { grep -hoE '(sources|demos-[A-Za-z0-9-]*)\.hdf5' "$work"/out/own/$1/config.yaml | sort -u | tr '\n' ' '; }
export RESETS=D0 SEEDS=1
KINDS='diffusion_mlp bc_l2' check 'two kinds' policies
for kind in diffusion_mlp bc_l2; do
  check "demos of $kind" test "$(of "$kind-poses-D0*-1")" = 'demos-D0-1-2.hdf5 '
  check "sources of $kind" test "$(of "$kind-sources*-1")" = 'sources.hdf5 '
done

export SEEDS='1 2' SOURCES=0
SEES=clouds check 'of point clouds' policies
check 'its line' row 'D0 \| diffusion_mlp \| clouds \| 4'
SEES=sounds expect 'what cannot be seen' 2 'sounds is none of poses, images, clouds' tools/policies.sh "$loom" "$work/out"
echo "$passed passed, $failed failed"
