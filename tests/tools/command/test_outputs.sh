#!/usr/bin/env bash
# Whoever writes a file asks first: each writer against what may stand in its place. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export DEMOLOOM_SCENES=$work/scenes OMP_NUM_THREADS=1
mkdir -p "$work/scenes/own" && cp -r tests/own/robots "$work/scenes/" && cp tests/own/{task.yaml,scene.xml} "$work/scenes/own/"
unset HDF5_USE_FILE_LOCKING

base=$work/base.hdf5 gen=$work/gen.hdf5
"$loom" record own -n 3 --seed 1 -o "$base" >/dev/null 2>&1
"$loom" generate own --source "$base" -n 2 -t 1 -o "$gen" >/dev/null 2>&1
printf '{"arm": 0, "move": [0, 0, 0.002]}\n{"do": "save", "anyhow": true}\n{"do": "quit"}\n' >"$work/lines"

# Another program that has a file open for writing, with no lock of HDF5's: any writer counts.
opened() { # FILE COMMAND...
  local file=$1
  shift
  exec 7>>"$file"
  "$@" 7>&-
  local status=$?
  exec 7>&-
  return $status
}
small_disk() (
  trap '' XFSZ
  ulimit -f 8
  "$@"
)

# writer NAME COMMAND...: O in it is its output. What is there already is a dataset, whole and of use.
writer() {
  local name=$1 out=$work/out/o.hdf5
  shift
  local run=("${@/#O/$out}")
  rm -rf "$work/out" && mkdir "$work/out" && cp "$base" "$out"
  expect "$name: exists" 2 'is there already|exists; use' "${run[@]}"
  check "$name: and stays" cmp -s "$base" "$out"
  expect "$name: is open elsewhere" 2 'open for writing' opened "$out" "${run[@]}" --overwrite
  check "$name: and is not replaced" cmp -s "$base" "$out"
  chmod a-w "$out"
  expect "$name: write-protected" 1 'write-protected' "${run[@]}" --overwrite
  check "$name: and is kept" cmp -s "$base" "$out"
  chmod u+w "$out"
  expect "$name: no room" 1 'cannot be written' small_disk "${run[@]}" --overwrite
  check "$name: keeps what was there" cmp -s "$base" "$out"
  expect "$name: no folder" 1 'cannot be written' "${@/#O//proc/none/o.hdf5}"
  rm -f "$out" && mkdir "$out"
  expect "$name: a folder" 1 'a folder of that name' "${run[@]}" --overwrite
  rmdir "$out" && ln -s nowhere "$out"
  expect "$name: a link to nowhere" 1 'leads nowhere' "${run[@]}"
  rm -f "$out" && cp "$base" "$work/out/real" && ln -s real "$out"
  expect "$name: replaced" 0 '' "${run[@]}" --overwrite
  check "$name: where the link leads" test -L "$out" -a -s "$work/out/real"
  check "$name: by something else" differ "$base" "$work/out/real"
  expect "$name: leaves nothing else" 0 '^o.hdf5 real $' eval "ls '$work/out' | tr '\n' ' '"
}

writer merge "$loom" dataset merge O "$base" "$base"
writer filter "$loom" dataset filter "$base" O --min-rows 1 --demos demo_0,demo_1
writer strip "$loom" dataset strip "$gen" O
writer record "$loom" record own -n 1 --seed 5 -o O
writer replay "$loom" replay "$gen" --task own -o O
writer segment "$loom" segment "$gen" --task own --export O
writer generate "$loom" generate own --source "$base" -n 1 -t 1 -o O

# What is read is never written over.
cp "$base" "$work/in.hdf5" && ln -sf in.hdf5 "$work/link.hdf5"
for command in "dataset merge X $base X" 'dataset filter X X' 'dataset strip X X' 'replay X --task own -o X' \
  'segment X --task own --export X' 'generate own --source X -n 1 -o X'; do
  for name in in link; do
    # shellcheck disable=SC2086
    expect "${command%% X*}: onto what is read" 2 'source itself' "$loom" ${command//X/$work/$name.hdf5} --overwrite
  done
done
check 'what is read is as it was' cmp "$base" "$work/in.hdf5"

# In place: masks and demos.
masks() { "$loom" info "$1" | sed -n 's/^mask \([a-z]*\) .*/\1/p' | tr '\n' ' '; }
add() { "$loom" teleop own --input "$work/lines" --echo -o "$1"; }
cp "$gen" "$work/a.hdf5"
"$loom" dataset split "$work/a.hdf5" >/dev/null 2>&1
cp "$work/a.hdf5" "$work/split.hdf5"
for change in "$loom dataset split" add; do
  for state in open protected full; do
    cp "$work/split.hdf5" "$work/a.hdf5"
    case $state in
      # shellcheck disable=SC2086
      open) expect "$change: open elsewhere" 2 'open for writing' opened "$work/a.hdf5" $change "$work/a.hdf5" ;;
      # shellcheck disable=SC2086
      protected) chmod a-w "$work/a.hdf5" && expect "$change: protected" 1 'write-protected' $change "$work/a.hdf5" ;;
      # shellcheck disable=SC2086
      full) expect "$change: no room" 1 'cannot be (copied|written)' small_disk $change "$work/a.hdf5" ;;
    esac
    chmod u+w "$work/a.hdf5"
    check "$change, $state: as it was" cmp "$work/split.hdf5" "$work/a.hdf5"
    rm -f "$work"/a.hdf5.demo
  done
done
expect 'a demo is added' 0 'as demo_2' add "$work/a.hdf5"
expect 'all masks stay' 0 '^train valid $' masks "$work/a.hdf5"
expect 'and it can be read' 0 '3 demos' "$loom" info "$work/a.hdf5"
expect 'it is no longer what a run made' 2 'does not say' \
  "$loom" generate own --source "$base" -n 2 -t 1 -o "$work/a.hdf5" --resume
{ cat "$work/scenes/own/task.yaml" && echo 'control_freq: 40'; } >"$work/scenes/own/fast.yaml"
cp "$work/split.hdf5" "$work/a.hdf5"
expect 'another rate is refused before anything is driven' 2 'another environment.*control_freq' \
  "$loom" teleop "$work/scenes/own/fast.yaml" --input "$work/lines" --echo -o "$work/a.hdf5"

# A finished file is known by all settings of the run that made it.
done=("$loom" generate own --source "$base" -t 1 -o "$gen" --resume)
cp "$gen" "$work/before.hdf5"
expect 'the same run' 0 'complete already' "${done[@]}" -n 2
refused() { # NAME PATTERN OPTIONS...
  local name=$1 pattern=$2
  shift 2
  expect "another $name" 2 "other settings .*$pattern" "${done[@]}" "$@"
  check "another $name: untouched" cmp "$work/before.hdf5" "$gen"
}
refused reset reset -n 2 --reset D1
refused noise noise_scale -n 2 --noise 5
refused seed seed -n 2 --seed 9
refused number successes -n 3
refused limit 'successes|attempts' --attempts 500
refused gzip gzip -n 2 --gzip 5
refused choice select_scheme_limits -n 2 --select random
"$loom" record own -n 3 --seed 8 -o "$work/other.hdf5" >/dev/null 2>&1
refused source source_demos -n 2 --source "$work/other.hdf5"
expect 'a copy is not what a run made' 2 'does not say' eval \
  "'$loom' dataset strip '$gen' '$work/copy.hdf5' >/dev/null 2>&1; '$loom' generate own --source '$base' -n 2 -t 1 -o '$work/copy.hdf5' --resume"
expect 'record: the same run' 0 'complete already' "$loom" record own -n 3 --seed 1 -o "$base" --resume
expect 'record: another seed' 2 'other settings .*seed' "$loom" record own -n 3 --seed 2 -o "$base" --resume
expect 'record: another number' 2 'other settings .*successes' "$loom" record own -n 4 --seed 1 -o "$base" --resume

# Interrupted: it is told, and it goes on to the same bytes.
many=(own -n 12 --seed 4 -o "$work/many.hdf5")
"$loom" record own -n 12 --seed 4 -o "$work/whole.hdf5" >/dev/null 2>&1
"$loom" record "${many[@]}" >/dev/null 2>"$work/errors" &
await $! test -e "$work/many.hdf5.parts/demo-00000001.hdf5"
expect 'two runs, one output' 2 'another run is at work' "$loom" record "${many[@]}" --overwrite
kill -INT $! 2>/dev/null
wait $!
check 'Ctrl-C: exit status' test $? -eq 1
check 'Ctrl-C: told, and how to go on' says "$work/errors" 'interrupted after .*--resume goes on'
check 'it goes on' "$loom" record "${many[@]}" --resume
check 'to the same' cmp "$work/whole.hdf5" "$work/many.hdf5"

# A folder of a run: refused, locked, and overwritten without harm to what else is in it.
train=("$loom" train --data "$gen" -p bc_l2 --rollouts 0 --epochs 1 --steps 2 --batch 4 --hidden 8 -o "$work/runs")
check 'train' "${train[@]}"
touch "$work/runs/mine"
cp "$work/runs/last.safetensors" "$work/last"
cp "$work/last" "$work/runs/last.safetensors.copy"
expect 'train: exists' 2 'holds a run already' "${train[@]}" --seed 2
check 'train: and stays' cmp "$work/last" "$work/runs/last.safetensors"
check 'train: replaced' "${train[@]}" --seed 2 --overwrite
check 'train: by another' differ "$work/last" "$work/runs/last.safetensors"
check 'train: other files stay' test -e "$work/runs/mine"
cp "$work/runs/config.yaml" "$work/config.yaml"
expect 'train: onto its configuration' 2 'that is what is read' "$loom" train "$work/config.yaml" -o "$work"
check 'train: which stays' cmp "$work/runs/config.yaml" "$work/config.yaml"

expect 'rollout: onto its policy' 2 'source itself' "$loom" rollout "$work/last" --task own -n 1 -o "$work/last" --overwrite
check 'rollout: which stays' cmp "$work/last" "$work/runs/last.safetensors.copy" # a name like the run's own, and kept
close_tests
