# What the tests of commands share; sourced by them from the repository's root.
loom=$PWD/build/demoloom
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# check NAME COMMAND...: COMMAND succeeds.
check() {
  local name=$1
  shift
  if "$@" >"$work/said" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: failed: %s\n%s\n\n' "$name" "$*" "$(head -c 2000 "$work/said")"
  fi
}
# expect NAME STATUS PATTERN COMMAND...: COMMAND ends with STATUS and says something that PATTERN matches.
expect() {
  local name=$1 wanted=$2 pattern=$3 said status
  shift 3
  said=$("$@" 2>&1)
  status=$?
  if [ $status -eq "$wanted" ] && grep -qE -- "$pattern" <<<"$said"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: exit status %d (wanted %d), said:\n%s\nwanted: %s\n\n' "$name" $status "$wanted" "$said" "$pattern"
  fi
}
# says FILE PATTERN: grep -q may not stop its writer.
says() { grep -qs -- "$2" "$1"; }
differ() { ! cmp -s "$1" "$2"; }
sum() { sha256sum <"$1"; }
same() { [ "$(sum "$1")" = "$(sum "$2")" ]; }
# await PID COMMAND...: until it succeeds, or the process that is to bring it about is gone. However long that takes:
# the machine may be slow, and the test runner ends what hangs.
await() {
  local pid=$1
  shift
  until "$@"; do
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.02
  done
}
# launched SIZE RANK COMMAND...: as Open MPI does.
launched() { OMPI_COMM_WORLD_SIZE=$1 OMPI_COMM_WORLD_RANK=$2 OMPI_COMM_WORLD_LOCAL_SIZE=$1 "${@:3}"; }
# close_tests: the last line.
close_tests() {
  printf '\n%d passed, %d failed\n' $passed $failed
  [ $failed -eq 0 ]
}
