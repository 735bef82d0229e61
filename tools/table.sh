#!/usr/bin/env bash
# Every scene's success of generation and the quality of what was made, as a Markdown table.
# table.sh PROGRAM FOLDER: what is finished in FOLDER is not run again; what was run with other settings, or by another
# version, is refused.
# ATTEMPTS (200), SEED, RESETS and TASKS (all but variants, whose sources are made first) say what is run; VERIFY (30) how many demos of each are replayed.
set -eu
program=$1
folder=$2
: "${ATTEMPTS:=200}" "${SEED:=1}" "${RESETS:=D0 D1 D2}" "${VERIFY:=30}"
: "${TASKS:=$("$program" scenes --json | sed -n 's/^.*"name":[^"]*"\([^"/]*\)".*/\1/p')}"
mkdir -p "$folder"

# The number behind a key of the program's JSON, the first of that name.
number() { sed -n "s/^[^\"]*\"$1\":[[:space:]]*\([-0-9.e+]*\).*/\1/p" "$2" | head -n 1; }

table=$folder/table-$SEED.md
{
  echo "| task | reset | succeed | of attempts | % | demos an hour | well behaved | deepest contact, mm | joint speed, of limit |"
  echo '|---|---|---|---|---|---|---|---|---|'
} >"$table"
for task in $TASKS; do
  for reset in $RESETS; do
    name=$folder/$task-$reset-$SEED-$ATTEMPTS
    echo "$task $reset, $ATTEMPTS attempts, seed $SEED" >&2
    status=0
    "$program" generate "$task" --reset "$reset" -n "$ATTEMPTS" --attempts "$ATTEMPTS" --seed "$SEED" --resume \
      -o "$name.hdf5" --json >"$name.json.tmp" 2>"$name.log" || status=$?  # 1: fewer demos than attempts
    # A dataset that is complete tells nothing again: its numbers are those of when it was made.
    if [ -s "$name.json.tmp" ]; then
      mv "$name.json.tmp" "$name.json"
      rm -f "$name.verify.json"
    elif [ $status -ne 0 ] || [ ! -s "$name.json" ]; then
      cat "$name.log" >&2
      [ $status -ne 0 ] || echo "$name.json, its report, is not there; remove $name.hdf5 to make both anew" >&2
      exit 1
    fi
    rm -f "$name.json.tmp"
    if [ ! -s "$name.verify.json" ]; then
      # Its exit status tells whether all is well; the table does too.
      "$program" verify --limit "$VERIFY" --json "$name.hdf5" >"$name.verify.json.tmp" 2>>"$name.log" || true
      mv "$name.verify.json.tmp" "$name.verify.json"
    fi
    awk -v task="$task" -v reset="$reset" -v won="$(number successes "$name.json")" \
      -v of="$(number attempts "$name.json")" -v rate="$(number demos_per_hour "$name.json")" \
      -v well="$(number well_behaved "$name.verify.json")" -v seen="$(number demos "$name.verify.json")" \
      -v deep="$(number max_penetration "$name.verify.json")" -v fast="$(number max_joint_speed "$name.verify.json")" \
      'BEGIN { printf "| %s | %s | %d | %d | %.1f | %d | %d of %d | %.1f | %d %% |\n",
               task, reset, won, of, 100 * won / of, rate, well, seen, 1000 * deep, 100 * fast }' >>"$table"
    tail -n 1 "$table"
  done
done
echo "table: $table"
