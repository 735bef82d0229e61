#!/usr/bin/env python3
"""Time robosuite 1.4.1's env.step on given demos, for comparison with our episodes on the same models and actions.

    tests/robosuite/run.sh --speed FILE [-n LIMIT] [--repeat R] [--ours build/demoloom]

One process, one thread. Prints JSON: for each demo and in all,
seconds a control step, physics steps a second, and seconds of a whole attempt (env.reset() and all its steps).
--ours has the program verify the same demos before and after, and adds what a control step costs there, and the ratio.
The first control step of the process, in which numba compiles or loads its cache, is not counted.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import environment


def play(env, model, states, actions):
    """Seconds of a reset and of stepping, and CPU seconds of stepping."""
    began = time.perf_counter()
    env.reset()
    fresh = time.perf_counter()
    environment.reset_to(env, model, states[0])
    ready, cpu = time.perf_counter(), time.process_time()
    for action in actions:
        env.step(action)
    return fresh - began, time.perf_counter() - ready, time.process_time() - cpu


def figures(name, rows, ratio, reset, stepping, cpu):
    return {
        "name": name,
        "control_steps": rows,
        "seconds_stepping": stepping,
        "cpu_seconds_stepping": cpu,
        "cpu_seconds_per_control_step": cpu / rows,
        "seconds_per_control_step": stepping / rows,
        "control_steps_per_second": rows / stepping,
        "physics_steps_per_second": rows * ratio / stepping,
        "seconds_reset": reset,
        "seconds_attempt": reset + stepping,
    }


def ours(program, path, limit):
    """CPU seconds a control step of our own replay of the same demos, on one thread."""
    command = [program, "verify", path, "--json"] + (["--limit", str(limit)] if limit else [])
    core = min(os.sched_getaffinity(0))
    one_core = lambda: os.sched_setaffinity(0, {core})
    result = subprocess.run(command, preexec_fn=one_core, stdout=subprocess.PIPE, text=True)
    return json.loads(result.stdout)["cpu_seconds_per_control_step"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="dataset in robomimic's layout (HDF5)")
    parser.add_argument("-n", type=int, metavar="LIMIT", help="only the first LIMIT demos")
    parser.add_argument("--repeat", type=int, default=1, help="play each demo so often and keep the fastest")
    parser.add_argument("--ours", metavar="PROGRAM", help="compare with this demoloom")
    options = parser.parse_args()
    if not os.path.isfile(options.file):
        parser.error(f"no such file: {options.file}")
    mine = [ours(options.ours, options.file, options.n)] if options.ours else []
    env = environment.make(options.file)
    ratio = int(env.control_timestep / env.model_timestep)
    names = environment.demo_names(options.file, options.n)
    demos = [(name, *environment.load_demo(options.file, name)) for name in names]
    env.reset()
    env.step([0.0] * env.action_dim)
    results = []
    for name, model, states, actions in demos:
        runs = [play(env, model, states, actions) for _ in range(options.repeat)]
        best = min(runs, key=lambda times: times[1])
        results.append(figures(name, len(actions), ratio, *best))
    rows = sum(r["control_steps"] for r in results)
    times = [sum(r[key] for r in results) for key in ("seconds_reset", "seconds_stepping", "cpu_seconds_stepping")]
    total = figures("all", rows, ratio, *times)
    report = {"physics_steps_per_control_step": ratio, "demos": results, "total": total}
    if options.ours:
        mine.append(ours(options.ours, options.file, options.n))
        report["ours_cpu_seconds_per_control_step"] = mine
        report["times_faster"] = [total["cpu_seconds_per_control_step"] / m for m in mine]
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
