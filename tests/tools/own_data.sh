# What a test of many commands looks at; sourced by it after check.sh. In the folder $work, which is the current one
# from here on: base.hdf5 (two source demos of the task `own`), gen.hdf5 (two generated ones), and a policy.
mkdir "$work/scenes" && ln -s "$PWD/tests/own" "$work/scenes/own" && ln -s "$PWD/tests/own/robots" "$work/scenes/robots"
export DEMOLOOM_SCENES=$work/scenes
cd "$work" || exit 1
"$loom" record own -n 2 --seed 1 -o base.hdf5 >log 2>&1 || cat log
"$loom" generate own --source base.hdf5 -n 2 --seed 1 -t 1 -o gen.hdf5 >log 2>&1 || cat log
"$loom" train --data gen.hdf5 -p bc_l2 --hidden 8 --epochs 1 --steps 2 --rollouts 0 -o pi >log 2>&1 || cat log
policy=pi/last.safetensors
