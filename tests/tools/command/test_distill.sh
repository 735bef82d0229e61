#!/usr/bin/env bash
# `demoloom distill`: a student of a policy's successes with numbers, clouds and DAgger's rounds, and finetuning by a
# policy's own successes; the same bytes on any number of threads, after Ctrl-C and after kill -9; a recording without
# states; and what is refused. Closes with `N passed, N failed`.
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

# ---- a student that sees clouds, and a policy of its own successes

. tests/tools/same_bytes.sh
clouds=("$loom" distill "$work/reach.safetensors" -n 2 --eval 4 --json -c "$work/student.yaml" --cloud 32 --cloud-camera front --rays 16x16)
same_bytes clouds 'student.safetensors demos.hdf5 evaluation.csv' "${clouds[@]}" -s 3
check 'the result' grep -q '{"teacher":{"n":4,"successes":[0-4],.*"student":{"n":4,"successes":[0-4],.*"demos":{.*"n":2,' "$work/clouds.said"
check 'both from the same starts' [ "$(wc -l <"$work/clouds-a/evaluation.csv")" = 5 ]
check 'with how rough they are' grep -qx 'start,teacher,student,teacher_within,student_within,teacher_breach,student_breach,teacher_jerk,student_jerk' \
  "$work/clouds-a/evaluation.csv"
check 'the demos have states' "$loom" replay "$work/clouds-a/demos.hdf5" --task "$reach"
check 'nothing of the episodes stays but how they went' [ "$(ls "$work/clouds-a/episodes")" = block_0.csv ]
check 'it is a policy as any other' "$loom" rollout "$work/clouds-a/student.safetensors" -n 1 --max-steps 2 -j 1
check 'and is exported' "$loom" export "$work/clouds-a/student.safetensors" -o "$work/student.onnx" --check "$work/student.random" -n 10
check 'to the same decisions' tests/onnx/run.sh "$work/student.onnx" "$work/student.random"

# Numbers alone, for what needs no eyes.
sed 's/, pointcloud\].*/]}/' "$work/student.yaml" >"$work/numbers.yaml"
filtered=("$loom" finetune "$work/reach.safetensors" -m filtered --tries 2 --eval 4 -s 2 -c "$work/numbers.yaml" --json)
same_bytes filtered 'best.safetensors demos.hdf5 demos_2.hdf5 evaluation.csv' "${filtered[@]}" --rounds 2 -n 100 -d "$work/reach.hdf5"
check 'filtered: its result' grep -qE '"before":\{"n":4,.*"after":\{"n":4,.*"rougher":\[.*"kept":\[(true|false)\],.*"method":"filtered","demos":[1-9][0-9]*,"steps":1[0-9][0-9],' "$work/filtered.said"
check 'filtered: done already' "${filtered[@]}" --rounds 2 -n 100 -d "$work/reach.hdf5" -o "$work/filtered-a" --resume
expect 'filtered: there' 2 'holds a run already' "${filtered[@]}" --rounds 2 -n 100 -d "$work/reach.hdf5" -o "$work/filtered-a"
expect 'filtered: other settings' 2 "other settings .*'steps: 100' there, 'steps: 99' now" "${filtered[@]}" --rounds 2 -n 99 -d "$work/reach.hdf5" -o "$work/filtered-a" --resume
expect 'filtered: other rounds' 2 "other settings .*'rounds: 2' there, 'rounds: 3' now" "${filtered[@]}" --rounds 3 -n 100 -d "$work/reach.hdf5" \
  -o "$work/filtered-a" --resume
learned_from() { for file in reach.hdf5 "$1/demos.hdf5" "$1/demos_2.hdf5"; do grep -q "$work/$file" "$work/$1/student_2/config.yaml" || return 1; done; }
check 'filtered: and learns from all' learned_from filtered-a
# again N: of the episodes, in their order, a start that has succeeded is not tried again, one that failed up to N times in all,
# and one was.
again() {
  awk -F, -v most="$1" 'FNR > 1 { if (won[$2] || ++tries[$2] > most) bad = 1; if (tries[$2] > 1) more = 1; won[$2] = $4 }
    END { exit bad || !more }' "$work/filtered-long/episodes"/block_[0-9].csv
}
check 'filtered: one round, two tries of a start' "${filtered[@]}" -n 1200 -d "$work/reach.hdf5" -o "$work/filtered-long" -j 1
check 'filtered: each until it succeeds' again 2
expect 'filtered: rounds without it' 2 'are of --method filtered' "$loom" finetune "$work/reach.safetensors" --rounds 2 -o "$work/x"

# ---- other ways

# A teacher with a residual, which says what to do in states that are not its own.
check 'a finetuned teacher' "$loom" finetune "$work/reach.safetensors" -c "$work/reach.yaml" -n 100 --eval 0 -j 1 -o "$work/finetuned"
check 'rounds of DAgger' "$loom" distill "$work/finetuned/best.safetensors" -n 1 --eval 2 -c "$work/student.yaml" --cloud 32 \
  --cloud-camera front --rays 16x16 --rounds 1 --round-episodes 1 -s 3 -j 1 -o "$work/rounds"
drawn() { grep -q pointcloud <("$loom" info "$work/rounds/dagger/round_1.hdf5"); }
check 'whose rows are drawn' drawn

# A recording of what was seen and done, without states: what comes of it has them.
check 'a recording' "$loom" distill --inverse "$work/clouds-a/seen.hdf5" --task "$reach" -c "$work/student.yaml" -n 1 -s 3 -j 1 -o "$work/inverse" \
  -d "$work/clouds-int/seen.hdf5=0.25"
check 'in fixed shares of each batch, with another dataset' grep -q 'weight: 0.75' "$work/inverse/student/config.yaml"
check 'its demos' "$loom" replay "$work/inverse/demos.hdf5" --task "$reach"

# Disturbed, the teacher's episodes, what is seen of them and those of the end.
printf 'mass: [0.9, 1.1]\ncamera_position: [-0.02, 0.02]\ncloud_noise: 0.001\n' >"$work/rough.yaml"
check 'disturbed' "${clouds[@]}" -s 3 -j 1 --disturb "$work/rough.yaml" -o "$work/rough"
check 'its demos say by what' grep -qa '"set":"rough"' "$work/rough/demos.hdf5"
check 'they are others' differ "$work/rough/seen.hdf5" "$work/clouds-a/seen.hdf5"

# ---- what is refused

expect 'another set' 2 "other settings" "${clouds[@]}" -s 3 --disturb rough -o "$work/rough" --resume
expect 'no such set' 2 "no disturbances 'none'" "${clouds[@]}" -s 3 --disturb none -o "$work/x"
expect 'disturbed rounds' 2 'does not go with --rounds' distill x --rounds 1 --disturb rough

expect 'nobody' 2 'who teaches' "$loom" distill -o "$work/x"
expect 'no folder' 2 'takes -o' "$loom" distill "$work/reach.safetensors"
expect 'no such teacher' 1 'none.safetensors' "$loom" distill none.safetensors -o "$work/x"
expect 'a recording of no task' 2 'takes --task' "$loom" distill --inverse "$work/reach.hdf5" -o "$work/x"
expect 'a recording with eyes to be given' 2 'has been seen already' "$loom" distill --inverse "$work/reach.hdf5" -t own --cloud 8 -o "$work/x"
expect 'no share' 2 "is no number above 0" distill x -d "$work/reach.hdf5=half"
expect 'shares of rounds' 2 'do not go with --rounds' distill x --rounds 1 -d "$work/reach.hdf5=0.5"
expect 'all of a batch' 2 'leaves nothing' distill shares -c "$work/numbers.yaml" -d "$work/reach.hdf5=1" -j 1
expect 'a run there' 2 'holds a run already' distill clouds-a
expect 'other settings' 2 "other settings .*'seed: 3' there, 'seed: 4' now" "${clouds[@]}" -s 4 -o "$work/clouds-a" --resume
expect 'filtered by a reward' 2 'nothing else' "${filtered[@]}" --reward none.yaml -o "$work/x"
expect 'filtered from scratch' 2 'which policy|policy' "$loom" finetune --scratch -t tests/own/task.yaml -m filtered -o "$work/x"

# What teaches, and where, by both commands.
other_tasks
while IFS='|' read -r name status said options; do
  # shellcheck disable=SC2086
  expect "distill: $name" "$status" "$said" "$loom" distill "$work/reach.safetensors" $(eval echo "$options") -o "$work/x" -j 1
  # shellcheck disable=SC2086
  expect "filtered: $name" "$status" "$said" "${filtered[@]}" -n 100 $(eval echo "$options") -o "$work/x" -j 1
done <<'END'
another task|2|is a policy for own, not for other; give --task own|--task $work/scenes/reach/other.yaml
another rate|1|its control_freq is 20 Hz and the task.s 10 Hz|--task $work/scenes/reach/slow.yaml
other actions|1|takes joint angles|--task $work/scenes/reach/joint.yaml
no such distribution|2|no reset distribution 'D7'|--reset D7
demos cut short|1|cut.hdf5: cut short at 3000 bytes|-d $work/cut.hdf5
no demos at all|1|empty.hdf5: empty|-d $work/empty.hdf5
END
expect 'distill: a teacher that never succeeds' 2 'none of 2 episodes, so there is nothing to keep; more of them \(--episodes\)' distill hard --episodes 2 \
  --task "$work/scenes/reach/hard.yaml" -j 1
expect 'filtered: a policy that never succeeds' 2 'so there is nothing to keep; more of them \(--steps\)' "${filtered[@]}" -n 50 \
  --task "$work/scenes/reach/hard.yaml" -o "$work/hard-filtered" -j 1
expect 'a share without the others' 1 'all files have a weight' "$loom" train -d "$work/reach.hdf5=0.5" -d "$work/driven.hdf5" \
  -p bc_l2 --rollouts 0 -o "$work/x"
check 'nothing was begun' test ! -e "$work/x"

close_tests
