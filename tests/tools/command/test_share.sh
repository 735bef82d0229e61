#!/usr/bin/env bash
# One dataset by several `demoloom generate` at once, as a person, mpirun or srun starts them: the same bytes as one makes,
# with one of them killed, frozen, stopped or late; who tells what came of it; and what is refused. What
# tests/generators/run/test_share.c does call by call is done here from the outside. Closes with `N passed, N failed`.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export DEMOLOOM_SCENES=tests/own

own() { # OUT OPTIONS...: what it tells in OUT.told$who, what it says in OUT.said$who
  local out=$work/$1
  shift
  exec "$loom" generate tests/own --source "$work/source.hdf5" -n 14 --seed 3 -j 1 -o "$out" "$@" \
    >"$out.told${who-}" 2>"$out.said${who-}"
}
whole() { cmp "$work/whole.hdf5" "$work/$1" && [ ! -e "$work/$1.parts" ] && [ ! -e "$work/$1.lock" ]; }
count() { sed -n 1p "$work/$1"; } # "14 demos from 14 attempts: ..."

"$loom" record tests/own -n 3 --seed 77 -o "$work/source.hdf5" >/dev/null 2>&1
(own whole.hdf5)
check 'one process' test -e "$work/whole.hdf5"

# ---- started by hand

# Killed at some moment each time, at work or not.
killed() {
  local out=killed$1.hdf5 pid=() i
  for i in 1 2 3; do
    who=$i own "$out" --share on &
    pid[i]=$!
  done
  await "${pid[1]}" test -e "$work/$out.parts/start-0000000$1"
  kill -9 "${pid[1]}"
  wait "${pid[2]}" && wait "${pid[3]}" && whole "$out" && [ "$(count "$out.told2")" = "$(count whole.hdf5.told)" ] &&
    [ "$(count "$out.told3")" = "$(count "$out.told2")" ]
}
for start in 0 3 6; do check "three processes, one killed after start $start" killed $start; done

# It stands still with a start in hand until the other one, which waits for no one for long, has made it all.
frozen() {
  local first
  who=1 own frozen.hdf5 --share on --heartbeat 0.2 &
  first=$!
  await $first test -e "$work/frozen.hdf5.parts/start-00000001" || return 1
  kill -STOP $first
  (who=2 own frozen.hdf5 --share on --heartbeat 0.2) || return 1
  cmp "$work/whole.hdf5" "$work/frozen.hdf5" || return 1

  # It finds out that all is done.
  kill -CONT $first
  wait $first && whole frozen.hdf5 && [ "$(count frozen.hdf5.told1)" = "$(count frozen.hdf5.told2)" ]
}
check 'a process that was frozen' frozen

stopped() {
  local first second
  who=1 own stopped.hdf5 --share on &
  first=$!
  await $first test -e "$work/stopped.hdf5.parts/start-00000000" || return 1
  who=2 own stopped.hdf5 --share on &
  second=$!
  kill -INT $first
  wait $first
  [ $? -eq 1 ] && says "$work/stopped.hdf5.said1" 'the other processes go on' && wait $second && whole stopped.hdf5
}
check 'Ctrl-C leaves the rest to the others' stopped

# Nobody is left: no file is made, and what there is is gone on with, by several or by one.
all_stopped() {
  local pid
  own all.hdf5 --share on &
  pid=$!
  await $pid test -e "$work/all.hdf5.parts/start-00000002" || return 1
  kill -INT $pid
  wait $pid && return 1
  [ ! -e "$work/all.hdf5" ] && [ -e "$work/all.hdf5.parts/start-00000002" ] && (own all.hdf5 "$@") && whole all.hdf5 &&
    rm "$work/all.hdf5"
}
check 'all stopped, then shared again' all_stopped --share on
check 'all stopped, then by one alone' all_stopped --resume

late() { (own whole.hdf5 --share on) && says "$work/whole.hdf5.said" 'is complete already'; }
check 'one that comes late' late

# ---- started together

together() {
  local out=together.hdf5 first options=(--failed "$work/failed.hdf5" --report "$work/report.png" --json)
  (own alone.hdf5 --failed "$work/none.hdf5") && cp "$work/alone.hdf5" "$work/whole.hdf5" || return 1
  who=0 launched 2 0 own $out "${options[@]}" &
  first=$!
  (who=1 launched 2 1 own $out "${options[@]}") && wait $first && whole $out && [ -s "$work/report.png" ] || return 1

  # One of them tells.
  cat "$work"/$out.told? >"$work/told" && [ "$(grep -c '^{' "$work/told")" = 1 ]
}
check 'two of a launcher share it without being told' together
expect 'a picture is not replaced' 2 'report.png is there already' launched 2 0 "$loom" generate tests/own --source \
  "$work/source.hdf5" -o "$work/other.hdf5" --report "$work/report.png"

# ---- what is refused

refused() { launched 4 1 "$loom" generate tests/own --source "$work/source.hdf5" "$@"; }
while IFS='|' read -r words pattern; do
  # shellcheck disable=SC2086 # words
  expect "refused: $words" 2 "$pattern" refused $words
done <<END
-n 5|one of several processes .--share off: by itself., it needs -o
-o $work/x.hdf5 --time 5|it cannot stop by --time
-o $work/x.hdf5 --overwrite|cannot --overwrite: .*remove $work/x.hdf5 and $work/x.hdf5.parts first
-o $work/x.hdf5 --share on --time 5|given to several processes, it cannot stop by --time
-o $work/x.hdf5 --shard 3|--shard takes I/N, 1/4 to 4/4
-o $work/x.hdf5 --shard 5/4|--shard takes I/N, 1/4 to 4/4
-o $work/x.hdf5 --shard 0/4|--shard takes I/N, 1/4 to 4/4
-o $work/x.hdf5 --shard 1/4|--shard needs --attempts
-o $work/x.hdf5 --shard 1/4 --attempts 9 --json|--json: a part has no report
-o $work/x.hdf5 --shard 1/4 --attempts 9 --share off|without --share off
END
part() { (own part.hdf5 --attempts 9 --shard 1/4) && says "$work/part.hdf5.said" 'part 1/4 of 9 starts: 9 demos from 9 attempts'; }
check 'a part' part

close_tests
