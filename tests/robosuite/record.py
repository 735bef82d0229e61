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
robots: [%s]
success_hold: 1
max_steps: 100
objects: {cube: {body: cube_main}}
success: {height: {of: cube, above: 0.9}}
reset: {D0: {cube: {x: [0, 0], y: [0, 0], z: 0.82}}}
arms: [%s]
"""
ARM = "{subtasks: [{name: all, reference: cube, until: end}]}"
ROBOTS = {"Panda": None, "PandaOmron": ("panda_omron", 1), "GR1FixedLowerBody": ("gr1_fourier", 2)}  # Lift's: ours, arms


def touches(sim):
    """Does an arm or hand touch anything? MuJoCo's versions differ in what happens then."""
    for i in range(sim.data.ncon):
        contact = sim.data.contact[i]
        names = [sim.model.geom_id2name(g) or "" for g in (contact.geom1, contact.geom2)]
        if any(name.startswith(PARTS) for name in names):
            return True
    return False


def controllers(robot, ik):
    """One for all robots, or a list of one each."""
    if suite.__version__ < "1.5":
        return suite.load_controller_config(default_controller="OSC_POSE")
    from robosuite.controllers import load_composite_controller_config as load

    if ik and robot == "Panda":  # 1.5's own text is for a first robot of two arms
        configs = [load(controller="WHOLE_BODY_IK") for _ in range(2)]
        for i, config in enumerate(configs):
            config["composite_controller_specific_configs"]["ref_name"] = [f"gripper{i}_right_grip_site"]
        return configs
    if ik and robot == "PandaOmron":
        return load(controller=str(Path(suite.__file__).parent / "controllers/config/robots/default_pandaomron_whole_body_ik.json"))
    if robot == "GR1FixedLowerBody":  # its own wants MINK
        return load(robot="GR1") if ik else load(robot="GR1FloatingBody")
    return load(controller="BASIC" if robot == "Panda" else None, robot=robot)


class Swings:
    """Actions of an episode: hands swing, deltas with 1.5's other controllers, round where they began with WHOLE_BODY_IK."""

    def __init__(self, env, robot, ik, rows):
        self.robot, self.rows, self.arms = robot, rows, 1 if robot == "PandaOmron" else 2
        if not ik:
            self.begin = None
            return
        from robosuite.utils import transform_utils as T

        # In the frame that the configuration names.
        frames = {"GR1FixedLowerBody": "robot0_base", "PandaOmron": "mobilebase0_base"}
        hands = ["gripper0_right", "gripper0_left"] if robot.startswith("GR1") else ["gripper0_right", "gripper1_right"]
        frame = np.eye(4)
        if robot in frames:
            body = env.sim.model._model.body(frames[robot])
            frame = T.make_pose(body.pos, T.quat2mat(np.roll(body.quat, -1)))
        self.begin = []
        for hand in hands[: self.arms]:
            site = env.sim.data._data.site(hand + "_grip_site")
            pose = np.linalg.inv(frame) @ T.make_pose(site.xpos, site.xmat.reshape(3, 3))
            self.begin.append(pose)
        self.turn = lambda r, mat: T.quat2axisangle(T.mat2quat(T.quat2mat(T.axisangle2quat(r)) @ mat))

    def hand(self, a, swing):
        if self.begin is None:
            return 0.3 * swing[:6]
        pose = self.begin[a]
        return np.concatenate([pose[:3, 3] + 0.06 * swing[:3], self.turn(0.2 * swing[3:6], pose[:3, :3])])

    def action(self, t, tried):
        swing = np.sin(0.1 * t + tried + np.arange(14))
        if self.begin is not None:
            swing *= min(1, t / 10)  # from where the hands are
        hands = [self.hand(a, swing[6 * a :]) for a in range(self.arms)]
        close = 1 if t > self.rows / 2 else -1
        if self.robot == "Panda":
            return np.concatenate([hands[0], [-1], hands[1], [close]])
        if self.robot == "PandaOmron":  # lift, base, gripper; and whether goals go on from goals
            body = 0.2 * swing[2:6]
            if self.begin is None:
                return np.concatenate([hands[0], body, [-1, 1 if swing[6] > 0 else -1]])
            return np.concatenate([hands[0], [0.2 + 0.1 * body[0]], body[1:], [-1]])
        fingers = [0.3 + 0.2 * swing[:6], 0.3 + 0.2 * swing[6:12]]  # rad
        if self.begin is None:  # torso, head; and whether goals go on from goals
            return np.concatenate(hands + [0.2 * swing[:6]] + fingers + [[-1]])
        return np.concatenate(hands + fingers)


def record(path, rows, robot, ik):
    # As its collect_human_demonstrations makes them.
    # (Two robots on bases do not go into one model of its.)
    config = {"env_name": "Lift", "robots": [robot], "controller_configs": controllers(robot, ik)}
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
            swings = Swings(env, robot, ik, rows)
            for t in range(rows):
                demo.last = t == rows - 1
                env.step(swings.action(t, tried))
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
    if ROBOTS[robot]:
        ours, arms = ROBOTS[robot]
        text = LIFT % (ours, ", ".join([ARM] * arms))
    (folder / "task.yaml").write_text(text)
    (folder / "none.xml").write_text("<mujoco/>")  # each demo has its own
    return ["--task", str(folder / "task.yaml"), "--assets", f"robosuite={Path(suite.__file__).parent}"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--ours", required=True)
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--robot", choices=ROBOTS, default="Panda")
    parser.add_argument("--ik", action="store_true")
    args = parser.parse_args()
    np.random.seed(1)
    record(args.file, args.rows, args.robot, args.ik)

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
