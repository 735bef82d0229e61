#!/usr/bin/env bash
# Somebody new to the window of `demoloom twin edit`: a scan in one skin becomes a drawer that slides, with a real mouse and
# keyboard (xdotool) on a display of its own (Xvfb), without the help, in 60 actions at most. First a chest that is written
# here; then, where SCANS has it, the tower of drawers of scenes/README.md, which is minutes of work of CoACD's. Pictures of each
# step are left in FOLDER, to be looked at: those of a scan are not to be committed.
#   tests/window/twin.sh [FOLDER] [SCANS]
# Closes with `N passed, N failed`. Needs Debian's package xdotool.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/tools/check.sh
keep=$(realpath -m "${1:-$work/pictures}") && mkdir -p "$keep" || exit 1
scans=$(realpath -m "${2:-../shared/scans}")
. tests/window/hands.sh
cp -r tests/twin/robots "$work"

# ---- what hands do here

# Until what was done is shown; until all of it is in the folder.
shown() { until [ "$(value waiting)" = false ]; do settle; done; }
saved() { until [ "$(value busy)" = false ]; do sleep 0.5 && settle; done; }
shot() { say "shot $keep/$name-$1.png" && settle; }
field() { click "$1" && enter "$2"; } # of numbers: a click chooses all of one
name_part() { click 'Name of the part' && press ctrl+a && enter "$1"; }
button() { click "$1" && shown; }
# A grip of the scene, by so many pixels.
drag() {
  see "grip $1" && act mousemove "$x" "$y" sleep 0.1 mousedown 1 mousemove $((x + $2 / 2)) $((y + $3 / 2)) sleep 0.1 \
    mousemove $((x + $2)) $((y + $3)) sleep 0.1 mouseup 1
  shown
}
bodies() { grep -o '"bodies":[^]]*' <<<"$told"; }

finish() {
  printf '%s: %d actions\n' "$name" "$actions"
  check "$name: in 60 actions" test "$actions" -le 60
  saved
  check "$name: it simulates" test "$(value ok)" = true
  shot 9-checked
  close_window
  check "$name: nothing is complained of" test ! -s "$work/errors"
  check "$name: so says the check" "$loom" twin check "$work/$name"
}

# ---- a chest with a drawer

chest() {
  name=chest actions=0
  awk -v h=0.1 'BEGIN {
    for (i = 0; i < 8; i++) print "v", (i % 2 ? h : -h), (int(i / 2) % 2 ? h : -h), (i > 3 ? 2 * h : 0)
    split("1 3 2 2 3 4 5 6 7 6 8 7 1 2 5 2 6 5 3 7 4 4 7 8 1 5 3 3 5 7 2 4 6 4 8 6", f)
    for (i = 0; i < 12; i++) print "f", f[3 * i + 1], f[3 * i + 2], f[3 * i + 3] }' >"$work/chest.obj"
  "$loom" twin new "$work/chest" --object "$work/chest.obj" --up z >"$work/log" 2>&1 || cat "$work/log"
  open_window --events twin edit "$work/chest" --size 1280x760 --overwrite
  check "$name: it is shown" shown
  shot 1-open

  see 'middle chest' && act mousemove "$x" "$y" sleep 0.1 click 1
  check "$name: a click chooses it" test "$(value chosen)" = chest
  drag y 80 0
  check "$name: an arrow moves it" test "$(value done)" = 1
  press ctrl+z && shown
  check "$name: back" test "$(value done)" = 0
  press ctrl+y && shown
  check "$name: and again" test "$(value done)" = 1
  shot 2-moved

  # A box, out of its front.
  click 'Cut box'
  for side in 'Low, m x:-0.06' 'High, m x:0.12' 'Low, m y:-0.06' 'High, m y:0.06' 'Low, m z:0.05' 'High, m z:0.15'; do
    field "${side%:*}" "${side##*:}"
  done
  name_part drawer
  shot 3-box
  button 'Cut it off'
  check "$name: a part" grep -q drawer <<<"$(bodies)"
  check "$name: which is next" test "$(value chosen)" = drawer
  field 'Way, m to' 0.1
  button 'Hang it'
  shot 4-cavity
  button 'Carve it'

  # It is tried by a slider, which is no command.
  before=$(value done)
  see 'Try it' && act mousemove "$x" "$y" sleep 0.1 mousedown 1 mousemove $((x + 60)) "$y" sleep 0.1 mouseup 1
  check "$name: trying it is no command" test "$(value done)" = "$before"
  shot 5-open
  click Handle && button 'Mark handle'
  click Start && field 'Joint, m to' 0.02 && button 'Begin here'
  click Check
  finish
}

# ---- the tower's top drawer, which stands open by 20 cm and lacks the part that is in the tower

tower() {
  name=tower actions=0
  "$loom" twin new "$work/tower" --object "$scans/drawer2.glb" >"$work/log" 2>&1 || cat "$work/log"
  open_window --events twin edit "$work/tower" --concavity 0.12 --size 1280x760 --overwrite
  check "$name: it is shown" shown
  click drawer2
  click Turn && field 'Turned by, rad' 3.1416 && button 'Turn it'
  click Move && field 'At, m x' 0.35 && button 'Place it'
  press f && shot 1-placed

  click 'Cut box'
  field 'Low, m y' 0.03 && field 'Low, m z' 0.365 && field 'High, m z' 0.585 && field 'Turned by, rad' -0.026
  name_part top
  shot 2-box
  button 'Cut it off'
  check "$name: a part" grep -q '"top"' <<<"$(bodies)"
  shot 3-cut

  click Board && click -z && click -y && field 'Thickness, m' 0.006 && field 'Turned by, rad' -0.026 && button 'Add board'
  click Joint && click 'as it was cut' && click 'along +y' && field 'Turned by, rad' -0.026
  field 'The scan has it at' 0.2 && field Damping 10 && field Friction 2
  shot 4-joint
  button 'Hang it'
  field 'Turned by, rad' -0.026 && button 'Carve it'
  click Handle && see 'point top 0.01 0.325 0.54' && act mousemove "$x" "$y" sleep 0.1 click 1 && button 'Mark handle'
  click Weight && field 'Mass, kg' 0.6 && button 'Weigh it'
  click Start && button 'Begin here'
  shot 5-start
  click Check
  cp "$work/tower/.edit/commands.yaml" "$keep/tower.yaml"
  finish
}

open_display 1280x760
chest
[ -f "$scans/drawer2.glb" ] && tower
close_display
close_tests
