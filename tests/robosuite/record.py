"""A few swings of both arms of TwoArmHandover, recorded by robosuite's own recorder (1.4.1 or 1.5.2), replayed by ours.

    tests/robosuite/run.sh --record FILE --ours PROGRAM [--rows N]
    tests/robosuite15/run.sh FILE --ours PROGRAM [--rows N]

The joints after each recorded action are compared with those that robosuite recorded.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np

# The recorder's module imports drivers of keyboards and mice, which want a screen; nothing of them is used.
for name in ("pynput", "pynput.keyboard", "hid"):
    sys.modules.setdefault(name, types.ModuleType(name))
sys.modules["pynput.keyboard"].Controller = sys.modules["pynput.keyboard"].Key = object
sys.modules["pynput.keyboard"].Listener = object
sys.modules["pynput"].keyboard = sys.modules["pynput.keyboard"]

import robosuite as suite  # noqa: E402
from robosuite.scripts.collect_human_demonstrations import gather_demonstrations_as_hdf5  # noqa: E402
from robosuite.wrappers import DataCollectionWrapper  # noqa: E402


DEMOS = 8


def controllers():
    if suite.__version__ < "1.5":
        return suite.load_controller_config(default_controller="OSC_POSE")
    from robosuite.controllers import load_composite_controller_config

    return load_composite_controller_config(controller="BASIC", robot="Panda")


def record(path, rows):
    # As its collect_human_demonstrations makes them.
    config = {
        "env_name": "TwoArmHandover",
        "robots": ["Panda", "Panda"],
        "controller_configs": controllers(),
        "env_configuration": "single-arm-opposed",
    }
    env = suite.make(**config, has_renderer=False, has_offscreen_renderer=False, ignore_done=True, use_camera_obs=False, control_freq=20)
    env._check_success = lambda: True  # only successful demos are kept

    with tempfile.TemporaryDirectory() as episodes, tempfile.TemporaryDirectory() as out:
        env = DataCollectionWrapper(env, episodes)
        for demo in range(DEMOS):
            env.reset()
            for t in range(rows):
                swing = np.sin(0.1 * t + demo + np.arange(14))
                env.step(np.concatenate([0.3 * swing[:6], [-1], 0.3 * swing[6:12], [1 if t > rows / 2 else -1]]))
        env.close()
        gather_demonstrations_as_hdf5(episodes, out, json.dumps(config))
        subprocess.run(["mv", f"{out}/demo.hdf5", path], check=True)


def task_of_15(folder):
    """The handover with the names of 1.5's models, whose meshes lie in the package."""
    scenes = Path(__file__).resolve().parents[2] / "scenes"
    text = (scenes / "handover/task.yaml").read_text()
    assert "robots: [panda, panda]" in text
    (folder / "task.yaml").write_text(text.replace("robots: [panda, panda]", "robots: [panda15, panda15]"))
    return ["--task", str(folder / "task.yaml"), "--assets", f"robosuite={Path(suite.__file__).parent}"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--ours", required=True)
    parser.add_argument("--rows", type=int, default=50)
    args = parser.parse_args()
    np.random.seed(1)
    record(args.file, args.rows)

    with tempfile.TemporaryDirectory() as folder:
        replay = [args.ours, "replay", args.file, "--json"] + (task_of_15(Path(folder)) if suite.__version__ >= "1.5" else [])
        told = json.loads(subprocess.run(replay, check=True, stdout=subprocess.PIPE, text=True).stdout)
    errors = sorted(demo["joint_error_50"] for demo in told["demos"])
    near = sum(error <= 1e-3 for error in errors)
    print(
        f"{len(errors)} demos of robosuite {suite.__version__}'s recorder: {near} with a joint error within 1e-3 rad over 50 "
        f"steps, median {errors[len(errors) // 2]:.1e}, worst {errors[-1]:.1e}"
    )

    # Of 1.5's controllers something is still missing here: a few demos drift.
    assert len(errors) == DEMOS and near >= (DEMOS if suite.__version__ < "1.5" else DEMOS / 2)


main()
