"""A few swings of both arms of TwoArmHandover, recorded by robosuite 1.4.1's own recorder, then replayed by ours.

    tests/robosuite/run.sh --record FILE --ours PROGRAM [--rows N]

The joints after each recorded action must be those that robosuite recorded.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import types

import numpy as np

# The recorder's module imports drivers of keyboards and mice, which want a screen; nothing of them is used.
for name in ("pynput", "pynput.keyboard", "hid"):
    sys.modules.setdefault(name, types.ModuleType(name))
sys.modules["pynput.keyboard"].Controller = sys.modules["pynput.keyboard"].Key = object
sys.modules["pynput.keyboard"].Listener = object
sys.modules["pynput"].keyboard = sys.modules["pynput.keyboard"]

import robosuite as suite  # noqa: E402
from robosuite import load_controller_config  # noqa: E402
from robosuite.scripts.collect_human_demonstrations import gather_demonstrations_as_hdf5  # noqa: E402
from robosuite.wrappers import DataCollectionWrapper  # noqa: E402


def record(path, rows):
    # As its collect_human_demonstrations makes them.
    config = {
        "env_name": "TwoArmHandover",
        "robots": ["Panda", "Panda"],
        "controller_configs": load_controller_config(default_controller="OSC_POSE"),
        "env_configuration": "single-arm-opposed",
    }
    env = suite.make(**config, has_renderer=False, has_offscreen_renderer=False, ignore_done=True, use_camera_obs=False, control_freq=20)
    env._check_success = lambda: True  # only successful demos are kept

    with tempfile.TemporaryDirectory() as episodes, tempfile.TemporaryDirectory() as out:
        env = DataCollectionWrapper(env, episodes)
        for demo in range(2):
            env.reset()
            for t in range(rows):
                swing = np.sin(0.1 * t + demo + np.arange(14))
                env.step(np.concatenate([0.3 * swing[:6], [-1], 0.3 * swing[6:12], [1 if t > rows / 2 else -1]]))
        env.close()
        gather_demonstrations_as_hdf5(episodes, out, json.dumps(config))
        subprocess.run(["mv", f"{out}/demo.hdf5", path], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--ours", required=True)
    parser.add_argument("--rows", type=int, default=50)
    args = parser.parse_args()
    np.random.seed(1)
    record(args.file, args.rows)

    said = subprocess.run([args.ours, "replay", args.file, "--json"], check=True, capture_output=True, text=True).stdout
    told = json.loads(said)
    worst = max(demo["joint_error_50"] for demo in told["demos"])
    assert len(told["demos"]) == 2 and worst <= 1e-3, f"joints are {worst} rad off"
    print(f"{len(told['demos'])} demos of robosuite {suite.__version__}'s recorder: joint error within {worst:.1e} rad over 50 steps")


main()
