#!/usr/bin/env python3
"""Replay demos in robosuite 1.4.1: does its own success function agree that they succeed?

    tests/robosuite/run.sh FILE [-n LIMIT] [--jobs N] [--json] [--ours build/demoloom]

Each demo's model is loaded with this robosuite's assets, set to states[0], and all actions are played through
env.step. Separately the recorded states are set one by one. Reported for each demo:

    states   success: first row where it is true, and whether it is in the last row
    actions  success: at the end, at any step, in each of the last 10 steps
    error    largest joint error of the arms (rad) against the recorded states over the first 50 steps
    drift    the same over all steps
    object   largest speed of anything free in the first second, before an arm has come to it (m/s)

--ours has the program measure each demo's trust (verify --perturb 6): the share of demos that succeed by action is
then told of those with a trust of at least 5/6, and of the others.

Exit status 0 when every demo could be loaded and played, whether or not it succeeded.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import time

import numpy as np

import environment

HOLD = 10  # steps
EARLY = 50  # steps
START = 20  # steps
REPLAYS = 6  # in perturbed physics, of each demo
TRUSTED = 5 / 6


def arm_columns(env):
    """Columns of a flattened state (time first) that hold the arms' joint positions."""
    return [1 + index for robot in env.robots for index in robot._ref_joint_pos_indexes]


def play_states(env, states):
    """Whether each recorded state is a success."""
    success = []
    for state in states:
        env.sim.set_state_from_flattened(state)
        env.sim.forward()
        success.append(bool(env._check_success()))
    return success


def free_speed(env):
    """Speed (m/s) of the fastest body with a free joint."""
    model, data = env.sim.model._model, env.sim.data._data
    rows = [model.jnt_dofadr[j] for j in range(model.njnt) if model.jnt_type[j] == 0]
    return max((float(np.linalg.norm(data.qvel[row : row + 3])) for row in rows), default=0.0)


def play_actions(env, states, actions):
    """Success after each action, joint error against the recorded state it should lead to, and free_speed early on."""
    columns = arm_columns(env)
    success, error, speed = [], [], 0.0
    for j, action in enumerate(actions):
        env.step(action)
        success.append(bool(env._check_success()))
        if j < START:
            speed = max(speed, free_speed(env))
        if j + 1 < len(states):
            error.append(float(np.abs(env.sim.get_state().flatten() - states[j + 1])[columns].max()))
    return success, error, speed


def replay(env, path, name):
    model, states, actions = environment.load_demo(path, name)
    began = time.monotonic()
    environment.reset_to(env, model, states[0])
    environment.stop_observing(env)
    by_state = play_states(env, states)
    environment.reset_to(env, model, states[0])
    environment.stop_observing(env)
    by_action, error, speed = play_actions(env, states, actions)
    return {
        "name": name,
        "rows": len(actions),
        "states_success": any(by_state),
        "states_first": by_state.index(True) if any(by_state) else None,
        "states_end": by_state[-1],
        "actions_success": by_action[-1],
        "actions_any": any(by_action),
        "actions_held": all(by_action[-HOLD:]),
        "joint_error_50": max(error[:EARLY], default=0.0),
        "joint_error_all": max(error, default=0.0),
        "start_speed": speed,
        "seconds": time.monotonic() - began,
    }


ENV = None  # of this process


def job(task):
    global ENV
    path, name = task
    np.random.seed(0)
    try:
        if ENV is None:
            ENV = environment.make(path)
        return replay(ENV, path, name)
    except Exception as error:  # whatever robosuite or MuJoCo raises is this demo's result; counted apart below
        ENV = None
        return {"name": name, "error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}


def trust_of(program, path, limit):
    """Each demo's share of replays in perturbed physics that succeed, by its name."""
    command = [program, "verify", path, "--perturb", str(REPLAYS), "--json"]
    command += ["--limit", str(limit)] if limit else []
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return {d["name"].split("/")[-1]: d["trust"] for d in json.loads(result.stdout)["results"]}


def trusted_table(demos, trust):
    """Successes and failures by action, of the demos that are trusted and of the others."""
    out = {}
    for key, want in (("trusted", True), ("others", False)):
        some = [d for d in demos if "error" not in d and (trust[d["name"]] >= TRUSTED - 1e-9) == want]
        out[key] = {"demos": len(some), "actions_success": sum(d["actions_success"] for d in some)}
    return out


def summary(demos):
    played = [d for d in demos if "error" not in d]
    counts = ("states_success", "states_end", "actions_success", "actions_any", "actions_held")
    out = {"demos": len(demos), "errors": len(demos) - len(played)}
    out.update({key: sum(d[key] for d in played) for key in counts})
    out["joint_error_50_ok"] = sum(d["joint_error_50"] <= 1e-3 for d in played)
    return out


def yes(flag):
    return "yes" if flag else "-"


def print_row(d, out):
    if "error" in d:
        print(f"{d['name']:>10}  {d['error']}", file=out, flush=True)
        return
    first = "-" if d["states_first"] is None else d["states_first"]
    flags = [yes(d[key]) for key in ("states_end", "actions_success", "actions_any", "actions_held")]
    line = f"{d['name']:>10} {d['rows']:5d} {first:>7} " + " ".join(f"{x:>5}" for x in flags)
    line += f" {d['joint_error_50']:9.1e} {d['joint_error_all']:9.1e} {d['start_speed']:7.3f} {d['seconds']:6.1f}"
    print(line, file=out, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="dataset in robomimic's layout (HDF5)")
    parser.add_argument("-n", type=int, metavar="LIMIT", help="only the first LIMIT demos")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--ours", metavar="PROGRAM", help="have this demoloom measure each demo's trust")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    if not os.path.isfile(options.file):
        parser.error(f"no such file: {options.file}")
    tasks = [(options.file, name) for name in environment.demo_names(options.file, options.n)]
    if not options.json:
        print(f"{'':>10} {'':5} {'states':>13} {'actions':>17} {'joint error (rad)':>19} {'start':>7}")
        print(f"{'demo':>10} {'rows':>5} {'first':>7} {'end':>5} {'end':>5} {'any':>5} {'held':>5}", end=" ")
        print(f"{'50 steps':>9} {'all':>9} {'m/s':>7} {'s':>6}")
    trust = trust_of(options.ours, options.file, options.n) if options.ours else None
    demos = []
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for result in pool.imap(job, tasks):
            demos.append(result)
            print_row(result, sys.stderr if options.json else sys.stdout)
    total = summary(demos)
    if trust is not None:
        for d in demos:
            d["trust"] = trust[d["name"]]
        total.update(trusted_table(demos, trust))
    if options.json:
        print(json.dumps({"demos": demos, "summary": total}, indent=1))
    else:
        print(", ".join(f"{key} {value}" for key, value in total.items()))
    return 1 if total["errors"] or not demos else 0


if __name__ == "__main__":
    sys.exit(main())
