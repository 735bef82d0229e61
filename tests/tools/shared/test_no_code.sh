#!/usr/bin/env bash
# Nothing that a stranger's file or folder names is run or loaded: each tries to make $work/ran, in a way of its own.
# What an HDF5 file can name is tried by tests/engine/data/test_dataset_confine.c, MJCF by tests/engine/model/test_mjcf.c.
# Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

# A stranger's scenes folder, with a script where ours has the one that fetches assets.
mkdir -p "$work/theirs/tools" "$work/own"
cp -r scenes "$work/theirs/scenes"
printf 'touch %s/ran\n' "$work" >"$work/theirs/tools/fetch.sh"
chmod +x "$work/theirs/tools/fetch.sh"
cp -r tests/own/. "$work/own"
export DEMOLOOM_HOME=/dev/null/none # nothing can be fetched to there

# A pickle that runs a command when Python loads it, alone and as PyTorch's archives begin.
pickle="cposix
system
(S'touch $work/ran'
tR."
printf '%s' "$pickle" >"$work/policy.pth"
printf 'PK\003\004%s' "$pickle" >"$work/archive.pth"

# never NAME COMMAND...: COMMAND fails, and nothing was run.
never() {
  local name=$1
  shift
  check "$name" bash -c '! "$@"' refused "$@"
  check "$name: nothing was run" test ! -e "$work/ran"
  rm -f "$work/ran"
}

DEMOLOOM_SCENES=$work/theirs/scenes never 'their script for fetching' \
  "$loom" teleop handover --input /dev/null -o "$work/x.hdf5"
never 'a pickle as a policy' "$loom" info "$work/policy.pth"
never 'an archive as a policy' "$loom" rollout "$work/policy.pth" -n 1
never 'an archive as a policy' "$loom" info "$work/archive.pth"

# Names that a shell, or a printf, would take for more than that. `;` may stand in a file's name.
odd='$(touch ran)`touch ran`;touch ran|%n%s'
cp "$work/policy.pth" "$work/$odd"
(cd "$work" && never 'a name for a shell' "$loom" info "$odd"
  never 'a name for a shell as a dataset' "$loom" train --data "$odd"
  echo "$passed $failed" >"$work/counts")
read -r passed failed <"$work/counts"

# A task whose model asks for plugins, or for another file as code.
export DEMOLOOM_SCENES=tests/own
for part in '<extension><plugin plugin="mujoco.elasticity.cable"/></extension>' \
  "<extension><plugin plugin=\"$work/libran.so\"/></extension>"; do
  sed "s|<worldbody>|$part<worldbody>|" tests/own/scene.xml >"$work/own/scene.xml"
  never "$part" "$loom" teleop "$work/own" --input /dev/null -o "$work/x.hdf5"
done

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
