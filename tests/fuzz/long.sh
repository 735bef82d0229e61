#!/usr/bin/env bash
# Fuzz all targets for long: tests/fuzz/long.sh BUILD INPUTS [SEED]; `make fuzz INPUTS=1000000` calls it.
#
# INPUTS in all are shared out as the table below says, in batches that LOOM_TEST_JOBS (2) processes run at a time. How
# far each batch got is kept in BUILD/fuzz/SEED/, so a run that was ended goes on where it was. What a target dies of,
# leaks on, or takes too long or too much memory for, is written to BUILD/fuzz/findings/ with what the program said, is
# counted, and the batch goes on behind it. A finding is run again with `BUILD/tests/fuzz/fuzz_NAME FILE`.
# Closes with a table and `N passed, N failed`, one a target.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

# Shares by what an input costs: parsers in memory are cheap, an HDF5 file has children read it first.
shares='
attrs 6
film 2
folder 20
hdf5 3
isaac 20
mjcf 70
onnx 200
policy 90
run 100
safetensors 190
teleop 1
text 260
yaml 60
'
# Inputs of a batch. HDF5 forgets memory of its own with each file that it gives up on.
batch() { case $1 in hdf5) echo 200 ;; film | folder | isaac | teleop | attrs | run) echo 1000 ;; *) echo 5000 ;; esac }

if [ "${1-}" = --batch ]; then
  build=$2 seed=$3 name=$4 from=$5 to=$6
  program=$build/tests/fuzz/fuzz_$name corpus=tests/fuzz/corpus/$name
  state=$build/fuzz/$seed/$name.$from findings=$build/fuzz/findings
  next=$(awk '{print $1}' "$state" 2>/dev/null)
  log=$(mktemp) && trap 'rm -f "$log" "$log.state"' EXIT

  # run FROM TO STATE: those mutants; the program's own .crash file is not needed, since the mutant can be made again.
  run() { timeout -k 10 36000 "$program" --range "$seed" "$1" "$2" "$3" "$corpus" >"$log" 2>&1 </dev/null; }
  keep() {
    "$program" --write "$seed" "$1" "$findings/$name.$seed.$1" "$corpus"
    cp "$log" "$findings/$name.$seed.$1.log"
    rm -f "$program.crash"
  }
  # What leaks is only told when the program ends: halves of the batch, until it is one mutant.
  find_leaks() {
    run "$1" "$2" "$log.state" && return
    if [ $(($2 - $1)) -le 1 ]; then keep "$1" && return; fi
    find_leaks "$1" $((($1 + $2) / 2))
    find_leaks $((($1 + $2) / 2)) "$2"
  }

  start=${next:-$from}
  while [ "$start" -lt "$to" ]; do
    run "$start" "$to" "$state" && exit 0
    next=$(awk '{print $1}' "$state" 2>/dev/null)
    if [ -z "$next" ]; then cat "$log" >&2 && exit 1; fi
    if [ "$next" -ge "$to" ]; then find_leaks "$start" "$to" && exit 0; fi
    keep "$next"
    if [ "$next" -gt "$start" ]; then find_leaks "$start" "$next"; fi # nothing was said of those before it
    start=$((next + 1))
    printf '%18d %10.3f %8d\n' "$start" 0 0 >"$state"
  done
  exit 0
fi

build=${1:?usage: tests/fuzz/long.sh BUILD INPUTS [SEED]} inputs=${2:?} seed=${3:-1}
folder=$build/fuzz/$seed
mkdir -p "$folder" "$build/fuzz/findings" || exit 1
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$PWD/tests/lsan.supp:print_suppressions=0} LOOM_QUICK=1
# Who allocated what is told when a finding is run again.
export ASAN_OPTIONS=${ASAN_OPTIONS:-malloc_context_size=2}
sum=$(awk '{n += $2} END {print n}' <<<"$shares")

# Batches of all targets side by side, so that the rate is even: sorted by how far into its target each lies.
plan=$(while read -r name share; do
  [ -n "$name" ] || continue
  total=$((inputs * share / sum)) size=$(batch "$name")
  for ((from = 0; from < total; from += size)); do
    to=$((from + size < total ? from + size : total))
    printf '%d %s %d %d\n' $((from * 1000000 / total)) "$name" "$from" "$to"
  done
done <<<"$shares" | sort -n -s | cut -d ' ' -f 2-)
planned=$(awk '{n += $3 - $2} END {print n + 0}' <<<"$plan")

# Each batch's state: inputs run, CPU seconds of the longest, most memory; summed up over a target's, or all.
sum_up() {
  local file
  for file in "$folder/"${1:-*}.*; do [ -s "$file" ] && echo "${file##*.} $(cat "$file")"; done |
    awk '{ n += $2 - $1; if ($3 > s) s = $3; if ($4 > m) m = $4 } END { printf "%d %.1f %d\n", n, s, m }'
}
count_done() { sum_up "$@" | cut -d ' ' -f 1; }
count_findings() { find "$build/fuzz/findings" -name "${1:-*}.$seed.*" ! -name '*.log' | wc -l; }

progress() {
  local first now start=$SECONDS rate
  first=$(count_done)
  while sleep "${LOOM_FUZZ_TELL:-20}"; do
    now=$(count_done)
    rate=$(((now - first) / (SECONDS - start + 1)))
    printf '%d of %d inputs, %d a second, %s left, %d findings\n' "$now" "$planned" "$rate" \
      "$([ "$rate" -gt 0 ] && echo "$(((planned - now) / rate / 60)) min" || echo '?')" "$(count_findings)"
  done
}
progress &
teller=$! && trap 'kill $teller 2>/dev/null' EXIT
xargs -P "${LOOM_TEST_JOBS:-2}" -L 1 "$0" --batch "$build" "$seed" <<<"$plan"

passed=0 failed=0
printf '%-14s %10s %9s %14s %9s\n' target inputs findings 'longest (s)' 'peak (MB)'
while read -r name share; do
  [ -n "$name" ] || continue
  read -r ran longest peak < <(sum_up "$name")
  found=$(count_findings "$name")
  printf '%-14s %10d %9d %14s %9s\n' "$name" "$ran" "$found" "$longest" "$peak"
  if [ "$found" -gt 0 ] || [ "$ran" -lt $((inputs * share / sum)) ]; then failed=$((failed + 1)); else passed=$((passed + 1)); fi
done <<<"$shares"
printf '\n%d inputs of %d, %d findings (in %s)\n%d passed, %d failed\n' "$(count_done)" "$planned" "$(count_findings)" \
  "$build/fuzz/findings" $passed $failed
[ $failed -eq 0 ]
