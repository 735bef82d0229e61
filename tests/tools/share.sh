# A run that several processes make together comes to the bytes that one makes, whoever of them is killed; sourced after
# check.sh from the repository's root. One is killed before some 5 of its writes, renames and removals (KILLS=20: of 20),
# and with EACH_CALL=1 before every single one.
check 'a library for kill -9' ${CC:-cc} -shared -fPIC -O1 -o "$work/kill_at.so" tests/tools/command/kill_at.c -ldl

# two_launched COMMAND...: both end well; what they say is in $work/l0 and $work/l1.
two_launched() {
  local first
  launched 2 0 "$@" >"$work/l0" 2>"$work/l.said" &
  first=$!
  launched 2 1 "$@" >"$work/l1" 2>"$work/l.said1" || return 1
  wait $first
}
# interrupted PATTERN COMMAND...: by Ctrl-C, once a file of such a name is there; told in $work/told, with status 1.
is_there() { compgen -G "$1" >/dev/null; }
interrupted() {
  local pid
  "${@:2}" >"$work/told" 2>&1 &
  pid=$!
  await $pid is_there "$1" || return 1
  kill -INT $pid
  wait $pid
  [ $? -eq 1 ]
}
# Of the run that is at hand: its command writes into a folder, which stands for OUT in it.
run_name='' run_files='' run_command=()
share_in() { # FOLDER OPTION...
  local words=("${run_command[@]//OUT/$work/$run_name-$1}")
  mkdir -p "$work/$run_name-$1"
  exec "${words[@]}" "${@:2}" </dev/null
}
# Names of logs have the time in them.
list() { (cd "$work/$run_name-$1" && find . | sed 's/tfevents.*/tfevents/' | sort -u); }
same_and_tidy() { # FOLDER
  local file
  for file in $run_files; do cmp "$work/$run_name-a/$file" "$work/$run_name-$1/$file" || return 1; done
  [ "$(list a)" = "$(list "$1")" ] && return
  diff <(list a) <(list "$1")
  return 1
}
several() { # N
  local pid=() i
  for ((i = 0; i < $1; i++)); do
    share_in "$1" --share on >"$work/told$i" 2>&1 &
    pid[i]=$!
  done
  for ((i = 0; i < $1; i++)); do wait "${pid[i]}" || { cat "$work/told$i" && return 1; }; done
  same_and_tidy "$1"
}
# One that is killed before call $1, beside another, before another, and before one that comes later.
killed_before() {
  local other='' status=0
  rm -rf "$work/$run_name-kill"
  if [ $(($2 % 2)) = 0 ]; then
    share_in kill --share on >"$work/other" 2>&1 &
    other=$!
  fi
  (KILL_AT=$1 LD_PRELOAD=$work/kill_at.so share_in kill --share on) >"$work/told" 2>&1 || status=$?
  case $status in
    137) killed=$((killed + 1)) ;;
    0) ;; # the other one has made most of it
    *) cat "$work/told" && return 1 ;;
  esac
  if [ -n "$other" ]; then wait $other || { cat "$work/other" && return 1; }; fi

  # Where the last to leave was killed as it cleared up, whoever comes next does that.
  (share_in kill --share on) >"$work/told" 2>&1 || { cat "$work/told" && return 1; }
  same_and_tidy kill || {
    echo "killed before call $1"
    return 1
  }
}
# Before some of its calls, about KILLS; before every one with EACH_CALL=1.
killed_often() {
  local killed=0 turn=0 step=${EACH_CALL:-$(($1 / ${KILLS:-5} + 1))} at
  for ((at = 1 + $1 % step; at <= $1; at += step, turn++)); do killed_before $at $turn || return 1; done
  echo "$killed of $turn were killed"
  [ $killed -ge $((turn / 2 - 1)) ]
}
# shared_by N NAME FILES COMMAND...: the same by itself and on N processes.
shared_by() {
  run_name=$2 run_files=$3 run_command=("${@:4}")
  (share_in a) && several "$1"
}
# same_shared NAME FILES COMMAND...: COMMAND, by itself in $work/NAME-a, on 2 and 4 processes, and with some killed.
same_shared() {
  run_name=$1 run_files=$2 run_command=("${@:3}")
  check "$run_name: by itself" eval '(share_in a)'
  check "$run_name: one of several, alone" eval '(KILL_COUNT=$work/calls LD_PRELOAD=$work/kill_at.so share_in 1 --share on) && same_and_tidy 1'
  check "$run_name: two processes" several 2
  check "$run_name: four processes" several 4
  check "$run_name: killed on its way of $(cat "$work/calls") calls" killed_often "$(cat "$work/calls")"
}
