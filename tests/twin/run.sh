#!/usr/bin/env bash
# A task from two phone scans, all by commands: a drawer that a Panda pulls open and puts a cup in. Demos by the script's
# own expert, 100 generated of them, a policy, and 100 starts that it has never seen; each stage with what it took.
#   tests/twin/run.sh PROGRAM SCANS FOLDER
# PROGRAM is build/demoloom. SCANS has drawer2.glb and cup.glb, which are not part of this repository; without them nothing
# is done. FOLDER is made, and must lie outside of it: nothing made from the scans may be committed. Convex pieces are
# made anew, kept ones are not used.
set -eu -o pipefail

[ $# -eq 3 ] || { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p;}' "$0" >&2 && exit 2; }
here=$(cd "$(dirname "$0")" && pwd) program=$(realpath "$1") scans=$(realpath -m "$2")
[ -r "$scans/drawer2.glb" ] && [ -r "$scans/cup.glb" ] || { echo "skipped: $scans has no drawer2.glb and cup.glb" && exit 0; }
case $(realpath -m "$3")/ in "$(realpath "$here/../..")"/*) echo "run.sh: $3 lies in the repository" >&2 && exit 2 ;; esac
mkdir "$3"
cd "$3"

# What was fetched is there, what was computed is not.
home=${DEMOLOOM_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/demoloom}
mkdir home
for had in "$home"/*-[0-9]*; do [ ! -e "$had" ] || ln -s "$had" home/; done
export DEMOLOOM_HOME=$PWD/home

# stage NAME COMMAND...: what it says goes into NAME.txt. Told are wall time, the processors' and its last line like $say.
TIMEFORMAT='%R %U %S'
cpu=0
stage() {
  local name=$1 took
  shift
  printf '%s\n' "demoloom $*" >>commands.txt
  took=$({ time "$program" "$@" >"$name.txt" 2>&1; } 2>&1) || { tail -n 20 "$name.txt" >&2 && exit 1; }
  read -r wall user system <<<"$took"
  cpu=$(awk "BEGIN { print $cpu + $user + $system }")
  awk "BEGIN { printf \"%-9s %6.0f s, %6.0f s of processors  \", \"$name\", $wall, $user + $system }"
  grep "$say" "$name.txt" | tail -n 1 || tail -n 1 "$name.txt"
}
say='a task' stage new twin new tower --object "$scans/drawer2.glb" --object "$scans/cup.glb" --mass cup=0.015
say='commands' stage edit twin edit tower --script "$here/drawer.yaml" --concavity 0.12
say='simulates' stage check twin check tower --picture tower.png
say='demos from' stage record record tower -n 10 --seed 1 -o tower/demo.hdf5
say='demos from' stage generate generate tower -n 100 --seed 5 -o demos.hdf5
say='succeed (95' stage train train --data demos.hdf5 --task tower -p diffusion_mlp --seed 1 -o policy
say='%' stage rollout rollout policy/best_success.safetensors --task tower -n 100 --seed 7
printf '%-9s %6d s, %6.0f s of processors\n' all $SECONDS "$cpu"
