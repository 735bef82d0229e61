#!/usr/bin/env bash
# tests/check_includes.sh itself: a copy of our sources passes, and does no more once a rule is broken in it.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

copy=$work/copy
fresh() {
  rm -rf "$copy" && mkdir "$copy" && cp -R engine generators policies tools "$copy"
}
# add FILE LINE: at the end of a file of the copy, which may be a new one.
add() {
  mkdir -p "$copy/${1%/*}"
  echo "$2" >>"$copy/$1"
}
guard() { tests/check_includes.sh "$copy" >"$work/guard" 2>&1; }
breaks() { ! guard && says "$work/guard" "passed, $1 failed\$"; }
tells() { grep -F -- "$1" "$work/guard" | grep -qF -- "$2"; }

fresh
check 'as they are, our sources pass' guard
rules=$(sed -n 's/^\([0-9]*\) passed, 0 failed$/\1/p' "$work/guard")
check 'each rule counts' [ "${rules:-0}" -ge 20 ]
add tools/command/more.c '// A comment may well name clock_gettime, fsync( and "PATH.tmp".'
check 'what comments say breaks no rule' guard

# ---- arrows

fresh
add engine/base/file.h '#include "policies/nn/blas.h"'
check 'an arrow upwards is found' breaks 1
check 'and shown' tells engine/base/file.h 'engine/ may not include "policies/nn/blas.h"'
add generators/run/generate.h '  #  include "policies/nn/blas.h"'
add engine/task/task.c '#include "engine/sim/episode.h"'
add engine/draw/image.h '#include "engine/data/dataset.h"'
add policies/nn/blas.c '#include "policies/policies.h"'
check 'two rules of arrows' breaks 2
check 'between halls on one floor' tells generators/run/generate.h 'generators/ may not include'
check 'from a room to one after it' tells engine/task/task.c 'engine/task/ may not include "engine/sim/episode.h"'
check 'from a room to its neighbor' tells engine/draw/image.h 'engine/draw/ may not include'
check 'from a room to its own face' tells policies/nn/blas.c 'policies/nn/ may not include'

fresh
add engine/base/pose.c '#include "rotation.h"'
add engine/base/expr.c '#include "../base/rotation.h"'
add engine/hut/hut.c '#include "engine/base/pose.h"'
add engine/loose.c ''
add engine/run/trace.c '#include <hdf5.h>'
add tools/render/render_run.c '#include <GLFW/glfw3.h>'
check 'five rules of places' breaks 5
check 'a header named from its own folder' tells engine/base/pose.c 'does not name its room'
check 'a header named by way of its parent' tells engine/base/expr.c 'climbs out'
check 'a room that nobody planned' tells engine/hut/hut.c 'engine/hut/ is no room'
check 'a .c file outside of all rooms' tells engine/loose.c 'stands in no room'
check 'HDF5 outside of engine/data' tells engine/run/trace.c hdf5.h
check 'GLFW outside of tools/view' tells tools/render/render_run.c GLFW

# ---- circles

# circle NAME HEADER...: each includes the next one, the last one the first.
circle() {
  local name=$1 first=$2
  shift
  fresh
  while [ $# -gt 0 ]; do
    add "$1" "#include \"${2-$first}\""
    shift
  done
  check "$name is found" breaks 1
  check "$name is shown" tells include 'include each other'
}
circle 'a header that includes itself' engine/base/pose.h
circle 'a circle of three headers' engine/base/random.h engine/base/expr.h engine/base/yaml.h

# ---- mechanisms written once more

fresh
add policies/learn/more.c '  if (flock(fd, LOCK_EX)) return -1;'
check 'a copied mechanism is found' breaks 1
add policies/agent/more.c '#pragma omp parallel for num_threads(4)'
add policies/agent/more.c '  double z = 1.959963984540054;'
add tools/render/more.c '  int worker = omp_get_thread_num();'
add tools/command/more.c '  clock_gettime(CLOCK_MONOTONIC, &now);'
add tools/command/more.c '  return "demoloom 9.9.9";'
add tools/command/more.c '#include <getopt.h>'
add engine/model/more.c '  h = (h ^ c) * 1099511628211ull;'
add engine/scene/more.c '  fseek(f, 0, SEEK_END);'
add generators/run/more.c '  snprintf(partial, n, "%s.tmp", path);'
add generators/run/more.c '  if (rename(from, to)) return -1;'
add generators/run/more.c '  if (fsync(fd)) return -1;'
add policies/learn/more.c '  mkdir(path, 0777);'
add policies/learn/more.c '  yaml_parser_parse(&parser, &event);'
check 'each breaks its rule' breaks 14
for copied in 'policies/learn/more.c flock(' 'policies/agent/more.c omp parallel' 'policies/agent/more.c 1.95996' \
  'tools/render/more.c omp_get_thread_num' 'tools/command/more.c clock_gettime' 'tools/command/more.c "demoloom' \
  'tools/command/more.c getopt' 'engine/model/more.c 1099511628211' 'engine/scene/more.c SEEK_END' \
  'generators/run/more.c "%s.tmp"' 'generators/run/more.c rename(' 'generators/run/more.c fsync(' \
  'policies/learn/more.c mkdir(' 'policies/learn/more.c yaml_parser_'; do
  check "shown: $copied" tells "${copied%% *}" "${copied#* }"
done

close_tests
