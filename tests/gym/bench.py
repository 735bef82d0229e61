"""Processor time of a step of PPO on HalfCheetah-v5, ours and Stable-Baselines3's: see bench.sh."""

import json
import os
import subprocess
import sys
import tempfile
import time

import gymnasium
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

OURS, THEIRS = 102400, 8192  # steps
HERE = os.path.dirname(os.path.abspath(__file__))


def ours(program):
    with tempfile.TemporaryDirectory() as folder:
        out = subprocess.run(
            [program, "finetune", "--task", os.path.join(HERE, "half_cheetah.yaml"), "--scratch", "--steps", str(OURS),
             "--evaluate", "0", "-j", "1", "--json", "-o", os.path.join(folder, "run")],
            check=True, capture_output=True, text=True).stdout
    return json.loads(out)["core_seconds"] / OURS


def theirs():
    torch.set_num_threads(1)
    env = VecNormalize(DummyVecEnv([lambda: gymnasium.make("HalfCheetah-v5")]))
    model = PPO("MlpPolicy", env, learning_rate=3e-4, n_steps=2048, batch_size=64, n_epochs=10, gamma=0.99,
                gae_lambda=0.95, clip_range=0.2, clip_range_vf=0.2, max_grad_norm=0.5, seed=1, device="cpu")
    model.learn(2048)
    begin = time.process_time()
    model.learn(THEIRS, reset_num_timesteps=False)
    return (time.process_time() - begin) / THEIRS


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    for k in range(rounds):
        a, b = ours(sys.argv[1]), theirs()
        print(f"round {k + 1}: ours {1 / a:.0f} steps/s, {1e6 * a:.1f} us a step; Stable-Baselines3 {1 / b:.0f} steps/s, "
              f"{1e6 * b:.1f} us; {b / a:.1f} times", flush=True)


main()
