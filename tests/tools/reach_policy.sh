# A policy to be finetuned that has hardly learned anything, and yet succeeds now and then; sourced after check.sh from
# the repository's root. In $work: reach.safetensors, and reach.yaml, settings of a run that takes a second.
# $reach: its task, tests/own made easy.
mkdir -p "$work/scenes/reach" && ln -s "$PWD/tests/own" "$work/scenes/own" && ln -s "$PWD/tests/own/robots" "$work/scenes/robots"
export DEMOLOOM_SCENES=$work/scenes
reach=$work/scenes/reach/task.yaml
cp tests/own/scene.xml "$work/scenes/reach"
sed -e '/^success:/,/^reset:/{/^reset:/!d}' -e 's/^max_steps:.*/max_steps: 40/' -e 's/^success_hold:.*/success_hold: 1/' \
  -e 's/^reset:/success: {distance: {from: box, to: {eef: 0}, below: 0.17}}\nreset:/' tests/own/task.yaml >"$reach"
"$loom" record own -n 2 --seed 1 -o "$work/driven.hdf5" >"$work/log" 2>&1 || cat "$work/log"
"$loom" replay "$work/driven.hdf5" --task own -o "$work/reach.hdf5" >"$work/log" 2>&1 || cat "$work/log"
"$loom" train --data "$work/reach.hdf5" --task "$reach" -p bc_l2 --hidden 16 --epochs 1 --steps 200 --rollouts 1 -o "$work/reach" >"$work/log" 2>&1 ||
  cat "$work/log"
mv "$work/reach/last.safetensors" "$work/reach.safetensors"
cat >"$work/reach.yaml" <<'END'
finetune: {method: residual, steps: 800, threads: 1, evaluate: 4, evaluate_every: 800, checkpoint_every: 400}
td3: {environments: 2, buffer: 400, warmup: 32, batch: 16, hidden: [8]}
residual: {critics_first: 4, hold: 1, test: 4, successes: 512}
END
# other_tasks: files of tasks and demos that the policy is not for, in $work/scenes/reach and $work.
other_tasks() {
  local here=$work/scenes/reach
  sed 's/^task: own/task: other/' "$reach" >"$here/other.yaml"
  { cat "$reach" && echo 'control_freq: 10'; } >"$here/slow.yaml"
  sed 's/^success: .*/success: {distance: {from: box, to: {eef: 0}, below: 0.0001}}/' "$reach" >"$here/hard.yaml"
  sed 's/^controller:.*/controller: {type: JOINT_POSITION, kp: 150, damping_ratio: 1, input_max: 1, input_min: -1, output_max: 0.05, output_min: -0.05}/' \
    "$reach" >"$here/joint.yaml"
  head -c 3000 "$work/reach.hdf5" >"$work/cut.hdf5"
  : >"$work/empty.hdf5"
}
