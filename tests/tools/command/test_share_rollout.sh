#!/usr/bin/env bash
# Rollouts of one policy and of several by several `demoloom rollout` at once: the bytes of -o and --results that one
# process makes, whoever is killed; what is refused; and parts on machines that share no folder. Closes with `N passed, N
# failed`.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
. tests/tools/reach_policy.sh
. tests/tools/share.sh
policy=$work/reach.safetensors
printf 'mass: [0.5, 2]\n' >"$work/rough.yaml"
seen=("$loom" rollout "$policy" --task "$reach" -j 1)
roll=("${seen[@]}" -n 12 --seed 3) many=("${seen[@]}" -n 120 --seed 3) other=("${seen[@]}" -n 12 --seed 4)
cp "$policy" "$work/again.safetensors"

same_shared demos 'o.hdf5 o.json' "${roll[@]}" -o OUT/o.hdf5 --results OUT/o.json --heartbeat 0.2
same_shared table o.json "$loom" rollout "$policy" "$work/again.safetensors" --task "$reach" -n 5 --seed 3 -j 2 \
  --disturb "$work/rough.yaml" --results OUT/o.json

# ---- what is told

timeless() { sed -e '/"decision_/d' -e '/"seconds"/d' -e 's/"file":.*//' "$1"; }
together() {
  two_launched "${roll[@]}" -o "$work/l.hdf5" --json && cmp "$work/demos-a/o.hdf5" "$work/l.hdf5" || return 1

  # One of them tells, what one process tells.
  cat "$work/l0" "$work/l1" >"$work/both"
  "${roll[@]}" -o "$work/m.hdf5" --json >"$work/alone" 2>"$work/m.said" && cmp <(timeless "$work/both") <(timeless "$work/alone")
}
check 'two of a launcher share it without being told' together
text() {
  "${roll[@]}" --results "$work/t.json" >"$work/t1" && "${roll[@]}" --share on --results "$work/t2.json" >"$work/t2" &&
    cmp <(sed -e /decision/d -e /wrote/d "$work/t1") <(sed -e /decision/d -e /wrote/d "$work/t2")
}
check 'the same is told' text
late() { "${roll[@]}" --share on -o "$work/l.hdf5" >"$work/told" 2>&1 && says "$work/told" 'l.hdf5 is complete already'; }
check 'one that comes late' late
expect 'a result that was thrown away' 2 'r.json: is not there, and .*l.hdf5 is complete' "${roll[@]}" --share on -o "$work/l.hdf5" --results "$work/r.json"

# One that is stopped leaves the rest to the others, or to the same command.
stopped() {
  interrupted "$work/s.json.parts/episode-0-00000002" "${many[@]}" --share on --results "$work/s.json" && says "$work/told" 'the same command' && [ ! -e "$work/s.json" ] &&
    "${many[@]}" --share on --results "$work/s.json" >"$work/told" 2>&1 &&
    "${many[@]}" --results "$work/s1.json" >"$work/told" 2>&1 && cmp "$work/s.json" "$work/s1.json"
}
check 'Ctrl-C' stopped

# What came of an episode is cut short: told, and run again.
torn() {
  local pid i
  "${roll[@]}" --share on --results "$work/d.json" >"$work/told" 2>&1 &
  pid=$!
  for i in 0 1 2; do await $pid test -e "$work/d.json.parts/episode-0-0000000$i" || return 1; done
  kill -9 $pid
  wait $pid
  truncate -s -3 "$work/d.json.parts/episode-0-00000001"
  cp "$work/d.json.parts/episode-0-00000001" "$work/d.json.parts/episode-0-00000000"
  "${roll[@]}" --share on --results "$work/d.json" >"$work/told" 2>&1
  cat "$work/told"
  says "$work/told" 'episode-0-00000001: is torn' && cmp "$work/t.json" "$work/d.json"
}
check 'a file that is torn' torn

# ---- parts

parts() {
  local i
  for i in 1 2 3; do "${roll[@]}" --shard $i/3 -o "$work/part$i.hdf5" --results "$work/part$i.json" || return 1; done
  [ ! -e "$work/part1.hdf5" ] && mkdir "$work/all.hdf5.parts" && cp "$work"/part?.hdf5.parts/[0-9e]* "$work/part1.hdf5.parts/run.json" "$work/all.hdf5.parts" &&
    "${roll[@]}" --share on -o "$work/all.hdf5" --results "$work/all.json" && cmp "$work/demos-a/o.hdf5" "$work/all.hdf5" &&
    cmp "$work/demos-a/o.json" "$work/all.json"
}
check 'parts' parts
expect 'another run is in the folder' 2 "'\"seed\": \"3\",' there, '\"seed\": \"4\",' now" "${other[@]}" --share on --results "$work/part1.json" -o "$work/part1.hdf5"
expect 'unfinished, and by one alone' 2 'holds another command.s unfinished run' "${roll[@]}" -o "$work/part1.hdf5"
cp "$work/t.json" "$work/u.json"
expect 'other results are there' 2 "t.json: the run there has other settings.*'\"seed\": \"3\",' there" "${other[@]}" --share on --results "$work/t.json"

# ---- what is refused

refused() { launched 4 1 "${roll[@]}" "$@"; }
while IFS='|' read -r words pattern; do
  # shellcheck disable=SC2086 # words
  expect "refused: $words" 2 "$pattern" refused $words
done <<END
|one of several processes .--share off: by itself., it needs -o or --results
--share on|given to several processes, it needs -o or --results
-o $work/x.hdf5 --video $work/x.mp4|it draws no --video
--results $work/x.json --disturb $work/rough.yaml --widen 0.5|--widen keeps no episodes
-o $work/x.hdf5 --overwrite|cannot --overwrite: .*remove $work/x.hdf5 first
-o $work/x.hdf5 --shard 5/4|--shard takes I/N, 1/4 to 4/4
-o $work/x.hdf5 --shard 1/4 --json|--json: a part has no report
-o $work/x.hdf5 --shard 1/4 --share off|without --share off
END

close_tests
