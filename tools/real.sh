#!/usr/bin/env bash
# From "real" to simulation and back, as a Markdown table: what a policy is worth there that has seen 15 recordings of it.
# real.sh PROGRAM FOLDER: what is finished in FOLDER is not run again, what was broken off goes on; what was run with other
# settings is refused by the commands themselves.
#
# "Real" is a second copy of the task in FOLDER/real, whose files no training reads: other hulls (hulls.sed), friction times
# 0.7, mass times 1.3, actions a control step late, the camera 2 cm and 3 degrees off what is believed of it, clouds with 3 mm
# of noise and a tenth of the rays lost. Its recordings are stripped to clouds, what robots know of themselves, and actions.
#
#   recordings -> inverse (demos with state) -> generated demos -> policy -> finetuned, disturbed -> student, with clouds
#
# TASK (drawer), SCENE (its folder), RECORDED (15), INVERSE (20 demos of at most EPISODES (4000) episodes), DEMOS (300
# generated), STEPS (400000 of finetuning), SUCCESSES (300 that the student learns from), SHARE (0.3 of its batches are the
# recordings), TRAIN (20000 steps of each policy that sees clouds) and BASE (20000 of one that sees poses), POINTS (256),
# RAYS (64x64), LAYERS ([512, 512, 512]), ENCODER ([64, 128, 256]), HIDDEN (1024), BATCH (128), N (200 episodes a
# figure), LEFT_OUT ("generate finetune randomize recordings"), PUSHED (bodies) and SEED say what is run.
set -eu
program=$1
folder=$2
: "${TASK:=drawer}" "${SCENE:=${DEMOLOOM_SCENES:-scenes}/$TASK}" "${RECORDED:=15}" "${INVERSE:=20}" "${EPISODES:=4000}" "${DEMOS:=300}"
: "${STEPS:=400000}" "${SUCCESSES:=300}" "${SHARE:=0.3}" "${TRAIN:=20000}" "${BASE:=20000}" "${POINTS:=256}" "${RAYS:=64x64}"
: "${LAYERS:=[512, 512, 512]}" "${ENCODER:=[64, 128, 256]}" "${HIDDEN:=1024}" "${BATCH:=128}" "${N:=200}" "${LEFT_OUT:=generate finetune randomize recordings}" "${SEED:=1}"
: "${PUSHED:=robot0_right_hand robot1_right_hand}"
task=$SCENE/task.yaml
# shellcheck source=tools/stage.sh
. "$(dirname "$0")/stage.sh"
mkdir -p "$folder"
log=$folder/log

# put FILE: standard input, unless it is there.
put() { [ -s "$1" ] || { cat >"$1.tmp" && mv "$1.tmp" "$1"; }; }

# ---- "real"

real=$folder/real
clouds=$real/clouds.hdf5
mkdir -p "$real"
if [ "$TASK" = drawer ]; then
  # A round handle, a cup of twelve sides, thicker sides of the drawer, round stops on the rack.
  corners=$(awk 'BEGIN { for (i = 0; i < 12; i++) for (s = -1; s < 2; s += 2) {
      a = 6.283185307 * i / 12; printf "%.5f %.5f %.5f ", s * 0.062, 0.0305 * cos(a), 0.0305 * sin(a) } }')
  put "$real/hulls.sed" <<END
s|(<geom name="handle_bar") type="box" size="0.06 0.01 0.01"|\1 type="capsule" size="0.0095 0.0505" euler="0 1.5708 0"|
s|(<geom name="cup") type="cylinder" size="0.03 0.062" euler="0 1.5708 0"|\1 type="mesh" mesh="cup_hull"|
s|(<geom name="drawer_(left\|right)" type="box") size="0.004 |\1 size="0.005 |
s|(<geom name="rack_stop[01]+") type="box" size="0.005 0.005 0.012"|\1 type="cylinder" size="0.0055 0.012"|
s|( *)<asset>|&\n\1  <mesh name="cup_hull" vertex="$corners"/>|
END
fi
[ -e "$real/hulls.sed" ] || : >"$real/hulls.sed"
if [ ! -e "$real/task.yaml" ]; then
  # Everything that lies beside the task but its demos.
  for file in "$SCENE"/*; do
    case $file in *.hdf5 | *.png | */task.yaml) ;; *) cp -r "$file" "$real/" ;; esac
  done
  for file in "$SCENE"/*.xml; do
    sed -E -f "$real/hulls.sed" "$file" >"$real/$(basename "$file")"
  done
  if [ "$TASK" = drawer ] && [ "$(diff "$SCENE/scene.xml" "$real/scene.xml" | grep -c '^>')" != 9 ]; then
    echo "$SCENE/scene.xml: its hulls are not those that hulls.sed knows" >&2
    exit 1
  fi
  cp "$SCENE/task.yaml" "$real/task.yaml"
fi

# sqrt(3) * 0.01155 m = 2 cm, sqrt(3) * 0.03023 = 3 degrees.
put "$real/calm.yaml" <<'END'
mass: 1.3
friction: 0.7
action_delay: 1
camera_position: 0.01155
camera_turn: 0.03023
cloud_unaware: 1
cloud_noise: 0.003
cloud_dropout: 0.1
END
pushes() { for body in $PUSHED; do echo "  - {of: $body, range: [$1, $2], at: [0.5, 15], for: [0.1, 0.2]}"; done; }
put "$real/pushed.yaml" <<END
$(cat "$real/calm.yaml")
push:
$(pushes 10 20)
END

# What training varies, without having seen what "real" is.
put "$folder/randomize.yaml" <<END
mass: {range: [0.6, 1.6], scale: log}
friction: {range: [0.6, 1.6], scale: log}
action_delay: [0, 2]
camera_position: [-0.03, 0.03]
camera_turn: [-0.06, 0.06]
cloud_unaware: 1
cloud_noise: [0, 0.005]
cloud_dropout: [0, 0.2]
push:
$(pushes 0 20)
END

put "$folder/student.yaml" <<END
data:
  files: [{path: $clouds}]
  keys: [robot0_eef_pos, robot0_eef_quat, robot0_gripper_qpos, robot1_eef_pos, robot1_eef_quat, robot1_gripper_qpos, pointcloud]
  cloud_dropout: 0.1
  cloud_jitter: 0.002
  cloud_shift: 0.01
policy: {kind: diffusion_mlp, layers: $LAYERS}
encoder: {points: $ENCODER}
train: {epochs: 1, steps: $TRAIN, batch: $BATCH, seed: $SEED}
rollout: {n: 1}
END
put "$folder/finetune.yaml" <<'END'
finetune: {evaluate: 100, evaluate_every: 100000}
residual: {limits: false, margin: 0.03}
td3: {anneal: true}
starts: {failures: 0.25}
END
put "$folder/reward.yaml" <<'END'
- {term: success}
- {term: breach, weight: -0.3}
END

stage "$real/recorded.json" "$program" record "$real/task.yaml" -n "$RECORDED" --seed "$SEED" --disturb "$real/calm.yaml" \
  --resume -o "$real/recorded.hdf5" --json
stage "$real/replayed.json" "$program" replay "$real/recorded.hdf5" --task "$real/task.yaml" --overwrite -o "$real/replayed.hdf5" --json
# The box whose points are kept is that of the task as it is known, and so are the views that a policy is given later.
stage "$real/seen.json" "$program" render "$real/replayed.hdf5" --task "$task" --cloud "$POINTS" --rays "$RAYS" --resume --obs "$real/seen.hdf5" --json
stage "$real/clouds.json" "$program" dataset filter "$real/seen.hdf5" "$real/clouds.hdf5" --overwrite --json \
  --without states,rewards,dones,datagen_info,obs/object,model_file,loom_disturb

# ---- to simulation and back

inverse=$folder/inverse
stage "$inverse.json" "$program" distill --inverse "$clouds" --task "$task" -c "$folder/student.yaml" -n "$INVERSE" --episodes "$EPISODES" \
  --seed "$SEED" --resume -o "$inverse" --json
generated=$folder/generated.hdf5
stage "$folder/generated.json" "$program" generate "$task" --source "$inverse/demos.hdf5" -n "$DEMOS" --seed "$SEED" --resume -o "$generated" --json

# base NAME DEMOS: a policy of demos that sees poses. tuned NAME BASE DEMOS OPTIONS...: and learns by trying.
base() {
  stage "$folder/$1.json" "$program" train --data "$2" -p diffusion_mlp --task "$task" --epochs 1 --steps "$BASE" --batch "$BATCH" --hidden "$HIDDEN" --rollouts 0 \
    --seed "$SEED" --resume -o "$folder/$1" --json
}
tuned() {
  local name=$1 before=$2 demos=$3
  shift 3
  stage "$folder/$name.json" "$program" finetune "$folder/$before/last.safetensors" --task "$task" --data "$demos" \
    -c "$folder/finetune.yaml" --reward "$folder/reward.yaml" --steps "$STEPS" --seed "$SEED" --resume -o "$folder/$name" --json "$@"
}
# student NAME TEACHER OPTIONS...: one that sees clouds, of the teacher's successes.
student() {
  local name=$1 teacher=$2
  shift 2
  stage "$folder/$name.json" "$program" distill "$folder/$teacher" --task "$task" -c "$folder/student.yaml" --cloud "$POINTS" --rays "$RAYS" \
    -n "$SUCCESSES" --eval 0 --seed "$SEED" --resume -o "$folder/$name" --json "$@"
}

randomize="--disturb $folder/randomize.yaml"
recordings="-d $clouds=$SHARE"
without() { case " $LEFT_OUT " in *" $1 "*) ;; *) return 1 ;; esac }
base base "$generated"
# shellcheck disable=SC2086
{
  tuned tuned base "$generated" $randomize
  student student tuned/best.safetensors $randomize $recordings
  if without generate; then
    base base-of-inverse "$inverse/demos.hdf5"
    tuned tuned-of-inverse base-of-inverse "$inverse/demos.hdf5" $randomize
    student without-generate tuned-of-inverse/best.safetensors $randomize $recordings
  fi
  if without finetune; then student without-finetune base/last.safetensors $randomize $recordings; fi
  if without randomize; then
    tuned tuned-undisturbed base "$generated"
    student without-randomize tuned-undisturbed/best.safetensors $recordings
  fi
  if without recordings; then student without-recordings tuned/best.safetensors $randomize; fi
}

# And the recordings alone.
stage "$folder/bc.json" "$program" train "$folder/student.yaml" --rollouts 0 --resume -o "$folder/bc" --json

# ---- in "real"

# in_real NAME POLICY WHAT: a line of the table.
in_real() {
  local way line="| $3 |"
  for way in calm pushed; do
    stage "$folder/real-$1-$way.json" "$program" rollout "$2" --task "$real/task.yaml" --disturb "$real/$way.yaml" -n "$N" --seed $((SEED + 1)) --json
    line+=$(awk -v n="$N" '/"successes":/ { wins = $2 + 0 } /"successes_within_limits":/ { within = $2 + 0 }
      END { printf " %.1f (%.1f) |", 100 * wins / n, 100 * within / n }' "$folder/real-$1-$way.json")
  done
  echo "$line" >>"$table"
}
table=$folder/real-$SEED.md
{
  echo "Success in \"real\" of $N unseen starts, that within limits in parentheses, %; $RECORDED recordings of it."
  echo
  echo '| policy | calm | pushed |'
  echo '|---|---|---|'
} >"$table"
in_real bc "$folder/bc/last.safetensors" 'the recordings alone (no inverse distillation, no simulation)'
in_real student "$folder/student/student.safetensors" 'student'
for stage in $LEFT_OUT; do in_real "without-$stage" "$folder/without-$stage/student.safetensors" "student, without $stage"; done
in_real tuned "$folder/tuned/best.safetensors" 'its teacher, which sees poses'
cat "$table"
echo "table: $table"
