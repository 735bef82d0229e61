#!/usr/bin/env python3
"""Compute robosuite 1.4.1's arm torques and gripper commands for recorded handover states.

Make the environment (Python 3.11, any folder ENV; the pins are robosuite==1.4.1, mujoco==2.3.2, numpy==1.26.4,
scipy==1.15.3, numba==0.61.2, llvmlite==0.44.0, h5py==3.13.0 and what they need):
    python3 -m venv ENV && ENV/bin/pip install --no-deps -r tests/robosuite/requirements.txt
Run, from the repository root:
    ENV/bin/python tests/golden/make_osc_golden.py [DEMO.hdf5] [OUT.json]
DEMO is by default the handover file under $DEMOLOOM_HOME, OUT tests/golden/osc_torques.json.
The layout of OUT is described in tests/golden/README.md. The same versions give the same bytes.
"""

import copy
import hashlib
import json
import math
import os
import re
import sys

os.environ["MUJOCO_GL"] = "disabled"  # nothing is drawn

import h5py
import mujoco
import numpy as np
import robosuite
import robosuite.utils.transform_utils as T
from robosuite.controllers import controller_factory
from robosuite.models.tasks import Task

HOME = os.environ.get("DEMOLOOM_HOME") or os.path.expanduser("~/.cache/demoloom")
DEMO = HOME + "/robosuite-1.4.1/models/assets/demonstrations/handover/panda_panda/demo.hdf5"
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "osc_torques.json")
ASSETS = os.path.join(os.path.dirname(robosuite.__file__), "models/assets/")
ROWS = 9  # a demo
AHEAD = 5  # an absolute target is the pose this many rows later

# The demos were recorded before the Panda's visual meshes were split; robosuite looks the newer parts up by name for
# segmentation images and stops at the first that is missing. Nothing else needs the table.
Task.generate_id_mappings = lambda self, sim: None

# What a robot adds to its controller's configuration.
BINDING = ("robot_name", "eef_name", "eef_rot_offset", "joint_indexes", "actuator_range", "policy_freq", "ndim")

# What each configuration changes in robosuite's own default file for its type. osc_file changes nothing but goes
# through the dataset's attribute.
CHANGES = [
    ("osc_file", "OSC_POSE", {}),
    ("osc_coupled", "OSC_POSE", {"uncouple_pos_ori": False}),
    ("osc_absolute", "OSC_POSE", {"control_delta": False}),
    ("joint_position", "JOINT_POSITION", {}),
    ("osc_soft_still", "OSC_POSE", {"kp": 80, "damping_ratio": 0.7}),
    ("osc_soft_clipped", "OSC_POSE", {"kp": 80, "damping_ratio": 0.7}),
]


def local(xml):
    """The model with its assets read from this robosuite."""
    return re.sub(r'file="[^"]*models/assets/', 'file="' + ASSETS, xml)


def wave(row, n, scale, phase=0.0):
    """A made-up action, different in every row and entry, short in print."""
    return [round(scale * math.sin(row + i + phase), 4) for i in range(n)]


def numbers(*arrays):
    """One flat list of the arrays' values."""
    return [float(x) for a in arrays for x in np.asarray(a, dtype=np.float64).ravel()]


class Arms:
    """Both robots' controllers in one configuration."""

    def __init__(self, env, config):
        self.env = env
        self.sim = env.sim
        self.list = []
        for robot in env.robots:
            c = copy.deepcopy(config)
            own = robot.controller_config
            for key in BINDING:
                c[key] = own[key]
            c["sim"] = env.sim
            controller = controller_factory(c["type"], c)
            controller.update_initial_joints(robot.init_qpos)
            self.list.append(controller)

    def look(self, reset_goal):
        """Read the simulator's state; with reset_goal the previous goal becomes the pose read."""
        for c in self.list:
            c.update(force=True)
            if reset_goal:
                c.reset_goal()

    def torques(self, action):
        """Goals and torques of the first physics step after both arms' part of an action."""
        n = self.list[0].control_dim
        out = {"action": numbers(action)}
        out.update({key: [] for key in ("goal_pos", "goal_mat", "goal_qpos", "torque", "clipped")})
        for k, c in enumerate(self.list):
            c.set_goal(np.asarray(action[k * n : (k + 1) * n], dtype=np.float64))
            torque = np.array(c.run_controller())
            low, high = self.env.robots[k].torque_limits
            if c.name == "JOINT_POSITION":
                out["goal_qpos"] += numbers(c.goal_qpos)
            else:
                out["goal_pos"] += numbers(c.goal_pos)
                out["goal_mat"] += numbers(c.goal_ori)
            out["torque"] += numbers(torque)
            out["clipped"] += numbers(np.clip(torque, low, high))
        if out["clipped"] == out["torque"]:
            out["clipped"] = []
        return {key: value for key, value in out.items() if value}


def goto(env, state):
    env.sim.reset()
    env.sim.set_state_from_flattened(state)
    env.sim.forward()


def arm_part(action):
    """A recorded action without the grippers' entries."""
    return np.concatenate((action[:6], action[7:13]))


def absolute_target(env, controllers, state):
    """Both arms' end-effector poses in a state, as position and rotation vector."""
    goto(env, state)
    target = []
    for c in controllers:
        site = env.sim.model.site_name2id(c.eef_name)
        quat = np.zeros(4)
        mujoco.mju_mat2Quat(quat, env.sim.data.site_xmat[site].ravel())
        vec = np.zeros(3)
        mujoco.mju_quat2Vel(vec, quat, 1.0)
        target += numbers(env.sim.data.site_xpos[site], vec)
    return target


def kinematics(env, controllers):
    out = {"eef_pos": [], "eef_mat": [], "mass_matrix": [], "bias": []}
    for c in controllers:
        out["eef_pos"] += numbers(c.ee_pos)
        out["eef_mat"] += numbers(c.ee_ori_mat)
        out["mass_matrix"] += numbers(c.mass_matrix)
        out["bias"] += numbers(c.torque_compensation)
    return out


def actions_of(name, row, recorded, target):
    if name == "osc_absolute":
        return target
    if name == "joint_position":
        return wave(row, 14, 0.8)
    if name == "osc_soft_still":  # moves, turns nothing
        return wave(row, 3, 0.9) + [0.0] * 3 + wave(row, 3, 0.9, 1.0) + [0.0] * 3
    if name == "osc_soft_clipped":
        return wave(row, 12, 3.0)
    return arm_part(recorded)


def demo_rows(env, configs, index, states, actions):
    """Golden torques in ROWS evenly spread rows."""
    arms = [Arms(env, config) for config in configs]
    out = []
    for row in np.linspace(0, len(states) - 1 - AHEAD, ROWS).astype(int):
        target = absolute_target(env, arms[0].list, states[row + AHEAD])
        entry = {"demo": index, "row": int(row), "state": numbers(states[row]), "action": numbers(actions[row])}
        entry["goldens"] = []
        for (name, _, _), a in zip(CHANGES, arms):
            goto(env, states[row])
            a.look(reset_goal=True)
            entry["goldens"].append({"controller": name, **a.torques(actions_of(name, int(row), actions[row], target))})
        if len(out) in (0, ROWS // 2):
            entry["kinematics"] = kinematics(env, arms[0].list)
        out.append(entry)
    return out


def demo_sequences(env, config, index, states, actions):
    """The goal's memory: an action that turns nothing keeps the orientation of the goal before it.

    first: states[0] straight after a deterministic reset, when the previous goal is still the pose at initial_joint.
    later: two control steps' goals, the second turning nothing.
    """
    out = []
    goto(env, states[0])
    own = [robot.controller for robot in env.robots]
    still = [0.0] * 12
    arms = Arms.__new__(Arms)
    arms.env, arms.sim, arms.list = env, env.sim, own
    for c in own:
        c.new_update = True
    out.append({"demo": index, "previous": "reset", "state": numbers(states[0]), **arms.torques(still)})

    row = len(states) // 3
    arms = Arms(env, config)
    goto(env, states[row])
    arms.look(reset_goal=True)
    before = arm_part(actions[row])
    arms.torques(before)
    goto(env, states[row + 1])
    arms.look(reset_goal=False)
    after = wave(row, 3, 0.5) + [0.0] * 3 + wave(row, 3, 0.5, 1.0) + [0.0] * 3
    entry = {"demo": index, "previous": "goal"}
    entry.update(previous_state=numbers(states[row]), previous_action=numbers(before))
    out.append({**entry, "state": numbers(states[row + 1]), **arms.torques(after)})
    return out


def gripper(env, name, commands):
    """Finger actuators' ctrl after each physics step's command, from a reset."""
    robot = env.robots[0]
    robot.gripper.current_action = np.zeros(robot.gripper.dof)
    ctrl = []
    for command in commands:
        robot.grip_action(gripper=robot.gripper, gripper_action=np.array([command]))
        ctrl += numbers(env.sim.data.ctrl[robot._ref_joint_gripper_actuator_indexes])
    return {"name": name, "actions": commands, "ctrl": ctrl}


def controller_table(configs):
    keep = ("type", "kp", "damping_ratio", "control_delta", "uncouple_pos_ori")
    keep += ("input_min", "input_max", "output_min", "output_max")
    table = []
    for (name, _, _), config in zip(CHANGES, configs):
        entry = {"name": name, **{key: config[key] for key in keep if key in config}}
        entry.setdefault("damping_ratio", 1)  # robosuite's default; the file says "damping", which robosuite ignores
        table.append(entry)
    return table


def write(path, data):
    """JSON with a line for each row, so that differences can be read."""
    lists = ("controllers", "rows", "sequences", "grippers")
    with open(path, "w") as f:
        head = {key: value for key, value in data.items() if key not in lists}
        f.write(json.dumps(head, indent=1)[:-2])
        for key in lists:
            f.write(',\n "%s": [\n' % key)
            f.write(",\n".join(json.dumps(x, separators=(",", ":")) for x in data[key]))
            f.write("\n ]")
        f.write("\n}\n")


def main():
    source = sys.argv[1] if len(sys.argv) > 1 else DEMO
    out = sys.argv[2] if len(sys.argv) > 2 else OUT
    with h5py.File(source) as f:
        kwargs = json.loads(f["data"].attrs["env_args"])["env_kwargs"]
        groups = [f[f"data/demo_{i}"] for i in range(len(f["data"]))]
        demos = [(g.attrs["model_file"], g["states"][:], g["actions"][:]) for g in groups]
    configs = []
    for name, kind, changes in CHANGES:
        config = robosuite.load_controller_config(default_controller=kind)
        if name == "osc_file":
            config = copy.deepcopy(kwargs["controller_configs"])
        configs.append({**config, **changes})
    np.random.seed(0)
    env = robosuite.make("TwoArmHandover", **kwargs)
    data = {
        "made_with": {"robosuite": robosuite.__version__, "mujoco": mujoco.__version__, "numpy": np.__version__},
        "demo_sha256": hashlib.sha256(open(source, "rb").read()).hexdigest(),
        "initial_joint": numbers(env.robots[0].init_qpos),
        "torque_limits": numbers(env.robots[0].torque_limits[1]),
        "controllers": controller_table(configs),
        "rows": [], "sequences": [], "grippers": [],
    }
    for index, (model, states, actions) in enumerate(demos):
        env.reset()
        env.reset_from_xml_string(local(model))
        assert all(np.array_equal(r.controller.initial_joint, r.init_qpos) for r in env.robots)
        data["sequences"] += demo_sequences(env, configs[0], index, states, actions)
        data["rows"] += demo_rows(env, configs, index, states, actions)
    data["grippers"] += [
        gripper(env, "mixed", [1.0] * 10 + [-1.0] * 10 + [0.0] * 5 + [0.3] * 5),
        gripper(env, "saturated", [1.0] * 110 + [-1.0] * 220),
    ]
    write(out, data)
    print(f"{out}: {len(data['rows'])} rows, {os.path.getsize(out) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
