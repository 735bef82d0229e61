# A run that may be stopped anywhere comes to the same bytes; sourced after check.sh from the repository's root.
# EACH_WRITE=1 kills it before every single write (minutes), EACH_WRITE=7 before each seventh, in place of a few times on
# its way.
check 'a library for Ctrl-C' ${CC:-cc} -shared -fPIC -O1 -o "$work/ctrl_c.so" tests/tools/command/ctrl_c.c -ldl
check 'a library for kill -9' ${CC:-cc} -shared -fPIC -O1 -o "$work/kill_at.so" tests/tools/command/kill_at.c -ldl

# Of the run that is at hand.
run_name='' run_files='' run_command=()
go() { "${run_command[@]}" -o "$work/$run_name-$1" "${@:2}"; }
go_preloaded() { LD_PRELOAD="$work/kill_at.so $work/ctrl_c.so" go "$@"; }
same_files() {
  local file
  for file in $run_files; do cmp "$work/$run_name-a/$file" "$work/$run_name-$1/$file" || return 1; done
}
# interrupted AT: Ctrl-C at that call, on two threads; told, and on to the same. $work/NAME-stopped.safetensors: its best
# policy by then, where there is one.
interrupted() {
  local status=0
  (CTRL_C_AT=$1 go_preloaded int -j 2) >"$work/told" 2>&1 || status=$?
  cat "$work/told"
  cp "$work/$run_name-int/best.safetensors" "$work/$run_name-stopped.safetensors" # what there is of it by then
  [ $status -eq 1 ] && grep -q 'resume goes on' "$work/told" && go int -j 2 --resume && same_files int
}
# killed_at AT OPTION...: goes on until it is killed, or done.
killed_at() {
  local status=0
  (KILL_AT=$1 go_preloaded kill --resume "${@:2}") >"$work/told" 2>&1 || status=$?
  case $status in
    137) killed=$((killed + 1)) ;;
    0) ;;
    *) cat "$work/told" && return 1 ;;
  esac
}
# Killed again and again on its way of $1 writes, as soon as it has begun and later, on one thread and on two.
killed_often() {
  local killed=0 at threads=1
  for at in 4 $(($1 / 4)) $(($1 / 3)); do
    killed_at "$at" -j $threads || return 1
    threads=$((3 - threads))
  done
  [ $killed -eq 3 ] && go kill --resume -j 1 && same_files kill
}
killed_everywhere() {
  local killed=0 at
  for at in $(seq 1 "$EACH_WRITE" "$1"); do
    rm -rf "$work/$run_name-kill"
    killed_at "$at" -j 1 && go kill --resume -j 1 >"$work/told" 2>&1 && same_files kill || {
      echo "before write $at of $1:" && cat "$work/told"
      return 1
    }
  done
  [ $killed -ge $((($1 - 1) / EACH_WRITE)) ]
}
# same_bytes NAME FILES COMMAND...: a run of COMMAND in $work/NAME-a, what it says in $work/NAME.said; FILES are the
# same on two threads and after Ctrl-C at a third of its way, and after kill -9.
same_bytes() {
  local calls writes killing=killed_often
  [ -n "${EACH_WRITE:-}" ] && killing=killed_everywhere
  run_name=$1 run_files=$2 run_command=("${@:3}")
  check "$run_name: a run" env CTRL_C_COUNT="$work/calls" KILL_COUNT="$work/writes" LD_PRELOAD="$work/kill_at.so $work/ctrl_c.so" \
    "${run_command[@]}" -j 1 -o "$work/$run_name-a"
  cp "$work/said" "$work/$run_name.said"
  calls=$(cat "$work/calls") writes=$(cat "$work/writes")
  check "$run_name: the same bytes on 2 threads, after Ctrl-C at call $((calls / 3)) of $calls" interrupted $((calls / 3))
  check "$run_name: the same bytes after kill -9, of $writes writes" "$killing" "$writes"
}
