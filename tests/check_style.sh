#!/usr/bin/env bash
# How our C reads: bodies breathe, static functions have names that tell in a backtrace, and words are plain ones; and scripts may be run.
# tests/check_style.sh [ROOT]; closes with `N passed, N failed`, one for each rule. `--air` also lists each file.
set -u -o pipefail
list=
if [ "${1-}" = --air ]; then list=1 && shift; fi
cd "${1:-$(dirname "$0")/..}" || exit 1

least=6 # blank lines among the lines of a file's function bodies, per cent

passed=0 failed=0
rule() {
  if [ -z "$2" ]; then
    passed=$((passed + 1))
    return
  fi
  failed=$((failed + 1))
  printf '%s\n' "$1" "$2" | sed '2,$s/^/  /'
}

mapfile -t sources < <(find engine generators policies tools tests -name '*.c' | sort)
mapfile -t all < <(find engine generators policies tools tests -name '*.[ch]' | sort)

# A body lies between a line that ends in `) {` (clang-format keeps functions at the margin) and the next `}` there.
air=$(awk -v least=$least -v list="$list" '
  function tell() {
    if (file != "" && (list || 100 * blank < least * lines))
      printf "%s: %d blank of %d lines in its bodies, %.1f %%\n", file, blank, lines, lines ? 100 * blank / lines : 100
  }
  FNR == 1 { tell(); file = FILENAME; lines = blank = inside = 0 }
  inside && /^}/ { inside = 0 }
  inside { lines++; blank += /^[[:space:]]*$/ }
  !inside && /^[^#\/}].*\) \{$|^ .*\) \{$/ { inside = 1 }
  END { tell() }' "${sources[@]}")
if [ -n "$list" ]; then
  printf '%s\n' "$air"
  exit 0
fi
rule "a blank line before each step of a body: $least % of its lines" "$air"

rule 'static functions have names that tell' \
  "$(grep -nE '^static [A-Za-z_0-9 *]*[ *](parse|act)\(' "${sources[@]}")"

words='reckon(s|ed|ing)?|what is so now|take_up|vary|lighten|story|wide|statistic'
mjcf='<statistic|"statistic"|mjStatistic' # MuJoCo's own names
rule 'plain words' "$(grep -niE "(^|[^a-z])($words)([^a-z]|\$)" "${all[@]}" | grep -vE "$mjcf")"

# clang-format leaves comments as they are.
columns=110
rule "comments of $columns columns" "$(grep -nE "^ *//.*" "${all[@]}" | awk -v most=$columns '{
  line = $0
  sub(/^[^:]*:[^:]*:/, "", line)
  if (length(line) > most) print
}')"

# Whoever runs all tests runs files; a clone has their mode as it was committed.
rule 'scripts may be run' "$(find tests tools -name '*.sh' ! -perm -u+x -exec grep -l '^#!' {} +)"

# What a test or a try left in the folder that it was run from.
top='\..*|CONTRIBUTING\.md|LICENSE|Makefile|README\.md|engine|generators|policies|scenes|tests|tools'
rule 'nothing else at the top' "$(git ls-files 2>/dev/null | cut -d/ -f1 | sort -u | grep -vxE "$top")"

printf '%d passed, %d failed\n' $passed $failed
[ $failed -eq 0 ]
