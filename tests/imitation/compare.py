"""Maximum causal entropy in tables: ours against imitation's MCEIRL, on the same tables (run.sh)."""
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from imitation.algorithms.mce_irl import MCEIRL, mce_occupancy_measures, mce_partition_fh
from imitation.rewards.reward_nets import BasicRewardNet
from seals.base_envs import TabularModelPOMDP
from seals.diagnostics.cliff_world import CliffWorldEnv

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
            # What there is beside iterations is in both.
            long, seconds = ours([*run, "--iterations", "400"])
            short, least = ours([*run, "--iterations", "1"])
            mine.append(1000 * (seconds - least) / (long["iterations"] - short["iterations"]))
        a, b = statistics.median(theirs), statistics.median(mine)
        print(f"| {states} x {actions}, {horizon} | {a:.2f} | {b:.3f} | {a / b:.0f} |", flush=True)


with tempfile.TemporaryDirectory() as work:
    compare_policies(work)
    compare_speed(work)
