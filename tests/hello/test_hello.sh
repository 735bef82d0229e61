#!/usr/bin/env bash
# The library as others meet it: installed into a prefix, found by pkg-config, built against in C and in C++, and
# run from another folder. Closes with `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/tools/check.sh
prefix=$work/prefix tree=$PWD
home=${DEMOLOOM_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/demoloom}
mujoco=${MUJOCO_DIR:-$home/mujoco-4.0.0}/include

# ---- the faces

for face in engine/engine.h generators/generators.h policies/policies.h; do
  for language in 'gcc -std=c17 -x c' 'g++ -std=c++17 -x c++'; do
    # shellcheck disable=SC2046,SC2086
    check "$face alone in ${language%% *}" $language -fsyntax-only -Wall -Wextra -Werror -I. \
      -isystem "$mujoco" -include "$face" /dev/null
  done
done

# Whatever a face does not lead to says that it is internal.
reached() {
  local list=(engine/engine.h generators/generators.h policies/policies.h) i
  for ((i = 0; i < ${#list[@]}; i++)); do
    for header in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "${list[i]}"); do
      case " ${list[*]} " in *" $header "*) ;; *) list+=("$header") ;; esac
    done
  done
  printf '%s\n' "${list[@]}" | sort
}
internal_says_so() {
  comm -13 <(reached) <(ls engine/*/*.h generators/*/*.h policies/*/*.h | sort) | while read -r header; do
    sed -n '/^\/\//p;/^#ifndef/q' "$header" | grep -q 'Internal\.' || echo "$header does not say that it is internal"
  done | tee /dev/stderr | { ! grep . >/dev/null; }
}
check 'headers that no face leads to are internal' internal_says_so

# ---- installed

check install make --no-print-directory install PREFIX="$prefix"
check 'the program runs there' "$prefix/bin/demoloom" --version
check 'man page' says "$prefix/share/man/man1/demoloom.1" '^.SS demoloom generate'
check completion bash -c ". $prefix/share/bash-completion/completions/demoloom
  COMP_WORDS=(demoloom tra) COMP_CWORD=1; _demoloom; [ \"\${COMPREPLY[*]}\" = train ]"
only_ours() { ! nm -D --defined-only "$prefix/lib/libdemoloom.so" | awk '{print $3}' | grep -v '^loom_'; }
check 'nothing but loom_* can be linked against' only_ours

# ---- a program outside the tree

flags() { PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config "$@" demoloom; }
mkdir "$work/outside" && cp tests/hello/hello.c "$work/outside/" && cd "$work/outside" || exit 1
# shellcheck disable=SC2046
check 'built in C' gcc -std=c17 -Wall -Wextra -Werror hello.c -o hello-c $(flags --cflags --libs)
# shellcheck disable=SC2046
check 'built in C++' g++ -std=c++17 -Wall -Wextra -Werror -x c++ hello.c -x none -o hello-cpp $(flags --cflags --libs)
unset DEMOLOOM_SCENES
for program in hello-c hello-cpp; do
  rm -rf hello.hdf5* hello-run
  check "$program runs" "./$program"
  cp "$work/said" "$work/$program.txt"
  check "$program generates" says "$work/$program.txt" '^generated 1 demo of handover$'
  check "$program trains" says "$work/$program.txt" '^trained 10 steps, loss [0-9.]*$'
done
check 'both languages do the same' cmp "$work/hello-c.txt" "$work/hello-cpp.txt"

cd "$tree" || exit 1
close_tests
