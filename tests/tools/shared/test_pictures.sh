#!/usr/bin/env bash
# No picture of README.md or scenes/ is older than the scene it shows; and who looks would find one that is. Closes with
# `N passed, N failed`.
set -u -o pipefail
cd "$(dirname "$0")/../../.." || exit 1
. tests/tools/check.sh

check 'every picture is of its scene as it is' tools/pictures.sh --check

# In a copy, where a scene changes.
mkdir -p "$work/tools" && cp -r scenes README.md "$work" && cp tools/pictures.sh tools/view.png "$work/tools"
cd "$work" || exit 1
check 'so is every one of a copy' tools/pictures.sh --check
sed -i 's/^/# /;s/^# \(.*\)/\1/;1i # a comment' scenes/tray/task.yaml
check 'a comment changes none' tools/pictures.sh --check
echo 'other: 1' >>scenes/tray/task.yaml
expect 'another task does' 1 'scenes/tray/tray.png: older than the scene tray' tools/pictures.sh --check
echo >>scenes/box/scene.xml
expect 'so does another model, for all tasks of it' 1 'box_pandas.png: older than the scene box/pandas' tools/pictures.sh --check
cp scenes/box/box.png scenes/drawer/drawer.png
expect 'another picture' 1 'scenes/drawer/drawer.png: not as it was drawn' tools/pictures.sh --check
cp scenes/box/box.png scenes/box/other.png
expect 'one that nobody draws' 1 'scenes/box/other.png: in no line' tools/pictures.sh --check
close_tests
