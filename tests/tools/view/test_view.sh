#!/usr/bin/env bash
# `demoloom view`: the same script of events without a window and, under Xvfb, in one. Pictures are kept in
# $LOOM_KEEP where that is set. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
keep=${LOOM_KEEP:-$work}

# state N KEY VALUE: the N-th `tell` said so.
state() { [ "$(sed -n "$1p" "$work/told" | grep -o "\"$2\":[^,]*" | head -n 1)" = "\"$2\":$3" ]; }
# picture FILE: a PNG with something in it.
picture() { head -c 8 "$1" | grep -qa PNG && [ "$(stat -c %s "$1")" -gt 20000 ]; }
view() { timeout 1800 "$loom" view "$@" --overwrite >"$work/told" 2>"$work/errors"; }

"$loom" generate threading -n 6 --seed 4 -o "$work/t.hdf5" --failed "$work/f.hdf5" >/dev/null 2>&1
check 'demos to look at' test -s "$work/t.hdf5"
rows=$("$loom" info "$work/t.hdf5" | sed -n 's/^ *actions .*\[\([0-9]*\),.*/\1/p')  # of the first
# A scene that takes no time, where it makes no difference which one it is.
cp -r tests/own "$work" && "$loom" record "$work/own/task.yaml" -n 1 --seed 5 -o "$work/own/demo.hdf5" >/dev/null 2>&1
echo 'source: {file: demo.hdf5}' >>"$work/own/task.yaml"
own=$work/own/task.yaml

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
key escape
click-on demo_0
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
finish
tell
seed 7
reset D1
tell
expert
finish
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
check 'kept and rejected in the file' bash -c "grep -q 'mask keep *1 demos' <('$loom' info '$work/t.hdf5') &&
  grep -q 'mask reject *1 demos' <('$loom' info '$work/t.hdf5')"
check 'a click chooses' state 11 demo '"demo_0"'
check 'an attempt is one more' state 12 demos 7
check 'a reset is one row' state 13 rows 1
check 'a reset has no subtasks' state 13 ends '[]'
check 'an expert runs' state 14 outcome '"success"'
check 'the simulation runs' state 15 live true
check 'no OpenGL error' sh -c "! grep -q '\"gl_error\":[1-9]' '$work/told'"
for name in first row transparent overlays plots forces help camera alone; do
  check "picture $name" picture "$keep/view-$name.png"
done
check 'rows look different' differ "$keep/view-first.png" "$keep/view-row.png"
check 'overlays are seen' differ "$keep/view-row.png" "$keep/view-overlays.png"
check 'the camera moves' differ "$keep/view-overlays.png" "$keep/view-camera.png"

# The arms are driven by keys and the mouse.
cat >"$work/drive" <<END
drive
tell
key w
wait 30
up w
wait 6
tell
key space
drag 640 300 700 300 shift
wait 10
tell
shot $keep/view-drive.png
key enter
key backspace
tell
key tab
tell
key delete
wait 3
tell
key j ctrl
tell
quit
END
hand() { sed -n "$1p" "$work/told" | sed -n 's/.*"hand":\[\([-0-9.e]*\),.*/\1/p'; }
further() { awk -v a="$1" -v b="$2" -v by="$3" 'BEGIN { exit !(a - b > by) }'; }
check 'driving' view "$own" --headless --script "$work/drive" --record "$work/driven.hdf5"
check 'it drives' state 1 driving true
check 'W moves the hand away' further "$(hand 1)" "$(hand 2)" 0.1
check 'space closes it' state 3 closed true
check 'the mouse moves it' test "$(hand 2)" != "$(hand 3)"
check 'no success, nothing saved' test ! -e "$work/driven.hdf5"
check 'five seconds back' state 4 driven 0
check 'opens it again' state 4 closed false
check 'where it was' test "$(hand 4)" = "$(hand 1)"
check 'the other arm' state 5 driven_arm 1
check 'the next attempt' state 6 demo '"drive 1 (seed 0)"'
check 'it ends' state 7 driving false
check 'picture drive' picture "$keep/view-drive.png"

# The same in a window, but for what is simulated there as anywhere.
sed 's/view-\([a-z]*\).png/window-\1.png/; /^attempt/,/^demo demo_2/d' "$work/browse" >"$work/browse-window"
if command -v xvfb-run >/dev/null; then
  in_window() { timeout 1800 xvfb-run -a -s '-screen 0 1400x900x24' "$loom" view "$@" --overwrite >"$work/told" 2>"$work/errors"; }
  check 'a script runs in a window' in_window "$work/t.hdf5" --script "$work/browse-window"
  check 'the next demo, in a window' state 2 demo '"demo_1"'
  check 'no OpenGL error in the window' sh -c "! grep -q '\"gl_error\":[1-9]' '$work/told'"
  for name in first overlays plots; do check "window picture $name" picture "$keep/window-$name.png"; done

  # A thread writes there: what is marked meanwhile is not taken for saved, and who quits waits for it.
  cp "$work/t.hdf5" "$work/marked.hdf5"
  printf '%s\n' keep save 'key down' reject saved tell save saved tell 'demo demo_3' keep save quit >"$work/marks"
  masks() { "$loom" info "$work/marked.hdf5" | grep -c "mask keep *2 demos\|mask reject *1 demos"; }
  check 'marks in a window' in_window "$work/marked.hdf5" --script "$work/marks"
  check 'what was marked while it wrote is not saved' state 1 unsaved true
  check 'then it is' state 2 unsaved false
  check 'and what was being written' test "$(masks)" = 2
  printf '%s\n' 'drag-boundary 0 grasp 40' save saved tell quit >"$work/marks"
  check 'ends in a window' in_window "$work/marked.hdf5" --script "$work/marks" --annotated "$work/marked-annotated.hdf5"
  check 'are saved' state 1 unsaved false
  check 'in the copy' test -s "$work/marked-annotated.hdf5"
fi
no_display() { ! env -u DISPLAY -u WAYLAND_DISPLAY "$loom" view "$work/t.hdf5" 2>"$work/errors" && grep -q 'demoloom render' "$work/errors"; }
check 'without a display it says what to do' no_display

# Runs in the window: subtask by subtask, paused, gone on with, left; a trained policy.
"$loom" train --data "$work/t.hdf5" -p bc_l2 --hidden 16 --epochs 1 --steps 5 --rollouts 0 --threads 1 \
  -o "$work/trained" >/dev/null 2>&1
cat >"$work/runs" <<END
attempt 1
speed 8
wait 2
tell
subtask
wait 30
tell
row 3
tell
key right ctrl
wait 60
tell
shot $keep/view-run.png
finish
tell
segment -
wait 1
tell
policy 2
wait 10
key space
tell
key space
wait 2
tell
next -1
tell
attempt 3
finish
attempt 3
finish
tell
quit
END
number() { sed -n "$1p" "$work/told" | grep -o "\"$2\":[-0-9.]*" | head -n 1 | cut -d: -f2; }
second_end() { sed -n "$1p" "$work/told" | sed -n 's/.*"ends":\[\[\([0-9]*\),.*/\1/p'; }
check 'runs' view "$work/t.hdf5" --headless --script "$work/runs" --policy "$work/trained/last.safetensors"
check 'it runs' state 1 running true
check 'until the next subtask begins' state 2 playing false
check 'what there is can be scrubbed' state 3 row 3
check 'and gone on with' test "$(number 4 rows)" -gt "$(number 2 rows)"
check 'as the ends say' test "$(number 2 rows)" = "$(($(second_end 5) + 1))"
check 'and to its end' state 5 running false
check 'which says how it went' grep -q '"message":"attempt 1 (seed 0): [a-z]*' "$work/told"
check 'a policy runs' state 7 demo '"policy 2 (seed 0)"'
check 'stands still' state 7 playing false
check 'and goes on' test "$(number 8 rows)" -ge "$(number 7 rows)" -a "$(number 7 rows)" -gt 1
check 'until another demo is shown' state 9 running false
check 'the same number, the same attempt' test "$(number 10 rows)" -gt 1
check 'picture run' picture "$keep/view-run.png"
printf 'policy\ntell\nquit\n' >"$work/policy"
refused() { view "$@" --headless --script "$work/policy" && grep -q "\"message\":\".*$wanted" "$work/told"; }
wanted='where the policy gives' check 'a policy that does not fit is told' refused tray --policy "$work/trained/last.safetensors"
wanted='no observation .needle@world.' check 'so is one that looks for other things' refused "$own" --policy "$work/trained/last.safetensors"
wanted='none.safetensors' check 'so is one that is not there' refused "$own" --policy "$work/none.safetensors"
wanted='--policy' check 'and how to name one' refused "$own"

# Filters by numbers and words; what simulate can show; the mouse as there; ends set by a Ctrl click.
cat >"$work/more" <<END
find rows>0
tell
find rows<1
tell
find source=demo_1
tell
find x<9 y<9 reason=
tell
filter all
find
key escape
click-on demo_0
row 60
shot $keep/view-plain.png
forces
shot $keep/view-contacts.png
forces
key f6
shot $keep/view-bodies.png
key f6
key f6
key f6
key f7
shot $keep/view-labels.png
key f7 
double 660 400 right
double 660 400 right ctrl
tell
click 600 690 ctrl
tell
END
check 'more of it' view "$work/t.hdf5" --headless --script "$work/more"
check 'by rows' state 1 listed 6
check 'by too few' state 2 listed 0
check 'all succeed' state 1 succeed 6
check 'their lengths' test "$(number 1 median_rows)" -gt 150 -a "$(number 1 longest_rows)" -ge "$(number 1 median_rows)"
check 'what they were made of' test "$(number 1 sources)" -ge 2 -a "$(number 3 sources)" = 1
check 'where they began' test "$(number 1 start_cells)" -ge 2
check 'of none nothing' state 2 median_rows 0
check 'by source' test "$(number 3 listed)" -lt 6
check 'by where they began' state 4 listed 6
check 'contact forces are seen' differ "$keep/view-plain.png" "$keep/view-contacts.png"
check 'frames are seen' differ "$keep/view-plain.png" "$keep/view-bodies.png"
check 'labels are seen' differ "$keep/view-plain.png" "$keep/view-labels.png"
check 'a point to look at' test "$(number 5 selected)" -gt 0
check 'a Ctrl click sets an end' test "$(second_end 5)" != "$(second_end 6)" -o \
  "$(sed -n 5p "$work/told" | grep -o '"ends".*')" != "$(sed -n 6p "$work/told" | grep -o '"ends".*')"

# As a user's hand goes: heads to sort by, the palette, undo, plots of the file's arrays, the transport bar, zoom.
cat >"$work/hand" <<END
thumbs
click-on Rows
tell
click-on Rows
tell
key k ctrl
type list fail
key enter
tell
key k ctrl
type list all
key enter
click-on demo_0
tell
drag-boundary 0 grasp 40
tell
key z ctrl
tell
key z ctrl shift
tell
key z ctrl
click-on Keep
tell
click-on Edit
click-on Undo
tell
click-on Edit
point-at Save
shot $keep/view-menu.png
key escape
click 640 300
plot 1
click-on Add a plot
click-on datagen_info/subtask
tell
point 640 520
wait 3
shot $keep/view-readout.png
scroll 640 690 3
tell
shot $keep/view-zoom.png
click-on Pin lines
next
shot $keep/view-pinned.png
click-on Pin lines
shot $keep/view-not-pinned.png
click-on demo_0
click-on See all of the time
tell
click-on To the end
click-on Play or pause
wait 5
tell
dark
shot $keep/view-light.png
palette
shot $keep/view-palette.png
type row 33
key enter
tell
keep
key q ctrl
tell
click-on Stay
quit ask
click-on Quit without saving
END
ends_of() { sed -n "$1p" "$work/told" | grep -o '"ends":.*,"message"'; }
check 'by hand' view "$work/t.hdf5" --headless --script "$work/hand"
check 'a head sorts, the longest first' state 1 first '"demo_0"'
check 'again: the shortest' state 2 first '"demo_1"'
check 'the palette finds an action' state 3 listed 0
check 'and another' state 4 listed 6
check 'nothing has changed yet' state 4 unsaved false
check 'an end is moved' test "$(ends_of 4)" != "$(ends_of 5)"
check 'which is not saved' state 5 unsaved true
check 'undone' test "$(ends_of 4)" = "$(ends_of 6)"
check 'and done again' test "$(ends_of 5)" = "$(ends_of 7)"
check 'a button marks' state 8 mark '"keep"'
check 'the menu undoes it' state 9 mark '""'
check 'a plot of an array' state 10 plots 3
check 'the wheel zooms into the time' test "$(number 11 seen_rows)" -lt 120
check 'a button sees it all' state 12 seen_rows "$rows"
check 'buttons go to the end and play from the start' state 13 playing true
check 'a line of a script in the palette' state 14 row 33
check 'what is not saved is not lost at once' state 15 unsaved true
check 'values at the mouse are seen' differ "$keep/view-plots.png" "$keep/view-readout.png"
check 'the lines of another demo stay below' differ "$keep/view-pinned.png" "$keep/view-not-pinned.png"
check 'so is the zoom' differ "$keep/view-readout.png" "$keep/view-zoom.png"
for name in menu readout zoom light palette; do check "picture $name" picture "$keep/view-$name.png"; done
printf '%s\n' 'plot 2' 'help' "shot $keep/view-double.png" 'size 320 240' "shot $keep/view-small.png" quit >"$work/sizes"
check 'at twice the scale' view "$own" --headless --script "$work/sizes" --scale 2 --size 2560x1440 --theme light
check 'picture double' picture "$keep/view-double.png"
check 'a wrong theme is told' sh -c "! '$loom' view threading --theme blue 2>'$work/errors' && grep -q 'dark or light' '$work/errors'"
check 'so is a wrong scale' sh -c "! '$loom' view threading --scale 9 2>'$work/errors' && grep -q '0.5 to 4' '$work/errors'"

# Two files side by side: what began alike is beside each other, until it parts; plots go over each other, and into files.
"$loom" generate threading -n 3 --seed 4 --select random -o "$work/random.hdf5" >/dev/null 2>&1
cat >"$work/pair" <<END
plot 3
tell
row 60
shot $keep/view-pair.png
differ
tell
differ 9
tell
export $work/plots.csv
export $work/plots.png
wait 6
tell
export $work/plots.hdf5
tell
plot 0
export csv
tell
demo demo_2
tell
attempt 1
finish
tell
shot $keep/view-alone-again.png
quit
END
check 'two files' view "$work/t.hdf5" "$work/random.hdf5" --headless --script "$work/pair"
check 'the same demo is beside it' state 1 pinned '"random.hdf5: demo_0"'
check 'they part somewhere' test "$(number 2 row)" -gt 0 -a "$(number 2 row)" -lt 100
check 'which is said' grep -q '"message":"they differ by more than 0.001 m or rad from row' "$work/told"
check 'not by 9 m' grep -q '"message":"the two do not differ by more than 9 m' "$work/told"
check 'lines as numbers' test "$(wc -l <"$work/plots.csv")" -ge 200
check 'time, seven joints of two arms of two demos' test "$(awk -F, 'NR == 2 { print NF }' "$work/plots.csv")" = 30
check 'a row a control step' grep -q '^20,1,' "$work/plots.csv"
check 'lines as a picture' picture "$work/plots.png"
check 'what a plot is not written as' grep -q '"message":"plots are written as FILE.csv or FILE.png' "$work/told"
check 'nothing to be written' grep -q '"message":"there is no plot' "$work/told"
check 'an attempt has nothing beside it' state 8 pinned '""'
check 'picture pair' picture "$keep/view-pair.png"
check 'no OpenGL error of two' sh -c "! grep -q '\"gl_error\":[1-9]' '$work/told'"
printf '%s\n' 'plot 1' "export $work/plots.csv" tell quit >"$work/again"
stays() { "$loom" view "$work/t.hdf5" --headless --script "$work/again" >"$work/told" 2>&1 && grep -q 'plots.csv.*--overwrite' "$work/told"; }
check 'what is there stays' stays
other_task() { ! view "$work/t.hdf5" "$work/own/demo.hdf5" --headless --script "$work/again" && grep -qE 'own|task' "$work/errors"; }
check 'demos of another task are not compared' other_task

# The reward of each control step, term by term: of the file that --reward names.
cat >"$work/reward.yaml" <<END
- {term: success, weight: 2}
- {term: time, weight: -0.01}
- {term: height, from: box, to: rod, weight: 0.5}
END
printf '%s\n' 'plot 8' "export $work/reward.csv" "shot $keep/view-reward.png" quit >"$work/rewarded"
check 'rewards' view "$work/own/demo.hdf5" --task "$own" --reward "$work/reward.yaml" --headless --script "$work/rewarded"
check 'of each term' grep -q '"reward: reward","reward: success","reward: time","reward: height box rod"' "$work/reward.csv"
# It ends with success; every row sums up, and no step comes free.
check 'which they sum up to' awk -F, 'NR > 1 { d = $3 - $4 - $5 - $6; if (d > 1e-6 || d < -1e-6 || $5 != -0.01) bad = 1; last = $4 }
  END { exit bad || last != 2 || NR < 20 }' "$work/reward.csv"
check 'picture reward' picture "$keep/view-reward.png"
no_reward() { ! view "$work/own/demo.hdf5" --task "$own" --reward "$work/no.yaml" --headless --script "$work/rewarded" && grep -q 'no.yaml' "$work/errors"; }
check 'a reward that is not there' no_reward

# Two policies from the same start; of one policy nothing parts.
"$loom" replay "$work/own/demo.hdf5" --task "$own" -o "$work/own-seen.hdf5" >/dev/null 2>&1
for seed in 1 2; do
  "$loom" train --data "$work/own-seen.hdf5" --task "$own" -p bc_l2 --hidden 16 --epochs 1 --steps 5 --rollouts 0 --threads 1 \
    --seed $seed -o "$work/own-$seed" >/dev/null 2>&1
done
printf '%s\n' 'policy 2' 'wait 30' finish differ tell "shot $keep/view-policies.png" quit >"$work/beside"
beside() {
  view "$work/own/demo.hdf5" --task "$own" --policy "$work/own-1/last.safetensors" --beside "$work/own-$1/last.safetensors" --headless \
    --script "$work/beside" && grep -q "\"message\":\"$2" "$work/told"
}
check 'a policy beside itself' beside 1 'the two do not differ'
check 'beside another' beside 2 'they differ by more than 0.001 m or rad from row [0-9]'
check 'as told' state 1 demo '"policy 2 (seed 0)"'
check 'picture policies' picture "$keep/view-policies.png"
check 'one policy is not two' sh -c "! '$loom' view threading --beside x 2>'$work/errors' && grep -q -- '--policy' '$work/errors'"

# A scene without meshes is seen, too: alone in the picture, another row is another picture.
printf '%s\n' menu list timeline "shot $work/own-0.png" 'row 60' "shot $work/own-60.png" quit >"$work/own-script"
check 'a scene without meshes' view "$work/own/demo.hdf5" --task "$own" --headless --script "$work/own-script"
check 'its arms are seen to move' differ "$work/own-0.png" "$work/own-60.png"

# Demos of other models, one after the other: the memory stays that of one.
{ for i in 1 2 3 4 5 6; do printf 'next\nwait 2\n'; done; printf 'tell\nshot %s\nquit\n' "$keep/view-handover.png"; } >"$work/step"
check 'seven demos with models of their own' view handover --headless --script "$work/step"
check 'are shown' state 1 demo '"demo_6"'
check 'in bounded memory' test "$(number 1 peak_mb | cut -d. -f1)" -lt 500

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
  "$loom" generate threading --source "$work/a.hdf5" --source-demo demo_1 --attempts 1 -n 1 --select random --seed 3 \
    -o "$work/g.hdf5" --failed "$work/gf.hdf5"
  grep -aqs "\"arm\":0,\"subtask\":\"grasp\",\"source\":\"demo_1\",\"source_start\":0,\"source_end\":$ends," \
    "$work/g.hdf5" "$work/gf.hdf5"
}
check 'the next generation cuts there' from_annotated

# A viewer that is killed loses no edit: the next one has them again, until they are saved or let go.
cp "$work/t.hdf5" "$work/edited.hdf5"
mkfifo "$work/lines"
"$loom" view "$work/edited.hdf5" --headless --script "$work/lines" >"$work/told" 2>&1 &
viewer=$!
exec 5>"$work/lines"
printf '%s\n' 'demo demo_3' keep 'demo demo_1' 'drag-boundary 0 grasp 40' 'drag-boundary 0 grasp 60' tell >&5
await $viewer test -s "$work/told"
killed=$(ends_of 1)
{ kill -9 $viewer && wait $viewer; } 2>/dev/null
exec 5>&-
check 'edits lie beside the file' test -s "$work/edited.hdf5.edits"
printf '%s\n' tell 'click-on Ask me later' 'demo demo_1' tell quit >"$work/later"
check 'the next one' view "$work/edited.hdf5" --headless --script "$work/later"
check 'says so' grep -q '2 edits of a session' "$work/errors"
check 'and in its window' state 1 found 2
check 'nothing is done unasked' state 2 unsaved false
check 'they can wait' test -s "$work/edited.hdf5.edits"
cat >"$work/back" <<END
shot $keep/view-found.png
click-on Restore them
demo demo_3
tell
demo demo_1
tell
undo
redo
tell
save
saved
tell
quit
END
check 'once more' view "$work/edited.hdf5" --headless --script "$work/back" --annotated "$work/edited-annotated.hdf5"
check 'the mark is back' state 1 mark '"keep"'
check 'so are the ends' test "$(ends_of 2)" = "$killed" -a "$(ends_of 3)" = "$killed"
check 'not saved' state 2 unsaved true
check 'then saved' state 4 unsaved false
check 'and gone' test ! -e "$work/edited.hdf5.edits"
"$loom" info "$work/edited.hdf5" >"$work/info"
check 'in the file' grep -q 'mask keep *1 demos' "$work/info"
printf 'demoloom edits 1\nmark keep demo_2\nmark odd demo_1\nends 3,2 1,9 demo_0\nends 1 demo_0\nmark keep demo_99\nmark reject demo_4' \
  >"$work/edited.hdf5.edits"
printf '%s\n' tell 'click-on Forget them' quit >"$work/forget"
check 'of strange lines' view "$work/edited.hdf5" --headless --script "$work/forget"
check 'those are left out that fit nothing' state 1 found 1
check 'forgotten' test ! -e "$work/edited.hdf5.edits"
printf '%s\n' keep quit >"$work/left"
check 'who quits has decided' view "$work/edited.hdf5" --headless --script "$work/left"
check 'so nothing stays' test ! -e "$work/edited.hdf5.edits"

head -c 1000 "$work/t.hdf5" >"$work/cut.hdf5"
cut_short() { ! view "$work/cut.hdf5" --task threading --headless --script "$work/drag" && grep -q 'cut.hdf5' "$work/errors"; }
check 'a file cut short is told' cut_short

# Of one cut in its middle, the demos that are whole are shown, the others with the reason.
head -c $(($(stat -c %s "$work/t.hdf5") / 2)) "$work/t.hdf5" >"$work/half.hdf5"
printf '%s\n' 'row 20' tell 'filter failed' tell 'filter all' "shot $keep/view-cut.png" quit >"$work/rest"
half() {
  view "$work/half.hdf5" --headless --script "$work/rest" && grep -q 'half.hdf5: cut short' "$work/errors" &&
    state 1 rows "$rows" && state 1 listed 6 && state 2 listed 3 && state 2 first '"demo_3"'
}
check 'what is left of a file is shown' half
bad_script() { ! view threading --headless --script - && grep -q -- '-:1: no such command' "$work/errors"; }
check 'a wrong line of a script is told' bad_script <<<'dance'
check 'usage' sh -c "! '$loom' view 2>'$work/errors' && grep -q 'one task or file' '$work/errors'"
printf '%s\n' 'where Keep' 'where nowhere' 'where row 10 0' >"$work/where"
places() { view threading --headless --script "$work/where" && [ "$(grep -c '"x":[0-9]' "$work/told")" = 2 ] && grep -q '"x":-1' "$work/told"; }
check 'where widgets lie' places

# An index of demos that lie in other files: marks are its own, and these files stay.
"$loom" record "$own" -n 2 --seed 6 -o "$work/i2.hdf5" >/dev/null 2>&1
cp "$work/own/demo.hdf5" "$work/i1.hdf5"
"$loom" dataset merge "$work/index.hdf5" "$work/i1.hdf5" "$work/i2.hdf5" --index >/dev/null 2>&1
cp "$work/i2.hdf5" "$work/i2-before.hdf5"
printf '%s\n' 'demo demo_2' 'row 30' keep save saved tell quit >"$work/look"
check 'an index' view "$work/index.hdf5" --task "$own" --headless --script "$work/look"
check 'an index: its demos' eval 'state 1 demos 3 && state 1 mark "\"keep\"" && state 1 row 30'
expect 'an index: marks' 0 '^mask keep +1 demos' "$loom" info "$work/index.hdf5"
check 'an index: its files' cmp "$work/i2.hdf5" "$work/i2-before.hdf5"

# Open, browse, close under the sanitizers, where they are built. Not while a thread draws thumbnails: a child
# forked then may inherit the sanitizer's own lock.
if [ -x build-asan/demoloom ]; then
  loom=$PWD/build-asan/demoloom
  # Without the interceptor that tests/run.sh tells of.
  export ASAN_OPTIONS=allocator_may_return_null=1:intercept_tls_get_addr=0 LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
  printf '%s\n' thumbs 'row 20' 'drag-boundary 0 grasp 50' undo redo palette 'type sort' 'key enter' help 'key escape' 'plot 1' \
    'click-on Rows' next 'plot 5' ghost forces 'wait 2' 'attempt 1' subtask finish \
    'policy 2' 'wait 3' expert 'wait 2' live 'wait 3' quit >"$work/short"
  check 'sanitizers are content' view "$work/t.hdf5" --headless --script "$work/short" --policy "$work/trained/last.safetensors"
  cat "$work/errors"
  printf '%s\n' thumbs 'plot 3' differ "export $work/two.csv" next keep 'drag-boundary 0 grasp 50' undo redo 'drive' 'wait 3' drive \
    "export $work/two.png" 'wait 6' ghost 'wait 2' save quit >"$work/short"
  cp "$work/t.hdf5" "$work/two.hdf5" && printf 'demoloom edits 1\nmark keep demo_2\n' >"$work/two.hdf5.edits" && sed -i '1i click-on Restore them' "$work/short"
  check 'with two files, edits and saving, too' view "$work/two.hdf5" "$work/random.hdf5" --headless --script "$work/short" \
    --annotated "$work/two-annotated.hdf5" --record "$work/two-driven.hdf5"
  cat "$work/errors"
fi

close_tests
