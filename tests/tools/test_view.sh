#!/usr/bin/env bash
# `demoloom view`: the same script of events without a window and, under Xvfb, in one. Pictures are kept in
# $LOOM_KEEP where that is set. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
loom=$PWD/build/demoloom
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
keep=${LOOM_KEEP:-$work}
passed=0 failed=0

# check NAME COMMAND...: COMMAND succeeds.
check() {
  local name=$1
  shift
  if "$@" >"$work/said" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: failed: %s\n%s\n\n' "$name" "$*" "$(head -c 2000 "$work/said")"
  fi
}

# state N KEY VALUE: the N-th `tell` said so.
state() { [ "$(sed -n "$1p" "$work/told" | grep -o "\"$2\":[^,]*" | head -n 1)" = "\"$2\":$3" ]; }
# picture FILE: a PNG with something in it.
picture() { head -c 8 "$1" | grep -qa PNG && [ "$(stat -c %s "$1")" -gt 20000 ]; }
differ() { ! cmp -s "$1" "$2"; }
view() { timeout 120 "$loom" view "$@" >"$work/told" 2>"$work/errors"; }

"$loom" generate threading -n 6 --seed 4 -o "$work/t.hdf5" --failed "$work/f.hdf5" >/dev/null 2>&1
check 'demos to look at' test -s "$work/t.hdf5"

cat >"$work/browse" <<END
thumbs
tell
shot $keep/view-first.png
next
row 60
tell
shot $keep/view-row.png
sort length
filter succeeded
tell
filter failed
tell
filter all
find demo_3
tell
find
key escape
key space
wait 15
tell
key space
key right
key right ctrl
tell
key end
key t
key c
shot $keep/view-transparent.png
key t
key enter
tell
demo demo_0
key delete
save
tell
targets
paths
frames
ghost
coverage
row 50
shot $keep/view-overlays.png
tell
plot 1
shot $keep/view-plots.png
plot 5
shot $keep/view-forces.png
plot 0
help
shot $keep/view-help.png
help
click 60 90
tell
drag 640 250 700 300
drag 640 250 640 200 right
scroll 640 250 2
shot $keep/view-camera.png
menu
list
timeline
shot $keep/view-alone.png
menu
list
timeline
attempt
tell
seed 7
reset D1
tell
expert
tell
demo demo_2
live
double 640 300
wait 10
tell
quit
END
check 'a script runs without a window' view "$work/t.hdf5" --headless --script "$work/browse"
check 'nothing is complained of' test ! -s "$work/errors"
check 'the first demo' state 1 demo '"demo_0"'
check 'all are listed' state 1 listed 6
check 'the next demo' state 2 demo '"demo_1"'
check 'the row asked for' state 2 row 60
check 'successes' state 3 listed 6
check 'failures' state 4 listed 0
check 'found by name' state 5 first '"demo_3"'
check 'it plays' state 6 row 70
check 'keep' state 8 mark '"keep"'
check 'saved' grep -q 'marks saved' "$work/told"
check 'kept and rejected in the file' sh -c "'$loom' info '$work/t.hdf5' | grep -q 'mask keep *1 demos' &&
  '$loom' info '$work/t.hdf5' | grep -q 'mask reject *1 demos'"
check 'a click chooses' state 11 demo '"demo_0"'
check 'an attempt is one more' state 12 demos 7
check 'a reset is one row' state 13 rows 1
check 'an expert runs' state 14 outcome '"success"'
check 'the simulation runs' state 15 live true
check 'no OpenGL error' sh -c "! grep -q '\"gl_error\":[1-9]' '$work/told'"
for name in first row transparent overlays plots forces help camera alone; do
  check "picture $name" picture "$keep/view-$name.png"
done
check 'rows look different' differ "$keep/view-first.png" "$keep/view-row.png"
check 'overlays are seen' differ "$keep/view-row.png" "$keep/view-overlays.png"
check 'the camera moves' differ "$keep/view-overlays.png" "$keep/view-camera.png"

# The same in a window.
sed 's/view-\([a-z]*\).png/window-\1.png/; /^seed/,/^expert/ s/^tell$/wait 1/' "$work/browse" >"$work/browse-window"
if command -v xvfb-run >/dev/null; then
  in_window() { timeout 200 xvfb-run -a -s '-screen 0 1400x900x24' "$loom" view "$@" >"$work/told" 2>"$work/errors"; }
  check 'a script runs in a window' in_window "$work/t.hdf5" --script "$work/browse-window"
  check 'the next demo, in a window' state 2 demo '"demo_1"'
  check 'no OpenGL error in the window' sh -c "! grep -q '\"gl_error\":[1-9]' '$work/told'"
  for name in first overlays plots; do check "window picture $name" picture "$keep/window-$name.png"; done
fi
no_display() { ! env -u DISPLAY -u WAYLAND_DISPLAY "$loom" view "$work/t.hdf5" 2>"$work/errors" && grep -q 'demoloom render' "$work/errors"; }
check 'without a display it says what to do' no_display

# Boundaries dragged with the mouse are what is generated from.
cat >"$work/drag" <<END
demo demo_1
drag-boundary 0 grasp 40
tell
save
tell
film $work/film.mp4
play
wait 5
END
check 'a boundary is dragged' view threading --headless --script "$work/drag" --annotated "$work/a.hdf5"
ends=$(sed -n 1p "$work/told" | sed -n 's/.*"ends":\[\[\([0-9]*\),.*/\1/p')
check 'to where the mouse went' test "$ends" -ge 38 -a "$ends" -le 42
check 'and saved' grep -q 'annotations saved' "$work/told"
check 'a film' test -s "$work/film.mp4"
from_annotated() {
  "$loom" generate threading --source "$work/a.hdf5" --attempts 40 -n 40 --select random --seed 3 -o "$work/g.hdf5" \
    --failed "$work/gf.hdf5"
  grep -aqs "\"arm\":0,\"subtask\":\"grasp\",\"source\":\"demo_1\",\"source_start\":0,\"source_end\":$ends," \
    "$work/g.hdf5" "$work/gf.hdf5"
}
check 'the next generation cuts there' from_annotated

head -c 100000 "$work/t.hdf5" >"$work/cut.hdf5"
cut_short() { ! view "$work/cut.hdf5" --task threading --headless --script "$work/drag" && grep -q 'cut.hdf5' "$work/errors"; }
check 'a file cut short is told' cut_short
bad_script() { ! view threading --headless --script - && grep -q -- '-:1: no such command' "$work/errors"; }
check 'a wrong line of a script is told' bad_script <<<'dance'
check 'usage' sh -c "! '$loom' view 2>'$work/errors' && grep -q 'one task or file' '$work/errors'"

# Open, browse, close under the sanitizers, where they are built.
if [ -x build-asan/demoloom ]; then
  loom=$PWD/build-asan/demoloom
  export ASAN_OPTIONS=allocator_may_return_null=1 LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
  printf '%s\n' 'row 20' 'drag-boundary 0 grasp 50' next 'plot 2' ghost 'wait 2' attempt live 'wait 3' quit >"$work/short"
  check 'sanitizers are content' view "$work/t.hdf5" --headless --script "$work/short"
  cat "$work/errors"
fi

printf '\n%d passed, %d failed\n' $passed $failed
[ $failed -eq 0 ]
