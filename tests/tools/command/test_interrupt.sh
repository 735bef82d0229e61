#!/usr/bin/env bash
# Ctrl-C in the middle of every command that takes long: its status is not 0, it says that it was interrupted and how to
# go on, what was there stays, nothing is half written, and doing it again gives what it gives in one go. Closes with
# `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
here=$PWD/tests/tools/command hopper=$PWD/tests/gym/hopper.yaml
export DEMOLOOM_SCENES=$work/scenes OMP_NUM_THREADS=1
mkdir -p "$work/scenes/own" && cp -r tests/own/robots "$work/scenes/" && cp tests/own/{task.yaml,scene.xml} "$work/scenes/own/"
cd "$work" || exit 1

# On one core, so that it is the same everywhere which demo is in hand.
taskset -pc "$(taskset -pc $$ | sed 's/.*: //; s/[,-].*//')" $$ >/dev/null

check 'a library' ${CC:-cc} -shared -fPIC -O1 -o ctrl_c.so "$here/ctrl_c.c" -ldl
check 'sources' "$loom" record own -n 2 --seed 1 -o base.hdf5
check 'a dataset' "$loom" generate own --source base.hdf5 -n 2 -t 1 -o gen.hdf5
check 'one of LeRobot' "$loom" dataset lerobot gen.hdf5 le
check 'one of Isaac Lab' "$loom" dataset isaac gen.hdf5 is.hdf5 --task own
learn='--rollouts 0 --steps 3 --batch 4 --hidden 8'
# shellcheck disable=SC2086
check 'a policy' "$loom" train --data gen.hdf5 -p bc_l2 --epochs 1 $learn -o policy
check 'a policy of a plain control task' "$loom" finetune -t "$hopper" --scratch -n 256 --environments 2 --evaluate 1 -j 1 -o hopper
check 'its demos' "$loom" rollout hopper/best.safetensors -n 1 -o hopper.hdf5
printf '%s\n' 'film O.mp4' 'row 5' 'wait 2' 'row 9' 'wait 2' quit >film

# What a run leaves under the name asked for: weights, demos and pictures with their bytes, but curves.
looks() {
  if [ -d "$1" ]; then
    (cd "$1" && find . \( -name '*.safetensors' -o -name '*.hdf5' -o -name 'demo*.png' \) -exec sha256sum {} + | sort)
  elif [ -e "$1" ]; then
    sha256sum <"$1"
  fi
}
# interrupted NAME WAYS OUT COMMAND: at some calls of all that it makes. WAYS has `resume` for what goes on with --resume,
# `partial` where Ctrl-C leaves what there is under the name, `folder` where that is one. Without OUT nothing is written.
interrupted() {
  local name=$1 ways=$2 out=$3 n at said status stopped=0
  local words=($4) again=()
  [[ $ways = *resume* ]] && again=(--resume)
  rm -rf out out.* && [ -n "$out" ] && mkdir out
  LD_PRELOAD=$work/ctrl_c.so CTRL_C_COUNT=$work/n "$loom" "${words[@]}" >said 2>&1
  status=$?
  n=$(cat n)
  check "$name: runs through ($status, $n calls; $(head -c 300 said))" test $status -eq 0 -a "$n" -gt 1
  looks "$out" >whole
  for at in $((n / 5)) $((n * 2 / 3)); do
    rm -rf out && [ -n "$out" ] && mkdir out
    said=$(LD_PRELOAD=$work/ctrl_c.so CTRL_C_AT=$at "$loom" "${words[@]}" 2>&1)
    status=$?
    looks "$out" >now
    # It came too late.
    [ $status -eq 0 ] && cmp -s now whole && [[ $said != *interrupted* ]] && continue
    [ $status -eq 130 ] && [ -n "$out" ] && cmp -s now whole && continue
    stopped=$((stopped + 1))
    check "$name: $at of $n: status $status: $said" test $status -eq 1 -o $status -eq 130
    check "$name: $at of $n: told: $said" grep -qE 'interrupted' <<<"$said"
    check "$name: $at of $n: and how to go on: $said" grep -qE -- '--resume|again|anew|adds more' <<<"$said"
    [ -n "$out" ] || continue
    [[ $ways = *partial* ]] || check "$name: $at of $n: nothing is there" test ! -e "$out"
    [ $status -eq 130 ] || check "$name: $at of $n: nothing half written" test -z "$(find out -name '*.tmp' -o -name '*.lock')"
    [[ $ways = *partial* && $ways != *resume* ]] && again=(--overwrite)
    check "$name: $at of $n: goes on" "$loom" "${words[@]}" "${again[@]}"
    check "$name: $at of $n: leaves nothing else" test -z "$(find out -name '*.tmp' -o -name '*.lock' -o -name '*.parts')"
    looks "$out" >now
    check "$name: $at of $n: to the same: $(diff now whole)" cmp -s now whole
  done

  check "$name: is interrupted" test $stopped -gt 0

  # In the place of another, which stays.
  [[ -n $out && $ways != *folder* ]] || return
  rm -rf out && mkdir out && cp base.hdf5 "$out"
  said=$(LD_PRELOAD=$work/ctrl_c.so CTRL_C_AT=$((n / 2)) "$loom" "${words[@]}" --overwrite 2>&1)
  status=$?
  looks "$out" >now
  [ $status -ne 1 ] && cmp -s now whole && return
  check "$name: with --overwrite: $status: $said" test $status -ne 0
  check "$name: with --overwrite: what was there stays" cmp -s base.hdf5 "$out"
}
while IFS='|' read -r name ways out command; do
  [ -z "$name" ] || interrupted "$name" "$ways" "$out" "$command"
done <<ROWS
generate|resume partial|out/o.hdf5|generate own --source base.hdf5 -n 2 -t 1 -o out/o.hdf5
record|resume partial|out/o.hdf5|record own -n 3 --seed 5 -o out/o.hdf5
replay||out/o.hdf5|replay gen.hdf5 --task own -o out/o.hdf5
replay, only told|||replay gen.hdf5 --task own
segment||out/o.hdf5|segment gen.hdf5 --task own --export out/o.hdf5
segment as text||out/o.yaml|segment gen.hdf5 --task own --export out/o.yaml
verify|||verify gen.hdf5 --task own
merge||out/o.hdf5|dataset merge out/o.hdf5 gen.hdf5 gen.hdf5
filter||out/o.hdf5|dataset filter gen.hdf5 out/o.hdf5 --min-rows 1
lerobot||out/o|dataset lerobot gen.hdf5 out/o
lerobot, back||out/o.hdf5|dataset lerobot le out/o.hdf5
strip||out/o.hdf5|dataset strip gen.hdf5 out/o.hdf5
isaac||out/o.hdf5|dataset isaac gen.hdf5 out/o.hdf5 --task own
isaac, back||out/o.hdf5|dataset isaac is.hdf5 out/o.hdf5 --task own
sheet||out/o.png|render gen.hdf5 --task own --limit 2 -j 1 --size 16x16 --light --columns 2 --sheet out/o.png
film|partial|out/o.mp4|render gen.hdf5 --task own --limit 2 -j 1 --size 32x32 --light --speed 20 --video out/o.mp4
frames|partial folder|out/o|render gen.hdf5 --task own --limit 2 -j 1 --size 16x16 --light --speed 20 --frames out/o
obs|resume|out/o.hdf5|render gen.hdf5 --task own --limit 2 -j 1 --size 16x16 --camera table --obs out/o.hdf5
train|resume partial folder|out/o|train --data gen.hdf5 -p bc_l2 --epochs 3 $learn -o out/o
sweep|partial folder|out/o|train --data gen.hdf5 -p bc_l2 --epochs 1 $learn --sizes 1,2 -o out/o
rollout||out/o.hdf5|rollout policy/last.safetensors --task own -n 2 -j 1 --max-steps 6 -o out/o.hdf5
rollout on film||out/o.mp4|rollout policy/last.safetensors --task own -n 2 -j 1 --max-steps 5 --video out/o.mp4
rollout, only told|||rollout policy/last.safetensors --task own -n 2 -j 1 --max-steps 6
rollout of a plain control task||out/o.hdf5|rollout hopper/best.safetensors -n 2 -o out/o.hdf5
dagger|resume partial folder|out/o|dagger own --expert scripted --demos 1 -n 1 --rounds 1 --evaluations 1 --max-steps 6 --expert-successes 0 --steps 5 --hidden 8 -j 1 -o out/o
export||out/o.onnx|export policy/last.safetensors -o out/o.onnx
decisions||out/o.safetensors|export policy/last.safetensors -n 20 --check out/o.safetensors
gail|resume partial folder|out/o|gail --toy ring -n 40 --every 10 --looked 100 --samples 100 -j 1 -o out/o
gail of a task|resume partial folder|out/o|gail $hopper --data hopper.hdf5 -n 512 --environments 2 --evaluate 1 -j 1 -o out/o
ROWS
close_tests
