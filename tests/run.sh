#!/usr/bin/env bash
# Run test programs, LOOM_TEST_JOBS (2) at a time, and close with `N passed, N failed` alone on the last line.
#   tests/run.sh --plain PROGRAM... --quick PROGRAM... --fuzz PROGRAM...
# --quick sets LOOM_QUICK=1, for tests that shrink what they do under sanitizers. --fuzz gives each its corpus,
# tests/fuzz/corpus/NAME, and LOOM_FUZZ_INPUTS (2000) inputs; those that open files or scenes a part of that.
# tests/check_includes.sh counts as one test.
# LOOM_FUZZ_MB (1024) bounds the memory of each fuzzer, what sanitizers keep of freed blocks included.
# LOOM_TEST_TIMEOUT (3600) ends what hangs, s: so long that a busy machine does not reach it. LOOM_TEST_GUARD stands in for
# check_includes.sh in tests of this script.
# A program that crashes, leaks, times out or runs no test has failed.
#
# The disk may be shared, and full for a while. A program begins once LOOM_TEST_ROOM (1024) MB are free where temporary
# files and builds go, or after LOOM_TEST_WAIT (300) s of less. One that failed while there was less, looked at every
# second, says how little, and is run once more if the room is there again: for that reason only, and it is told.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

# cmocka says how many tests it is about to run: what it does not then call OK, or skipped, has failed, were it by a
# crash.
count_cmocka() {
  local wanted skipped
  wanted=$(cat "$1" "$2" | sed -n 's/.*\[==========\].*Running \([0-9]*\) test.*/\1/p' | awk '{n += $1} END {print n + 0}')
  skipped=$(cat "$1" "$2" | sed -n 's/^\[  SKIPPED \] \([0-9]*\) test.*/\1/p' | awk '{n += $1} END {print n + 0}')
  passed=$(cat "$1" "$2" | grep -a -c '\[       OK \]')
  failed=$((wanted - passed - skipped))
}

count() {
  local program=$1 out=$2 err=$3 status=$4 last
  case $program in
    *.sh | */fuzz_*)
      last=$(tail -n 1 "$out")
      passed=$(expr "$last" : '\([0-9][0-9]*\) passed, [0-9][0-9]* failed$' || true)
      failed=$(expr "$last" : '[0-9][0-9]* passed, \([0-9][0-9]*\) failed$' || true)
      passed=${passed:-0} failed=${failed:-0}
      ;;
    *) count_cmocka "$out" "$err" ;;
  esac
  [ "$failed" -lt 0 ] && failed=1
  if [ $((passed + failed)) -eq 0 ]; then failed=1; fi
  if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
}

# Inputs of a fuzz target.
fuzz_inputs() {
  local all=${LOOM_FUZZ_INPUTS:-2000}
  case $1 in
    scan) echo $((all / 40)) ;;
    teleop | film) echo $((all / 20)) ;;
    attrs | folder | isaac | hdf5) echo $((all / 5)) ;;
    *) echo "$all" ;;
  esac
}

# MB free where temporary files and builds go, the lesser of both.
free_mb() { df -P -m "${TMPDIR:-/tmp}" . | awk 'NR == 2 || NR > 2 && $4 < least {least = $4} END {print least + 0}'; }

# Waits until there is room, or for no more than LOOM_TEST_WAIT s: once, for what stays full would hold up every
# program. LOGS/full then says that it has been waited for. Fails where there is no room.
wait_for_room() {
  local program=$1 mark=${2%/*}/full room=${LOOM_TEST_ROOM:-1024} now waited=0
  now=$(free_mb)
  if [ "$now" -ge "$room" ]; then rm -f "$mark" && return 0; fi
  [ -e "$mark" ] && return 1
  printf 'wait %s: %d MB free, fewer than %d\n' "$program" "$now" "$room"
  while [ $waited -lt "${LOOM_TEST_WAIT:-300}" ]; do
    sleep 1
    waited=$((waited + 1)) now=$(free_mb)
    [ "$now" -ge "$room" ] && return 0
  done
  touch "$mark"
  printf 'go on %s: still %d MB free after %d s\n' "$program" "$now" $waited
  return 1
}

# The least room there was until a line comes in. Through pipes: a full disk takes no file.
watch_room() {
  local least now
  least=$(free_mb)
  while read -r -t 1 _; [ $? -gt 128 ]; do
    now=$(free_mb)
    if [ "$now" -lt "$least" ]; then least=$now; fi
  done
  now=$(free_mb)
  echo $((now < least ? now : least))
}

# One program: its output to a file, one line about it to stdout.
run_one() {
  local mode=$1 program=$2 log=$3 arguments=() passed failed least
  if [ "$mode" = quick ]; then export LOOM_QUICK=1; fi
  export LOOM_PROGRAM="${program%%/tests/*}/demoloom"  # the program built as the test was
  if [ "$mode" = fuzz ]; then
    export LOOM_QUICK=1
    # For one input and those before it.
    export ASAN_OPTIONS="$ASAN_OPTIONS:handle_abort=1:quarantine_size_mb=64:hard_rss_limit_mb=${LOOM_FUZZ_MB:-1024}"
    arguments=("$(fuzz_inputs "${program##*fuzz_}")" "tests/fuzz/corpus/${program##*fuzz_}")
  fi
  wait_for_room "$program" "$log"
  try "$program" "$log" "${arguments[@]}"

  # What failed for want of room is no finding; nor is it hidden.
  if [ "$failed" -gt 0 ] && [ "$least" -lt "${LOOM_TEST_ROOM:-1024}" ] && wait_for_room "$program" "$log"; then
    printf 'again %s: %d failed while %d MB were free; there is room now\n' "$program" "$failed" "$least"
    cat "$log.out" "$log.err" >"$log.first"
    try "$program" "$log" "${arguments[@]}"
  fi
  echo "$passed $failed" >"$log.count"
}

# Runs it and tells: passed, failed, and the least room there was.
try() {
  local program=$1 out=$2.out err=$2.err start seconds used status note= from to TIMEFORMAT='%U %S'
  shift 2
  coproc room { watch_room; }
  local watch=$room_PID
  start=$(date +%s%N)
  used=$({ time timeout -k 10 "${LOOM_TEST_TIMEOUT:-3600}" "$program" "$@" >"$out" 2>"$err" </dev/null; } 2>&1)
  status=$?
  seconds=$((($(date +%s%N) - start) / 100000000))e-1 used=$(awk 'END {print $1 + $2}' <<<"$used")

  # Of its own ends of the pipes, since bash closes those of a coprocess that has ended. A line that comes in just as the
  # other side's second is over is lost: until there is an answer it is asked again.
  exec {from}<&"${room[0]}" {to}>&"${room[1]}"
  least='' && echo >&"$to"
  until read -r -t 5 -u "$from" least || ! kill -0 "$watch" 2>/dev/null; do echo >&"$to"; done
  exec {from}<&- {to}>&-
  kill "$watch" 2>/dev/null
  wait "$watch" 2>/dev/null
  least=${least:-$(free_mb)}

  count "$program" "$out" "$err" $status
  [ "$status" -eq 124 ] && note=", out of time"
  if [ "$status" -ge 128 ]; then note=", killed by signal $((status - 128))"; fi
  if [ "$failed" -gt 0 ] && [ "$least" -lt "${LOOM_TEST_ROOM:-1024}" ]; then note+=", $least MB free on the disk"; fi
  printf '%s %s (%d passed, %d failed, %.1f s, %.1f CPU s%s)\n' \
    "$([ "$failed" -eq 0 ] && echo 'ok  ' || echo FAIL)" "$program" "$passed" "$failed" "$seconds" "$used" "$note"
}

if [ "${1-}" = --one ]; then
  shift
  run_one "$@"
  exit 0
fi

# intercept_tls_get_addr=0: gcc 12's interceptor takes a thread-local block that begins 16 bytes into a page for one of
# glibc 2.19 and reads its address and size from what lies before it; the search for leaks at exit then reads anywhere
# (github.com/google/sanitizers/issues/1322). Mesa's libraries, loaded late, may have such blocks: a rare
# run ends in "LeakSanitizer has encountered a fatal error". Leaks are found without it, too.
export ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1:detect_stack_use_after_return=1:intercept_tls_get_addr=0}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$PWD/tests/lsan.supp:print_suppressions=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
# Two programs at a time, each with threads: those that wait would spin on cores that the others need (test_learner took
# 10.4 s of processor time, and takes 4.0).
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}

logs=$(mktemp -d) && trap 'rm -rf "$logs"' EXIT
mode=plain
jobs=("plain ${LOOM_TEST_GUARD:-tests/check_includes.sh} $logs/0")
for argument in "$@"; do
  case $argument in
    --plain | --quick | --fuzz) mode=${argument#--} ;;
    --*) echo "run.sh: unknown option $argument" >&2 && exit 2 ;;
    *) jobs+=("$mode $argument $logs/${#jobs[@]}") ;;
  esac
done
printf '%s\n' "${jobs[@]}" | xargs -P "${LOOM_TEST_JOBS:-2}" -L 1 tests/run.sh --one

total_passed=0 total_failed=0 again=
for i in "${!jobs[@]}"; do
  passed=0 failed=1 # a program that left no count did not run
  [ -s "$logs/$i.count" ] && read -r passed failed <"$logs/$i.count"
  total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed))
  if [ -e "$logs/$i.first" ]; then again+="${jobs[i]% *}"$'\n'; fi
  if [ "$failed" -gt 0 ] || [ -e "$logs/$i.first" ]; then
    printf '\n==== %s\n' "${jobs[i]% *}"
    for stream in first out err; do
      [ -s "$logs/$i.$stream" ] && tail -c "${LOOM_TEST_OUTPUT:-20000}" "$logs/$i.$stream"
    done
  fi
done
[ -n "$again" ] && printf '\nRun again, since the disk was full:\n%s' "$again"
printf '\n%d passed, %d failed\n' $total_passed $total_failed
[ $total_failed -eq 0 ]
