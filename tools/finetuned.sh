#!/usr/bin/env bash
# Every task's policy of generated demos, before and after it is finetuned on a wider reset distribution, as a Markdown table.
# finetuned.sh PROGRAM FOLDER: what is finished in FOLDER is not run again, what was broken off goes on; what was run with other
# settings is refused by the commands themselves.
# TASKS (all but variants), DEMOS (300 of the first distribution), STEPS (400000 of finetuning), RESET (D2: where it is
# finetuned), N (300 unseen starts a figure) and SEED say what is run.
set -eu
program=$1
folder=$2
: "${DEMOS:=300}" "${STEPS:=400000}" "${RESET:=D2}" "${N:=300}" "${SEED:=1}"
: "${TASKS:=$("$program" scenes --json | sed -n 's/^.*"name":[^"]*"\([^"/]*\)".*/\1/p')}"
# shellcheck source=tools/stage.sh
. "$(dirname "$0")/stage.sh"
mkdir -p "$folder"

# A breach of limits costs and the episode goes on, rates fall to 0, and it goes back to where it failed (policies/README.md, "A
# policy that often succeeds").
cat >"$folder/finetune.yaml" <<'YAML'
finetune: {evaluate: 100, evaluate_every: 100000}
residual: {limits: false, margin: 0.03}
td3: {anneal: true}
starts: {failures: 0.25}
YAML
cat >"$folder/reward.yaml" <<'YAML'
- {term: success}
- {term: breach, weight: -0.3}
YAML

# Successes, and those within limits, of both policies of a rollout, and on which starts only one of them succeeds.
compare() {
  awk '
    /"number":/ { start = $2 + 0 }
    /"end":/ { won[policy + 0, start] = /"success"/ }
    /"successes":/ { wins[policy + 0] = $2 + 0 }
    /"successes_within_limits":/ { within[policy + 0] = $2 + 0 }
    /"n":/ { n = $2 + 0 }
    /"seconds":/ { policy++ }
    END {
      for (i = 0; i < n; i++) {
        gained += won[1, i] && !won[0, i]
        lost += won[0, i] && !won[1, i]
      }
      printf "%.1f (%.1f) | %.1f (%.1f) | %d, %d |", 100 * wins[0] / n, 100 * within[0] / n, 100 * wins[1] / n,
             100 * within[1] / n, gained, lost
    }' "$1"
}

table=$folder/finetuned-$RESET-$SEED.md
{
  echo "Success of $N unseen starts, that within limits in parentheses, %; starts that only the policy after or before succeeds from."
  echo
  echo "| task | D0 before | after | gained, lost | $RESET before | after | gained, lost | core seconds |"
  echo '|---|---|---|---|---|---|---|---|'
} >"$table"
for task in $TASKS; do
  at=$folder/$task
  log=$at/log
  mkdir -p "$at"
  echo "$task: $DEMOS demos, a policy, $STEPS steps on $RESET" >&2
  demos=$at/demos-$SEED-$DEMOS.hdf5
  base=$at/base-$SEED-$DEMOS
  tuned=$base-$RESET-$STEPS
  stage "$demos.json" "$program" generate "$task" -n "$DEMOS" --seed "$SEED" --resume -o "$demos" --json
  stage "$base.json" "$program" train --data "$demos" -p diffusion_mlp --rollouts 0 --seed "$SEED" --resume -o "$base" --json
  stage "$tuned.json" "$program" finetune "$base/last.safetensors" --task "$task" --reset "$RESET" --data "$demos" \
    -c "$folder/finetune.yaml" --reward "$folder/reward.yaml" --steps "$STEPS" --seed "$SEED" --resume -o "$tuned" --json
  for reset in D0 "$RESET"; do
    stage "$tuned-on-$reset.json" "$program" rollout "$base/last.safetensors" "$tuned/best.safetensors" --task "$task" \
      --reset "$reset" -n "$N" --seed $((SEED + 1)) --json
  done
  seconds=$(sed -n 's/.*"core_seconds":\([0-9.]*\).*/\1/p' "$tuned.json")
  printf '| %s | %s %s %.0f |\n' "$task" "$(compare "$tuned-on-D0.json")" "$(compare "$tuned-on-$RESET.json")" "$seconds" >>"$table"
  tail -n 1 "$table"
done
echo "table: $table"
