#!/usr/bin/env bash
# Somebody new to the window: opens 200 demos, finds the longest failure of a source, compares two demos' speeds, moves a
# subtask's end, undoes, saves; with a real mouse and keyboard (xdotool) on a display of its own (Xvfb), without the help, in 40
# actions at most, at three sizes. Pictures of each step are left in FOLDER, to be looked at.
#   tests/window/run.sh [FOLDER]
# Closes with `N passed, N failed`. Needs Debian's package xdotool.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/tools/check.sh
keep=$(realpath -m "${1:-$work/pictures}") && mkdir -p "$keep" || exit 1
. tests/window/hands.sh

# ---- what is looked at: 200 demos of which some failed

"$loom" generate threading --reset D2 --select random -n 1000 --attempts 200 --seed 4 -o "$work/good.hdf5" \
  --failed "$work/bad.hdf5" >"$work/log" 2>&1
"$loom" dataset merge "$work/200.hdf5" "$work/good.hdf5" "$work/bad.hdf5" >>"$work/log" 2>&1 || cat "$work/log"

# ---- what hands do here

# From a row on an arm's lane to another.
drag() {
  see "row $2 $1" && local x0=$x y0=$y
  see "row $3 $1" && act mousemove "$x0" "$y0" sleep 0.1 mousedown 1 mousemove $(((x0 + x) / 2)) "$y" sleep 0.1 \
    mousemove "$x" "$y" sleep 0.1 mouseup 1
}
shot() { say "shot $keep/$size-$1.png" && settle; }
ends() { grep -o '"ends":[^"]*' <<<"$told"; }
first_end() { ends | sed 's/.*\[\[\([0-9]*\),.*/\1/'; }

visit() {
  local one another before
  actions=0
  check "$size: a demo is shown" test "$(value demos)" = 200
  shot 1-open
  check "$size: those that failed" click failed
  check "$size: by length" click Rows
  check "$size: the field to find in" click find
  enter "source=$source"
  one=$(value first)
  check "$size: the longest failure of the source" test "$one" = "$longest"
  check "$size: Enter goes to it" press Return
  check "$size: it is shown" test "$(value demo)" = "$one"
  shot 2-longest

  click Show && click 'Plot joint speeds'
  click 'Pin lines'
  check "$size: its lines stay" test "$(value pinned)" = "$one"
  press ctrl+k
  enter 'list all'
  press Return
  click find && press ctrl+a && press BackSpace
  check "$size: the longest of all" press Down
  another=$(value demo)
  check "$size: beside it" test "$another" != "$one" -a "$(value pinned)" = "$one"
  shot 3-speeds

  before=$(ends)
  drag 0 "$(first_end)" $(($(first_end) + 9))
  check "$size: an end is moved" test "$(ends)" != "$before"
  check "$size: which is not saved" test "$(value unsaved)" = true
  shot 4-moved
  click Edit && shot 5-menu && click Undo
  check "$size: and back" test "$(ends)" = "$before"
  click Keep && click Save && shot 6-saving
  say saved && settle
  check "$size: saved" test "$(value unsaved)" = false
  shot 7-saved
  printf '%s: %d actions\n' "$size" "$actions"
  check "$size: in 40 actions" test "$actions" -le 40
}

# The longest failure of a source, by a script without a window.
source=demo_1
printf '%s\n' 'filter failed' "find source=$source" 'sort length' tell quit >"$work/script"
told=$("$loom" view "$work/200.hdf5" --headless --script "$work/script" | tail -n 1)
longest=$(value first)
check 'there is one' test -n "$longest"
for at in 1280x720x1 1920x1080x1 2560x1440x2; do
  IFS=x read -r width height scale <<<"$at"
  size=${width}x$height
  open_display "$size"
  cp "$work/200.hdf5" "$work/demos.hdf5"
  open_window --script view "$work/demos.hdf5" --size "$size" --scale "$scale" \
    --annotated "$work/annotated.hdf5" --overwrite
  visit
  close_window
  check "$size: nothing is complained of" test ! -s "$work/errors"
  "$loom" info "$work/demos.hdf5" >"$work/info"
  check "$size: the mark is in the file" grep -q 'mask keep *1 demos' "$work/info"
  close_display
done
close_tests
