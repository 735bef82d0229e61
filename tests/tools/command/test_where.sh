#!/usr/bin/env bash
# `demoloom generate --where POLICY`: starts are drawn where a policy fails, the same on any number of threads; the
# report has the map. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export OMP_NUM_THREADS=1
. tests/tools/own_data.sh
make() { "$loom" generate own --source base.hdf5 --seed 3 "$@"; }

check 'a run' eval 'make --attempts 6 --where $policy --where-episodes 12 -j 1 -o w.hdf5 --report w.png --json >w.json'
check 'two threads' make --attempts 6 --where $policy --where-episodes 12 -j 2 -o two.hdf5
check 'two threads: the same bytes' cmp w.hdf5 two.hdf5
check 'complete already' make --attempts 6 --where $policy --where-episodes 12 -o w.hdf5 --resume
expect 'another map is another run' 2 'where' make --attempts 6 --where $policy --where-episodes 13 -o w.hdf5 --resume
check 'without it starts are others' eval 'make --attempts 6 -j 1 -o calm.hdf5 && differ w.hdf5 calm.hdf5'
check 'verify replays it' eval '"$loom" verify w.hdf5 >verified 2>&1; ! grep -q "NOT\|differ" verified && grep -q "identical bit for bit" verified'

# ---- the map in the report

where() { sed -n '/^\t"where":/,/^\t}/p' w.json; }
all() { where | grep "\"$1\":" | tr -dc '0-9\n' | awk -v first="${2:-1}" 'NR >= first { sum += $1 } END { print sum }'; }
check 'episodes of the map' test "$(where | grep '"episodes"' | head -n 1 | tr -dc 0-9)" = 12
check 'each is in a cell, and has a yaw' test "$(all episodes 2)" = 24
check 'failures too' test "$(all failures 2)" = "$((2 * $(where | grep '"failures"' | head -n 1 | tr -dc 0-9)))"
check 'in words' eval 'make --attempts 2 --where $policy --where-episodes 10 >words && grep -q "^pi/last.safetensors failed in [0-9]* of 10 episodes" words'

# A row more than other reports' 900 pixels; a PNG has its height at its 20th byte.
check 'and drawn' test "$(od -An -j20 -N4 -tu1 w.png | awk '{ print 256 * $3 + $4 }')" = 1260

# ---- what is wrong

expect 'no such policy' 1 'none.safetensors' make -n 1 --where none.safetensors
expect 'no policy' 1 'base.hdf5' make -n 1 --where base.hdf5
expect 'episodes of none' 2 'needs --where' make -n 1 --where-episodes 20
expect 'with --stratified' 2 'do not go together' make -n 1 --where $policy --stratified
expect 'too few episodes' 2 'where-episodes' make -n 1 --where $policy --where-episodes 2

close_tests
