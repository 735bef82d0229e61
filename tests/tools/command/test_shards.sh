#!/usr/bin/env bash
# Demos lie in shards of their own until a dataset is put together. One that is damaged or gone by then is made again by
# --resume, and the dataset is the same; and a disk on which one read fails is told by every command, without a crash.
set -u
. tests/tools/check.sh
here=$PWD/tests/tools/command
export DEMOLOOM_SCENES=$PWD/tests/own
own=$PWD/tests/own
cd "$work" || exit 1
check 'record' "$loom" record "$own" -n 2 --seed 77 -o source.hdf5
expect 'its models are of the sizes drawn' 1 '2 succeed.*largest state error [0-9.]*e-0[67]' "$loom" verify source.hdf5 --task "$own"
check 'a run goes through' "$loom" generate "$own" --source source.hdf5 -n 4 --seed 3 -t 2 -o whole.hdf5

# All demos are made, and there is no room for the dataset.
kib=$(($(stat -c %s whole.hdf5) / 2 / 1024))
begin() {
  (trap '' XFSZ && ulimit -f $kib && exec "$loom" generate "$own" --source source.hdf5 -n 4 --seed 3 -t 2 -o o.hdf5 --overwrite)
}
first() { find o.hdf5.parts -name 'demo-*.hdf5' | sort | head -n 1; }
flip() { printf 'x' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
half() { truncate -s $(($(stat -c %s "$1") / 2)) "$1"; }
empty() { : >"$1"; }

while read -r name command; do
  expect "$name: no room" 1 'finished demos lie in' begin
  shard=$(first)
  check "$name: a shard" test -n "$shard"
  eval "${command//SHARD/$shard}"
  expect "$name: told, made again" 0 "$shard.*attempt [0-9]+ is made again" \
    "$loom" generate "$own" --source source.hdf5 -n 4 --seed 3 -t 2 -o o.hdf5 --resume
  check "$name: the same dataset" same whole.hdf5 o.hdf5
done <<'ROWS'
a-byte flip SHARD 5000
the-seal flip SHARD $(($(stat -c %s SHARD) - 3))
cut half SHARD
empty empty SHARD
gone rm SHARD
ROWS

# One read of a file fails, the first or a later one.
check 'a disk that fails' ${CC:-cc} -shared -fPIC -O1 -o read_fails.so "$here/read_fails.c" -ldl
reads() { # COMMAND...: how many reads of files it makes
  LD_PRELOAD=$work/read_fails.so READ_FAILS_COUNT=$work/n "$@" >/dev/null 2>&1
  cat n
}
# A status that is no crash, and a word when it is not 0.
survives() { # N COMMAND...
  local n=$1 said status
  shift
  said=$(LD_PRELOAD=$work/read_fails.so READ_FAILS_AT=$n "$@" 2>&1)
  status=$?
  [ $status -eq 0 ] && return 0
  echo "read $n: status $status, said: $said"
  [ $status -lt 124 ] && [ -n "$said" ]
}
check 'split' "$loom" dataset split whole.hdf5
while IFS='|' read -r name output command; do
  rm -rf out.hdf5 out.hdf5.*
  # shellcheck disable=SC2086
  n=$(reads "$loom" $command)
  check "$name: reads files" test "$n" -gt 2
  for at in $((n / 2)) $((n - 9)) $((n - 3)) $((n - 1)) "$n"; do
    [ "$at" -gt 0 ] || continue
    rm -rf out.hdf5 out.hdf5.*
    # shellcheck disable=SC2086
    check "$name: read $at of $n fails" survives "$at" "$loom" $command
    # Nothing is half written.
    if [ -n "$output" ] && [ -e out.hdf5 ]; then
      check "$name: read $at of $n fails: what is there is whole" "$loom" verify out.hdf5 --task "$own"
    fi
  done
done <<ROWS
generate|out.hdf5|generate $own --source source.hdf5 -n 2 --seed 3 -t 1 -o out.hdf5
merge|out.hdf5|dataset merge out.hdf5 whole.hdf5
filter|out.hdf5|dataset filter whole.hdf5 out.hdf5 --min-rows 1
verify||verify whole.hdf5 --task $own --limit 1
ROWS
close_tests
