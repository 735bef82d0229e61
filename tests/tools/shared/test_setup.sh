#!/usr/bin/env bash
# What the set-up scripts, the include check and the test runner do when things go wrong. Nothing here needs the network:
# a stand-in for pip answers. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export DEMOLOOM_HOME=$work/home

# A pip whose index is $work/index: it knows addresses there, and downloads nothing itself.
stand_in() {
  mkdir -p "$work/bin" "$work/index"
  cat >"$work/bin/python3" <<END
#!/bin/sh
case "\$*" in
  *--version*) exit 0 ;;
  *index*) for f in $work/index/*; do echo "  Found link file://\$f (from index), version: 0"; done ;;
  *) echo 'ERROR: [Errno -3] Temporary failure in name resolution'; exit 1 ;;
esac
END
  chmod +x "$work/bin/python3"
}
fetch() { PATH=$work/bin:$PATH tools/fetch.sh "$@"; }

stand_in
wheel=robosuite-1.4.1-py3-none-any.whl
expect 'unknown name' 1 'nothing goes by this name' fetch nonsense
expect 'no name' 2 usage fetch
expect 'not there' 1 '' fetch --check robosuite
expect 'no network' 1 'no download.*name resolution' fetch robosuite
check 'nothing left behind' test ! -e "$work/home/robosuite-1.4.1" -a ! -e "$work/home/.robosuite-1.4.1.tmp"
truncate -s 193518002 "$work/index/$wheel"
expect 'another file than pinned' 1 'sha256 differs.*nothing was installed' fetch robosuite
check 'not kept' test ! -e "$work/home/.$wheel.part" -a ! -e "$work/home/robosuite-1.4.1"
truncate -s 53834676 "$work/index/imgui_bundle-1.93.0.tar.gz"
expect 'another source archive than pinned' 1 'sha256 differs.*nothing was installed' fetch imgui
DEMOLOOM_HOME=/dev/null/x expect 'no folder to write to' 1 'cannot write /dev/null/x; set DEMOLOOM_HOME' fetch robosuite

# What is whole is left alone, whoever put it there, and no tool is even looked for.
mkdir -p "$work/home/mujoco-4.0.0/"{include/mujoco,lib}
for file in include/mujoco/mujoco.h lib/libmujoco.so lib/libmujoco.so.4.0.0; do
  echo mine >"$work/home/mujoco-4.0.0/$file"
done
mkdir "$work/none" && ln -s "$(command -v uname)" "$work/none/"
expect 'already there' 0 '^$' env PATH="$work/none" /bin/bash tools/fetch.sh mujoco
check 'as it was' grep -q mine "$work/home/mujoco-4.0.0/lib/libmujoco.so"
rm "$work/home/mujoco-4.0.0/include/mujoco/mujoco.h"
expect 'no longer whole' 1 '' fetch --check mujoco

expect 'own MuJoCo is not there' 2 'has no include/mujoco/mujoco.h' \
  make --no-print-directory BUILD="$work/build" MUJOCO_DIR="$work/none" "$work/build/config.mk"

mkdir -p "$work/own/include/mujoco" && touch "$work/own/include/mujoco/mujoco.h"
expect 'nor an own ImGui' 2 'has no imgui/imgui.h' \
  make --no-print-directory BUILD="$work/build" MUJOCO_DIR="$work/own" IMGUI_DIR="$work/none" "$work/build/config.mk"
mkdir -p "$work/own/imgui" && touch "$work/own/imgui/imgui.h"
expect 'nor an own carquet' 2 'has no include/carquet/carquet.h' make --no-print-directory BUILD="$work/build" \
  MUJOCO_DIR="$work/own" IMGUI_DIR="$work/own" CARQUET_DIR="$work/none" "$work/build/config.mk"

# The arrows between the rooms; test_includes.sh has the rest.
tree=$work/tree
mkdir -p "$tree"/{engine,generators,policies,tools}
arrow() {
  rm -rf "$tree"/*/* && mkdir -p "$(dirname "$tree/$1")"
  printf '#include %s\n' "$2" >"$tree/$1"
  tests/check_includes.sh "$tree"
}
expect 'engine from generators' 1 'engine/base/a.c:1: engine/ may not include "generators/x.h"' arrow engine/base/a.c '"generators/x.h"'
expect 'generators from policies' 1 'may not include' arrow generators/run/a.c '"policies/x.h"'
expect 'policies from generators' 1 'may not include' arrow policies/nn/a.c '"generators/x.h"'
expect 'generators from tools' 1 'may not include' arrow generators/run/a.c '"tools/x.h"'
expect 'round the corner' 1 'climbs out' arrow engine/base/a.c '"../tools/x.h"'
expect 'HDF5 outside datasets' 1 'only engine/data includes HDF5' arrow engine/task/task.c '<hdf5.h>'
expect 'GLFW outside the viewer' 1 'only tools/view includes GLFW' arrow tools/main.c '<GLFW/glfw3.h>'
expect 'HDF5 in datasets' 0 '^[0-9]+ passed, 0 failed' arrow engine/data/dataset_read.c '<hdf5.h>'
expect 'tools from all' 0 '^[0-9]+ passed, 0 failed' arrow tools/main.c '"generators/x.h"'

# Whatever a test program does, it is counted.
program() {
  printf '#!/bin/sh\n%s\n' "$2" >"$work/$1"
  chmod +x "$work/$1"
}
program guard.sh 'echo "1 passed, 0 failed"'
run_here() { LOOM_TEST_GUARD=$work/guard.sh tests/run.sh --plain "$work/$1"; }
# Only what never ends runs out of time; what stands in for the guard beside it is done at once.
run_briefly() { (export LOOM_TEST_TIMEOUT=10 && run_here "$1"); }
two='echo "[==========] Running 2 test(s)."; echo "[       OK ] a"'
program good "$two; echo '[       OK ] b'"
program crash "$two; kill -SEGV \$\$"
program leak "$two; echo '[       OK ] b'; exit 23"
program empty 'echo "[==========] Running 0 test(s)."'
program silent 'exit 0'
program slow "$two; exec sleep 100000"
expect 'two good ones' 0 '^3 passed, 0 failed$' run_here good
expect 'a crash' 1 '^2 passed, 1 failed$' run_here crash
expect 'a crash is named' 1 'killed by signal 11' run_here crash
expect 'a leak after the last test' 1 '^3 passed, 1 failed$' run_here leak
expect 'no test in it' 1 '^1 passed, 1 failed$' run_here empty
expect 'nothing said' 1 '^1 passed, 1 failed$' run_here silent
expect 'out of time' 1 '^2 passed, 1 failed$' run_briefly slow
expect 'no such program' 1 '^1 passed, 1 failed$' run_here absent

# On a disk that is full for a while: a stand-in for df says what $work/free does, and notes that it said so of little.
mkdir "$work/disk"
cat >"$work/disk/df" <<END
#!/bin/sh
free=\$(cat "$work/free")
[ "\$free" -ge 1024 ] || touch "$work/told"
printf 'Filesystem 1048576-blocks Used Available Capacity Mounted on\n/dev/a 9000 0 8000 0%% /tmp\n/dev/b 9000 0 %d 0%% /\n' "\$free"
END
chmod +x "$work/disk/df"
# free MB: in one go, for df may read it meanwhile.
free() { echo "$1" >"$work/free.new" && mv "$work/free.new" "$work/free"; }
# on_disk MB PROGRAM: with so much room at first; what is said in $work/log, and how often it ran in $work/runs.
on_disk() {
  rm -f "$work/told" "$work/runs" && free "$1"
  (export PATH=$work/disk:$PATH LOOM_TEST_JOBS=1 LOOM_TEST_WAIT=1 && run_here "$2") >"$work/log" 2>&1
}
ran() { [ "$(wc -l <"$work/runs")" -eq "$1" ]; }
# Full until df has said so, unless the room stays away.
put="mv $work/free.new $work/free"
fill="echo 7 >$work/free.new; $put; until [ -e $work/told ]; do sleep 0.02; done"
program fine "echo >>$work/runs; $two; echo '[       OK ] b'"
program broken "echo >>$work/runs; $two"
program once "echo >>$work/runs; $two; [ \$(wc -l <$work/runs) -eq 1 ] || exec echo '[       OK ] b'; $fill; echo 5000 >$work/free.new; $put"
program twice "echo >>$work/runs; $two; $fill; echo 5000 >$work/free.new; $put"
program filled "echo >>$work/runs; $two; $fill"

check 'room enough' on_disk 5000 fine
check 'nothing is said of it' eval '! says "$work/log" "^wait\\|^again\\| MB free"'
check 'a failure with room enough' eval '! on_disk 5000 broken && ran 1'
check 'is no matter of room' eval '! says "$work/log" "^again\\| MB free"'
check 'no room to begin with' on_disk 7 fine
check 'is told' says "$work/log" '^wait .*/guard.sh: 7 MB free, fewer than 1024$'
check 'waited for once, not for each program' test "$(grep -c '^wait' "$work/log") $(grep -c '^go on' "$work/log")" = '1 1'
check 'a failure with no room throughout' eval '! on_disk 7 broken && ran 1'
check 'names what was free' says "$work/log" '^FAIL .*/broken (1 passed, 1 failed, .*, 7 MB free on the disk)$'
check 'the disk is full for a while' on_disk 5000 once
check 'failed for that, it is run again' ran 2
check 'and passes' says "$work/log" '^ok .*/once (2 passed, 0 failed, .* s)$'
check 'which is told' says "$work/log" '^again .*/once: 1 failed while 7 MB were free; there is room now$'
check 'and at the end, too' eval 'tail -n 4 "$work/log" | tr "\n" " " | grep -q "full: plain .*/once *3 passed, 0 failed $"'
check 'what fails again has failed' eval '! on_disk 5000 twice && ran 2'
check 'with both in the log' test "$(grep -c 'Running 2 test' "$work/log")" -eq 2
check 'where no room comes back' eval '! on_disk 5000 filled && ran 1'
check 'it is not run again' says "$work/log" '^FAIL .*/filled .*, 7 MB free on the disk)$'

close_tests
