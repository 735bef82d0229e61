#!/usr/bin/env bash
# Handovers of mixed sources succeed in most attempts: looking ahead bars what cannot come right, and little else.
# Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

"$loom" generate handover --select balanced -n 16 --attempts 16 --seed 911 --json >"$work/out" 2>"$work/told"
number() { sed -n "s/^[^\"]*\"$1\":[[:space:]]*\([0-9.]*\).*/\1/p" "$work/out" | head -n 1; }

check 'sixteen attempts were made' test "$(number attempts)" = 16
check 'six of them succeed at least' test "$(number successes)" -ge 6

close_tests
