#!/usr/bin/env bash
# `demoloom COMMAND --help`, which is printed from the table of its options: there is one of every command, each
# option that it names is taken, and every option has a word of what it is for. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

says_usage() {
  "$loom" "$1" --help >"$work/help" && says "$work/help" "^usage: demoloom $1" && "$loom" "$1" -h | cmp - "$work/help"
}
# Some commands are several, and --help tells the options of all.
declare -A others=([gail]='--toy=ring corridor goals')
# An option that takes something takes --help for it.
known() {
  local first
  for first in "--$2" ${others[$1]-}; do
    [ -n "$("$loom" "$1" "$first" "--$2" --help 2>&1 | grep "unrecognized option '--$2'")" ] || return 0
  done
  return 1
}
# What an option is for stands behind it, or on the line below.
explained() {
  "$loom" "$1" --help | awk '/^  (-[a-z],|   ) --/ { bad += open; open = NF <= ($1 ~ /^-[a-z],$/ ? 3 : 2); next }
    /^                       [^ ]/ { open = 0 }
    END { exit (bad + open > 0) }'
}

commands=$("$loom" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
for command in $commands; do
  check "$command: usage" says_usage "$command"
  check "$command: what options are for" explained "$command"
  for option in $("$loom" "$command" --help | sed -n 's/^  \(-[a-z], \|    \)--\([a-z-]*\).*/\2/p'); do
    check "$command --$option" known "$command" "$option"
  done
done
check 'all commands' [ "$(wc -w <<<"$commands")" -ge 15 ]

close_tests
