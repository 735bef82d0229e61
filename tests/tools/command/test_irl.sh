#!/usr/bin/env bash
# Rewards of experts in tables, as a user asks for them: exact numbers, every method, files, and each mistake by its
# name. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

# number NAME COMMAND...: that number of its JSON.
number() {
  local name=$1
  shift
  "$loom" irl "$@" --json 2>"$work/errors" | sed -nE "s/^[[:space:]]*\"$name\":[[:space:]]*([^,]*),?\$/\1/p"
}
# within NAME WANTED TOLERANCE ARGUMENTS...
within() {
  local name=$1 wanted=$2 tolerance=$3 got
  shift 3
  got=$(number "$name" "$@")
  awk -v x="${got:-none}" -v y="$wanted" -v e="$tolerance" \
    'BEGIN { d = x - y; exit !(x ~ /^[-+0-9.eE]+$/ && d <= e && -d <= e) }' || { echo "$name: '$got'" && cat "$work/errors" && false; }
}

# The numbers of seals' CliffWorld.
check 'soft value' within soft_value 27.408406880955 1e-9 cliff:7x4 --method causal --horizon 9 --gamma 0.9
check 'expected reward' within expected_reward 26.398145606581 1e-9 cliff:7x4 --method causal --horizon 9 --gamma 0.9
check 'soft value, undiscounted' within soft_value 50.810282495057 1e-9 cliff:7x4 --horizon 9 --gamma 1
for gamma in 0.5 0.9 0.99 1; do
  check "causal: the expert's policy at $gamma" within occupancy_error 0 1e-6 cliff:7x4 --method causal --horizon 9 --gamma $gamma
  check "likelihood: the expert's policy at $gamma" within occupancy_error 0 1e-6 cliff:7x4 --method likelihood --horizon 9 --gamma $gamma
done
check 'causal: without a horizon' within occupancy_error 0 1e-6 cliff:7x4 --gamma 0.99
check 'mmp' within objective 2.69664640 1e-6 cliff:7x4 --method mmp --gamma 0.9
check 'mmp, indicators' within objective 0.42305224 1e-6 cliff:7x4 --method mmp --gamma 0.9 --lambda 0.01 --features own
check 'mmp, steps' within objective 2.6967 2e-4 cliff:7x4 --method mmp --gamma 0.9 --subgradient --iterations 1000
check 'rank, r(s, a)' within rank 84 0 cliff:7x4 --gamma 0.9 --features actions
check 'rank, r(s)' within rank 27 0 cliff:7x4 --gamma 0.9
check 'projection' within iterations 5 4 grid:16/4 --method projection --seed 1
check 'max-margin' within iterations 3 2 grid:16/4 --method max-margin --seed 1
drawn=(random:12x3x4 --demos 2000 --held-out 2000)
check 'likelihood of demos held out' within held_out_nll "$(number expert_nll "${drawn[@]}")" 0.01 "${drawn[@]}"
same_twice() { cmp <("$loom" irl "$@" --json) <("$loom" irl "$@" --json); }
check 'the same twice' same_twice objectworld:6 --linear --demos 20 --seed 3
other_seed() { ! cmp -s <("$loom" irl objectworld:6 --linear --demos 20 --seed 3 --json) <("$loom" irl objectworld:6 --linear --demos 20 --seed 4 --json); }
check 'another seed' other_seed
expect 'what a person reads' 0 'the policy tells 27 of 28 directions' "$loom" irl cliff:7x4 --gamma 0.9
expect 'the method that suits demos' 0 '^likelihood: ' "$loom" irl random:8x2x3 --demos 50
expect 'maxent, chance, asked for' 0 '^maxent: ' "$loom" irl cliff:7x4 --method maxent --horizon 9 --approximate

# A table of one's own.
cat >"$work/house.mdp" <<'MDP'
states hall kitchen out
actions stay go
gamma 0.5
start hall 0.75
start kitchen 0.25
terminal out
move * stay hall 1
move hall go kitchen 0.5
move hall go out 0.5
move kitchen go out 1
reward * -1
reward kitchen go 3
feature warm kitchen 2
feature gone hall go out 1
demo hall go kitchen stay hall go out
demo kitchen go out
MDP
# V of hall and kitchen, by hand: out is -1, once.
soft=$(awk 'BEGIN {
  for (i = 0; i < 100; i++) {
    a = log(exp(-1 + h / 2) + exp(-1 + k / 4 - 1 / 4))
    k = log(exp(-1 + h / 2) + exp(2 - 1 / 2))
    h = a
  }
  printf "%.12f", 0.75 * h + 0.25 * k
}')
check 'a file' within soft_value "$soft" 1e-9 "$work/house.mdp"
expect 'its features by name' 0 'warm .*' "$loom" irl "$work/house.mdp"
expect 'its demos' 0 '2 trajectories' "$loom" irl "$work/house.mdp" --demos file
expect 'its demos, one held out' 0 'held out' "$loom" irl "$work/house.mdp" --demos file --held-out 1
sed 's/^feature gone.*/feature twice kitchen 4/' "$work/house.mdp" >"$work/twice.mdp"
expect 'collinear features' 0 'collinear features, 1 of 2 can be told apart; not: warm; twice' "$loom" irl "$work/twice.mdp"

# Mistakes.
bad() { # NAME STATUS PATTERN SED [OPTIONS]
  local name=$1 status=$2 pattern=$3 change=$4
  shift 4
  sed -E "$change" "$work/house.mdp" >"$work/bad.mdp"
  expect "$name" "$status" "$pattern" "$loom" irl "$work/bad.mdp" "$@"
}
bad 'a row that does not sum to 1' 1 'bad.mdp: state hall, action go: its transitions sum to 0.9,' 's/^move hall go out 0.5/move hall go out 0.4/'
bad 'NaN' 1 "bad.mdp:10: 'nan' is no number" 's/^(move kitchen go out) 1/\1 nan/'
bad 'a reward that is none' 1 "bad.mdp:11: 'inf' is no number" 's/^reward \* -1/reward * inf/'
bad 'no path to the end' 1 'state kitchen: no terminal state can be reached' \
  's/^move \* stay hall 1/move hall stay hall 1\nmove kitchen stay kitchen 1/; s/^move kitchen go out 1/move kitchen go kitchen 1/; /^demo/d' --gamma 1 --demos exact
bad 'a demo of probability 0' 1 'demo 2 has probability 0: at its step 1, action go never leads from state kitchen to hall' 's/^demo kitchen go out/demo kitchen go hall/'
bad 'no features' 2 'has no features of its own' '/^feature/d' --features own
bad 'no demos' 2 'has no demos' '/^demo/d' --demos file
bad 'neither reward nor demos' 2 'has no demos' '/^(demo|reward)/d'
bad 'no reward' 2 'has no reward, so no expert' '/^reward/d' --demos exact
expect 'no file' 1 'none.mdp' "$loom" irl "$work/none.mdp"
expect 'no such table' 2 'no such table, or not of that size' "$loom" irl grid:16/5
expect 'discount 1 without an end' 2 'discount 1 with neither a horizon nor a terminal state' "$loom" irl cliff:7x4
expect 'discount above 1' 2 'gamma' "$loom" irl cliff:7x4 --gamma 1.1 --horizon 9
expect 'demos that are none' 2 'demos' "$loom" irl cliff:7x4 --horizon 9 --demos some
expect 'maxent and chance' 1 'chance decides what follows' "$loom" irl cliff:7x4 --method maxent --horizon 9
expect 'maxent without an end' 1 'give a horizon' "$loom" irl cliff:7x4 --method maxent --gamma 0.9
expect 'out of reach' 1 'lie outside what any policy can have, by [0-9.]+ \([0-9.]+ % of their norm\)' \
  "$loom" irl cliff:7x4 --method causal --horizon 9 --demos 20
expect 'out of reach, the nearest' 0 'outside what policies can have, by at least' \
  "$loom" irl cliff:7x4 --method causal --horizon 9 --demos 20 --l2 0.01
expect 'two tables' 2 'it takes one table' "$loom" irl cliff:7x4 cliff:8x4

close_tests
