#!/usr/bin/env python3
"""Record what Gymnasium's MuJoCo tasks observe and reward, for tests/engine/sim/test_control_sim.c.

Make the environment (Python 3.11 or later, any folder ENV):
    python3 -m venv ENV && ENV/bin/pip install gymnasium==1.4.0 mujoco==4.0.0 imageio packaging
Run:
    ENV/bin/python tests/golden/make_gym_golden.py
It writes gym_cases.json beside itself: one object a task, under the name of its file in tests/gym; `episodes` has a
start each (qpos, qvel, first observation) and, row by row, actions, observations, rewards and whether it terminated.
Formulas and physics are the packages' own. Some actions lie outside of their range, which the models clip. A second
run gives the same bytes.
"""

import json
import os

import gymnasium
import mujoco
import numpy as np

TASKS = {
    "half_cheetah": "HalfCheetah-v5",
    "hopper": "Hopper-v5",
    "walker2d": "Walker2d-v5",
    "inverted_double_pendulum": "InvertedDoublePendulum-v5",
    "pusher": "Pusher-v5",
}
EPISODES, STEPS = 2, 30


def record(env, seed):
    obs, _ = env.reset(seed=seed)
    # Copies: Pusher keeps the arrays it is given.
    episode = {"qpos": env.data.qpos.tolist(), "qvel": env.data.qvel.tolist(), "first": obs.tolist()}
    rows = {"action": [], "obs": [], "reward": [], "terminated": []}
    draws = np.random.default_rng(seed)

    for _ in range(STEPS):
        low, high = env.action_space.low, env.action_space.high
        action = (1.2 * draws.uniform(low, high)).astype(np.float32).astype(np.float64)
        obs, reward, terminated, _, _ = env.step(action)
        for key, value in zip(rows, (action.tolist(), obs.tolist(), float(reward), int(terminated))):
            rows[key].append(value)
        if terminated:
            break
    return {**episode, **rows}


def main():
    assert mujoco.__version__ == "4.0.0" and gymnasium.__version__ == "1.4.0"
    cases = {}
    for name, task in TASKS.items():
        env = gymnasium.make(task).unwrapped
        cases[name] = {"id": task, "episodes": [record(env, seed) for seed in range(EPISODES)]}

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gym_cases.json")
    with open(path, "w") as f:
        json.dump(cases, f, separators=(",", ":"))
        f.write("\n")


main()
