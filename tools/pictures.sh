#!/usr/bin/env bash
# The pictures of README.md and scenes/: none may be older than the scene it shows.
#   tools/pictures.sh [PICTURE...]   draw these anew, or else all that are older than their scenes; needs build/demoloom
#   tools/pictures.sh --check        say which are; status 1 where there are some
# scenes/pictures.sum has a line a picture: what its scene was made of when it was drawn, the picture itself, its path.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
loom=${DEMOLOOM:-build/demoloom}
sums=scenes/pictures.sum

# Picture, task, demos (a row each), frames of each, size of a frame, camera where it is not the view of the table.
table='
scenes/handover/handover.png handover 3 6 280x210
scenes/threading/threading.png threading 3 3 320x240
scenes/assembly/assembly.png assembly 3 5 320x240
scenes/transport/transport.png transport 3 5 320x240
scenes/tray/tray.png tray 2 5 320x240
scenes/drawer/drawer.png drawer 2 5 320x240
scenes/box/box.png box 2 6 268x240
scenes/box/box_pandas.png box/pandas 1 5 320x240
scenes/pouring/pouring.png pouring 2 5 320x240
scenes/coffee/coffee.png coffee 2 5 320x240
scenes/coffee/coffee_pandas.png coffee/pandas 1 5 320x240
scenes/sorting/sorting.png sorting 2 5 320x240
scenes/sorting/sorting_pandas.png sorting/pandas 1 5 320x240
scenes/aloha_transfer/aloha_transfer.png aloha_transfer 2 5 320x240 front
scenes/aloha_insertion/aloha_insertion.png aloha_insertion 2 4 320x240 front
tools/view.png handover 40 - 1280x760
'
pictures() { awk 'NF { print $1 }' <<<"$table"; }
row_of() { awk -v picture="$1" '$1 == picture' <<<"$table"; }

# ---- what a picture shows

# The files that a task is made of: its own, the scene's model and source demos, its robots. `like:` names another task's.
files_of() {
  local task=$1 folder=scenes/${1%%/*} file
  file=$folder/task.yaml
  [ "$task" = "${task%%/*}" ] || file=$folder/${task##*/}.yaml
  printf '%s\n' "$folder/task.yaml" "$file" "$folder"/*.xml "$folder/demo.hdf5" "$folder/cleaned.hdf5"
  sed -n 's/^robots: *\[\(.*\)\].*/\1/p' "$folder/task.yaml" "$file" | tr ', ' '\n\n' | awk 'NF { print "scenes/robots/" $1 ".yaml" }'
}
# Comments change no picture.
contents() { case $1 in *.yaml) sed -e '/^ *#/d' -e 's/ *#.*//' -e '/^ *$/d' "$1" ;; *) cat "$1" ;; esac }
inputs() {
  files_of "$1" | sort -u | while read -r file; do
    [ -e "$file" ] && printf '%s %s\n' "$file" "$(contents "$file" | sha256sum)"
  done | sha256sum | cut -c 1-32
}
# No output where it is as its scene is; else why not.
complaint() {
  local picture=$1 task sum
  task=$(row_of "$picture" | cut -d' ' -f2)
  sum=$(grep " $picture\$" $sums 2>/dev/null)
  if [ -z "$task" ]; then
    echo "$picture: in no line of tools/pictures.sh, which draws it"
  elif [ -z "$sum" ]; then
    echo "$picture: not known to $sums"
  elif [ "$(cut -d' ' -f1 <<<"$sum")" != "$(inputs "$task")" ]; then
    echo "$picture: older than the scene $task"
  elif [ "$(cut -d' ' -f2 <<<"$sum")" != "$(sha256sum <"$picture" | cut -c 1-32)" ]; then
    echo "$picture: not as it was drawn"
  fi
}

# All that are shown: in README.md, and beside the scenes.
shown() {
  { pictures; sed -n 's/.*!\[.*\](\([^)]*\.png\)).*/\1/p' README.md; find scenes -name '*.png'; } | sort -u
}

if [ "${1-}" = --check ]; then
  wrong=$(shown | while read -r picture; do complaint "$picture"; done)
  [ -z "$wrong" ] && exit 0
  printf '%s\n' "$wrong" 'tools/pictures.sh draws them anew'
  exit 1
fi

# ---- drawing

work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT

demos() {
  local task=$1 source=()
  if [ "$task" != "${task%%/*}" ]; then
    "$loom" retarget "scenes/${task%%/*}/demo.hdf5" --task "$task" -o "$work/source.hdf5" --overwrite || return 1
    source=(--source "$work/source.hdf5")
  fi
  "$loom" generate "$task" -n "$2" --seed 1 "${source[@]}" -o "$work/demos.hdf5" --overwrite
}
# The window, with what is drawn over a demo, plots, and the mouse in one of them.
draw_window() {
  printf '%s\n' thumbs paths targets ghost 'demo demo_3' reject 'demo demo_0' keep 'demo demo_1' 'row 80' 'plot 3' 'point 640 520' \
    'wait 3' "shot $work/picture.png" quit >"$work/script"
  mv "$work/demos.hdf5" "$work/handover.hdf5"
  "$loom" view "$work/handover.hdf5" --task handover --size "$1" --headless --script "$work/script" --overwrite
}

draw() {
  local picture task n frames size camera
  read -r picture task n frames size camera < <(row_of "$1")
  [ -n "${task-}" ] || { echo "pictures.sh: $1 is in no line of its table" >&2; return 1; }

  demos "$task" "$n" >"$work/log" 2>&1 &&
    if [ "$frames" = - ]; then
      draw_window "$size"
    else
      "$loom" render "$work/demos.hdf5" --task "$task" --sheet "$work/picture.png" --limit "$n" --columns "$frames" --size "$size" \
        --camera "${camera:-table}" --shadows --overwrite
    fi >>"$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }

  cp "$work/picture.png" "$picture"
  { grep -v " $picture\$" $sums 2>/dev/null
    echo "$(inputs "$task") $(sha256sum <"$picture" | cut -c 1-32) $picture"; } | sort -k 3 >"$work/sums" && cp "$work/sums" $sums
  echo "$picture"
}

if [ $# -eq 0 ]; then
  mapfile -t wanted < <(pictures | while read -r picture; do [ -z "$(complaint "$picture")" ] || echo "$picture"; done)
  set -- "${wanted[@]}"
fi
for picture; do draw "$picture" || exit 1; done
