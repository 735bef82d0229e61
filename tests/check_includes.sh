#!/usr/bin/env bash
# Fail on an include that goes against the arrows: tools -> policies, generators -> engine.
# tests/check_includes.sh [ROOT]; closes with `N passed, N failed`.
set -u -o pipefail
cd "${1:-$(dirname "$0")/..}" || exit 1

rooms=(engine generators policies tools)
declare -A may=(
  [engine]='engine'
  [generators]='engine generators'
  [policies]='engine policies'
  [tools]='engine generators policies tools'
)
wrong=0
say() {
  printf '%s:%s: %s\n' "$1" "$2" "$3"
  wrong=$((wrong + 1))
}

check_own() {
  local file=$1 line=$2 header=$3 room=${1%%/*} other=${3%%/*}
  case $header in
    *..*) say "$file" "$line" "\"$header\" climbs out of its folder; name it from the root" ;;
    */*) case " ${may[$room]} " in *" $other "*) ;; *) say "$file" "$line" "$room/ may not include \"$header\"" ;; esac ;;
  esac
}

check_foreign() {
  local file=$1 line=$2 header=$3
  case $header in
    hdf5*.h | H5*.h) [[ $file == engine/data/* ]] || say "$file" "$line" "only engine/data/ may include <$header>" ;;
    GLFW/*) [[ $file == tools/view/* ]] || say "$file" "$line" "only tools/view/ may include <$header>" ;;
  esac
}

while IFS=: read -r file line text; do
  header=$(sed 's/^[^<"]*[<"]\([^>"]*\)[>"].*/\1/' <<<"$text")
  if [[ $text == *'"'* ]]; then check_own "$file" "$line" "$header"; fi
  check_foreign "$file" "$line" "$header"
done < <(for room in "${rooms[@]}"; do
  [ -d "$room" ] && grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]' "$room"
done)

if [ $wrong -gt 0 ]; then
  echo '0 passed, 1 failed'
  exit 1
fi
echo '1 passed, 0 failed'
