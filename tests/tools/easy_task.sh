# A task in which whoever acts succeeds, tests/own with an end that is there from the start, and a student that takes no
# time; sourced in a folder that has them as student.yaml and $DEMOLOOM_SCENES/easy.
mkdir "$DEMOLOOM_SCENES/easy" && cp "$DEMOLOOM_SCENES/own/scene.xml" "$DEMOLOOM_SCENES/easy"
sed -e '/^success:/,/^reset:/{/^reset:/!d}' -e 's/^task: own/task: easy/' -e 's/^success_hold:.*/success_hold: 1/' \
  -e 's/^reset:/success: {distance: {from: box, to: {eef: 0}, below: 9}}\nreset:/' "$DEMOLOOM_SCENES/own/task.yaml" >"$DEMOLOOM_SCENES/easy/task.yaml"
cat >student.yaml <<'END'
data: {files: [{path: none.hdf5}], keys: [object]}
policy: {kind: bc_l2, layers: [8]}
train: {epochs: 1, steps: 2, batch: 4}
rollout: {n: 1}
END
