#!/usr/bin/env bash
# What policies learn from generated demos, as a Markdown table: success of unseen starts, task by task, beside that of policies
# of the source demos alone and beside DexMimicGen's.
# policies.sh PROGRAM FOLDER: what is finished in FOLDER is not run again, what was broken off goes on. Names in FOLDER say all
# that a run hangs on, so other settings make other files.
# TASKS (all but variants), RESETS (D0 D1 D2: demos are made where policies are tested), DEMOS (1000), SEEDS ("1 2 3": a policy
# each in D0, the first alone elsewhere), N (100 episodes of each policy; 200 where there is one), KINDS (diffusion_mlp),
# SEES (poses; also images, clouds), SOURCES (1: a policy of the source demos too, in D0), TRAIN (further options of training),
# JOBS (threads; 0 = as many as cores) and SEED (of demos) say what is run.
set -eu
program=$1
folder=$2
: "${RESETS:=D0 D1 D2}" "${DEMOS:=1000}" "${SEEDS:=1 2 3}" "${N:=100}" "${KINDS:=diffusion_mlp}" "${SEES:=poses}" "${SOURCES:=1}"
: "${TRAIN:=}" "${JOBS:=0}" "${SEED:=1}"
: "${TASKS:=$("$program" scenes --json | sed -n 's/^.*"name":[^"]*"\([^"/]*\)".*/\1/p')}"
# shellcheck source=tools/stage.sh
. "$(dirname "$0")/stage.sh"
mkdir -p "$folder"
read -r -a train_options <<<"$TRAIN"
variant=$(printf '%s' "$TRAIN" | tr -c 'a-zA-Z0-9._-' -)

# DexMimicGen's best figures (Jiang et al., 2024, arXiv 2410.24185) on like tasks of its own, %.
published() {
  case $1 in
    coffee) echo 84.7 ;; threading) echo 69.3 ;; tray) echo 88.7 ;; drawer) echo 80.0 ;; pouring) echo 79.3 ;;
    box) echo 94.7 ;; transport) echo 83.3 ;; assembly) echo 80.7 ;; sorting) echo 97.3 ;; *) echo '' ;;
  esac
}

# What a policy is to see: "look DEMOS" makes $seen, the dataset that has it; $keys is the options that name it.
look() {
  seen=${1%.hdf5}-$sees.hdf5 keys=()
  case $sees in
    poses) seen=$1 ;;
    images) stage "$seen.json" "$program" render "$1" -j "$JOBS" --resume --obs "$seen" --json ;;
    clouds) stage "$seen.json" "$program" render "$1" -j "$JOBS" --cloud 256 --rays 64x64 --resume --obs "$seen" --json ;;
    *) echo "SEES: $sees is none of poses, images, clouds" >&2 && exit 2 ;;
  esac
  if [ "$sees" != poses ]; then
    for key in $("$program" info "$seen" | sed -n 's|^ *obs/\([a-z_0-9]*\) .*|\1|p'); do
      case $key in *_eef_pos | *_eef_quat | *_gripper_qpos | *_image | pointcloud) keys+=(-k "$key") ;; esac
    done
  fi
}

# tested NAME DATA SEED: a policy of that, and its $n episodes, told in NAME-$n.json.
tested() {
  stage "$1.trained.json" "$program" train --data "$2" -p "$kind" "${keys[@]}" "${train_options[@]}" --rollouts 0 --seed "$3" \
    -j "$JOBS" --resume -o "$1" --json
  stage "$1-$n.json" "$program" rollout "$1/last.safetensors" --task "$task" --reset "$reset" -n "$n" --seed $((SEED + 1000)) -j "$JOBS" --json
}

# Successes of files of results, and Wilson's interval of their share.
line() {
  awk '
    /"successes":/ { wins += $2; each = each sep $2 + 0; sep = " " }
    /"successes_within_limits":/ { within += $2 }
    /"n":/ { n += $2 }
    END {
      z = 1.959964; p = wins / n; d = 1 + z * z / n; m = (p + z * z / (2 * n)) / d
      h = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
      printf "%d | %.1f | %.1f to %.1f | %.1f | %s |", n, 100 * p, 100 * (m - h), 100 * (m + h), 100 * within / n, each
    }' "$@"
}

table=$folder/policies-$SEED.md
{
  echo "Success of unseen starts, %: policies of $DEMOS generated demos.${TRAIN:+ Training: $TRAIN.}"
  echo
  echo "| task | reset | policy | sees | episodes | success | 95 % interval | within limits | successes of each seed | source demos alone | DexMimicGen |"
  echo '|---|---|---|---|---|---|---|---|---|---|---|'
} >"$table"
for task in $TASKS; do
  at=$folder/$task
  log=$at/log
  mkdir -p "$at"
  for reset in $RESETS; do
    demos=$at/demos-$reset-$SEED-$DEMOS.hdf5
    stage "$demos.json" "$program" generate "$task" --reset "$reset" -n "$DEMOS" --seed "$SEED" -j "$JOBS" --resume -o "$demos" --json
    for sees in $SEES; do
      look "$demos"
      for kind in $KINDS; do
        files=() n=$((2 * N)) seeds=${SEEDS%% *}
        [ "$reset" != D0 ] || [ "$seeds" = "$SEEDS" ] || n=$N seeds=$SEEDS
        for seed in $seeds; do
          name=$at/$kind-$sees-$reset-$SEED-$DEMOS$variant-$seed
          tested "$name" "$seen" "$seed"
          files+=("$name-$n.json")
        done
        alone=
        if [ "$SOURCES" = 1 ] && [ "$reset" = D0 ] && [ "$sees" = poses ]; then
          sources=$at/sources.hdf5 name=$at/$kind-sources-$SEED$variant-${SEEDS%% *}
          stage "$sources.json" "$program" replay "$task" -o "$sources" --overwrite --json
          tested "$name" "$sources" "${SEEDS%% *}"
          alone=$(awk '/"successes":/ { wins = $2 } /"n":/ { n = $2 } END { printf "%.1f", 100 * wins / n }' "$name-$n.json")
        fi
        echo "| $task | $reset | $kind | $sees | $(line "${files[@]}") $alone | $(published "$task") |" >>"$table"
        tail -n 1 "$table"
      done
    done
  done
done
echo "table: $table"
