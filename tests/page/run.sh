#!/usr/bin/env bash
# A page of `demoloom view --html` in a headless Chromium: drawn, played and scrubbed, without an error, and as a picture.
#   tests/page/run.sh PAGE.html [PICTURE.png]
# Closes with `N passed, N failed`. CHROMIUM names the browser (Debian's package chromium).
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
page=${1:?which page? run.sh PAGE.html [PICTURE.png]}
browser=${CHROMIUM:-chromium}
if ! command -v "$browser" >/dev/null; then
  echo "run.sh: no $browser; as root, run: apt-get install -y chromium, or set CHROMIUM" >&2
  exit 1
fi
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT

# Its own profile, and a software renderer where there is no GPU. As root Chromium's sandbox does not work.
chromium() {
  exec timeout 120 "$browser" --headless=new --no-sandbox --user-data-dir="$work/$1" --use-gl=angle --use-angle=swiftshader \
    --enable-unsafe-swiftshader --hide-scrollbars --window-size=1280,800 --enable-logging=stderr "${@:2}"
}
cat "$page" "$here/drive.html" >"$work/page.html"
: >"$work/log"
chromium driven "file://$work/page.html" >/dev/null 2>"$work/log" &
until grep -aq 'DRIVEN' "$work/log" || ! kill -0 $! 2>/dev/null; do sleep 0.2; done
kill $! 2>/dev/null
wait $! 2>/dev/null

found=$(sed -n 's/.*DRIVEN \(.*; done\)".*/\1/p' "$work/log" | head -n 1)
tr ';' '\n' <<<"$found" | sed 's/^ *//; /^done$/d'
passed=$(grep -o 'ok ' <<<"$found" | wc -l) failed=$(grep -o 'FAILED ' <<<"$found" | wc -l)
if [ -z "$found" ]; then failed=$((failed + 1)) && echo 'the page was not driven to its end' && tail -n 5 "$work/log"; fi

# What the browser itself has to say of the page.
console=$(grep -a 'CONSOLE' "$work/log" | grep -v DRIVEN)
if [ -n "$console" ]; then failed=$((failed + 1)) && echo "$console"; fi

# Given time to draw, as it opens.
if [ $# -gt 1 ]; then
  (chromium pictured --virtual-time-budget=3000 --screenshot="$(realpath "$2")" "file://$(realpath "$page")") >/dev/null 2>&1
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
