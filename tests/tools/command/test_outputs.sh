#!/usr/bin/env bash
# Whoever writes a file asks first: each writer against what may stand in its place. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
easy_task=$PWD/tests/tools/easy_task.sh
export DEMOLOOM_SCENES=$work/scenes OMP_NUM_THREADS=1
mkdir -p "$work/scenes/own" && cp -r tests/own/robots "$work/scenes/" && cp tests/own/{task.yaml,scene.xml} "$work/scenes/own/"
unset HDF5_USE_FILE_LOCKING

base=$work/base.hdf5 gen=$work/gen.hdf5
"$loom" record own -n 3 --seed 1 -o "$base" >/dev/null 2>&1
"$loom" generate own --source "$base" -n 2 -t 1 -o "$gen" >/dev/null 2>&1
# Demos of one arm, and of an environment that robosuite has.
. tests/tools/one_task.sh
mkdir "$work/scenes/lift" && cp "$work/scenes/own/scene.xml" "$work/scenes/lift/"
sed 's/^task: own/task: lift\nenv_name: TwoArmLift/' "$work/scenes/own/task.yaml" >"$work/scenes/lift/task.yaml"
"$loom" record one -n 1 --seed 1 -o "$work/one-arm.hdf5" >/dev/null 2>&1
"$loom" record lift -n 1 --seed 1 -o "$work/lift.hdf5" >/dev/null 2>&1
printf '{"arm": 0, "move": [0, 0, 0.002]}\n{"do": "save", "anyhow": true}\n{"do": "quit"}\n' >"$work/lines"

# A policy that has hardly learned anything, to be rolled out and exported.
train=("$loom" train --data "$gen" -p bc_l2 --rollouts 0 --epochs 1 --steps 2 --batch 4 --hidden 8)
"${train[@]}" -o "$work/policy" >/dev/null 2>&1
policy=$work/policy/last.safetensors

# Another program that has a file open for writing: with no lock of HDF5's, and with it.
opened() { # FILE COMMAND...
  local file=$1
  shift
  exec 7>>"$file"
  "$@" 7>&-
  local status=$?
  exec 7>&-
  return $status
}
holding() { # FILE COMMAND...
  local file=$1
  shift
  exec 7>>"$file" 6<"$file" 7>&-
  flock 6
  "$@" 6<&-
  local status=$?
  exec 6<&-
  return $status
}
small_disk() ( # KILOBYTES COMMAND...
  trap '' XFSZ
  ulimit -f "$1"
  "${@:2}"
)
# Permissions count for this process, whoever runs the test.
unprivileged() {
  if [ "$(id -u)" -eq 0 ]; then setpriv --bounding-set=-dac_override,-dac_read_search "$@"; else "$@"; fi
}
mkdir "$work/shut" && chmod a-w "$work/shut"
shut=yes
if unprivileged touch "$work/shut/x" 2>/dev/null || ! unprivileged true; then
  shut= && echo 'folders cannot be shut for this user: not tested'
fi

# What has been tried as an output: COMMAND --OPTION.
tried=
note_tried() { # COMMAND...
  local before= word command=${2-}
  [ "$1" = "$loom" ] || return 0
  for word in "$@"; do
    [[ $word = O || $word = O.* ]] && tried+="$command ${before/#-o/--output}"$'\n'
    before=$word
  done
}

# writer NAME KILOBYTES COMMAND...: O in it is its output, and the disk has so much room. What is there already is a
# dataset, whole and of use.
writer() {
  local name=$1 room=$2 out=$work/out/o
  shift 2
  note_tried "$@"
  local run=("${@/#O/$out}") word
  for word in "$@"; do [[ $word = O.* ]] && out=$out${word#O}; done
  rm -rf "$work/out" && mkdir "$work/out" && cp "$base" "$out"
  expect "$name: exists" 2 'is there already|exists; use' "${run[@]}"
  expect "$name: is open elsewhere" 2 'open for writing' opened "$out" "${run[@]}" --overwrite
  expect "$name: is locked by HDF5" 2 'open for writing' holding "$out" "${run[@]}" --overwrite
  expect "$name: another run writes it" 2 'another run is at work' holding "$out.lock" "${run[@]}" --overwrite
  touch "$out.lock" # as a killed run leaves it
  chmod a-w "$out"
  expect "$name: write-protected" 1 'write-protected' "${run[@]}" --overwrite
  chmod u+w "$out"
  if [ -n "$shut" ]; then
    chmod a-w "$work/out"
    expect "$name: a folder that is shut" 1 'cannot be written \(Permission denied' unprivileged "${run[@]}" --overwrite
    chmod u+w "$work/out"
  fi
  expect "$name: no room" 1 'cannot be (written|finished)|File too large' small_disk "$room" "${run[@]}" --overwrite
  check "$name: all that keeps what was there" cmp -s "$base" "$out"
  rm -rf "$out" && mkdir "$out"
  expect "$name: a folder" 1 'a folder of that name' "${run[@]}" --overwrite
  rmdir "$out" && ln -s nowhere "$out"
  expect "$name: a link to nowhere" 1 'leads nowhere' "${run[@]}"
  rm -rf "${out:?}"* && cp "$base" "$work/out/real" && ln -s real "$out"
  expect "$name: replaced" 0 '' "${run[@]}" --overwrite
  check "$name: where the link leads" test -L "$out" -a -s "$work/out/real"
  check "$name: by something else" differ "$base" "$work/out/real"
  expect "$name: leaves nothing else" 0 "^${out##*/} real \$" eval "ls '$work/out' | tr '\n' ' '"
  rm -rf "$work/out"
  expect "$name: no folder" 1 'cannot be written' "${run[@]}"
}

draw=("$loom" render "$gen" --task own --limit 1 --size 16x16 --light --speed 50)
roll=("$loom" rollout "$policy" --task own -n 1 -j 1 --max-steps 2)
writer merge 8 "$loom" dataset merge O.hdf5 "$base" "$base"
writer filter 8 "$loom" dataset filter "$base" O.hdf5 --min-rows 1 --demos demo_0,demo_1
writer strip 8 "$loom" dataset strip "$gen" O.hdf5
writer isaac 8 "$loom" dataset isaac "$gen" O.hdf5 --task own
writer mimicgen 8 "$loom" dataset mimicgen "$work/one-arm.hdf5" O.hdf5 --task one
writer robosuite 8 "$loom" dataset robosuite "$work/lift.hdf5" O.hdf5
writer record 8 "$loom" record own -n 1 --seed 5 -o O.hdf5
writer retarget 8 "$loom" retarget "$base" --task own -o O.hdf5
writer relabel 8 "$loom" relabel "$base" --task own --method differences -o O.hdf5
writer replay 8 "$loom" replay "$gen" --task own -o O.hdf5
writer segment 8 "$loom" segment "$gen" --task own --export O.hdf5
writer 'segment as text' 0 "$loom" segment "$gen" --task own --export O.yaml
"$loom" dataset filter "$base" "$work/one.hdf5" --demos demo_0 >/dev/null 2>&1
writer 'segment, cleaned' 8 "$loom" segment "$work/one.hdf5" --task own --clean -o O.hdf5
writer generate 8 "$loom" generate own --source "$base" -n 1 -t 1 -o O.hdf5
writer report 0 "$loom" generate own --source "$base" -n 1 -t 1 --report O.png
writer rollout 8 "${roll[@]}" -o O.hdf5
writer results 0 "${roll[@]}" --results O.json
writer page 0 "$loom" view "$gen" --task own --limit 1 --html O.html
writer 'rollout on film' 8 "${roll[@]}" --video O.mp4
writer 'render a sheet' 0 "${draw[@]}" --columns 2 --sheet O.png
writer 'render a film' 0 "${draw[@]}" --video O.mp4
writer 'render observations' 8 "$loom" render "$gen" --task own --limit 1 --size 16x16 --camera table --obs O.hdf5

# Attempts that all fail: they have less time than it takes.
sed 's/^max_steps:.*/max_steps: 40/' "$work/scenes/own/task.yaml" >"$work/scenes/own/hard.yaml"

# Where more than a command is needed: --failed beside a dataset that is made anew each time, and the viewer's pictures.
mkdir "$work/bin" && PATH=$work/bin:$PATH
printf '#!/bin/sh\nrm -rf "%s/f.hdf5"\nexec "%s" generate "$DEMOLOOM_SCENES/own/hard.yaml" --source "%s" --attempts 2 -t 1 -o "%s/f.hdf5" --failed "$@"\n' \
  "$work" "$loom" "$base" "$work" >"$work/bin/failed"
printf '#!/bin/sh\nname=$1\nshift\nprintf "shot %%s\\nquit\\n" "$name" | exec "%s" view "%s" --task own --headless --script - "$@"\n' \
  "$loom" "$base" >"$work/bin/shot"
chmod +x "$work/bin/failed" "$work/bin/shot"
writer 'failed attempts' 8 "$work/bin/failed" O.hdf5
writer 'a shot' 0 "$work/bin/shot" O.png

# A twin made of a block, with a robot where its task finds it.
{
  for x in -0.02 0.02; do for y in -0.02 0.02; do for z in 0 0.04; do echo "v $x $y $z"; done; done; done
  printf 'f %d %d %d\n' 1 2 3 2 4 3 5 7 6 6 7 8 1 5 2 2 5 6 3 4 7 4 8 7 1 3 5 3 7 5 2 6 4 4 6 8
} >"$work/block.obj"
mkdir -p "$work/robots" && cp scenes/robots/panda.yaml "$work/robots/"
check 'a twin' "$loom" twin new "$work/twin" --object "$work/block.obj" --up z
writer 'a picture of a twin' 0 "$loom" twin check "$work/twin" --picture O.png
check 'its motion' "$loom" record "$work/twin" -n 1 --seed 1 -o "$work/motion.hdf5"
writer 'a fused scan' 0 "$loom" twin fuse tests/generators/twin/sequence --voxel 0.05 -o O.ply
writer 'a scene as USD' 0 "$loom" twin export "$work/twin" --usd -o O.usda
# It tells nothing, which is status 1, and writes why.
printf '#!/bin/sh\nsaid=$("%s" twin fit "%s" --log "%s" --fit mass --seconds 0.4 --starts 0 --around 1 "$@" 2>&1)\nstatus=$?\n%s' \
  "$loom" "$work/twin" "$work/motion.hdf5" 'echo "$said"
case $status$said in 1*"a script for"*) exit 0 ;; esac
exit $status
' >"$work/bin/fit"
chmod +x "$work/bin/fit"
writer 'values of a motion' 0 "$work/bin/fit" -o O.yaml
writer export 0 "$loom" export "$policy" -o O.onnx
writer 'export decisions' 0 "$loom" export "$policy" -n 2 --check O.safetensors

# folder NAME KILOBYTES COMMAND...: O in it is a folder that it works in.
folder() {
  local name=$1 room=$2 out=$work/out/f
  shift 2
  note_tried "$@"
  local run=("${@/#O/$out}")
  mkdir "$work/out" && touch "$out"
  expect "$name: a file" 1 '(cannot be (made|locked)|nothing can be written there).*(File exists|Not a directory)' "${run[@]}" --overwrite
  rm "$out" && mkdir "$out"
  if [ -n "$shut" ]; then
    chmod a-w "$out"
    expect "$name: a folder that is shut" 1 '(cannot be locked|nothing can be written there) \(.*Permission denied\)$' unprivileged "${run[@]}" --overwrite
    chmod u+w "$out"
  fi
  expect "$name: no room" 1 'cannot be written' small_disk "$room" "${run[@]}"
  expect "$name: a new one" 0 '' "${run[@]}" --overwrite
  touch "$out/mine"
  find "$out" -type f -exec sha256sum {} + | sort >"$work/before"
  expect "$name: exists" 2 'holds a run already|there are files in it' "${run[@]}"
  expect "$name: another run is at work" 2 'another run is at work' holding "$out/lock" "${run[@]}" --overwrite
  rm -f "$out/lock"
  expect "$name: is as it was" 0 '^$' eval "find '$out' -type f -exec sha256sum {} + | sort | diff '$work/before' -"
  expect "$name: replaced" 0 '' "${run[@]}" --overwrite
  check "$name: what is not its own stays" test -e "$out/mine"
}
watched=$work/watched.hdf5
check 'demos to watch' "$loom" generate own --source "$base" -n 4 -t 1 -o "$watched"
folder train 0 "${train[@]}" -o O
rm -rf "$work/out"
folder 'render frames' 0 "${draw[@]}" --frames O
rm -rf "$work/out"
dagger=("$loom" dagger own --rounds 1 --evaluations 1 --max-steps 6 --expert-successes 0 --steps 5 --hidden 8 -j 1)
one=(--expert scripted --demos 1 -n 1)
folder finetune 0 "$loom" finetune -t tests/gym/hopper.yaml --scratch -n 256 --environments 2 --evaluate 0 -j 1 -o O
rm -rf "$work/out"
folder lerobot 0 "$loom" dataset lerobot "$gen" O
rm -rf "$work/out"
folder twin 0 "$loom" twin new O --object "$work/block.obj" --up z
rm -rf "$work/out"
folder gail 0 "$loom" gail --toy ring -n 5 --looked 100 --samples 100 -o O
rm -rf "$work/out"
folder observe 0 "$loom" observe "$watched" -n 5 -j 1 -o O
rm -rf "$work/out"
check 'how a round learns' "$loom" train --data "$watched" -p bc_l2 --hidden 8 --epochs 1 --steps 2 --rollouts 0 -o "$work/how"
folder relabel 0 "$loom" relabel "$watched" -t own --alpha 0.1 --rounds 1 --tries 1 --steps 256 --fit-steps 5 --hidden 8 -j 1 \
  --config "$work/how/config.yaml" --folder O
rm -rf "$work/out"
check 'an expert of gail' "$loom" finetune -t tests/gym/hopper.yaml --scratch -n 256 --environments 2 --evaluate 1 -j 1 -o "$work/hopper"
check 'its demos' "$loom" rollout "$work/hopper/best.safetensors" -n 1 -o "$work/hopper.hdf5"
folder 'irl task' 0 "$loom" irl tests/gym/hopper.yaml --data "$work/hopper.hdf5" -n 256 --environments 2 --evaluate 0 -j 1 -o O
rm -rf "$work/out"
folder 'irl relent' 0 "$loom" irl tests/gym/hopper.yaml --data "$work/hopper.hdf5" --method relent --samples 24 --noise 0.1 --l2 10 -o O
rm -rf "$work/out"
folder 'gail task' 0 "$loom" gail tests/gym/hopper.yaml --data "$work/hopper.hdf5" -n 256 --environments 2 --evaluate 0 -j 1 -o O
rm -rf "$work/out"
folder dagger 0 "${dagger[@]}" "${one[@]}" -o O

mv "$work/out" "$work/kept"
(cd "$work" && . "$easy_task")
folder distill 0 "$loom" distill "$policy" --task easy -n 1 --eval 1 -c "$work/student.yaml" -j 1 -o O
rm -rf "$work/out"
printf '%s: %d\n' looks 10 max_steps 40 demos 2 first_steps 10 steps 10 rounds 1 finetune -1 taught 1 student_steps 10 >"$work/plan.yaml"
folder weave 0 "$loom" weave easy --source "$base" --plan "$work/plan.yaml" -p bc_l2 --eval 1 -j 1 -o O
rm -rf "$work/out" && mv "$work/kept" "$work/out"

expect 'dagger: no room for an episode' 1 'cannot be written \(.*what was done before lies in .*--resume goes on' \
  small_disk 4 "${dagger[@]}" "${one[@]}" -o "$work/full"
check 'dagger: goes on once there is' "${dagger[@]}" "${one[@]}" -o "$work/full" --resume

# A run's folder, gone on with, is its own: all settings, and the files that it was told to read.
runs=$work/out/f
expect 'dagger: other settings' 2 "other settings .*'episodes: 1' there, 'episodes: 2' now" \
  "${dagger[@]}" --expert scripted --demos 1 -n 2 -o "$runs" --resume
expect 'dagger: reads what it writes' 2 'that is what is read' \
  "${dagger[@]}" "${one[@]}" --data "$runs/round_0.hdf5" -o "$runs" --overwrite
expect 'dagger: its own expert' 2 'that is what is read' \
  "${dagger[@]}" --expert "$runs/best.safetensors" --demos 1 -n 1 -o "$runs" --overwrite
expect 'dagger: a training in it' 2 'another run is at work in it' holding "$runs/round_1/lock" \
  "${dagger[@]}" "${one[@]}" -o "$runs" --overwrite
check 'dagger: all that keeps the run' test -s "$runs/final.safetensors" -a -s "$runs/round_0.hdf5"
cp "$gen" "$work/data.hdf5"
sweep=("$loom" train --data "$work/data.hdf5" -p bc_l2 --rollouts 0 --steps 2 --batch 4 --hidden 8 --sizes 1,2 -o "$work/sizes")
check 'sweep' "${sweep[@]}" --epochs 1
before=$(stat -c %i "$work/sizes/2-seed-1/last.safetensors")
check 'sweep: one seed more' "${sweep[@]}" --epochs 1 --seeds 1,2
check 'sweep: what is done is not done again' test "$(stat -c %i "$work/sizes/2-seed-1/last.safetensors")" = "$before"
expect 'sweep: other settings' 2 "other settings .*'epochs: 1' there, 'epochs: 2' now" "${sweep[@]}" --epochs 2
expect 'sweep: two at once' 2 'another run is at work' holding "$work/sizes/lock" "${sweep[@]}" --epochs 1
cp "$base" "$work/data.hdf5"
"$loom" generate own --source "$base" -n 2 -t 1 --seed 3 -o "$work/data.hdf5" --overwrite >/dev/null 2>&1
expect 'sweep: other data of that name' 2 'other settings .*data_content' "${sweep[@]}" --epochs 1
expect 'train: other data of that name' 2 'trained on other data' "$loom" train "$work/sizes/2-seed-1/config.yaml" --resume
check 'sweep: replaced' "${sweep[@]}" --epochs 2 --overwrite
check 'sweep: with what another one left' test ! -e "$work/sizes/2-seed-2"

# What is read is never written over, by whatever name: onto FILE COMMAND, where % is FILE and @.EXT the output.
onto() {
  local file=$1 command=$2 ext=${2##*@.} words name
  ext=${ext%% *}
  ln -sf "$file" "$work/link.$ext" && ln -f "$file" "$work/hard.$ext"
  for name in link hard; do
    words=${command//%/$file}
    # shellcheck disable=SC2086
    expect "$command: onto what is read ($name)" 2 'source itself' \
      "$loom" ${words/@/$work/$name} --overwrite
  done
}
cp "$base" "$work/in.hdf5" && cp "$policy" "$work/p.safetensors"
for command in "dataset merge @.hdf5 $base %" 'dataset filter % @.hdf5' 'dataset strip % @.hdf5' 'dataset isaac % @.hdf5 --task own' \
  'dataset mimicgen % @.hdf5' 'dataset robosuite % @.hdf5' 'replay % --task own -o @.hdf5' \
  'segment % --task own --export @.hdf5' 'generate own --source % -n 1 -o @.hdf5' 'generate own --source % -n 1 --report @.png' \
  'render % --task own --sheet @.png' 'render % --task own --video @.mp4'; do
  onto "$work/in.hdf5" "$command"
done
for command in 'rollout % --task own -o @.hdf5' 'rollout % --task own --video @.mp4' 'export % -o @.onnx' \
  'export % --check @.safetensors'; do
  onto "$work/p.safetensors" "$command"
done
check 'what is read is as it was' cmp "$base" "$work/in.hdf5"
check 'the policy is as it was' cmp "$policy" "$work/p.safetensors"

# Nor is what a name leads to: the task, and the source demos that it says.
task=$work/scenes/own/sourced.yaml
cp "$base" "$work/scenes/own/demo.hdf5"
{ cat "$work/scenes/own/task.yaml" && echo 'source: {file: demo.hdf5}'; } >"$task"
for command in "generate $task -n 1 -o @.hdf5" "replay $task -o @.hdf5" "segment $task --export @.hdf5" \
  "render $task --sheet @.png"; do
  onto "$work/scenes/own/demo.hdf5" "$command"
  onto "$task" "$command"
done
onto "$work/scenes/own/task.yaml" 'record own -o @.hdf5' # which makes source demos
for command in "generate own -o" "record own -o" "dagger own -o" "train --data $gen -o" "render $gen --obs"; do
  # shellcheck disable=SC2086
  expect "${command%% *}: --resume or --overwrite" 2 'give one of them' "$loom" $command "$work/none.hdf5" --resume --overwrite
done

# In place: masks and demos.
masks() { "$loom" info "$1" | sed -n 's/^mask \([a-z]*\) .*/\1/p' | tr '\n' ' '; }
printf '#!/bin/sh\nexec "%s" teleop own --input "%s" --echo -o "$1"\n' "$loom" "$work/lines" >"$work/bin/add"
chmod +x "$work/bin/add"
cp "$gen" "$work/a.hdf5"
"$loom" dataset split "$work/a.hdf5" >/dev/null 2>&1
cp "$work/a.hdf5" "$work/split.hdf5"
for change in "$loom dataset split" add; do
  for state in open locked busy protected shut full; do
    cp "$work/split.hdf5" "$work/a.hdf5"
    # shellcheck disable=SC2086
    case $state in
      open) expect "$change: open elsewhere" 2 'open for writing' opened "$work/a.hdf5" $change "$work/a.hdf5" ;;
      locked) expect "$change: locked by HDF5" 2 'open for writing' holding "$work/a.hdf5" $change "$work/a.hdf5" ;;
      busy) expect "$change: another run" 2 'another run is at work' holding "$work/a.hdf5.lock" $change "$work/a.hdf5" ;;
      protected) chmod a-w "$work/a.hdf5" && expect "$change: protected" 1 'write-protected' $change "$work/a.hdf5" ;;
      shut)
        [ -n "$shut" ] && mkdir "$work/in" && mv "$work/a.hdf5" "$work/in" && chmod a-w "$work/in"
        [ -z "$shut" ] || expect "$change: shut" 1 'Permission denied' unprivileged $change "$work/in/a.hdf5"
        [ -n "$shut" ] && chmod u+w "$work/in" && mv "$work/in/a.hdf5" "$work" && rmdir "$work/in"
        ;;
      full) expect "$change: no room" 1 'cannot be (copied|written)' small_disk 8 $change "$work/a.hdf5" ;;
    esac
    chmod u+w "$work/a.hdf5"
    check "$change, $state: as it was" cmp "$work/split.hdf5" "$work/a.hdf5"
    rm -f "$work"/a.hdf5.{demo,lock}
  done
done
touch "$work/a.hdf5.demo"
expect 'a demo that was kept is not written over' 2 'dataset merge.* puts both together' add "$work/a.hdf5"
rm "$work/a.hdf5.demo"
expect 'a demo is added' 0 'as demo_2' add "$work/a.hdf5"
expect 'all masks stay' 0 '^train valid $' masks "$work/a.hdf5"
expect 'and it can be read' 0 '3 demos' "$loom" info "$work/a.hdf5"
expect 'it is no longer what a run made' 2 'does not say' \
  "$loom" generate own --source "$base" -n 2 -t 1 -o "$work/a.hdf5" --resume
{ cat "$work/scenes/own/task.yaml" && echo 'control_freq: 40'; } >"$work/scenes/own/fast.yaml"
cp "$work/split.hdf5" "$work/a.hdf5"
expect 'another rate is refused before anything is driven' 2 'another environment.*control_freq' \
  "$loom" teleop "$work/scenes/own/fast.yaml" --input "$work/lines" --echo -o "$work/a.hdf5"

# Once attempts are no longer known, their file cannot be made; another run's is not taken for it.
sed 's/^max_steps:.*/max_steps: 95/' "$work/scenes/own/task.yaml" >"$work/scenes/own/some.yaml"
noisy=("$loom" generate "$work/scenes/own/some.yaml" --source "$base" --attempts 8 -t 1 -o "$work/noisy.hdf5" --resume)
check 'failed attempts are kept' "${noisy[@]}" --failed "$work/lost.hdf5"
check 'they are there' test -s "$work/lost.hdf5"
expect 'failed: another name' 2 'none.hdf5: is not there, and .* no longer known' "${noisy[@]}" --failed "$work/none.hdf5"
expect 'failed: the same' 0 'complete already' "${noisy[@]}" --failed "$work/lost.hdf5"
expect 'failed: of another run' 2 'does not say|other settings' "${noisy[@]}" --failed "$gen"

# What lies beside a film is not the film's.
cp "$base" "$work/beside.mp4.hdf5"
check 'a film' "${roll[@]}" --video "$work/beside.mp4" --overwrite
check 'what lay beside it is there still' cmp -s "$base" "$work/beside.mp4.hdf5"
expect 'and nothing else' 0 '^beside.mp4 beside.mp4.hdf5 $' eval "cd '$work' && echo beside* ''"

# A finished file is known by all settings of the run that made it.
done=("$loom" generate own -t 1 -o "$gen" --resume) source=$base
cp "$gen" "$work/before.hdf5"
expect 'the same run' 0 'complete already' "${done[@]}" --source "$source" -n 2
refused() { # NAME PATTERN OPTIONS...
  local name=$1 pattern=$2
  shift 2
  expect "another $name" 2 "other settings .*$pattern" "${done[@]}" --source "$source" "$@"
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
source=$work/other.hdf5 refused source source_demos -n 2
expect 'a copy is not what a run made' 2 'does not say' eval \
  "'$loom' dataset strip '$gen' '$work/copy.hdf5' >/dev/null 2>&1; '$loom' generate own --source '$base' -n 2 -t 1 -o '$work/copy.hdf5' --resume"
expect 'record: the same run' 0 'complete already' "$loom" record own -n 3 --seed 1 -o "$base" --resume
expect 'record: another seed' 2 'other settings .*seed' "$loom" record own -n 3 --seed 2 -o "$base" --resume
expect 'record: another number' 2 'other settings .*successes' "$loom" record own -n 4 --seed 1 -o "$base" --resume

# Interrupted: it is told, and it goes on to the same bytes. Meanwhile nobody else writes it.
many=(own -n 5 --seed 4 -o "$work/many.hdf5")
"$loom" record own -n 5 --seed 4 -o "$work/whole.hdf5" >/dev/null 2>&1
"$loom" record "${many[@]}" >/dev/null 2>"$work/errors" &
await $! test -e "$work/many.hdf5.parts/demo-00000001.hdf5"
kill -STOP $!
expect 'another run overwrites it' 2 'another run is at work' "$loom" record "${many[@]}" --overwrite
expect 'another run goes on with it' 2 'another run is at work' "$loom" record "${many[@]}" --resume
kill -INT $! && kill -CONT $!
wait $!
check 'Ctrl-C: exit status' test $? -eq 1
check 'Ctrl-C: told, and how to go on' says "$work/errors" 'interrupted after .*--resume goes on'
cp "$work/many.hdf5" "$work/so-far.hdf5"
cp "$base" "$work/many.hdf5"
expect 'what another put there stays' 2 'move it away and go on' "$loom" record "${many[@]}" --resume
check 'it does' cmp "$base" "$work/many.hdf5"
rm "$work/many.hdf5"
expect 'rollouts leave its parts alone' 2 "another command's unfinished run" "${roll[@]}" -o "$work/many.hdf5"
expect 'nor is what is read among them' 2 'lies among what a run left' \
  "$loom" generate own --source "$work/many.hdf5.parts/demo-00000001.hdf5" -n 1 -t 1 -o "$work/many.hdf5" --overwrite
mv "$work/so-far.hdf5" "$work/many.hdf5"
check 'it goes on' "$loom" record "${many[@]}" --resume
check 'to the same' cmp "$work/whole.hdf5" "$work/many.hdf5"

# Two at once: one works, the other is told why it does not, and what is there in the end is whole.
at_once() { # NAME COMMAND...
  local name=$1 one two
  shift
  "$@" >"$work/one" 2>&1 &
  one=$!
  "$@" >"$work/two" 2>&1 &
  two=$!
  wait $one
  one=$?
  wait $two
  two=$?
  check "$name at once: one works ($one, $two)" test $((one + two)) -eq 2 -a $((one * two)) -eq 0
  check "$name at once: the other is told" grep -qE 'another run is at work|is there already|exists; use|holds a run' \
    "$work/one" "$work/two"
}
at_once merges "$loom" dataset merge "$work/two.hdf5" "$gen" "$gen"
at_once generations "$loom" generate own --source "$base" -n 1 -t 1 -o "$work/three.hdf5"
at_once trainings "${train[@]}" -o "$work/four"
for out in two three; do check "at once: $out is whole" "$loom" verify "$work/$out.hdf5" --limit 1 --task own; done

# A training's own configuration, and the episodes that its successes are counted on.
cp "$work/policy/config.yaml" "$work/config.yaml"
expect 'train: onto its configuration' 2 'that is what is read' "$loom" train "$work/config.yaml" -o "$work"
check 'train: which stays' cmp "$work/policy/config.yaml" "$work/config.yaml"
tries=("$loom" train "$work/policy/config.yaml" --task own -j 1 -o "$work/tries")
check 'train: with rollouts' "${tries[@]}" --rollouts 1
expect 'train: other rollouts' 2 "other settings .*'n: 1' there, 'n: 2' now" "${tries[@]}" --rollouts 2 --epochs 2 --resume

# The viewer: the annotated copy, and the file of segments that it reads and changes.
printf '%s\n' tell quit >"$work/look"
look=("$loom" view "$base" --task own --headless --script "$work/look")
cp "$gen" "$work/annotated.hdf5" && cp "$gen" "$work/segments.yaml"
expect 'view: an annotated copy is there' 2 'is there already|exists' "${look[@]}" --annotated "$work/annotated.hdf5"
expect 'view: onto what is read' 2 'source itself' "${look[@]}" --annotated "$base" --overwrite
expect 'view: its folder is not there' 1 'cannot be' "${look[@]}" --annotated "$work/none/a.hdf5"
expect 'view: segments that are none' 1 'segments.yaml' "${look[@]}" --segments "$work/segments.yaml"
check 'view: all stays' cmp "$gen" "$work/annotated.hdf5"
check 'view: segments too' cmp "$gen" "$work/segments.yaml"
printf '%s\n' 'row 5' "shot $work/new.png" "shot $work/new.png" "film $work/new.mp4" 'wait 2' "film $work/annotated.mp4" 'wait 2' quit >"$work/look"
cp "$gen" "$work/annotated.mp4"
expect 'view: a film at the end of a script is told at its start' 2 'look:6: .*annotated.mp4 is there already' "${look[@]}"
check 'view: before anything is written' test ! -e "$work/new.png" -a ! -e "$work/new.mp4"
rm "$work/annotated.mp4"
check 'view: its own pictures are replaced, and of two films both are made' "${look[@]}"
check 'view: they are there' test -s "$work/new.png" -a -s "$work/new.mp4" -a -s "$work/annotated.mp4"
check 'view: replaced where that is asked for' "${look[@]}" --annotated "$work/annotated.hdf5" --overwrite

# Every option that names a file or a folder was tried above, or is one of those that are read.
reads='segment --segments|generate --source|generate --segments|train --data|dagger --data|export --data|teleop --input'
reads+='|twin --scene|twin --object|twin --script|twin --events|twin --log|distill --inverse|distill --config|distill --data|view --policy|view --beside|view --script|view --reward|rollout --policy|finetune --config|finetune --data|finetune --reward|weave --source|weave --plan|observe --measure|relabel --config|dataset --map'
elsewhere='generate --failed|view --annotated|view --segments|view --record|teleop --output' # opened otherwise: in place, or above by hand
for command in $("$loom" --help | sed -nE '/^examples/q; s/^  ([a-z]+) .*/\1/p'); do
  for option in $("$loom" "$command" --help | sed -nE 's/^ +(-., )?(--[a-z-]+) (FILE|DIR).*/\2/p'); do
    [[ "$command $option" =~ ^($reads|$elsewhere)$ ]] && continue
    check "$command $option is in this table" grep -qxF -- "$command $option" <<<"$tried"
  done
done
close_tests
