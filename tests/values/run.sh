#!/usr/bin/env bash
# The numbers that the program makes are the ones it made when tests/values/values.txt was recorded: hashes of
# every array of generated datasets, of trained weights and of DAgger's rounds.
#   tests/values/run.sh [--record] [PROGRAM]
# Floating-point results depend on the processor (MuJoCo, OpenBLAS and the C library choose their code by it), so
# the recording names its own and another one is told, not compared. Closes with `N passed, N failed`.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
record=no
if [ "${1-}" = --record ]; then record=yes && shift; fi
program=$(realpath "${1:-build/demoloom}")
hashes=$(realpath "${HASH_VALUES:-$(dirname "$program")/tests/values/hash_values}")
recorded=$PWD/tests/values/values.txt
export DEMOLOOM_SCENES=${DEMOLOOM_SCENES:-$PWD/scenes}
out=$(mktemp -d) && trap 'rm -rf "$out"' EXIT

processor() {
  sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort -u | tr '\n' ' '
  grep -m1 '^flags' /proc/cpuinfo | tr ' ' '\n' | grep -xE 'avx2|fma|avx512f|avx512vl' | sort | tr '\n' ' '
  echo "OPENBLAS_CORETYPE=${OPENBLAS_CORETYPE-}"
}

if [ $record = no ] && [ "$(head -n 1 "$recorded")" != "# $(processor)" ]; then
  echo "recorded on another processor: $(head -n 1 "$recorded")"
  echo '0 passed, 0 failed, 1 skipped'
  exit 0
fi

run() { "$program" "$@" >"$out/log" 2>&1 || { cat "$out/log" >&2 && exit 1; }; }

# Three embodiments; next_obs of one.
run generate handover -n 4 --seed 3 --next-obs -t 2 -o "$out/handover.hdf5"
run generate tray -n 3 --seed 3 -t 2 -o "$out/tray.hdf5"
run generate pouring -n 2 --seed 3 -t 2 -o "$out/pouring.hdf5"
run record threading -n 2 --seed 3 -o "$out/threading.hdf5"
run replay handover -o "$out/sources.hdf5"

# Four kinds, 200 steps each.
policies=()
for kind in bc_gaussian bc_rnn_gmm bc_transformer diffusion_mlp; do
  run train --data "$out/handover.hdf5" -p $kind --rollouts 0 --epochs 2 --steps 100 --batch 16 --hidden 32 \
    -j 1 -s 5 -o "$out/$kind"
  policies+=("$kind=$out/$kind/last.safetensors")
done
mkdir "$out/scenes" && ln -s "$PWD/tests/own" "$out/scenes/own" && ln -s "$PWD/tests/own/robots" "$out/scenes/robots"
DEMOLOOM_SCENES=$out/scenes run dagger own --expert scripted --gate mixture --demos 3 --rounds 2 -n 4 --evaluations 4 \
  --steps 100 --max-steps 130 --seed 2 -j 2 -o "$out/dagger"

"$hashes" handover="$out/handover.hdf5" tray="$out/tray.hdf5" pouring="$out/pouring.hdf5" \
  record="$out/threading.hdf5" sources="$out/sources.hdf5" "${policies[@]}" >"$out/values"
for file in "$out"/dagger/*.hdf5 "$out"/dagger/*.safetensors; do
  "$hashes" "dagger/$(basename "${file%.*}")=$file" >>"$out/values"
done
if [ "$(grep -c . "$out/values")" -lt 300 ]; then echo "few arrays: $(grep -c . "$out/values")" && exit 1; fi

if [ $record = yes ]; then
  { echo "# $(processor)" && cat "$out/values"; } >"$recorded"
  echo "recorded $(grep -c . "$out/values") arrays"
  exit 0
fi
failed=$(diff <(tail -n +2 "$recorded") "$out/values" | tee /dev/stderr | grep -c '^[<>]' || true)
echo "$(($(grep -c . "$out/values") - failed / 2)) passed, $(((failed + 1) / 2)) failed"
[ "$failed" -eq 0 ]
