#!/usr/bin/env bash
# A killed, interrupted or torn generation comes to the same dataset, byte for byte, as one that ran through. What
# tests/generators/run/test_crash.c does call by call is done here to the program, from the outside. Most of it on the quick
# task in tests/own. Closes with `N passed, N failed`.
set -u
cd "$(dirname "$0")/../../.." || exit 1
program=$PWD/build/demoloom
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() { # NAME COMMAND...
  local name=$1
  shift
  if ("$@") >"$work/said" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAIL %s\n' "$name"
    tail -n 5 "$work/said"
  fi
}
exits() { # STATUS PATTERN COMMAND...
  local wanted=$1 pattern=$2 status=0 said
  shift 2
  said=$("$@" 2>&1) || status=$?
  [ "$status" -eq "$wanted" ] && grep -qE -- "$pattern" <<<"$said" && return 0
  echo "exit status $status, not $wanted (or not '$pattern'): $said"
  return 1
}

# The quick task: 16 attempts are the first batch, after which the journal has its first entries.
own() { # THREADS OUT OPTIONS...
  local threads=$1 out=$2
  shift 2
  DEMOLOOM_SCENES=tests/own exec "$program" generate tests/own --source "$work/source.hdf5" -n 18 --seed "${seed:-3}" \
    --threads "$threads" -o "$out" "$@"
}
same() { cmp "$work/whole.hdf5" "$1"; }
gone() { [ ! -e "$1.parts" ] && [ ! -e "$1.tmp" ]; }
# In the background until CONDITION holds (or it is done), then SIGNAL; gives its exit status.
until_then() { # CONDITION SIGNAL COMMAND...
  local condition=$1 signal=$2
  shift 2
  "$@" >"$work/cut" 2>&1 &
  while kill -0 $! 2>/dev/null && ! eval "$condition"; do sleep 0.005; done
  kill "-$signal" $! 2>/dev/null
  wait $! 2>/dev/null
}
resumes() { # NAME OUT: and with what was done before it
  check "$1: resumes" own 3 "$2" --resume
  check "$1: the same dataset" same "$2"
  check "$1: nothing is left" gone "$2"
}

DEMOLOOM_SCENES=tests/own "$program" record tests/own -n 3 --seed 77 -o "$work/source.hdf5" >/dev/null 2>&1
check 'a run goes through' own 1 "$work/whole.hdf5"

out=$work/early.hdf5
until_then '[ -e "$out.parts" ]' KILL own 2 "$out"
resumes 'killed as it begins' "$out"
out=$work/shards.hdf5
until_then '[ -e "$out.parts/demo-00000005.hdf5" ]' KILL own 2 "$out"
resumes 'killed in the first batch' "$out"

# From here on there is a journal to go on with: what it holds is not done again.
out=$work/journal.hdf5
until_then '[ -s "$out.parts/journal.bin" ]' KILL own 2 "$out"
check 'the journal holds the first batch' test -s "$out.parts/journal.bin"
printf 'half of an entry' >>"$out.parts/journal.bin"
touch -d '1 hour ago' "$out.parts/demo-00000002.hdf5"
before=$(stat -c %Y "$out.parts/demo-00000002.hdf5")
seed=4 check 'another seed is refused' exits 2 'other settings .*"seed": "3".* there.*"seed": "4".* now' own 2 "$out" --resume
check 'other noise is refused' exits 2 'other settings .*"noise_scale": 1.* there.*"noise_scale": 2.* now' own 2 "$out" --resume --noise 2
cp "$out.parts/journal.bin" "$work/journal.bin"
sed -i '1s/.$/x/' "$out.parts/journal.bin"
check 'a journal of another version is refused' exits 1 'journal of another version; use --overwrite' own 2 "$out" --resume
cp "$work/journal.bin" "$out.parts/journal.bin"
check 'without --resume it is refused' exits 2 'exists; use' own 2 "$out"
until_then '[ -e "$out.parts/demo-00000016.hdf5" ]' KILL own 2 "$out" --resume
check 'shards of the journal are kept' \
  test ! -e "$out.parts" -o "$(stat -c %Y "$out.parts/demo-00000002.hdf5" 2>/dev/null)" = "$before"
resumes 'a torn journal, killed twice' "$out"

out=$work/assemble.hdf5
until_then '[ -e "$out.tmp" ]' KILL own 2 "$out"
resumes 'killed while assembling' "$out"

# Ctrl-C: a valid file with what there is, exit status 1, and resuming completes it.
out=$work/interrupted.hdf5
until_then '[ -e "$out.parts/demo-00000004.hdf5" ]' INT own 2 "$out"
check 'Ctrl-C gives exit status 1' test $? -eq 1
check 'what Ctrl-C leaves can be read' env DEMOLOOM_SCENES=tests/own "$program" info "$out"
check 'its parts are kept' test -s "$out.parts/journal.bin"
check 'it has fewer demos' exits 1 differ same "$out"
resumes 'after Ctrl-C' "$out"

# What may not be mixed up.
out=$work/locked.hdf5
own 1 "$out" >/dev/null 2>&1 &
until [ -e "$out.parts/demo-00000000.hdf5" ] || ! kill -0 $! 2>/dev/null; do sleep 0.005; done
kill -STOP $! # it stays at work, however long the others take
check 'two runs do not work on one output' exits 2 'another run is at work' own 1 "$out" --resume
check 'nor does one overwrite the other' exits 2 'another run is at work' own 1 "$out" --overwrite
kill -CONT $!
wait $!
check 'which does the first no harm' same "$out"
check 'a finished run is told so' exits 0 'complete already' own 2 "$out" --resume
check 'an output that is there is not overwritten' exits 2 'exists; use' own 2 "$out"
seed=4 check 'nor taken for that of another seed' exits 2 'other settings .*"seed": "3".* there' own 2 "$out" --resume
seed=4 check 'another seed gives another dataset' own 2 "$out" --overwrite
check 'it does' exits 1 differ same "$out"

# Any number of threads; two were above.
for threads in 3 8; do
  check "$threads threads" own "$threads" "$work/threads.hdf5" --overwrite
  check "$threads threads make the same bytes" same "$work/threads.hdf5"
done

# The handover from any of its people's demos: half of the attempts fail, and are kept.
handover() { # THREADS OUT OPTIONS...
  local threads=$1 out=$2
  shift 2
  exec "$program" generate handover --select random -n 3 --seed 11 --threads "$threads" --failed "$out.failed" -o "$out" "$@"
}
check 'the handover goes through' handover 1 "$work/hand.hdf5"
out=$work/killed.hdf5
until_then '[ -e "$out.parts/journal.bin" ]' KILL handover 2 "$out"
check 'the killed handover resumes' handover 3 "$out" --resume
check 'to the same dataset' cmp "$work/hand.hdf5" "$out"
check 'and to the same failures' cmp "$work/hand.hdf5.failed" "$out.failed"

printf '%d passed, %d failed\n' $passed $failed
[ $failed -eq 0 ]
