#!/usr/bin/env bash
# `demoloom segment` as a person uses it: look, export, edit, give back, generate. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

ends=$work/ends.yaml signals=$work/signals.hdf5
expect export 0 "wrote $signals" "$loom" segment handover --limit 2 --export "$ends" --export "$signals"
expect 'a readable file' 0 'arm0: \{grasp: [0-9]+, present: [0-9]+\}' cat "$ends"
expect 'nothing is overwritten' 2 'is there already' "$loom" segment handover --limit 1 --export "$ends"
expect 'unless told so' 0 "wrote $ends" "$loom" segment handover --limit 2 --export "$ends" --overwrite
expect 'nor the source itself' 2 'the source itself' \
  "$loom" segment "$signals" --task handover --export "$signals" --overwrite
expect 'other kinds of file' 2 'ending in' "$loom" segment handover --export "$work/ends.txt"
expect 'other commands' 2 'unrecognized option .--export' "$loom" replay handover --export "$ends"

sed -i '/^demo_1/,$ s/grasp: [0-9]*/grasp: 230/; /^demo_1/,$ s/ready: [0-9]*/ready: 230/' "$ends"
expect 'the edit shows' 0 'demo_1 .* arm 0:  grasp 0-229  present 230-' \
  "$loom" segment handover --limit 2 --segments "$ends"
expect 'as JSON too' 0 '"end":[[:space:]]*230' "$loom" segment handover --limit 2 --segments "$ends" --json
printf 'demo_1:\n  arm0: {grasp: 230}\n  arm1: {ready: 231}\n' >"$work/bad.yaml"
expect 'what cannot be is told' 1 "bad.yaml:2: demo_1: arm 0, subtask 'grasp'" \
  "$loom" generate handover --attempts 1 --segments "$work/bad.yaml"

# The edited end in what a generated demo says of its origin: the only two sources are the exported ones.
"$loom" generate handover --source "$signals" --segments "$ends" --attempts 4 --select random \
  -o "$work/out.hdf5" --failed "$work/failed.hdf5" >/dev/null 2>&1
cat "$work"/out.hdf5 "$work"/failed.hdf5 >"$work/made" 2>/dev/null  # there may be no success, or no failure
expect 'generated from the edited segment' 0 '"source":"demo_1","source_start":0,"source_end":230$' \
  grep -ao '"arm":0,"subtask":"grasp","source":"demo_1","source_start":0,"source_end":[0-9]*' "$work/made"

# A task that reads the signals cuts the exported demos as the conditions did.
mkdir "$work/by_signal"
awk '/- subtasks:/ {arm++} /- name:/ {name = $3}
  /until: / && !/until: end/ {sub(/until: .*/, "until: {signal: arm" arm - 1 "_" name "}")}
  !/extra:/' scenes/handover/task.yaml >"$work/by_signal/task.yaml"
"$loom" segment handover --limit 2 >"$work/by_condition.txt"
"$loom" segment "$signals" --task "$work/by_signal" >"$work/by_signal.txt"
expect 'signals give the same segments' 0 '' cmp "$work/by_condition.txt" "$work/by_signal.txt"

# The scripted expert's demos are cut as they are recorded: one that cannot be is no source demo, and counted as such.
mkdir "$work/scenes" && cp -r tests/own "$work/scenes/high" && cp -r tests/own/robots "$work/scenes/"
sed -i 's/^task: own/task: high/; s/{name: lift, reference: box, until: end}/{name: high, reference: box, until: {height: {of: box, above: 0.9}}}\n      - &/' \
  "$work/scenes/high/task.yaml"
record() { DEMOLOOM_SCENES=$work/scenes "$loom" record high --seed 1 "$@"; }
expect 'record: a demo that cannot be cut is left out' 1 "cannot be segmented, so it is left out: .*arm 0.*'high'" record -n 1 -m 2 -o "$work/high.hdf5"
check 'record: nothing is written of it' [ ! -e "$work/high.hdf5" ]
expect 'record: it is counted' 1 '^2 of 2 attempts failed .*: 2 success that cannot be segmented$' record -n 1 -m 2
expect 'record --json: it is counted' 1 '"success that cannot be segmented":[[:space:]]*2' record -n 1 -m 2 --json
expect 'record --all: it is kept, and no source demo' 0 'it is no source demo' record -n 1 --all -o "$work/high.hdf5"

# Demos cleaned: written under their names, and generated from.
expect '-o is for cleaned demos' 2 '-o needs --clean' "$loom" segment handover -o "$work/cleaned.hdf5"
expect 'ends are of demos as they are' 2 'write the cleaned ones' "$loom" segment handover --clean --export "$ends" --overwrite
expect 'generate --clean on: the task names none' 2 'segment --clean -o FILE' "$loom" generate tests/own --clean on --attempts 1
expect 'nor with other source demos' 2 'without --source' "$loom" generate tests/own --clean off --source "$signals" --attempts 1
"$loom" record tests/own -n 1 --seed 1 -o "$work/own.hdf5" >/dev/null 2>&1
expect 'cleaned demos are written' 0 'wrote .*cleaned.hdf5: [01] of 1 demos' "$loom" segment "$work/own.hdf5" -t tests/own --clean -o "$work/cleaned.hdf5"
expect 'and are demos as others' 0 '^demo_0 ' "$loom" segment "$work/cleaned.hdf5" -t tests/own
expect 'that attempts are made of' 0 'of 1 attempts|from 1 attempts' "$loom" generate tests/own --source "$work/cleaned.hdf5" --attempts 1

# A task that names cleaned demos makes balanced attempts of those, unless told otherwise.
cp -r tests/own "$work/scenes/with" && cp "$work/own.hdf5" "$work/scenes/with/own.hdf5"
printf 'source: {file: own.hdf5, cleaned: cleaned.hdf5}\n' >>"$work/scenes/with/task.yaml"
missing='cleaned.hdf5: the task.s source demos are not there'
expect 'cleaned demos that are not there' 1 "$missing" "$loom" generate "$work/scenes/with" --attempts 1 --clean on
expect 'balanced selection is by them' 1 "$missing" "$loom" generate "$work/scenes/with" --attempts 1 --select balanced
expect 'the recorded ones are there' 0 '1 attempts' "$loom" generate "$work/scenes/with" --attempts 1
expect 'for balanced selection too' 0 '1 attempts' "$loom" generate "$work/scenes/with" --attempts 1 --select balanced --clean off
cp "$work/cleaned.hdf5" "$work/scenes/with/cleaned.hdf5"
expect 'cleaned demos are used' 0 '1 attempts' "$loom" generate "$work/scenes/with" --attempts 1 --clean on

# What a dataset was made of is drawn with it.
"$loom" generate "$work/scenes/with" -n 1 --seed 1 --clean off -o "$work/by_recorded.hdf5" >/dev/null 2>&1
"$loom" generate "$work/scenes/with" -n 1 --seed 1 --clean on -o "$work/by_cleaned.hdf5" >/dev/null 2>&1
rm "$work/scenes/with/cleaned.hdf5"
draw=(render -t "$work/scenes/with" --overlay sources --limit 1 --columns 2 --size 64x64 --overwrite --sheet "$work/drawn.png")
expect 'recorded demos are drawn' 0 '' "$loom" "${draw[@]}" "$work/by_recorded.hdf5"
expect 'or cleaned ones' 1 "$missing" "$loom" "${draw[@]}" "$work/by_cleaned.hdf5"
expect 'but looked at are the recorded ones' 0 "$(grep -o '^demo_0 .*' <<<"$("$loom" segment "$work/own.hdf5" -t tests/own)" | head -1)" \
  "$loom" segment "$work/scenes/with"

# An index of demos that lie in other files is segmented as these are, and its signals go into a copy of all.
"$loom" record tests/own -n 1 --seed 2 -o "$work/own2.hdf5" >/dev/null 2>&1
"$loom" dataset merge "$work/index.hdf5" "$work/own.hdf5" "$work/own2.hdf5" --index >/dev/null 2>&1
"$loom" dataset merge "$work/both.hdf5" "$work/own.hdf5" "$work/own2.hdf5" >/dev/null 2>&1
expect 'an index is segmented' 0 '^demo_1 ' "$loom" segment "$work/index.hdf5" -t tests/own
check 'as a copy is' cmp <("$loom" segment "$work/index.hdf5" -t tests/own) <("$loom" segment "$work/both.hdf5" -t tests/own)
check 'with signals' "$loom" segment "$work/index.hdf5" -t tests/own --export "$work/signals2.hdf5"
rm "$work/own.hdf5" "$work/own2.hdf5"
expect 'which needs no other file' 0 '2 demos' "$loom" info "$work/signals2.hdf5"
check 'its demos can be read' "$loom" segment "$work/signals2.hdf5" -t tests/own
expect 'what an index lacks is told' 1 'index.hdf5: is an index: .*own.hdf5' "$loom" segment "$work/index.hdf5" -t tests/own

close_tests
