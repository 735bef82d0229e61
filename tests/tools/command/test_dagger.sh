#!/usr/bin/env bash
# `demoloom dagger`: a round with each kind of expert, what it writes, and what it refuses.
# Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

# refuses TEXT COMMAND...: COMMAND fails, by no signal, and says TEXT.
refuses() {
  local text=$1 status=0
  shift
  "$@" >"$work/out" 2>&1 || status=$?
  [ "$status" -ge 1 ] && [ "$status" -lt 126 ] && grep -q -- "$text" "$work/out"
}
few() { "$loom" dagger threading -n 1 --evaluations 1 --steps 20 --hidden 16 "$@"; }
dagger() { few --demos 1 --rounds 1 --max-steps 250 "$@"; }
# The expert's demo is whole and succeeds, and the round's file can be trained on and looked at.
whole() {
  dagger --expert "$1" -o "$work/$2" "${@:3}" 2>"$work/told" && grep -q '^round 1: . of 1 succeed' "$work/told" &&
    grep -q '^final novice: ' "$work/told" && [ -s "$work/$2/final.safetensors" ] && [ -s "$work/$2/best.safetensors" ] &&
    [ -s "$work/$2/rounds.png" ] && [ "$(wc -l <"$work/$2/rounds.csv")" = 3 ] &&
    [ "$(cat "$work/$2/expert.csv")" = "$(printf 'evaluated,succeeded\n1,1')" ] &&
    grep -q 'obs/object' <("$loom" info "$work/$2/round_0.hdf5")
}

check 'scripted expert' whole scripted scripted
check 'the expert is told before the rounds' awk '/^expert scripted: 1 of 1 succeed/ { first = NR } /^round 0:/ { exit !first }' "$work/told"
check 'the generator as expert, an ensemble' whole generator generator --gate ensemble --members 2
short() { few --expert scripted --demos 1 --max-steps 60 --rounds 0 --final-steps 0 --json "$@" >"$work/out" 2>"$work/told"; }
# No epoch for an expert that never succeeds, and told how to find out why; with leave it goes on, warned.
hopeless() {
  local status=0
  short -o "$work/hopeless" "$@" || status=$?
  [ $status = 1 ] && grep -q 'Why it fails: demoloom record threading .*--reset D0;' "$work/told" &&
    grep -q 'expert scripted: 0 of 1 succeed in at most 60 steps.*1 timeout; nothing was learned' "$work/told" &&
    ! grep -q 'weak' "$work/told" && [ ! -e "$work/hopeless/round_0.hdf5" ]
}
weak() {
  short --expert-successes 0 -o "$work/weak" && grep -q 'the expert is weak' "$work/told" &&
    grep -q '"weak":.*true' "$work/out" && grep -q '"evaluated":.*1' "$work/out"
}
check 'an expert that never succeeds' hopeless --reset D0
check 'a weak expert' weak
check 'nothing left to do' dagger --expert scripted -o "$work/scripted" --resume
check 'a folder in use' refuses 'holds a run already' dagger --expert scripted -o "$work/scripted"
check 'other settings' refuses "other settings (line [0-9]*: 'seed: 1' there, 'seed: 2' now)" dagger --expert scripted -o "$work/scripted" --resume --seed 2
check 'no such expert' refuses 'nobody.safetensors' dagger --expert nobody.safetensors -o "$work/none"
check 'no such gate' refuses '--gate takes one of mixture.*magic' dagger --gate magic -o "$work/none"
check 'no such kind' refuses '--policy takes one of bc_l2.*bc_magic' dagger -p bc_magic -o "$work/none"
check 'no such reset' refuses "no reset distribution 'D9'" dagger --reset D9 -o "$work/none"
check 'no folder' refuses 'name a folder' dagger
check 'nothing to learn from' refuses 'nothing to learn from' few --expert scripted --rounds 1 --demos 0 -o "$work/none"

close_tests
