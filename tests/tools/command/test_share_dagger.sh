#!/usr/bin/env bash
# DAgger by several `demoloom dagger` at once in one folder: the bytes of datasets, policies and errors that one process
# makes, whoever is killed, with each gate; what is told and refused. Closes with `N passed, N failed`.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
. tests/tools/reach_policy.sh
. tests/tools/share.sh
learn=("$loom" dagger "$reach" --expert scripted --max-steps 20 --demos 3 -n 3 --evaluations 3 --expert-successes 0 --steps 20
  --hidden 8 --batch 16 -j 1 --heartbeat 0.2)
files='best.safetensors final.safetensors expert.csv errors_final_1.csv'
for i in 0 1; do files+=" round_$i.hdf5 round_$i.safetensors collected_$i.csv errors_$i.csv"; done

same_shared mixture "$files" "${learn[@]}" --rounds 1 -o OUT
others() { shared_by 2 "$1" "$2" "${learn[@]}" --rounds 1 -o OUT "${@:3}"; }
check 'safety' others safety "$files safety_0.safetensors safety_1.safetensors" --gate safety
check 'ensemble' others ensemble "$files" --gate ensemble --members 2

# More rounds, by several, of a run that one process began: the seconds of a round are its own.
more() {
  "${learn[@]}" --rounds 2 -o "$work/more" >"$work/told" && "${learn[@]}" --rounds 2 --share on -o "$work/mixture-2" >"$work/told2" || return 1
  cmp "$work/more/final.safetensors" "$work/mixture-2/final.safetensors" && cmp "$work/told" <(sed "s|$work/mixture-2|$work/more|" "$work/told2") &&
    cmp <(cut -d, -f1-17 "$work/more/rounds.csv") <(cut -d, -f1-17 "$work/mixture-2/rounds.csv")
}
check 'more rounds' more

# One that is stopped leaves the rest to the others, and to one alone.
stopped() {
  interrupted "$work/stopped/collected_0.csv" "${learn[@]}" --rounds 1 --share on -o "$work/stopped" && says "$work/told" 'the same command' && "${learn[@]}" --rounds 1 --resume -o "$work/stopped" &&
    cmp "$work/mixture-a/final.safetensors" "$work/stopped/final.safetensors" && [ ! -e "$work/stopped/together" ]
}
check 'Ctrl-C, then by one alone' stopped

# One of them tells.
together() {
  two_launched "${learn[@]}" --rounds 1 -o "$work/l" --json && [ "$(cat "$work/l0" "$work/l1" | grep -c '^{')" = 1 ] && cmp "$work/mixture-a/final.safetensors" "$work/l/final.safetensors"
}
check 'two of a launcher share it without being told' together
expect 'another run is in the folder' 2 'other settings .line [0-9]*: .seed: 1. there, .seed: 2. now' "${learn[@]}" --seed 2 --share on -o "$work/l"
expect 'refused: --overwrite' 2 'cannot --overwrite: ' "${learn[@]}" --share on --overwrite -o "$work/l"

close_tests
