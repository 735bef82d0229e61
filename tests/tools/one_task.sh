# tests/own with one arm of its two, and a signal: $DEMOLOOM_SCENES/one; sourced where tests/own is.
mkdir -p "$DEMOLOOM_SCENES/one"
awk '/<body name="base1"/ {skip = 1} !skip && !/joint="[a-z]*1"/ {print} skip && /^    <\/body>/ {skip = 0}' \
  tests/own/scene.xml >"$DEMOLOOM_SCENES/one/scene.xml"
sed -e 's/^task: own/task: one/; s/robots: \[gantry, gantry\]/robots: [gantry]/; /height: {of: rod/d' \
  -e 's/{name: lift, reference: box, until: end}/{name: reach, reference: box, until: auto}\n      - {name: lift, reference: box, until: end}/' \
  tests/own/task.yaml | awk '
    /^randomize:/ {exit}
    /^  - - \{to: rod/ {skip = 1}
    /- \{name: lift, reference: rod/ {next}
    /^  - subtasks:/ && ++n == 2 {next}
    !skip {print}' >"$DEMOLOOM_SCENES/one/task.yaml"
