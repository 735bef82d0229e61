"""Control steps a second of the package's vector environment, of the same in C and of robosuite 1.4.1, in turns.

    speed.py BENCH_VECTOR ROBOSUITE_PYTHON [BLOCKS [ENVIRONMENTS]]

The handover, the same motion everywhere: each entry of an action 0.3 sin(0.1 t + environment + entry). One thread, then two
(robosuite: two processes of one environment). All are there from the beginning and take turns, 10 control steps of all
their environments at a time (robosuite 20), BLOCKS (60) times: the machine may have other work. Steps a second of processor
time, and by the clock; ratios are of the sums over all turns.
"""

import json
import os
import subprocess
import sys
import time

import numpy

import demoloom

bench, other = sys.argv[1:3]
blocks = int(sys.argv[3]) if len(sys.argv) > 3 else 60
n = int(sys.argv[4]) if len(sys.argv) > 4 else 8
here = os.path.dirname(os.path.abspath(__file__))
STEPS, THEIRS = 10, 20


def motion(t, shape):
    i, k = numpy.indices(shape)
    return 0.3 * numpy.sin(0.1 * t + i + k)


class Ours:
    """step_into, or step with new arrays."""

    def __init__(self, threads, into):
        self.envs, self.into, self.t = demoloom.make_vec("handover", n, threads=threads, obs="flat"), into, 0
        width = self.envs.single_observation_space.shape[0]
        self.out = (numpy.empty((n, width)), numpy.empty(n), numpy.empty(n, bool), numpy.empty(n, bool))
        self.envs.reset(seed=1)

    def take(self):
        shape = self.envs.action_space.shape
        actions = [motion(self.t + k, shape) for k in range(STEPS)]
        self.t += STEPS
        began, cpu = time.perf_counter(), time.process_time()
        for action in actions:
            if self.into:
                self.envs.step_into(action, *self.out)
            else:
                self.envs.step(action)
        return {"steps": n * STEPS, "seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}


class Others:
    """Processes that take as many steps as they are told."""

    def __init__(self, count, steps, *words):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        self.processes, self.steps = [subprocess.Popen(words, **pipes) for _ in range(count)], steps

    def take(self):
        for process in self.processes:
            process.stdin.write(f"{self.steps}\n")
            process.stdin.flush()
        said = [json.loads(process.stdout.readline()) for process in self.processes]
        return {"steps": sum(s["steps"] for s in said), "seconds": max(s["seconds"] for s in said),
                "cpu": sum(s["cpu"] for s in said)}

    def close(self):
        for process in self.processes:
            process.stdin.close()
            process.wait()


for threads in (1, 2):
    takers = {
        "C": Others(1, STEPS, bench, "handover", str(n), str(threads), "-"),
        "step_into": Ours(threads, True),
        "step": Ours(threads, False),
        "robosuite": Others(threads, THEIRS, other, os.path.join(here, "speed_robosuite.py")),
    }
    sums = {name: {"steps": 0, "seconds": 0, "cpu": 0} for name in takers}
    for block in range(blocks + 1):
        for name in list(takers)[block % 2 * 3 :: 1 - block % 2 * 2]:  # there and back
            took = takers[name].take()
            for key in took:
                sums[name][key] += took[key] if block else 0  # the first warms up
    rate = lambda name, clock: sums[name]["steps"] / sums[name][clock]
    print(f"{threads} thread{'s' * (threads > 1)}, {n} environments of the handover")
    for name in takers:
        print(f"  {name:10} {rate(name, 'cpu'):7.0f} steps a CPU second ({rate(name, 'cpu') / rate('C', 'cpu'):.3f} of C, "
              f"{rate(name, 'cpu') / rate('robosuite', 'cpu'):.1f} x robosuite), {rate(name, 'seconds'):7.0f} by the clock "
              f"({rate(name, 'seconds') / rate('C', 'seconds'):.3f}, {rate(name, 'seconds') / rate('robosuite', 'seconds'):.1f} x)",
              flush=True)
    takers["C"].close()
    takers["robosuite"].close()
