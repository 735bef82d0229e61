#!/usr/bin/env bash
# `demoloom distill`: a student of a policy's successes with numbers, clouds and DAgger's rounds; the same bytes on any
# number of threads and after Ctrl-C; a recording without states; and what is refused. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export OMP_NUM_THREADS=1
. tests/tools/reach_policy.sh
cat >"$work/student.yaml" <<'END'
data: {files: [{path: none.hdf5}], keys: [object, eef0@world, pointcloud], cloud_dropout: 0.2, cloud_jitter: 0.002, cloud_shift: 0.005}
policy: {kind: bc_l2, layers: [8]}
encoder: {points: [4, 8], features: 4}
train: {epochs: 1, steps: 20, batch: 8, threads: 1}
rollout: {n: 1}
END
distill() { "$loom" distill "$work/reach.safetensors" -n 2 --eval 4 -s 3 -o "$work/$1" --json "${@:2}"; }
clouds() { distill "$1" -c "$work/student.yaml" --cloud 32 --cloud-camera front --rays 16x16 "${@:2}"; }

# ---- a student that sees clouds

check 'a library' ${CC:-cc} -shared -fPIC -O1 -o "$work/ctrl_c.so" tests/tools/command/ctrl_c.c -ldl
check 'clouds' env LD_PRELOAD="$work/ctrl_c.so" CTRL_C_COUNT="$work/n" "$loom" distill "$work/reach.safetensors" -n 2 \
  --eval 4 -s 3 -o "$work/a" --json -c "$work/student.yaml" --cloud 32 --cloud-camera front --rays 16x16 -j 1
cp "$work/said" "$work/a.json"
check 'the result' grep -q '{"teacher":{"n":4,"successes":[0-4],.*"student":{"n":4,"successes":[0-4],.*"demos":{.*"n":2,' "$work/a.json"
check 'both from the same starts' [ "$(wc -l <"$work/a/evaluation.csv")" = 5 ]
check 'the demos have states' "$loom" replay "$work/a/demos.hdf5" --task "$reach"
check 'nothing of the episodes stays but how they went' [ "$(ls "$work/a/episodes")" = block_0.csv ]
stopped() {
  local status=0
  LD_PRELOAD=$work/ctrl_c.so CTRL_C_AT=$1 clouds "$2" -j 2 >"$work/said" 2>&1 || status=$?
  [ $status -eq 1 ] && grep -q 'resume goes on' "$work/said"
}
same_run() { cmp "$work/a/$2" "$work/$1/$2"; }
check 'Ctrl-C at a half' stopped $(($(cat "$work/n") / 2)) int
check 'goes on, on 2 threads' clouds int -j 2 --resume
for file in student.safetensors demos.hdf5 evaluation.csv; do check "$file: the same bytes" same_run int $file; done
check 'it is a policy as any other' "$loom" rollout "$work/a/student.safetensors" -n 1 --max-steps 2 -j 1
check 'and is exported' "$loom" export "$work/a/student.safetensors" -o "$work/student.onnx" --check "$work/student.random" -n 10
check 'to the same decisions' tests/onnx/run.sh "$work/student.onnx" "$work/student.random"

# ---- other ways

# Numbers alone, for what needs no eyes.
sed 's/, pointcloud\].*/]}/' "$work/student.yaml" >"$work/numbers.yaml"
# A teacher with a residual, which says what to do in states that are not its own.
check 'a finetuned teacher' "$loom" finetune "$work/reach.safetensors" -c "$work/reach.yaml" -n 100 --eval 0 -j 1 -o "$work/finetuned"
check 'rounds of DAgger' "$loom" distill "$work/finetuned/best.safetensors" -n 1 --eval 2 -c "$work/student.yaml" --cloud 32 \
  --cloud-camera front --rays 16x16 --rounds 1 --round-episodes 1 -s 3 -j 1 -o "$work/rounds"
drawn() { "$loom" info "$work/rounds/dagger/round_1.hdf5" | grep -q pointcloud; }
check 'whose rows are drawn' drawn

# A recording of what was seen and done, without states: what comes of it has them.
check 'a recording' "$loom" distill --inverse "$work/a/seen.hdf5" --task "$reach" -c "$work/student.yaml" -n 1 -s 3 -j 1 -o "$work/inverse" \
  -d "$work/int/seen.hdf5=0.25"
check 'in fixed shares of each batch, with another dataset' grep -q 'weight: 0.75' "$work/inverse/student/config.yaml"
check 'its demos' "$loom" replay "$work/inverse/demos.hdf5" --task "$reach"

# ---- a policy and its own successes

filtered() { "$loom" finetune "$work/reach.safetensors" -m filtered -d "$work/reach.hdf5" -n "${steps:-100}" --rounds "${rounds:-2}" --tries 2 --eval 4 -c "$work/numbers.yaml" -o "$work/filtered-$1" --json "${@:2}"; }
check 'filtered' filtered a -j 1
cp "$work/said" "$work/filtered.json"
check 'its result' grep -qE '"before":\{"n":4,.*"after":\{"n":4,.*"kept":\[(true|false)\],.*"method":"filtered","demos":[1-9][0-9]*,"steps":1[0-9][0-9],' "$work/filtered.json"
check 'filtered, on 2 threads' filtered b -j 2
for file in best.safetensors demos.hdf5 evaluation.csv; do check "$file: the same bytes" cmp "$work/filtered-a/$file" "$work/filtered-b/$file"; done
check 'done already' filtered a --resume
expect 'filtered, there' 2 'holds a run already' filtered a
expect 'filtered, other settings' 2 "other settings .*'steps: 100' there, 'steps: 99' now" "$loom" finetune "$work/reach.safetensors" \
  -m filtered -d "$work/reach.hdf5" -n 99 --rounds 2 --tries 2 --eval 4 -c "$work/numbers.yaml" -o "$work/filtered-a" --resume
more_rounds() { rounds=3 filtered a --resume; }
expect 'filtered, other rounds' 2 "other settings .*'rounds: 2' there, 'rounds: 3' now" more_rounds
check 'the second round has demos of its own' test -s "$work/filtered-a/demos_2.hdf5"
learned_from() { for file in reach.hdf5 "$1/demos.hdf5" "$1/demos_2.hdf5"; do grep -q "$work/$file" "$work/$1/student_2/config.yaml" || return 1; done; }
check 'and learns from all' learned_from filtered-a
# again N: of the episodes, in their order, a start that has succeeded is not tried again, one that failed up to N times in all,
# and one was.
again() {
  awk -F, -v most="$1" 'FNR > 1 { if (won[$2] || ++tries[$2] > most) bad = 1; if (tries[$2] > 1) more = 1; won[$2] = $4 }
    END { exit bad || !more }' "$work/filtered-c/episodes"/block_[0-9].csv
}
longer() { steps=1200 rounds=1 filtered c; }
check 'one round, two tries of a start' longer
check 'each until it succeeds' again 2
expect 'rounds without it' 2 'are of --method filtered' "$loom" finetune "$work/reach.safetensors" --rounds 2 -o "$work/x"
expect 'filtered by a reward' 2 'nothing else' filtered x --reward none.yaml
expect 'filtered from scratch' 2 'which policy|policy' "$loom" finetune --scratch -t tests/own/task.yaml -m filtered -o "$work/x"

# ---- what is refused

expect 'nobody' 2 'who teaches' "$loom" distill -o "$work/x"
expect 'no folder' 2 'takes -o' "$loom" distill "$work/reach.safetensors"
expect 'no such teacher' 1 'none.safetensors' "$loom" distill none.safetensors -o "$work/x"
expect 'a recording of no task' 2 'takes --task' "$loom" distill --inverse "$work/reach.hdf5" -o "$work/x"
expect 'a recording with eyes to be given' 2 'has been seen already' "$loom" distill --inverse "$work/reach.hdf5" -t own --cloud 8 -o "$work/x"
expect 'no share' 2 "is no number above 0" distill x -d "$work/reach.hdf5=half"
expect 'shares of rounds' 2 'do not go with --rounds' distill x --rounds 1 -d "$work/reach.hdf5=0.5"
expect 'all of a batch' 2 'leaves nothing' distill shares -c "$work/numbers.yaml" -d "$work/reach.hdf5=1" -j 1
expect 'a run there' 2 'holds a run already' distill a
expect 'other settings' 2 "other settings .*'seed: 3' there, 'seed: 4' now" "$loom" distill "$work/reach.safetensors" -n 2 --eval 4 -s 4 -o "$work/a" -c "$work/student.yaml" --cloud 32 --cloud-camera front --rays 16x16 --resume
expect 'a share without the others' 1 'all files have a weight' "$loom" train -d "$work/reach.hdf5=0.5" -d "$work/driven.hdf5" \
  -p bc_l2 --rollouts 0 -o "$work/x"
check 'nothing was begun' test ! -e "$work/x"

close_tests
