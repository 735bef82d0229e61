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
    teleop) echo $((all / 20)) ;;
    attrs | folder) echo $((all / 5)) ;;
    *) echo "$all" ;;
  esac
}

# One program: its output to a file, one line about it to stdout.
run_one() {
  local mode=$1 program=$2 log=$3 status start arguments=() note= passed failed
  local out=$log.out err=$log.err
  if [ "$mode" = quick ]; then export LOOM_QUICK=1; fi
  export LOOM_PROGRAM="${program%%/tests/*}/demoloom"  # the program built as the test was
  if [ "$mode" = fuzz ]; then
    export LOOM_QUICK=1
    # For one input and those before it.
    export ASAN_OPTIONS="$ASAN_OPTIONS:handle_abort=1:quarantine_size_mb=64:hard_rss_limit_mb=${LOOM_FUZZ_MB:-1024}"
    arguments=("$(fuzz_inputs "${program##*fuzz_}")" "tests/fuzz/corpus/${program##*fuzz_}")
  fi
  start=$(date +%s%N)
  timeout -k 10 "${LOOM_TEST_TIMEOUT:-3600}" "$program" "${arguments[@]}" >"$out" 2>"$err" </dev/null
  status=$?
  count "$program" "$out" "$err" $status
  echo "$passed $failed" >"$log.count"
  [ "$status" -eq 124 ] && note=", out of time"
  if [ "$status" -ge 128 ]; then note=", killed by signal $((status - 128))"; fi
  printf '%s %s (%d passed, %d failed, %.1f s%s)\n' "$([ "$failed" -eq 0 ] && echo 'ok  ' || echo FAIL)" "$program" \
    "$passed" "$failed" "$((($(date +%s%N) - start) / 100000000))e-1" "$note"
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

total_passed=0 total_failed=0
for i in "${!jobs[@]}"; do
  passed=0 failed=1 # a program that left no count did not run
  [ -s "$logs/$i.count" ] && read -r passed failed <"$logs/$i.count"
  total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed))
  if [ "$failed" -gt 0 ]; then
    printf '\n==== %s\n' "${jobs[i]% *}"
    for stream in out err; do
      [ -s "$logs/$i.$stream" ] && tail -c "${LOOM_TEST_OUTPUT:-20000}" "$logs/$i.$stream"
    done
  fi
done
printf '\n%d passed, %d failed\n' $total_passed $total_failed
[ $total_failed -eq 0 ]
