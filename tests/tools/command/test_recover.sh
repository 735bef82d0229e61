#!/usr/bin/env bash
# `demoloom generate --recover`: demos that begin after a disturbance replay bit for bit, wherever they are copied to;
# without it all is as it was; what is wrong is named. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export OMP_NUM_THREADS=1
. tests/tools/own_data.sh
make() { "$loom" generate own --source base.hdf5 --seed 3 "$@"; }
# What the report says of recoveries; number JSON KEY: the last of them, those of all ways.
recoveries() { sed -n '/"recover":/,/"diversity":/p' "$1"; }
number() { recoveries "$1" | grep "\"$2\":" | tail -n 1 | tr -dc 0-9; }

# ---- the same again

check 'a run' eval 'make --attempts 10 --recover 0.6 -j 1 -o r.hdf5 --json >r.json'
check 'two threads' make --attempts 10 --recover 0.6 -j 2 -o two.hdf5 --json
check 'two threads: the same bytes' cmp r.hdf5 two.hdf5
check 'complete already' make --attempts 10 --recover 0.6 -o r.hdf5 --resume
expect 'another share is another run' 2 'recover' make --attempts 10 --recover 0.5 -o r.hdf5 --resume
expect 'and so is none' 2 'has other settings' make --attempts 10 -o r.hdf5 --resume
check 'none' make --attempts 10 -o calm.hdf5
check 'a share of nothing: the same bytes' eval 'make --attempts 10 --recover 0 -o zero.hdf5 && cmp calm.hdf5 zero.hdf5'

# ---- what is told

kept=$(number r.json kept) disturbed=$(number r.json disturbed) tried=$(number r.json tried)
check 'some recover, not all' test "$kept" -ge 1 -a "$kept" -le "$disturbed" -a "$disturbed" -le "$tried" -a "$tried" -lt 10
check 'in words too' eval 'make --attempts 10 --recover 0.6 >words && grep -q "^recovered, of attempts that were disturbed: push of bz0 [0-9]*/[0-9]*, push of bz0 before it grasps [0-9]*/[0-9]*, slip of arm 0 " words'

# ---- replays

replays() { # FILE
  "$loom" verify "$1" >verified 2>&1
  cat verified
  n=$(sed -n 's/^\([0-9]*\) demos: .*/\1/p' verified)
  says verified "^$n demos: $n succeed, $n identical bit for bit"
}
check 'verify' replays r.hdf5
check 'a copy' eval '"$loom" dataset merge merged.hdf5 r.hdf5 calm.hdf5 && replays merged.hdf5'
check 'policies learn from it' "$loom" train --data r.hdf5 -p bc_l2 --hidden 8 --epochs 1 --steps 2 --rollouts 0 -o learned

# ---- from what

printf 'push: {of: bz1, range: [5, 15], at: [0.5, 1], for: 0.2}\nplace: {of: rod, range: [-0.02, 0.02], at: 0.3}\n' >ways.yaml
check 'a set of its own' eval 'make --attempts 6 --recover 1 --recover-from ways.yaml -o ways.hdf5 --json >ways.json && replays ways.hdf5'
check 'no other ways' eval '[ "$(recoveries ways.json | grep -c "of bz1\\|of rod")" = 2 ] && [ "$(recoveries ways.json | grep -c "\"kept\"")" = 3 ]'
printf 'mass: [0.5, 2]\n' >wrong.yaml
expect 'what never passes' 1 'wrong.yaml:1: `mass`: attempts recover from what begins at some time and passes' make -n 1 --recover 1 --recover-from wrong.yaml
expect 'a set of what lasts' 1 '`mass`|`friction`' make -n 1 --recover 1 --recover-from rough
expect 'no such set' 2 "no disturbances 'none'" make -n 1 --recover 1 --recover-from none
expect 'from what alone' 2 '\-\-recover-from needs --recover' make -n 1 --recover-from ways.yaml
expect 'with --disturb' 2 'do not go together' make -n 1 --recover 0.3 --disturb rough
expect 'a share above one' 2 'recover' make -n 1 --recover 1.5

close_tests
