#!/usr/bin/env bash
# A killed, interrupted or torn generation comes to the same dataset, byte for byte, as one that ran through.
# Closes with `N passed, N failed`.
set -u
cd "$(dirname "$0")/../.." || exit 1
program=$PWD/build/demoloom
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() { # NAME COMMAND...
  local name=$1
  shift
  if ("$@") >"$work/out" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAIL %s\n' "$name"
    tail -n 5 "$work/out"
  fi
}

same() { cmp "$work/whole.hdf5" "$1"; }
generate() { # THREADS OUT OPTIONS...
  local threads=$1 out=$2
  shift 2
  exec "$program" generate handover -n 4 --seed 3 --threads "$threads" --failed "$out.failed" -o "$out" "$@"
}
exits() { # STATUS COMMAND...
  local wanted=$1 status=0
  shift
  ("$@") || status=$?
  [ "$status" -eq "$wanted" ] || { echo "exit status $status, not $wanted"; return 1; }
}

check 'a run goes through' generate 1 "$work/whole.hdf5"
cp "$work/whole.hdf5.failed" "$work/whole.failed"

# Killed at several moments, resumed on another number of threads. A kill may come before the folder is there
# or after the dataset is finished: resuming covers both.
for moment in 0.4 1.2 2.5 4; do
  out=$work/kill-$moment.hdf5
  generate 2 "$out" >/dev/null 2>&1 &
  sleep "$moment"
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
  check "resumes after kill -9 at $moment s" generate 3 "$out" --resume
  check "the dataset is the same after kill -9 at $moment s" same "$out"
  check "so are the failed attempts" cmp "$work/whole.failed" "$out.failed"
  check "nothing is left behind" test ! -e "$out.parts" -a ! -e "$out.tmp"
done

# Killed again and again, for as long as it takes.
out=$work/often.hdf5
for _ in $(seq 40); do
  generate 2 "$out" --resume >/dev/null 2>&1 &
  sleep 1
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
  [ -e "$out" ] && break
done
check 'killed every second it still comes to an end' generate 2 "$out" --resume
check 'and to the same dataset' same "$out"

# Ctrl-C: a valid file with what there is, exit status 1, and resuming completes it.
out=$work/interrupted.hdf5
generate 2 "$out" >/dev/null 2>&1 &
sleep 2.5
kill -INT $! 2>/dev/null
wait $!
status=$?
check 'Ctrl-C gives exit status 1 (or the run was done)' test $status -eq 1 -o $status -eq 0
if [ -e "$out" ]; then check 'what Ctrl-C leaves can be read' "$program" info "$out"; fi
check 'it resumes' generate 1 "$out" --resume
check 'to the same dataset' same "$out"

# A torn last journal entry is dropped and its attempt run again.
out=$work/torn.hdf5
generate 2 "$out" >/dev/null 2>&1 &
sleep 3
kill -9 $! 2>/dev/null
wait $! 2>/dev/null
if [ -e "$out.parts/journal.bin" ]; then printf 'torn entry' >>"$out.parts/journal.bin"; fi
check 'resumes with a torn journal' generate 2 "$out" --resume
check 'to the same dataset' same "$out"

# What may not be mixed up.
generate 1 "$work/locked.hdf5" >/dev/null 2>&1 &
sleep 1
check 'two runs do not work on one output' exits 2 generate 1 "$work/locked.hdf5" --resume
kill -9 $! 2>/dev/null
wait $! 2>/dev/null
check 'a finished run is told so' generate 2 "$work/whole.hdf5" --resume
check 'an output that is there is not overwritten' exits 2 generate 2 "$work/whole.hdf5"
out=$work/other.hdf5
generate 1 "$out" >/dev/null 2>&1 &
sleep 1.5
kill -9 $! 2>/dev/null
wait $! 2>/dev/null
check 'another seed is refused' exits 2 "$program" generate handover -n 4 --seed 4 -o "$out" --resume
check '--overwrite starts anew' generate 2 "$out" --overwrite
check 'to the same dataset' same "$out"

# Any number of threads, twice.
for threads in 2 3 8; do
  check "$threads threads" generate "$threads" "$work/threads.hdf5" --overwrite
  check "$threads threads make the same bytes" same "$work/threads.hdf5"
done
check 'once more' generate 2 "$work/threads.hdf5" --overwrite
check 'the same bytes' same "$work/threads.hdf5"

printf '%d passed, %d failed\n' $passed $failed
[ $failed -eq 0 ]
