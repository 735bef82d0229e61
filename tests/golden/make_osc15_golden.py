#!/usr/bin/env python3
"""What robosuite 1.5.2's composite controllers do with actions, in a model of our own that has its robots' names.

Make the environment as tests/robosuite15/run.sh does (Python 3.10 or 3.11, tests/robosuite15/requirements.txt), and run,
from the repository root:
    ENV/bin/python tests/golden/make_osc15_golden.py [OUT.json]
OUT is by default tests/golden/osc15.json; tests/golden/README.md says what is in it. The same versions give the same bytes.
"""

import copy
import json
import math
import os
import sys
import warnings

os.environ["MUJOCO_GL"] = "disabled"  # nothing is drawn
warnings.filterwarnings("ignore")

import mujoco
import numpy as np
import robosuite
from robosuite.controllers import load_composite_controller_config
from robosuite.robots import FixedBaseRobot, LeggedRobot, WheeledRobot
from robosuite.utils.binding_utils import MjSim
from robosuite.utils.log_utils import ROBOSUITE_DEFAULT_LOGGER

ROBOSUITE_DEFAULT_LOGGER.setLevel("ERROR")
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "osc15.json")
STEPS = 5  # control steps of a case
SUBSTEPS = 25  # physics steps of each, at 20 Hz
KEPT = (0, 1, 24)  # whose controls are kept

# ---- the models: two arms of seven joints that face each other, or a trunk with two; and a box that nobody needs

AXES = ("0 0 1", "0 1 0", "0 0 1", "0 1 0", "0 0 1", "0 1 0", "0 0 1")
BASES = ('pos="0 -0.8 0.4" quat="0.7 0.1 0 0.7"', 'pos="0.1 0.8 0.4" quat="0.7 0 0 -0.7"')


def chain(i, joint=0):
    """Links from a joint on, and the gripper at the end of them."""
    if joint == len(AXES):
        g = f"gripper{i}_right"
        return f"""<body name="robot{i}_right_hand" pos="0 0 0.1"><geom type="box" size=".03 .08 .03" mass=".6"/>
<site name="{g}_ft_frame"/><site name="{g}_grip_site" pos="0.01 0 0.1" euler="0 0.2 0"/><site name="{g}_grip_site_cylinder"/>
<body pos="0 .01 .06"><joint name="{g}_finger_joint1" type="slide" axis="0 1 0" range="0 .04" armature="1" damping="100"/>
<geom name="{g}_finger1_pad_collision" contype="1" type="box" size=".01 .005 .02" mass=".05"/></body>
<body pos="0 -.01 .06"><joint name="{g}_finger_joint2" type="slide" axis="0 1 0" range="-.04 0" armature="1" damping="100"/>
<geom name="{g}_finger2_pad_collision" contype="1" type="box" size=".01 .005 .02" mass=".05"/></body></body>"""
    return f"""<body name="robot{i}_link{joint + 1}" pos="0.02 0 {0.14 + 0.01 * joint}">
<joint name="robot{i}_joint{joint + 1}" axis="{AXES[joint]}" range="-3.7 3.7" armature=".1" damping=".1" frictionloss=".1"/>
<geom type="capsule" size=".04" fromto="0 0 0 0.02 0 0.12" mass="{2.5 - 0.2 * joint}"/>
{chain(i, joint + 1)}</body>"""


def actuators(i):
    motors = [f'<motor name="robot{i}_torq_j{k}" joint="robot{i}_joint{k}" ctrlrange="{-t} {t}"/>' for k, t in zip(range(1, 8), LIMITS)]
    for k, low, high in ((1, 0, 0.04), (2, -0.04, 0)):
        name = f"gripper{i}_right"
        motors.append(
            f'<position name="{name}_gripper_finger_joint{k}" joint="{name}_finger_joint{k}" ctrlrange="{low} {high}" '
            'kp="1000" forcerange="-20 20"/>'
        )
    return "\n".join(motors)


LIMITS = (80, 80, 80, 80, 80, 12, 12)


def arm(i, place):
    return f'<body name="robot{i}_base" {place}><body name="robot{i}_link0"><site name="robot{i}_right_center"/>\n{chain(i)}</body></body>'


def moving(i):
    """An arm on a lift on a base that drives and turns."""
    b = f"mobilebase{i}"
    return f"""<body name="{b}_base" {BASES[i].replace("0.1 0", "0 0")}>
<joint name="{b}_joint_mobile_forward" type="slide" axis="1 0 0" frictionloss="25"/>
<joint name="{b}_joint_mobile_side" type="slide" axis="0 1 0" frictionloss="25"/>
<joint name="{b}_joint_mobile_yaw" pos="-.2 0 0" axis="0 0 1" frictionloss="25"/>
<geom type="box" size=".3 .2 .1" mass="60"/>
<body name="{b}_support" pos="0 0 .2"><joint name="{b}_joint_torso_height" type="slide" axis="0 0 1" range="0 .34" frictionloss="10"/>
<geom type="cylinder" size=".1 .1" mass="9"/><site name="{b}_center"/>
{arm(i, 'pos="0.1 0 0.1" euler="0 0 0.3"')}</body></body>"""


def servos(i):
    b = f"mobilebase{i}"
    moves = "".join(
        f'<velocity name="{b}_actuator_mobile_{k}" joint="{b}_joint_mobile_{k}" kv="1000" ctrlrange="-{r} {r}" forcerange="-600 600"/>\n'
        for k, r in (("forward", 1), ("side", 1), ("yaw", 1.5))
    )
    return f'{moves}<motor name="{b}_actuator_torso_height" joint="{b}_joint_torso_height" ctrlrange="-1e5 1e5"/>'


TRUNK = (("torso_waist_yaw", "0 0 1"), ("torso_waist_pitch", "0 1 0"), ("torso_waist_roll", "1 0 0"))
HEAD = (("head_yaw", "0 0 1"), ("head_roll", "1 0 0"), ("head_pitch", "0 1 0"))
LIMB = (("shoulder_pitch", "0 1 0"), ("shoulder_roll", "1 0 0"), ("shoulder_yaw", "0 0 1"), ("elbow_pitch", "0 1 0"))
LIMB += (("wrist_yaw", "0 0 1"), ("wrist_roll", "1 0 0"), ("wrist_pitch", "0 1 0"))
FINGERS = [f"{f}_{k}_joint" for f in ("pinky", "ring", "middle", "index") for k in ("intermediate", "proximal")]
FINGERS += ["thumb_distal_joint", "thumb_proximal_pitch_joint", "thumb_proximal_yaw_joint"]
SIDES = {"right": ("r", "R", -1), "left": ("l", "L", 1)}


def links(names, step, mass, end):
    """Links one after the other, and what is at the end of them."""
    out = end
    for k, (name, axis) in reversed(list(enumerate(names))):
        place = step if k else "0 0 0.02"
        out = f"""<body pos="{place}"><joint name="robot0_{name}" axis="{axis}" range="-1.6 1.6" armature=".4" damping=".1"/>
<geom type="box" size=".04 .05 .05" mass="{mass * (1 - 0.1 * k)}"/>
{out}</body>"""
    return out


def geom_of(finger):
    return finger.replace("_pitch", "").replace("_yaw", "_base").replace("joint", "link_col")


def hand(side):
    _, letter, sign = SIDES[side]
    g = f"gripper0_{side}"
    fingers = "".join(
        f"""<body pos="0 {round(0.01 * k - 0.05, 3)} -.06"><joint name="{g}_{letter}_{f}" axis="0 1 0" range="0 1.5" armature=".01" damping="1"/>
<geom name="{g}_{letter}_{geom_of(f)}" contype="1" type="box" size=".005 .005 .02" mass=".02"/></body>\n"""
        for k, f in enumerate(FINGERS)
    )
    sites = f'<site name="{g}_ft_frame"/><site name="{g}_grip_site" pos=".01 0 -.05" euler="0 .2 {0.3 * sign}"/><site name="{g}_grip_site_cylinder"/>'
    return f"<body>{sites}\n{fingers}</body>"


def limb(side):
    short, _, sign = SIDES[side]
    names = [(f"{short}_{name}", axis) for name, axis in LIMB]
    return f'<body name="robot0_{side}_arm_mount" pos="0 {0.2 * sign} .3"><site name="robot0_{side}_center"/>\n{links(names, "0.02 0 -0.12", 1.5, hand(side))}</body>'


def humanoid():
    """A trunk that bends, with a head and two arms, turned in the world; and what moves them."""
    upper = f'<body pos="0 0 .4">{links(HEAD, "0 0 .05", 1, "")}</body>\n{limb("right")}\n{limb("left")}'
    body = f'<body name="robot0_base" pos="0.1 -0.8 0.9" quat="0.7 0.1 0 0.7">\n{links(TRUNK, "0 0 .05", 8, upper)}</body>'
    names = [n for n, _ in TRUNK + HEAD] + [f"{SIDES[s][0]}_{n}" for s in SIDES for n, _ in LIMB]
    motors = [f'<motor name="robot0_{n}" joint="robot0_{n}" ctrlrange="-20000 20000"/>' for n in names]
    for side, (_, letter, _) in SIDES.items():
        for f in FINGERS:
            name = f"gripper0_{side}_{letter}_{f}"
            motors.append(f'<position name="{name}_drive" joint="{name}" ctrlrange="0 1.5" kp="2" forcerange="-20 20"/>')
    return body, "\n".join(motors), ["gripper0_right", "gripper0_left"]


def model(kind):
    """No geom touches another: what is compared is the controllers'."""
    mobile = kind == "mobile"
    robots = "\n".join(moving(i) if mobile else arm(i, BASES[i]) for i in (0, 1))
    motors = "\n".join(actuators(i) + ("\n" + servos(i) if mobile else "") for i in (0, 1))
    hands = ["gripper0_right", "gripper1_right"]
    if kind == "humanoid":
        robots, motors, hands = humanoid()
    sensors = "".join(f'<{k} name="{h}_{k}_ee" site="{h}_ft_frame"/>' for h in hands for k in ("force", "torque"))
    return f"""<mujoco model="arms"><compiler angle="radian" autolimits="true"/><option timestep="0.002" integrator="Euler"/>
<default><geom contype="0" conaffinity="0"/></default>
<worldbody>
{robots}
<body name="box" pos="0 0 2" gravcomp="1"><freejoint name="box"/><geom type="box" size=".02 .02 .02" mass=".1"/></body>
</worldbody>
<actuator>
{motors}
</actuator>
<sensor>{sensors}</sensor></mujoco>"""


# ---- cases

JOINTS = {"type": "JOINT_POSITION", "input_max": 1, "input_min": -1, "output_max": 0.05, "output_min": -0.05, "kp": 50}
JOINTS.update(damping_ratio=1, impedance_mode="fixed", interpolation=None, gripper={"type": "GRIP"})

# What each case changes in the arm of robosuite's own BASIC.
CASES = [
    ("osc", {}),
    ("osc_still", {}),
    ("osc_soft_clipped", {"kp": 80, "damping_ratio": 0.7}),
    ("osc_world", {"input_ref_frame": "world"}),
    ("osc_absolute", {"input_type": "absolute"}),
    ("osc_absolute_world", {"input_type": "absolute", "input_ref_frame": "world"}),
    ("osc_coupled", {"uncouple_pos_ori": False}),
    ("joint", JOINTS),
    ("joint_absolute", {**JOINTS, "input_type": "absolute", "kp": 1000, "kd": 200}),
]

MOBILE = [
    ("mobile", {}),
    ("mobile_world", {"input_ref_frame": "world"}),
    ("mobile_absolute", {"input_type": "absolute"}),
]


# WHOLE_BODY_IK: what each case changes in robosuite's own, one for each robot.
IK_ARMS = [
    ("ik", [{"ik_input_ref_frame": "world"}, {"ik_input_ref_frame": "base"}]),
    ("ik_quat", [{"ik_input_ref_frame": "base", "ik_input_rotation_repr": "quat_wxyz"}, {"ik_input_rotation_repr": "quat_wxyz"}]),
    ("ik_slow", [{"ik_max_dq": 0.3, "ik_pseudo_inverse_damping": 0.2, "ik_integration_dt": 0.05}, {"ik_max_dq": 0}]),
]
IK_MOBILE = [("ik_mobile", [{}, {"ik_input_ref_frame": "mobilebase1_base"}])]
HUMANOID = [
    ("humanoid_osc", {}),
    ("ik_humanoid", [{}]),
    ("ik_humanoid_free", [{"ik_max_dq_torso": 0, "ik_input_ref_frame": "world", "actuation_part_names": ["head", "left", "torso", "right"]}]),
]
SETTINGS = "composite_controller_specific_configs"


def ik_config(name, robot, changes):
    if name.startswith("ik_humanoid"):
        config = load_composite_controller_config(robot="GR1")
    elif name == "ik_mobile":
        folder = os.path.join(os.path.dirname(robosuite.__file__), "controllers/config/robots")
        config = load_composite_controller_config(controller=os.path.join(folder, "default_pandaomron_whole_body_ik.json"))
    else:
        config = load_composite_controller_config(controller="WHOLE_BODY_IK")
        for arm in ("right", "left"):
            config["body_parts"][arm]["gripper"]["use_action_scaling"] = name != "ik_slow"
    if not name.startswith("ik_humanoid"):
        # (What the second robot's has of the first's hand would be moved by the second's joints.)
        config[SETTINGS]["ref_name"] = [f"gripper{robot}_right_grip_site", f"gripper{robot}_left_grip_site"]
        config[SETTINGS]["nullspace_joint_weights"] = {f"robot{robot}_joint1": 20.0, f"robot{robot}_joint4": 3.0}
        for part in ("left", "head", "legs"):
            config["body_parts"].pop(part)
    if name.startswith("ik_") and not name == "ik_mobile":
        for part in ("base", "legs"):
            config["body_parts"].pop(part, None)
    config[SETTINGS].update(changes)
    return config


def config_of(name, changes):
    if name.startswith("ik"):
        configs = [ik_config(name, i, c) for i, c in enumerate(changes)]
        return configs if len(configs) > 1 else configs[0]
    if name.startswith("humanoid"):
        config = load_composite_controller_config(robot="GR1FloatingBody")
        config["body_parts"].pop("base")
        return config
    if name.startswith("mobile"):
        config = load_composite_controller_config(controller="HYBRID_MOBILE_BASE", robot="PandaOmron")
        config["body_parts"]["right"].update(changes)
        return config
    config = load_composite_controller_config(controller="BASIC")
    arm = copy.deepcopy(config["body_parts"]["right"])
    config["body_parts"] = {"right": {**(arm if changes.get("type", "OSC_POSE") == "OSC_POSE" else {}), **changes}}
    return config


def wave(t, n, scale, phase=0.0):
    """Numbers, different in every step and entry, short in print."""
    return [round(scale * math.sin(1.3 * t + i + phase), 3) for i in range(n)]


def arm_action(name, t, robot, k):
    """One arm's part of an action, without its gripper's entry."""
    if name == "mobile_absolute":
        return [round(x + dx, 4) for x, dx in zip((0.5, 0, 0.5, 3, 0, 0), wave(t, 6, 0.05, k))]
    if name == "joint":
        return wave(t, 7, 1.2, k)
    if name == "joint_absolute":
        return [round(float(q) + x, 4) for q, x in zip(robot.init_qpos, wave(t, 7, 0.05, k))]
    if name == "osc_still":  # what turns nothing, and in the end does nothing
        return wave(t, 3, 0.9 if t < 4 else 0, k) + ([0.0] * 3 if t != 2 else wave(t, 3, 0.5, k))
    if name.startswith("osc_absolute"):
        pose = ABSOLUTE[k][name]
        return [round(x + dx, 4) for x, dx in zip(pose, wave(t, 6, 0.02, k))]
    return wave(t, 6, 3.0 if name == "osc_soft_clipped" else 0.9, k)


ABSOLUTE = [{}, {}]


def find_absolute(sim, robots):
    """The grip sites' poses at the canonical joints: position and rotation vector, in the base's frame and the world's."""
    for k, robot in enumerate(robots):
        sim.data.qpos[robot._ref_joint_pos_indexes] = robot.init_qpos
    sim.forward()
    for k, robot in enumerate(robots):
        site, base = (sim.model.site_name2id(n) for n in (f"gripper{k}_right_grip_site", f"robot{k}_right_center"))
        pos, mat = np.array(sim.data.site_xpos[site]), sim.data.site_xmat[site].reshape(3, 3)
        base_pos, base_mat = np.array(sim.data.site_xpos[base]), sim.data.site_xmat[base].reshape(3, 3)
        for name, p, m in (
            ("osc_absolute_world", pos, mat),
            ("osc_absolute", base_mat.T @ (pos - base_pos), base_mat.T @ mat),
        ):
            quat, vec = np.zeros(4), np.zeros(3)
            mujoco.mju_mat2Quat(quat, m.ravel())
            mujoco.mju_quat2Vel(vec, quat, 1.0)
            ABSOLUTE[k][name] = [float(x) for x in (*p, *vec)]


def quat_mul(a, b):
    out = np.zeros(4)
    mujoco.mju_mulQuat(out, np.array(a, dtype=np.float64), np.array(b, dtype=np.float64))
    return out


def ik_begin(sim, config):
    """The hands' poses in a configuration's frame: position, and quaternion (w-x-y-z)."""
    m, d, settings = sim.model._model, sim.data._data, config[SETTINGS]
    frame = settings.get("ik_input_ref_frame", "world")
    pos, quat = np.zeros(3), np.array([1.0, 0, 0, 0])
    if frame != "world":
        body = m.body("robot0_base" if frame == "base" else frame)
        pos, quat = np.array(body.pos), np.array(body.quat)
    mat, own, out = np.zeros(9), np.zeros(4), []
    mujoco.mju_quat2Mat(mat, quat)
    for name in settings["ref_name"]:
        site = sim.model.site_name2id(name)
        mujoco.mju_mat2Quat(own, np.array(d.site_xmat[site]))
        back = quat * [1, -1, -1, -1]
        out.append((mat.reshape(3, 3).T @ (d.site_xpos[site] - pos), quat_mul(back, own)))
    return out


def ik_action(name, t, config, begin, k):
    """Poses round where the hands began; further off where goals are to be cut."""
    far = 4 if name in ("ik_slow", "ik_humanoid_free") else 1
    action = []
    for h, (pos, quat) in enumerate(begin):
        turned, vec = np.zeros(4), np.array(wave(t, 3, 0.2 * far, k + 2 * h + 1))
        angle = float(np.linalg.norm(vec))
        mujoco.mju_axisAngle2Quat(turned, vec / angle, angle)
        turned = quat_mul(turned, quat)
        if config[SETTINGS]["ik_input_rotation_repr"] == "axis_angle":
            vec = np.zeros(3)
            mujoco.mju_quat2Vel(vec, turned, 1.0)
            turned = vec
        action += [round(float(x), 4) for x in (*(pos + wave(t, 3, 0.05 * far, k + 2 * h)), *turned)]
    return action


def fingers_of(name, t, k):
    """A gripper's entry; 1.5's GR-1 has six a hand, told in rad."""
    if "humanoid" in name:
        return [round(0.5 + x, 3) for x in wave(t, 12, 0.6)]
    return [(1.0, 1.0, -0.3, 0.0, 1.0)[t] * (1 if k else -1)]


def numbers(*arrays):
    return [float(x) for a in arrays for x in np.asarray(a, dtype=np.float64).ravel()]


def start(sim, model, config):
    """As an environment does when it is reset from a model, and a recorder when it then puts the state in."""
    sim.reset()
    kind, robot_type = {"arms": (FixedBaseRobot, "Panda"), "mobile": (WheeledRobot, "PandaOmron"), "humanoid": (LeggedRobot, "GR1FixedLowerBody")}[model]
    configs = config if isinstance(config, list) else [config] * (1 if model == "humanoid" else 2)
    robots = [kind(robot_type, idn=i, composite_controller_config=copy.deepcopy(c)) for i, c in enumerate(configs)]
    for robot in robots:
        robot.load_model()
        robot.reset_sim(sim)
        robot.setup_references()
    for robot in robots:
        robot.reset(deterministic=True)
    return robots


def state_at(sim, robots):
    qpos = np.array(sim.model.qpos0) if hasattr(sim.model, "qpos0") else np.array(sim.model._model.qpos0)
    qvel = np.zeros(sim.model.nv)
    for k, robot in enumerate(robots):
        n = len(robot._ref_joint_pos_indexes)
        qpos[robot._ref_joint_pos_indexes] = robot.init_qpos + np.array(wave(0, n, 0.03, k))
        qvel[robot._ref_joint_vel_indexes] = wave(1, n, 0.02, k)
        if n == 20:
            continue
        qpos[robot._ref_gripper_joint_pos_indexes["right"]] = (0.0208, -0.0208)
        if len(robot._ref_torso_joint_pos_indexes):
            qpos[robot._ref_torso_joint_pos_indexes] = 0.2
    return np.concatenate(([0.0], qpos, qvel))


def run(sim, model, name, changes):
    config = config_of(name, changes)
    robots = start(sim, model, config)
    if name == "osc_absolute":
        find_absolute(sim, robots)
        robots = start(sim, model, config)
    state = state_at(sim, robots)
    sim.reset()
    sim.set_state_from_flattened(state)
    sim.forward()

    case = {"name": name, "controller_configs": config, "state": numbers(state), "actions": [], "ctrl": [], "states": []}
    by_ik = name.startswith("ik")
    configs = config if isinstance(config, list) else [config] * len(robots)
    begin = [ik_begin(sim, r.composite_controller_config) for r in robots] if by_ik else []
    for t in range(STEPS):
        action = []
        for k, robot in enumerate(robots):
            body = wave(t, 4, 0.6, 2.0 + k) if model == "mobile" else []  # torso, base
            if by_ik and body:
                body[0] = round(0.2 + 0.1 * body[0], 3)
            if name == "humanoid_osc":  # the other hand, torso, head
                body = wave(t, 12, 0.6, 2.0)
            pose = ik_action(name, t, configs[k], begin[k], k) if by_ik else arm_action(name, t, robot, k)
            action.append(pose + body + fingers_of(name, t, k))
            if body and not by_ik:
                action[-1].append((-1.0, 1.0)[(t + k) % 2])  # whether the goal goes on from the last one
        action = [np.array(a) for a in action]

        for i in range(SUBSTEPS):
            sim.step1()
            for robot, a in zip(robots, action):
                robot.control(a, policy_step=i == 0)
            if i in KEPT:
                case["ctrl"].append(numbers(sim.data.ctrl))
            sim.step2()
        # As its recorder has it: with the base's entries as the controller has turned them.
        case["actions"].append(numbers(*action))
        case["states"].append(numbers(sim.get_state().flatten()))
    return case


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else OUT
    models = {key: model(key) for key in ("arms", "mobile", "humanoid")}
    cases = []
    for key, list in (("arms", CASES + IK_ARMS), ("mobile", MOBILE + IK_MOBILE), ("humanoid", HUMANOID)):
        sim = MjSim.from_xml_string(models[key])
        cases += [{"model": key, **run(sim, key, name, changes)} for name, changes in list]
    with open(out, "w") as f:
        made = {"robosuite": robosuite.__version__, "mujoco": mujoco.__version__, "numpy": np.__version__}
        f.write('{\n "made_with": %s,\n "kept": %s,\n "models": %s,\n "cases": [\n' % tuple(map(json.dumps, (made, KEPT, models))))
        f.write(",\n".join(json.dumps(case, separators=(",", ":")) for case in cases))
        f.write("\n ]\n}\n")
    print(f"{out}: {len(cases)} cases, {os.path.getsize(out) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
