"""Stable-Baselines3's PPO on the package's environments: train.py PROGRAM [STEPS].

A robots' task, as a dict of observations, for 4,096 steps: it trains. Gymnasium's Hopper as data for STEPS (20,480): it
learns, the mean return of 20 episodes before and after.
"""

import os
import sys
import time

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

import demoloom

torch.set_num_threads(1)
steps = int(sys.argv[2]) if len(sys.argv) > 2 else 20480
hopper = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gym", "hopper.yaml")


def train(model, steps, what):
    before = [parameter.clone() for parameter in model.policy.parameters()]
    began = time.time()
    model.learn(steps)
    assert all(torch.isfinite(parameter).all() for parameter in model.policy.parameters())
    assert any((a != b).any() for a, b in zip(before, model.policy.parameters()))
    print(f"{what}: {model.num_timesteps} steps of PPO in {time.time() - began:.0f} s", flush=True)


envs = make_vec_env("demoloom/Threading-v0", 4, seed=1, env_kwargs={"max_steps": 100})
train(PPO("MultiInputPolicy", envs, n_steps=256, batch_size=256, seed=1, device="cpu"), 4096, "demoloom/Threading-v0")

envs = make_vec_env(lambda: demoloom.make(hopper, obs="flat"), 4, seed=1)
model = PPO("MlpPolicy", envs, n_steps=512, batch_size=64, seed=1, device="cpu")
before, _ = evaluate_policy(model, envs, 20)
train(model, steps, "tests/gym/hopper.yaml")
after, _ = evaluate_policy(model, envs, 20)
print(f"tests/gym/hopper.yaml: return {before:.0f} before, {after:.0f} after")
sys.exit(not after > before)
