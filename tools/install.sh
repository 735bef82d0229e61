#!/usr/bin/env bash
# Put what `make install` has built into a prefix.
#   tools/install.sh BUILD DESTDIR PREFIX MUJOCO_DIR VERSION SONAME LIBS IMGUI_DIR CARQUET_DIR
set -eu -o pipefail
build=$1 prefix=$3 to=$2$3 mujoco=$4 version=$5 soname=$6 libs=$7 imgui=$8 carquet=$9
lib=$to/lib include=$to/include/demoloom share=$to/share

install -d "$to/bin" "$lib/demoloom/include" "$lib/pkgconfig" "$include" "$share/demoloom/tools" "$share/man/man1" \
  "$share/bash-completion/completions"
install "$build/install/demoloom" "$to/bin/demoloom"

# The library, MuJoCo's beside it out of everybody else's way.
install -m 755 "$build/install/libdemoloom.so" "$lib/libdemoloom.so.$version"
ln -sf "libdemoloom.so.$version" "$lib/$soname"
ln -sf "$soname" "$lib/libdemoloom.so"
install -m 644 "$build/libdemoloom.a" "$lib/"
cp -P "$mujoco"/lib/libmujoco.so* "$lib/demoloom/"
cp -R "$mujoco/include/mujoco" "$lib/demoloom/include/"

# The three faces and the headers they lead to, which name one another from the tree's root.
headers=(engine/engine.h generators/generators.h policies/policies.h)
for ((i = 0; i < ${#headers[@]}; i++)); do
  while read -r header; do
    case " ${headers[*]} " in *" $header "*) ;; *) headers+=("$header") ;; esac
  done < <(sed -n 's/^#include "\([^"]*\)".*/\1/p' "${headers[i]}")
done
for header in "${headers[@]}"; do
  case $header in engine/engine.h | generators/generators.h | policies/policies.h) place=$include/${header#*/} ;;
    *) place=$include/$header ;;
  esac
  install -d "$(dirname "$place")"
  sed 's/^#include "\([^"]*\)"/#include <demoloom\/\1>/' "$header" >"$place"
done

cat >"$lib/pkgconfig/demoloom.pc" <<END
prefix=$prefix
libdir=\${prefix}/lib
includedir=\${prefix}/include

Name: demoloom
Description: A handful of bimanual demonstrations in, thousands out
Version: $version
Cflags: -I\${includedir} -I\${libdir}/demoloom/include
Libs: -L\${libdir} -ldemoloom -Wl,-rpath,\${libdir} -L\${libdir}/demoloom -lmujoco -Wl,-rpath,\${libdir}/demoloom
Libs.private: $libs -lmeshoptimizer -lgomp -lpthread -ldl -lm
END

tools/manual.sh man "$build/demoloom" >"$share/man/man1/demoloom.1"
tools/manual.sh completion "$build/demoloom" >"$share/bash-completion/completions/demoloom"
cp -R scenes "$share/demoloom/"
install tools/fetch.sh "$share/demoloom/tools/"
install -m 644 LICENSE "$share/demoloom/"

# The licenses of what is in the program itself: its widgets, their font, and what reads Parquet.
install -d "$share/demoloom/licenses"
for pair in imgui/LICENSE.txt:imgui implot/LICENSE:implot fonts/LICENSE.txt:roboto; do
  [ ! -f "$imgui/${pair%:*}" ] || install -m 644 "$imgui/${pair%:*}" "$share/demoloom/licenses/${pair#*:}.txt"
done
[ ! -f "$carquet/LICENSE" ] || install -m 644 "$carquet/LICENSE" "$share/demoloom/licenses/carquet.txt"
