"""A few swings of both arms of TwoArmHandover, recorded by robosuite's own recorder (1.4.1 or 1.5.2), replayed by ours.

    tests/robosuite/run.sh --record FILE --ours PROGRAM [--rows N]
    tests/robosuite15/run.sh FILE --ours PROGRAM [--rows N] [--robot ROBOT] [--ik]

ROBOT is Panda (two of them), PandaOmron or GR1FixedLowerBody; --ik has its hands driven by 1.5's WHOLE_BODY_IK (GR1's own).

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
PARTS = ("robot", "gripper", "mobilebase")
LIFT = """task: lift
env_name: Lift
model: {file: none.xml}
robots: [panda_omron]
success_hold: 1
max_steps: 100
objects: {cube: {body: cube_main}}
success: {height: {of: cube, above: 0.9}}
reset: {D0: {cube: {x: [0, 0], y: [0, 0], z: 0.82}}}
arms: [{subtasks: [{name: all, reference: cube, until: end}]}]
"""


def touches(sim):
    """Does an arm or hand touch anything? MuJoCo's versions differ in what happens then."""
    for i in range(sim.data.ncon):
        contact = sim.data.contact[i]
        names = [sim.model.geom_id2name(g) or "" for g in (contact.geom1, contact.geom2)]
        if any(name.startswith(PARTS) for name in names):
            return True
    return False


def controllers(robot):
    if suite.__version__ < "1.5":
        return suite.load_controller_config(default_controller="OSC_POSE")
    from robosuite.controllers import load_composite_controller_config

    return load_composite_controller_config(controller="BASIC" if robot == "Panda" else None, robot=robot)


def action_of(swing, robot, grip):
    """An arm's part of an action; of a robot that drives, its lift, its base and whether goals go on from goals, too."""
    if robot == "Panda":
        return np.concatenate([0.3 * swing[:6], [grip]])
    return np.concatenate([0.3 * swing[:6], 0.2 * swing[2:6], [grip, 1 if swing[6] > 0 else -1]])


def record(path, rows, robot):
    # As its collect_human_demonstrations makes them.
    # (Two robots on bases do not go into one model of its.)
    config = {"env_name": "Lift", "robots": [robot], "controller_configs": controllers(robot)}
    if robot == "Panda":
        config.update(env_name="TwoArmHandover", robots=[robot, robot], env_configuration="single-arm-opposed")
    seed = {} if suite.__version__ < "1.5" else {"seed": 1}
    env = suite.make(**config, **seed, has_renderer=False, has_offscreen_renderer=False, ignore_done=True, use_camera_obs=False, control_freq=20)

    # Only successful demos are kept: those that touch nothing till their last row.
    demo = types.SimpleNamespace(touched=False, last=False, kept=0)

    def success():
        demo.touched = demo.touched or touches(env.sim)
        return demo.last and not demo.touched

    env._check_success = success

    with tempfile.TemporaryDirectory() as episodes, tempfile.TemporaryDirectory() as out:
        env = DataCollectionWrapper(env, episodes)
        tried = 0
        while demo.kept < DEMOS:
            env.reset()
            demo.touched = demo.last = False
            for t in range(rows):
                swing = np.sin(0.1 * t + tried + np.arange(14))
                demo.last = t == rows - 1
                arms = action_of(swing, robot, -1), action_of(swing[6:], robot, 1 if t > rows / 2 else -1)
                env.step(np.concatenate(arms[: len(config["robots"])]))
            tried += 1
            demo.kept += not demo.touched
        env.close()
        print(f"{tried} motions, of which {tried - DEMOS} bumped into something and were left out")
        gather_demonstrations_as_hdf5(episodes, out, json.dumps(config))
        subprocess.run(["mv", f"{out}/demo.hdf5", path], check=True)


def task_of_15(folder, robot):
    """The handover, or a cube to be lifted, with the names of 1.5's models, whose meshes lie in the package."""
    scenes = Path(__file__).resolve().parents[2] / "scenes"
    text = (scenes / "handover/task.yaml").read_text()
    assert "robots: [panda, panda]" in text
    text = text.replace("robots: [panda, panda]", "robots: [panda15, panda15]")
    (folder / "task.yaml").write_text(text if robot == "Panda" else LIFT)
    (folder / "none.xml").write_text("<mujoco/>")  # each demo has its own
    return ["--task", str(folder / "task.yaml"), "--assets", f"robosuite={Path(suite.__file__).parent}"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--ours", required=True)
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--robot", choices=("Panda", "PandaOmron"), default="Panda")
    args = parser.parse_args()
    np.random.seed(1)
    record(args.file, args.rows, args.robot)

    with tempfile.TemporaryDirectory() as folder:
        replay = [args.ours, "replay", args.file, "--json"] + (task_of_15(Path(folder), args.robot) if suite.__version__ >= "1.5" else [])
        told = json.loads(subprocess.run(replay, check=True, stdout=subprocess.PIPE, text=True).stdout)
    errors = sorted(demo["joint_error_50"] for demo in told["demos"])
    near = sum(error <= 1e-3 for error in errors)
    print(
        f"{len(errors)} demos of robosuite {suite.__version__}'s recorder: {near} with a joint error within 1e-3 rad over 50 "
        f"steps, median {errors[len(errors) // 2]:.1e}, worst {errors[-1]:.1e}"
    )
    assert len(errors) == near == DEMOS


main()
