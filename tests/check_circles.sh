#!/usr/bin/env bash
# No file takes functions from one that takes functions from it, directly or by way of others: each room can be read
# from the ground up. Read off the symbols of the compiled objects.
# tests/check_circles.sh [BUILD]; closes with `N passed, N failed`.
# The viewer's files are one application around one struct (tools/view/view.h) and count as one.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
build=${1:-build}

objects() { find "$build"/{engine,generators,policies,tools} -name '*.o' | while read -r o; do
  source=${o#"$build"/} && [ -f "${source%.o}.c" ] && echo "$o"
done; }

# "A B": A takes something from B.
pairs=$(objects | xargs nm -A | awk -v build="$build/" '
  { split($1, part, ".o:"); unit = substr(part[1], length(build) + 1); symbol = $NF; kind = $(NF - 1) }
  unit ~ /^tools\/view\// { unit = "tools/view" }
  kind ~ /^[TDBRC]$/ { home[symbol] = unit }
  kind == "U" { n++; taker[n] = unit; taken[n] = symbol }
  END { for (i = 1; i <= n; i++) if (taken[i] in home && home[taken[i]] != taker[i]) print taker[i], home[taken[i]] }' |
  sort -u)
if [ "$(wc -l <<<"$pairs")" -lt 500 ]; then
  echo "$build: hardly any objects; build first"
  echo '0 passed, 1 failed'
  exit 1
fi

if ! loops=$(tsort <<<"$pairs" 2>&1 >/dev/null); then
  printf 'files that take from each other:\n%s\n' "$loops"
  echo '0 passed, 1 failed'
  exit 1
fi
echo '1 passed, 0 failed'
