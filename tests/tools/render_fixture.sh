# What the tests of `demoloom render` share; sourced by them from the repository's root.
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
# says FILE PATTERN: grep -q may not stop its writer.
says() { grep -qs -- "$2" "$1"; }
render() { "$loom" render "$@" >"$work/out" 2>"$work/errors"; }
# refuses PATTERN ARGS...: render fails and says so.
refuses() {
  local pattern=$1
  shift
  ! render "$@" && says "$work/errors" "$pattern"
}
sum() { sha256sum <"$1"; }
same() { [ "$(sum "$1")" = "$(sum "$2")" ]; }
# close_tests: the last line.
close_tests() {
  printf '\n%d passed, %d failed\n' $passed $failed
  [ $failed -eq 0 ]
}
