#!/usr/bin/env bash
# Pictures for a dataset by several `demoloom render --obs` at once: the bytes that one process makes, whoever is killed;
# demos that cannot be drawn; what is refused. Closes with `N passed, N failed`.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
. tests/tools/share.sh
mkdir "$work/scenes" && ln -s "$PWD/tests/own" "$PWD/tests/own/robots" "$work/scenes"
export DEMOLOOM_SCENES=$work/scenes
"$loom" record own -n 2 --seed 1 -o "$work/base.hdf5" >/dev/null 2>&1
"$loom" generate own --source "$work/base.hdf5" -n 6 --seed 1 -t 1 -o "$work/t.hdf5" >/dev/null 2>&1
printf 'light: [0.5, 1.5]\n' >"$work/contexts.yaml"
draw=("$loom" render "$work/t.hdf5" -j 1 --size 16x16 --camera front)

same_shared obs o.hdf5 "${draw[@]}" --obs OUT/o.hdf5

contexts() {
  local one=$work/one.hdf5 two=$work/two.hdf5 first
  "${draw[@]}" --contexts "$work/contexts.yaml" --per-demo 2 --obs "$one" || return 1
  "${draw[@]}" --contexts "$work/contexts.yaml" --per-demo 2 --obs "$two" --share on &
  first=$!
  "${draw[@]}" --contexts "$work/contexts.yaml" --per-demo 2 --obs "$two" --share on && wait $first && cmp "$one" "$two"
}
check 'in contexts' contexts
late() { "${draw[@]}" --obs "$work/obs-a/o.hdf5" --share on >"$work/told" 2>&1 && says "$work/told" 'is complete already'; }
check 'one that comes late' late
expect 'another dataset is there' 2 "the run there has other settings.*'\"demos\":" "${draw[@]}" --limit 2 --obs "$work/obs-a/o.hdf5" --share on

# One of them tells.
together() {
  two_launched "${draw[@]}" --obs "$work/l.hdf5" --json && cat "$work/l0" "$work/l1" >"$work/both" && [ "$(grep -c '^{' "$work/both")" = 1 ] && cmp "$work/obs-a/o.hdf5" "$work/l.hdf5"
}
check 'two of a launcher share it without being told' together

# Stopped, and gone on with by one alone: nothing is left.
stopped() {
  interrupted "$work/s.hdf5.images/demo-1-*" "${draw[@]}" --obs "$work/s.hdf5" --share on && says "$work/told" 'the same command' && [ ! -e "$work/s.hdf5" ] && "${draw[@]}" --obs "$work/s.hdf5" --resume &&
    cmp "$work/obs-a/o.hdf5" "$work/s.hdf5" && [ ! -e "$work/s.hdf5.images" ]
}
check 'Ctrl-C, then by one alone' stopped

# A demo whose model cannot be compiled is left out by all, told by one, and an error to all.
bad() {
  local first status other
  "$loom" dataset merge "$work/bad.hdf5" "$work/t.hdf5" >/dev/null || return 1
  python3 - "$work/bad.hdf5" <<'END' || return 77
import h5py, sys
with h5py.File(sys.argv[1], 'r+') as f:
    demo = f['data/demo_2']
    states = demo['states'][:, :-1]
    del demo['states']
    demo['states'] = states
END
  draw[2]=$work/bad.hdf5
  "${draw[@]}" --obs "$work/b1.hdf5" >"$work/told" 2>&1 && return 1
  "${draw[@]}" --obs "$work/b2.hdf5" --share on >"$work/told1" 2>&1 &
  first=$!
  "${draw[@]}" --obs "$work/b2.hdf5" --share on >"$work/told2" 2>&1
  status=$?
  wait $first
  other=$?
  cat "$work/told1" "$work/told2" >"$work/both"
  cat "$work/told" "$work/both"
  [ $status = 1 ] && [ $other = 1 ] && cmp "$work/b1.hdf5" "$work/b2.hdf5" && [ "$(grep -c 'demo_2 is left out' "$work/both")" = 1 ] &&
    [ ! -e "$work/b2.hdf5.images" ]
}
if python3 -c 'import h5py' 2>/dev/null; then
  check 'a demo that cannot be drawn' bad
else
  echo 'no h5py: a demo that cannot be drawn is not tested'
fi

draw[2]=$work/t.hdf5
expect 'refused: --overwrite' 2 'cannot --overwrite: ' "${draw[@]}" --obs "$work/x.hdf5" --share on --overwrite
expect 'refused: no --obs' 2 'share goes with --obs' "$loom" render "$work/t.hdf5" --sheet "$work/x.png" --share on

close_tests
