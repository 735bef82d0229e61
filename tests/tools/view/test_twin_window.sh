#!/usr/bin/env bash
# The window of `demoloom twin edit`: the same events without a window and, under Xvfb, in one. Whatever is done there is
# a command of the script. Pictures are kept in $LOOM_KEEP where that is set. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
unset DEMOLOOM_SCENES
export OMP_NUM_THREADS=1
keep=${LOOM_KEEP:-$work}
home=$PWD
cp -r tests/twin/robots "$work" && cd "$work" || exit 1

# A chest of 20 cm, closed: its parts are boxes, which need no CoACD.
awk -v h=0.1 'BEGIN {
  for (i = 0; i < 8; i++) print "v", (i % 2 ? h : -h), (int(i / 2) % 2 ? h : -h), (i > 3 ? 2 * h : 0)
  split("1 3 2 2 3 4 5 6 7 6 8 7 1 2 5 2 6 5 3 7 4 4 7 8 1 5 3 3 5 7 2 4 6 4 8 6", f)
  for (i = 0; i < 12; i++) print "f", f[3 * i + 1], f[3 * i + 2], f[3 * i + 3] }' >chest.obj
check 'a twin' "$loom" twin new chest --object chest.obj --up z
cp -r chest fresh

# state N KEY VALUE: the N-th `tell` said so. value N KEY
state() { [ "$(sed -n "$1p" told | grep -o "\"$2\":[^,]*" | head -n 1)" = "\"$2\":$3" ]; }
last() { sed -n "$1p" told | grep -o '"last":"[^"]*"' | cut -d'"' -f4; }
picture() { head -c 8 "$1" | grep -qa PNG && [ "$(stat -c %s "$1")" -gt 20000 ]; }
edit() { timeout 900 "$loom" twin edit "$@" --overwrite >told 2>errors; }
# What it is: bodies with their joints and shapes, but not the names of meshes, which tell how often it was edited.
shape() { sed 's/_e[0-9]*_/_/g; /twin_edits/d; /<.*custom>/d; s/_e[0-9]*"/"/g' "$1/scene.xml" && cat "$1/task.yaml"; }
alike() { diff <(shape "$1") <(shape "$2"); }

cat >events <<END
saved
tell
shot $keep/twin-first.png
click-on chest
tool Cut box
wait 2
click-on Low, m z
key a ctrl
type 0.12
key enter
click-on Name of the part
key a ctrl
type lid
shot $keep/twin-box.png
click-on Cut it off
saved
tell
wait 2
shot $keep/twin-joint.png
click-on hinge
click-on Hang it
saved
tell
click-on far from its handle
click-on edge +y
click-on Hang it
saved
tell
wait 2
click-on Handle
click-on Mark handle
saved
tell
choose chest
tool Start
wait 2
shot $keep/twin-start.png
click-on Begin here
saved
tell
tool Turn
click-on Turned by, rad
key a ctrl
type 0.5
click-on Turn it
saved
tell
click-on Undo
saved
tell
key y ctrl
saved
tell
choose robot 0
tool Move
click-on At, m x
key a ctrl
type 0.1
click-on Place it
saved
tell
shot $keep/twin-all.png
click-on Command
type weigh: {body: lid, mass: 0.7}
key enter
saved
tell
click-on Command
type fly: {body: lid}
click-on Do
saved
tell
click-on Check
saved
tell
shot $keep/twin-checked.png
quit
END
check 'events run without a window' edit chest --headless --events events
check 'it is shown' state 1 bodies '["chest"'
check 'nothing is done yet' state 1 done 0
check 'a part is cut off' test "$(last 2)" = '- cut: {body: chest, into: lid, low: [-0.109, -0.109, 0.12], high: [0.109, 0.109, 0.209]}\n'
check 'and is next' state 2 chosen '"lid"'
check 'what cannot be is told' grep -q "where 'lid' turns is not known: give its edge" errors
check 'and never was' state 3 commands 1
check 'a hinge' test "$(last 4)" = '- joint: {body: lid, type: hinge, edge: +y, range: [0, 1.5708]}\n'
check 'a handle' test "$(last 5)" = '- handle: {body: lid}\n'
check 'where it begins' grep -q '^- reset: {body: chest, x: \[' chest/.edit/commands.yaml
check 'turned' test "$(last 7)" = '- turn: {body: chest, yaw: 0.5}\n'
check 'undone' state 8 done 4
check 'but known' state 8 commands 5
check 'done again' state 9 done 5
check 'a robot stands elsewhere' test "$(last 10 | cut -d, -f1)" = '- stand: {robot: 0'
check 'in the task' grep -q '{pos: \[0.1, ' chest/task.yaml
check 'any command is typed' test "$(last 11)" = '- weigh: {body: lid, mass: 0.7}\n'
check 'which has to be one' grep -q "no such command; there are place" errors
check 'or is none' state 12 commands 7
check 'checked' state 13 checked true
check 'no OpenGL error' sh -c "! grep -q '\"gl_error\":[1-9]' told"
for name in first box joint start all checked; do check "picture $name" picture "$keep/twin-$name.png"; done
check 'the box is seen' differ "$keep/twin-first.png" "$keep/twin-box.png"

printf 'saved\ntell\nquit\n' >look
cp -r fresh looked
check 'looked at' edit looked --headless --events look
check 'which changes nothing' diff -r fresh looked

# It is what the script makes, which is kept in the folder.
cp -r fresh scripted
check 'its list is a script' "$loom" twin edit scripted --script chest/.edit/commands.yaml
check 'the same comes of it' alike chest scripted

# Who opens it again goes on: all undone it is what it was.
{ echo saved && for i in 1 2 3 4 5 6 7; do printf 'key z ctrl\nsaved\n'; done && printf 'tell\nquit\n'; } >back
check 'opened again' edit chest --headless --events back
check 'all undone' state 1 done 0
check 'all known' state 1 commands 7
check 'it is as it was' alike chest fresh
check 'no mesh is left over' test -z "$(diff <(ls chest/meshes) <(ls fresh/meshes))"

# Things in the scene are dragged: arrows and rings are commands when they are let go.
drag() { # EVENTS GRIP DX DY: events that drag it
  printf 'wait 2\nwhere grip %s\nquit\n' "$2" | cat "$1" - >find
  edit chest --headless --events find
  read -r x y <<<"$(tail -n 1 told | tr -c '0-9\n' ' ')"
  { cat "$1" && printf 'wait 2\ndrag %d %d %d %d\nsaved\ntell\nquit\n' "$x" "$y" $((x + $3)) $((y + $4)); } >dragged
  edit chest --headless --events dragged
}
printf 'saved\nchoose chest\ntool Move\n' >move
check 'an arrow is dragged' drag move y 60 0
check 'which moves it' grep -qE '^- place: \{body: chest, at: \[0, 0\.[0-9]+, 0\.801\]\}' chest/.edit/commands.yaml
printf 'saved\nchoose chest\ntool Turn\n' >turn
check 'a ring is dragged' drag turn turn 40 10
check 'which turns it' grep -qE '^- turn: \{body: chest, yaw: -?[0-9.]+\}' chest/.edit/commands.yaml
# The last ones go again; what was undone before them is forgotten.
check 'two commands' test "$(grep -c '^- ' chest/.edit/commands.yaml)" = 2 -a "$(grep -c '^#~' chest/.edit/commands.yaml)" = 0

# A click says where a robot stands; a ring turns a box about its middle; a camera is put by pixels typed and points clicked,
# with a picture to choose them in. Its pixels are those of one that stands at 1.5, 0, 1.7 and looks along (-1, 0, -0.5).
seen() { awk -v x="$1" -v y="$2" -v z="$3" 'BEGIN { n = sqrt(1.25); d = -(x - 1.5 + (z - 1.7) / 2) / n; u = (z - 1.7 - (x - 1.5) / 2) / n
  f = 380 / 0.4663077; printf "%.3f %.3f\n", 640 + f * y / d, 380 - f * u / d }'; }
points='0.05,0.06,1.001 -0.05,-0.06,1.001 0.101,0.06,0.85 0.101,-0.05,0.95 0.3,0.25,0.8 0.25,-0.25,0.8'
rm -rf put && cp -r fresh put
{ printf 'saved\nwait 2\nwhere world 0.3 -0.3 0.8\n' && for p in $points; do echo "where world ${p//,/ }"; done &&
  printf 'choose chest\ntool Cut box\nwait 2\nwhere grip turn\nquit\n'; } >find
check 'where things are' edit put --headless --events find
mapfile -t at < <(tr -c '0-9\n' ' ' <told)
read -r x y <<<"${at[7]}"
{
  printf 'saved\nchoose chest\ntool Cut box\nwait 2\ndrag %d %d %d %d\ntell\n' "$x" "$y" $((x + 60)) $((y + 20))
  printf 'choose robot 0\ntool Stand\nwait 2\nclick %s\nwait 2\nclick-on Stand here\nsaved\ntell\n' "${at[0]}"
  printf 'click-on A camera by points\nwait 2\nclick-on Camera\nkey a ctrl\ntype known\nkey enter\n'
  printf 'click-on Picture\ntype %s\nkey enter\nclick-on Open\nwait 2\nwhere pixel 400 300\nclick 1100 200\nwait 2\ntell\n' "$keep/twin-first.png"
  printf 'click-on Field of view\nkey a ctrl\ntype 50\nkey enter\n'
  i=0
  for p in $points; do
    read -r u v <<<"$(seen ${p//,/ })"
    printf 'click-on Pixel %s\nkey a ctrl\ntype %s\nkey enter\n' across "$u" down "$v"
    printf 'wait 1\nclick %s\nwait 2\n' "${at[i += 1]}"
  done
  printf 'wait 2\nclick-on Put the camera\nsaved\ntell\nshot %s\nquit\n' "$keep/twin-camera.png"
} >put-events
check 'put by clicks' edit put --headless --events put-events
check 'a box is turned' grep -qE '"making":"- cut: .*yaw: -?[0-9.]*[1-9]' <(sed -n 1p told)
# The middle of the box in the body's frame, which is where it was: above the body's own.
middle() { sed -n 1p told | sed 's/.*"making":"\([^"]*\)".*/\1/' | tr -c '0-9.\n-' ' ' | awk '{
  for (i = 1; i <= NF; i++) if ($i ~ /[0-9]/) v[++n] = $i
  c = cos(v[1]); s = sin(v[1]); x = (v[2] + v[5]) / 2; y = (v[3] + v[6]) / 2
  exit !(n == 7 && (c * x - s * y) ^ 2 + (s * x + c * y) ^ 2 < 1e-8) }'; }
check 'about its middle' middle
check 'a robot stands where was clicked' grep -qE 'stand: \{robot: 0, at: \[0\.(29|30)[0-9]*, -0\.(29|30)[0-9]*, 0\.912\]' put/.edit/commands.yaml
check 'six points' state 5 points 6
near() { grep -o 'name="known" pos="[^"]*"' put/scene.xml | sed 's/.*pos="//; s/"//' | awk '{ exit !(($1 - 1.5) ^ 2 + $2 ^ 2 + ($3 - 1.7) ^ 2 < 4e-4) }'; }
check 'a camera stands within 2 cm' near
check 'how sure that is is told' grep -q 'its 6 points are off by [01].[0-9]* pixels' told
check 'picture camera' picture "$keep/twin-camera.png"
# "x", "y" of pixel 400, 300 of a picture that is 1280 broad, and the pixel that was at 1100, 200 then.
check 'a click in its picture chooses a pixel' awk -F '[:,}[]' 'NR == 3 { x = $2; y = $4 }
  NR == 4 { match($0, /"pixel":\[[^]]*/); split(substr($0, RSTART + 9, RLENGTH - 9), p, ",")
    s = (p[1] - 400) / (1100 - x); exit !(s > 4 && s < 7 && (p[2] - 300 - s * (200 - y)) ^ 2 < 100) }' told

# The mouse chooses what it is on.
printf 'saved\nwait 2\nwhere middle chest\nquit\n' >find
check 'where it is' edit chest --headless --events find
read -r x y <<<"$(tail -n 1 told | tr -c '0-9\n' ' ')"
printf 'saved\nwait 2\nclick %d %d\ntell\nquit\n' "$x" "$y" >pick
check 'a click' edit chest --headless --events pick
check 'chooses it' state 1 chosen '"chest"'

# Ended at once by kill -9 while it is used, it has all that was done, and the folder is a task.
mkfifo pipe
"$loom" twin edit chest --headless --events pipe >told 2>errors &
viewer=$!
exec 5>pipe
printf 'saved\nchoose chest\ntool Weight\nwait 1\nclick-on Mass, kg\nkey a ctrl\ntype 2.5\nclick-on Weigh it\n' >&5
await $viewer grep -q 'weigh: {body: chest, mass: 2.5}' chest/.edit/commands.yaml
printf 'saved\ntell\nquit\n' >look
expect 'one window at a time' 2 'another run is at work' "$loom" twin edit chest --headless --events look
kill -9 $viewer
exec 5>&-
wait $viewer 2>/dev/null
check 'killed, it is a task' "$loom" twin check chest
check 'opened after that' edit chest --headless --events look
check 'nothing is lost' state 1 done 3
check 'it is in the folder' grep -q 'mass="2.5"' chest/scene.xml

# What somebody else writes stays.
echo '# mine' >>chest/task.yaml
check 'changed by hand' edit chest --headless --events look
check 'that is what is edited' state 1 commands 0
check 'which is told' grep -q 'Something else has changed' told
check 'and what was done is kept' grep -q 'weigh' chest/.edit/commands.yaml

# What it cannot use it names.
mkdir -p empty && cp -r fresh lacking && rm lacking/meshes/chest_look0.obj && cp -r fresh no_task && rm no_task/task.yaml
for args in "empty:2:task.yaml" "nowhere:2:nowhere" "no_task:2:task.yaml" "lacking:1:chest_look0.obj"; do
  IFS=: read -r dir status says <<<"$args"
  expect "$dir is named" "$status" "$says" "$loom" twin edit "$dir" --headless --events look
done
check 'in the window, too' grep -q 'chest_look0.obj' <("$loom" twin edit lacking --headless --events look 2>/dev/null)
expect 'headless without events' 2 'needs --events' "$loom" twin edit fresh --headless
expect 'JSON of a window' 2 'give --script' "$loom" twin edit fresh --json --headless --events look
expect 'both' 2 'opens no window' "$loom" twin edit fresh --script x.yaml --events look
expect 'events that are not there' 1 'absent' "$loom" twin edit fresh --headless --events absent
printf 'saved\nfly\n' >wrong
expect 'a wrong event' 1 "wrong:2: no such command" "$loom" twin edit fresh --headless --events wrong
no_display() { ! env -u DISPLAY -u WAYLAND_DISPLAY "$loom" twin edit fresh 2>errors && grep -q -- '--script FILE needs no window' errors; }
check 'without a display it says what to do' no_display

# The same in a window.
if command -v xvfb-run >/dev/null; then
  rm -rf chest && cp -r fresh chest
  sed "s/twin-\([a-z]*\).png/twin-window-\1.png/" events >events-window
  in_window() { timeout 900 xvfb-run -a -s '-screen 0 1400x900x24' "$loom" twin edit "$@" --overwrite >told 2>errors; }
  check 'events run in a window' in_window chest --events events-window
  check 'a part is cut off, in a window' state 2 chosen '"lid"'
  check 'checked, in a window' state 13 checked true
  for name in first box all; do check "window picture $name" picture "$keep/twin-window-$name.png"; done
  check 'the same comes of it, in a window' alike chest scripted
fi
cd "$home" && close_tests
