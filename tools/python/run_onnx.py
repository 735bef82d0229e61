"""An exported policy (`demoloom export`) closed-loop in robosuite 1.4.1, by what its ONNX file says of itself alone.

    run_onnx.py POLICY.onnx [EPISODES [SEED [ENVIRONMENT]]]    by default 50, 7, TwoArmHandover with two Pandas

Success is robosuite's own, held for a second as our judge wants it. tests/robosuite/run.sh --onnx runs it.
"""
import json
import sys

import numpy as np
import onnxruntime
import robosuite
from robosuite.utils.transform_utils import mat2quat, quat2axisangle

path, episodes, seed, name = (sys.argv[1:] + ["50", "7", "TwoArmHandover"][len(sys.argv) - 2 :])[:4]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
told = session.get_modelmeta().custom_metadata_map
keys, layout = json.loads(told["observations"]), json.loads(told["action_layout"])
rate, rows, steps = float(told["control_freq"]), int(told["observed_rows"]), 800
control = json.loads(told["env_args"])["env_kwargs"]["controller_configs"]
env = robosuite.make(name, robots=["Panda", "Panda"], env_configuration="single-arm-opposed", controller_configs=control,
                     control_freq=rate, horizon=10**6, has_renderer=False, has_offscreen_renderer=False, use_camera_obs=False)
for called, one in env._observables.items():  # what it does not see need not be observed
    one.set_enabled(called in [key["name"] for key in keys])


def pose(frame):
    """Rotation and place in the world of an end effector ("eef0"), of an object's body, of the world itself."""
    if frame == "world":
        return np.eye(3), np.zeros(3)
    if frame.startswith("eef"):
        site, data = env.robots[int(frame[3:])].eef_site_id, env.sim.data
        return data.site_xmat[site].reshape(3, 3), data.site_xpos[site]
    body = getattr(env, f"{frame}_body_id")
    return env.sim.data.body_xmat[body].reshape(3, 3), env.sim.data.body_xpos[body]


def see(key, obs):
    if "of" not in key:
        return obs[key["name"]]
    (of, at), (frame, origin) = pose(key["of"]), pose(key["frame"])
    turn = frame.T @ of
    return np.concatenate([frame.T @ (at - origin), turn[:, 0], turn[:, 1]])


def rotation(numbers):
    x, z = (v / np.linalg.norm(v) for v in (numbers[:3], np.cross(numbers[:3], numbers[3:])))
    return np.stack([x, np.cross(z, x), z], 1)


def move(row):
    """The controllers' action from a row of goals: how far each hand is from where it is to be."""
    action = []
    for arm, part in enumerate(layout):
        turn, at = pose(f"eef{arm}")
        goal = rotation(row[slice(*part["rotation"])]) @ turn.T
        off = np.concatenate([row[slice(*part["position"])] - at, quat2axisangle(mat2quat(goal))])
        action += [np.clip(off / control["output_max"], -1, 1) * control["input_max"], row[slice(*part["gripper"])]]
    return np.concatenate(action)


assert told["action_pose"] == "absolute" and told["action_rotation"] == "6d", "this script drives hands to goals"
np.random.seed(int(seed))  # robosuite draws its starts from there
random, successes = np.random.default_rng(int(seed)), 0
for episode in range(int(episodes)):
    obs, seen, queue, held = env.reset(), [], [], 0
    for step in range(steps):
        seen = (seen or [[see(key, obs) for key in keys]] * rows)[1:] + [[see(key, obs) for key in keys]]
        if not queue:
            given = {key["name"]: np.array([row[i] for row in seen], np.float32) for i, key in enumerate(keys)}
            given |= {p.name: random.standard_normal(p.shape, np.float32) for p in session.get_inputs() if p.name == "noise"}
            queue = list(session.run(["actions"], given)[0].astype(float))
        obs, *_ = env.step(move(queue.pop(0)))
        held = held + 1 if env._check_success() else 0
        if held >= rate:
            break
    successes += held >= rate
    print(f"episode {episode}: {'success' if held >= rate else 'failure'}, {step + 1} steps; {successes} succeed", flush=True)
