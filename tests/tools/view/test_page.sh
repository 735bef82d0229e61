#!/usr/bin/env bash
# `demoloom view FILE --html`: one page that holds its demos and loads nothing, the same bytes each time; names from strangers
# stay text; what is wrong is told. Closes with `N passed, N failed`. In a browser: tests/page/run.sh.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh
export OMP_NUM_THREADS=1
. tests/tools/own_data.sh
page() { "$loom" view "$@"; }

check 'a page' eval 'page gen.hdf5 --html a.html >told'
check 'it says what it has' grep -qE 'wrote a.html: 2 demos, [0-9.]+ MB' told
check 'again' page gen.hdf5 --html b.html
check 'the same bytes' cmp a.html b.html
check 'one of them' page gen.hdf5 --html one.html --limit 1
check 'it is smaller' test "$(wc -c <one.html)" -lt "$(wc -c <a.html)"
check 'another one, by its name' page gen.hdf5 --html named.html --demo demo_1

# The head: a line of JSON, whose demos are as `info` has them; then the numbers, of which each mesh, body and plot is a part.
data() { sed -n 's/.*<script type="text\/plain" id="data">\(.*\)/\1/p' "$1"; }
count() { data "$1" | grep -o "$2" | wc -l; }
check 'two demos' test "$(count a.html '"outcome":"success"')" = 2
check 'one demo' test "$(count one.html '"outcome":')" = 1
check 'the demo named' test "$(data named.html | grep -o '"name":"demo_[0-9]*"')" = '"name":"demo_1"'
check 'subtasks' test "$(count one.html '"first":')" -ge 2
numbers() { sed -n '/id="data">/{n;s/<\/script>//;p}' "$1" | base64 -d | wc -c; }
all=$(numbers one.html)
last=$(data one.html | grep -oE '"at":[0-9]+' | tr -dc '0-9\n' | sort -n | tail -n 1)
check 'all numbers are there' test $((2 * last)) -lt "$all"
check 'nothing is loaded' eval '! grep -qE "src=|href=|url\(|https?://|import " a.html'

# Names may be anything, and come from strangers.
tags=$(grep -c '</script>' a.html)
cp gen.hdf5 'x<script>.hdf5'
check 'a file whose name looks like markup' page 'x<script>.hdf5' --html odd.html
check 'ends no script' test "$(grep -c '</script>' odd.html)" = "$tags"
check 'is text' grep -q '"file":"x\\u003cscript>.hdf5"' odd.html

# ---- what is wrong

expect 'what is there stays' 2 'a.html.*--overwrite' page gen.hdf5 --html a.html
check 'unless it is to be replaced' page gen.hdf5 --html a.html --overwrite
expect 'no such demo' 2 "no demo 'demo_7'" page gen.hdf5 --html x.html --demo demo_7
expect 'over what it is made of' 2 'gen.hdf5' page gen.hdf5 --html gen.hdf5 --overwrite
expect 'with a script' 2 'opens no window' page gen.hdf5 --html x.html --script -
expect 'a limit of nothing' 2 '--limit is of' page gen.hdf5 --limit 3
expect 'no such folder' 1 'none/x.html' page gen.hdf5 --html none/x.html
head -c 4000 gen.hdf5 >cut.hdf5
expect 'a file cut short' 1 'cut.hdf5' page cut.hdf5 --task own --html x.html
check 'nothing is left of them' test ! -e x.html
close_tests
