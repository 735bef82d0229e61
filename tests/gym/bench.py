"""PPO on HalfCheetah-v5, ours and Stable-Baselines3's with the same settings: processor time of a step with the defaults of
ours, or what both learn with those of RL Baselines3 Zoo (rl_zoo.yaml)."""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

import gymnasium
import mpmath
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

OURS, THEIRS = 102400, 8192  # steps
HERE = os.path.dirname(os.path.abspath(__file__))


def run_ours(program, steps, seed, *options):
    """The result's JSON of a run on one thread."""
    with tempfile.TemporaryDirectory() as folder:
        out = subprocess.run(
            [program, "finetune", "--task", os.path.join(HERE, "half_cheetah.yaml"), "--scratch", "--steps", str(steps),
             "--seed", str(seed), "--evaluate", "0", "-j", "1", "--json", "-o", os.path.join(folder, "run"), *options],
            check=True, capture_output=True, text=True).stdout
    return json.loads(out)


def make_theirs(seed, gamma, **settings):
    torch.set_num_threads(1)
    env = VecNormalize(DummyVecEnv([lambda: Monitor(gymnasium.make("HalfCheetah-v5"))]), gamma=gamma)
    return PPO("MlpPolicy", env, batch_size=64, gamma=gamma, seed=seed, device="cpu", **settings)


def time_both(program, rounds=3):
    for k in range(rounds):
        a = run_ours(program, OURS, 1)["core_seconds"] / OURS
        model = make_theirs(1, 0.99, learning_rate=3e-4, n_steps=2048, n_epochs=10, gae_lambda=0.95, clip_range=0.2,
                            clip_range_vf=0.2, max_grad_norm=0.5)
        model.learn(2048)
        begin = time.process_time()
        model.learn(THEIRS, reset_num_timesteps=False)
        b = (time.process_time() - begin) / THEIRS
        print(f"round {k + 1}: ours {1 / a:.0f} steps/s, {1e6 * a:.1f} us a step; Stable-Baselines3 {1 / b:.0f} steps/s, "
              f"{1e6 * b:.1f} us; {b / a:.1f} times", flush=True)


def welch(a, b):
    """Two-sided p of Welch's t-test."""
    va, vb = statistics.variance(a) / len(a), statistics.variance(b) / len(b)
    t = (statistics.mean(a) - statistics.mean(b)) / math.sqrt(va + vb)
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return float(mpmath.betainc(freedom / 2, 0.5, 0, freedom / (freedom + t * t), regularized=True))


def learn_both(program, steps=1000000, seeds=3):
    """Returns of the latest 100 episodes, noise included, after as many steps."""
    a, b = [], []
    for seed in range(1, seeds + 1):
        a.append(run_ours(program, steps, seed, "-c", os.path.join(HERE, "rl_zoo.yaml"))["training_return"]["mean"])
        model = make_theirs(seed, 0.98, learning_rate=2.0633e-5, n_steps=512, n_epochs=20, gae_lambda=0.92, clip_range=0.1,
                            ent_coef=0.000401762, vf_coef=0.58096, max_grad_norm=0.8,
                            policy_kwargs={"log_std_init": -2, "ortho_init": False, "activation_fn": torch.nn.ReLU,
                                           "net_arch": {"pi": [256, 256], "vf": [256, 256]}})
        model.learn(steps)
        b.append(statistics.mean(episode["r"] for episode in model.ep_info_buffer))
        print(f"seed {seed}, {steps} steps: ours {a[-1]:.0f}, Stable-Baselines3 {b[-1]:.0f}", flush=True)
    print(f"mean: ours {statistics.mean(a):.0f}, Stable-Baselines3 {statistics.mean(b):.0f}"
          + (f"; Welch's t-test: p {welch(a, b):.2f}" if seeds > 1 else ""))


program, words = os.path.abspath(sys.argv[1]), sys.argv[2:]
with tempfile.TemporaryDirectory() as place:
    os.chdir(place)  # MuJoCo writes a log of its warnings where it is
    if words[:1] == ["learn"]:
        learn_both(program, *[int(word) for word in words[1:]])
    else:
        time_both(program, *[int(word) for word in words])
    os.chdir(HERE)
