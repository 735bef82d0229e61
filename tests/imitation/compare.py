"""Ours against imitation's: maximum causal entropy on the same tables, and the speed of GAIL (run.sh)."""
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import gymnasium
import numpy as np
import torch
from imitation.algorithms.adversarial.gail import GAIL
from imitation.algorithms.mce_irl import MCEIRL, mce_occupancy_measures, mce_partition_fh
from imitation.data import types
from imitation.data.wrappers import RolloutInfoWrapper
from imitation.rewards.reward_nets import BasicRewardNet
from imitation.util import logger
from imitation.util.networks import RunningNorm
from seals.base_envs import TabularModelPOMDP
from seals.diagnostics.cliff_world import CliffWorldEnv
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

torch.set_num_threads(1)
program = os.path.abspath(sys.argv[1])
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5


class Table(TabularModelPOMDP):
    """A random table; the reward is of states."""

    def __init__(self, states, actions, horizon, seed):
        random = np.random.default_rng(seed)
        move = np.zeros((states, actions, states))
        for s in range(states):
            for a in range(actions):
                to = random.choice(states, size=4, replace=False)
                move[s, a, to] = random.dirichlet(np.ones(4))
        super().__init__(transition_matrix=move, observation_matrix=np.eye(states, dtype=np.float32),
                         reward_matrix=random.normal(size=states), horizon=horizon,
                         initial_state_dist=np.full(states, 1 / states))


def write_table(env, path):
    """The same table as a file of ours."""
    states, actions, _ = env.transition_matrix.shape
    with open(path, "w") as f:
        f.write(f"states {states}\nactions {actions}\n")
        for s in range(states):
            if env.initial_state_dist[s] > 0:
                f.write(f"start {s} {float(env.initial_state_dist[s])!r}\n")
            f.write(f"reward {s} {float(env.reward_matrix[s])!r}\n")
            for a in range(actions):
                row = env.transition_matrix[s, a]
                for to in np.flatnonzero(row):
                    f.write(f"move {s} {a} {to} {float(row[to])!r}\n")


def occupancy(env, pi, gamma):
    """Of states and actions (states x actions), discounted, over the horizon's decisions."""
    at, out, scale = env.initial_state_dist.copy(), 0, 1.0
    for t in range(env.horizon):
        both = at[:, None] * pi[t]
        out = out + scale * both
        at = np.einsum("sa,sat->t", both, env.transition_matrix)
        scale *= gamma
    return out


def learn(env, gamma, iterations):
    """imitation's own run: its policy, what it says of it, and CPU seconds an iteration."""
    _, _, expert = mce_partition_fh(env, discount=gamma)
    _, demos = mce_occupancy_measures(env, pi=expert, discount=gamma)
    net = BasicRewardNet(env.observation_space, env.action_space, hid_sizes=[], use_action=False, use_done=False,
                         use_next_state=False)
    irl = MCEIRL(demos, env, net, np.random.default_rng(0), discount=gamma, optimizer_kwargs={"lr": 0.1}, log_interval=None)
    start = time.process_time()
    visits = irl.train(max_iter=iterations)
    seconds = (time.process_time() - start) / iterations
    return irl.policy.pi, expert, np.abs(visits - demos).max(), seconds


def ours(arguments):
    """The program's JSON, and its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run([program, "irl", *arguments, "--json"], check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(out), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare_policies(folder):
    path = os.path.join(folder, "cliff.mdp")
    write_table(CliffWorldEnv(width=7, height=4, horizon=9, use_xy_obs=False), path)
    print("Returned policy against the expert's: L1 distance of occupancies; cliff:7x4, horizon 9, 3,000 iterations of")
    print("imitation (Adam, 0.1).\n")
    print("| discount | imitation says (largest of a state) | its policy | ours | reward: expert, imitation, ours |")
    print("|---|---|---|---|---|")
    for gamma in (0.5, 0.9, 0.99, 1.0):
        env = CliffWorldEnv(width=7, height=4, horizon=9, use_xy_obs=False)
        pi, expert, said, _ = learn(env, gamma, 3000)
        theirs, wanted = occupancy(env, pi, gamma), occupancy(env, expert, gamma)
        value = [(o.sum(1) * env.reward_matrix).sum() for o in (wanted, theirs)]
        result, _ = ours([path, "--method", "causal", "--features", "states", "--horizon", "9", "--gamma", str(gamma)])
        print(f"| {gamma} | {said:.1e} | {np.abs(theirs - wanted).sum():.2g} | {result['occupancy_error']:.1e} | "
              f"{value[0]:.4f}, {value[1]:.4f}, {result['value']:.4f} |", flush=True)


def compare_speed(folder):
    print("\nProcessor time an iteration, ms, medians of", rounds, "rounds in turns.\n")
    print("| states x actions, horizon | imitation | ours | times |")
    print("|---|---|---|---|")
    path = os.path.join(folder, "table.mdp")
    for states, actions, horizon, iterations in ((28, 4, 9, 200), (16, 3, 20, 200), (100, 5, 100, 60)):
        env = Table(states, actions, horizon, 1)
        write_table(env, path)
        run = [path, "--method", "causal", "--features", "states", "--horizon", str(horizon), "--gamma", "1"]
        theirs, mine = [], []
        for _ in range(rounds):
            theirs.append(1000 * learn(env, 1.0, iterations)[3])
            # What there is beside iterations is in both; it is more than they are, so of ten runs the shortest counts.
            long = [ours([*run, "--iterations", "400"]) for _ in range(10)]
            short = [ours([*run, "--iterations", "1"]) for _ in range(10)]
            seconds = min(s for _, s in long) - min(s for _, s in short)
            mine.append(1000 * seconds / (long[0][0]["iterations"] - short[0][0]["iterations"]))
        a, b = statistics.median(theirs), statistics.median(mine)
        print(f"| {states} x {actions}, {horizon} | {a:.2f} | {b:.3f} | {a / b:.0f} |", flush=True)


def their_gail(folder, steps):
    """Control steps a CPU second of imitation's GAIL on Hopper: PPO of 2048 steps and 10 epochs in batches of 64, as ours, and 4
    updates of the discriminator of 200 rows of each class, where ours makes 10 of 256. What is imitated makes no difference."""
    env = DummyVecEnv([lambda: RolloutInfoWrapper(gymnasium.make("Hopper-v4"))])
    random = np.random.default_rng(1)
    seen = random.normal(size=(200, 11))
    demos = types.Transitions(obs=seen, acts=random.uniform(-1, 1, (200, 3)).astype(np.float32), next_obs=seen,
                              dones=np.zeros(200, bool), infos=np.array([{}] * 200))
    net = BasicRewardNet(env.observation_space, env.action_space, normalize_input_layer=RunningNorm)
    ppo = PPO("MlpPolicy", env, batch_size=64, n_steps=2048, n_epochs=10, policy_kwargs={"net_arch": [64, 64]}, device="cpu")
    gail = GAIL(demonstrations=demos, demo_batch_size=200, gen_replay_buffer_capacity=2048, n_disc_updates_per_round=4, venv=env,
                gen_algo=ppo, reward_net=net, allow_variable_horizon=True,
                custom_logger=logger.configure(folder, format_strs=["csv"]))
    gail.train(2048)
    start = time.process_time()
    gail.train(steps)
    return steps / (time.process_time() - start)


def our_gail(folder, steps):
    """Ours, of demos that a policy made which has hardly learned."""
    task = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gym", "hopper.yaml")
    policy, demos, out = (os.path.join(folder, name) for name in ("policy", "demos.hdf5", "gail"))
    run = lambda *words: subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout
    run("finetune", "-t", task, "--scratch", "-n", "8192", "--evaluate", "0", "-j", "1", "-o", policy, "--overwrite")
    run("rollout", os.path.join(policy, "last.safetensors"), "-n", "8", "-o", demos, "--overwrite")
    told = json.loads(run("gail", task, "--data", demos, "-n", str(steps), "--evaluate", "0", "--no-baselines", "-j", "1", "-o", out,
                          "--overwrite", "--json").splitlines()[-1])
    return told["steps"] / told["core_seconds"]


def compare_gail(folder):
    pairs = [(their_gail(folder, 8192), our_gail(folder, 65536)) for _ in range(rounds)]
    a, b = (statistics.median(pair[k] for pair in pairs) for k in (0, 1))
    print(f"\nGAIL on Hopper, control steps a CPU second: imitation {a:.0f}, ours {b:.0f}: {b / a:.0f} times")


with tempfile.TemporaryDirectory() as work:
    compare_policies(work)
    compare_speed(work)
    compare_gail(work)
