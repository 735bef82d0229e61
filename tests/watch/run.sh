#!/usr/bin/env bash
# Policies that learn from video alone, in small scenes, and across bodies: the tables of policies/README.md, "Rewards from
# watching". Run from the repository's root, by hand:
#
#   tests/watch/run.sh build/demoloom FOLDER [reach|push|bodies...]
#
# All lies in FOLDER; run again it goes on where it was, and prints the tables anew. REACH, PUSH and WATCH are the steps of
# learning to reach, to push and to translate; JOBS is how many processes of one thread are at work at a time, SOURCES how
# many demos a reward compares with.
set -eu -o pipefail
loom=$1 folder=$2
shift 2
[ $# -gt 0 ] || set -- reach push bodies
export OMP_NUM_THREADS=1
mkdir -p "$folder"
REACH=${REACH:-20000} PUSH=${PUSH:-40000} WATCH=${WATCH:-1900}
JOBS=${JOBS:-1} SOURCES=${SOURCES:-1}
demos=60 tries=200 contexts=10 episodes=100

# step NAME COMMAND...: once; what it says lies in FOLDER/NAME.log.
step() {
  local name=$1
  shift
  [ -e "$folder/$name.done" ] && return
  echo "$name: $*" >&2
  mkdir -p "$(dirname "$folder/$name")"
  "$@" >"$folder/$name.log" 2>"$folder/$name.err" || { tail -n 2 "$folder/$name.err" >&2; exit 1; }
  touch "$folder/$name.done"
}

# side COMMAND...: beside others; `wait_all` ends all of them.
side() {
  while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do wait -n; done
  "$@" &
}
wait_all() {
  local job
  for job in $(jobs -p); do wait "$job"; done
}

# distances_in FILE: in the end of each episode, m: what the first term of the task's own reward says.
distances_in() { sed -n 's/.*"last":[^[]*\[-\{0,1\}\([0-9.e-]*\).*/\1/p' "$1"; }

# learn NAME TASK STEPS OPTION...: a policy from scratch; 100 episodes of it tell its distances.
learn() {
  step "$1" "$loom" finetune --scratch -t "$2" -c tests/watch/td3.yaml -n "$3" -j 1 --resume -o "$folder/$1" "${@:4}"
  step "$1-told" "$loom" rollout "$folder/$1/last.safetensors" -n $episodes --seed 900 --json
}
# watch NAME DATA OPTION...: a reward from it, of which each control step counts in full.
watch() {
  step "$1" "$loom" observe "$2" -j 1 --resume --json -o "$folder/$1" "${@:3}"
  sed -i 's/weight: 0.01/weight: 1/' "$folder/$1/reward.yaml"
}
# demos_of NAME TASK SEED: of an expert, those that end within 2 cm; as they are seen, and with more OPTION... in contexts.
demos_of() {
  local ends=
  step "$1/demos" "$loom" rollout "$folder/$1/true/last.safetensors" -n $tries --seed "$3" --json -o "$folder/$1/all.hdf5" --overwrite
  [ -e "$folder/$1/good.done" ] || ends=$(distances_in "$folder/$1/demos.log" | awk -v most=$demos '$1 < 0.02 && n++ < most { printf "%sdemo_%d", c, NR - 1; c = "," }')
  step "$1/good" "$loom" dataset filter "$folder/$1/all.hdf5" "$folder/$1/demos.hdf5" --demos "$ends" --overwrite
  step "$1/seen" "$loom" render "$folder/$1/demos.hdf5" --task "$2" --obs "$folder/$1/seen.hdf5" --size 48x48 --camera front -j 1 --overwrite "${@:4}"
}

distances() { distances_in "$folder/$1-told.log"; }
mean() { awk '{ sum += $1 } END { printf "%.6f", sum / NR }' <(distances "$1"); }
near() { awk '$1 < 0.03 { n++ } END { printf "%.0f", 100 * n / NR }' <(distances "$1"); }

# ---- from video, in contexts that no demo was seen in

# A reward without one part of it, and a policy by it alone.
video_one() { # NAME TASK STEPS ABLATION OPTION...
  local to=$1/without-$4
  watch "$to" "$folder/$1/seen.hdf5" "${@:5}" -n "$WATCH" --ablate "$4" --sources "$([ "$4" = translation ] && echo 8 || echo "$SOURCES")"
  learn "$1/by-$4" "$2" "$3" --reward "$folder/$to/reward.yaml" --contexts contexts --context-count $contexts
}

video() { # NAME TASK STEPS
  local name=$1 task=$2 steps=$3 what
  side learn "$name/untrained" "$task" 1
  side learn "$name/true" "$task" "$steps"
  wait_all
  demos_of "$name" "$task" 101 --contexts contexts --per-demo 3 -s 7

  local seen=(--method translate --pairs any --held-out 24 --batch 8 --every 50)
  watch "$name/without-nothing" "$folder/$name/seen.hdf5" "${seen[@]}" -n "$WATCH" --ablate nothing --sources "$SOURCES"

  # The untranslated video: the same networks, and another reward.
  if [ ! -e "$folder/$name/without-translation/config.yaml" ]; then
    cp -r "$folder/$name/without-nothing" "$folder/$name/without-translation"
    sed -i 's/ablate: nothing/ablate: translation/; s/sources: .*/sources: 8/' "$folder/$name/without-translation/config.yaml"
  fi
  for what in nothing translation feature image; do
    side video_one "$name" "$task" "$steps" $what "${seen[@]}"
  done
  wait_all

  printf '%s, %d steps, %d contexts that were not seen, %d episodes\n' "$name" "$steps" $contexts $episodes
  for what in untrained true by-nothing by-feature by-image by-translation; do
    awk -v what=$what -v a="$(mean "$name/$what")" -v b="$(mean "$name/true")" \
      'BEGIN { sub("by-", "by video without ", what)
               printf "  %-28s final distance %5.1f mm, %5.2f times that of the true reward\n", what, 1000 * a, a / b }'
  done
}

# ---- across bodies

body_one() { # NAME OPTION...
  watch "bodies/$1" "$folder/bodies/seen.hdf5" --held-out 24 "${@:2}"

  # To come near the puck is not part of what is watched, objects alone: as in the task's own reward.
  grep -q puck "$folder/bodies/$1/reward.yaml" ||
    echo '  - {term: distance, from: {eef: 0}, to: puck, weight: -1.5}' >>"$folder/bodies/$1/reward.yaml"
  learn "bodies/by-$1" tests/push/fork.yaml "$PUSH" --reward "$folder/bodies/$1/reward.yaml"
}

bodies() {
  local body what
  side learn push/true tests/push/task.yaml "$PUSH"
  side learn bodies/paddle/true tests/push/paddle.yaml "$PUSH"
  side learn bodies/true tests/push/fork.yaml "$PUSH"
  side learn bodies/untrained tests/push/fork.yaml 1
  wait_all
  mkdir -p "$folder/bodies/stick" && ln -sfn ../../push/true "$folder/bodies/stick/true"
  for body in stick paddle; do
    demos_of bodies/$body tests/push/"$([ $body = stick ] && echo task || echo paddle)".yaml 102
  done
  step bodies/merged "$loom" dataset merge "$folder/bodies/seen.hdf5" "$folder"/bodies/{stick,paddle}/seen.hdf5 --overwrite

  side body_one objects --method objects --key puck@target
  side body_one shuffled --method objects --key puck@target --shuffled
  side body_one goal --method translate --pairs any -n 1 --ablate goal
  wait_all

  printf 'a reward from a stick and a paddle, a fork by it, %d steps, %d episodes\n' "$PUSH" $episodes
  for what in untrained true by-objects by-shuffled by-goal; do
    awk -v what=$what -v near="$(near bodies/$what)" -v a="$(mean bodies/$what)" -v b="$(mean bodies/true)" -v from="$(mean bodies/untrained)" \
      -v best="$(near bodies/true)" \
      'BEGIN { printf "  %-12s within 3 cm %3d %% (%4.0f %% of true), final distance %5.1f mm (%4.0f %% of the way)\n",
                      what, near, best ? 100 * near / best : 0, 1000 * a, 100 * (from - a) / (from - b) }'
  done
}

for part in "$@"; do
  case $part in
  reach) video reach tests/reach/task.yaml "$REACH" ;;
  push) video push tests/push/task.yaml "$PUSH" ;;
  bodies) bodies ;;
  *) echo "what is $part?" >&2 && exit 2 ;;
  esac
done
