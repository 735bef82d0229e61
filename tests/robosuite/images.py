#!/usr/bin/env python3
"""Time robosuite 1.4.1's offscreen renderer on given demos, and our `render --obs` on the same in the same run.

    tests/robosuite/run.sh --images FILE [-n LIMIT] [--size 84] [--ours build/demoloom]

Both draw two cameras, agentview and robot0_eye_in_hand, from the recorded states. Prints JSON: pictures a second by
wall clock and by CPU time of the whole (loading each demo's model included on both sides), before and after each
other, and the ratios. robosuite is timed twice: as its users meet it (MuJoCo's OpenGL context by EGL, threads of the
driver as they come), drawing alone and with what it takes to load each demo's model.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

os.environ["MUJOCO_GL"] = "egl"  # before robosuite is imported

import environment

CAMERAS = ("agentview", "robot0_eye_in_hand")


def ours(program, path, limit, size):
    """Pictures a second, by wall clock and by CPU time, of our own whole program."""
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "render", path, "--obs", os.path.join(folder, "images.hdf5"), "--json"]
        command += ["--size", f"{size}x{size}"] + (["--limit", str(limit)] if limit else [])
        for camera in CAMERAS:
            command += ["--camera", camera]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    pictures = json.loads(result.stdout)["pictures"]
    return {"pictures": pictures, "per_second": pictures / wall, "per_cpu_second": pictures / cpu}


def theirs(env, demos, size):
    pictures = drawing = 0
    began, cpu = time.perf_counter(), time.process_time()
    for model, states, _ in demos:
        environment.reset_to(env, model, states[0])
        fresh = time.perf_counter()
        for state in states:
            env.sim.set_state_from_flattened(state)
            env.sim.forward()
            for camera in CAMERAS:
                env.sim.render(width=size, height=size, camera_name=camera)[::-1].copy()
        drawing += time.perf_counter() - fresh
        pictures += len(CAMERAS) * len(states)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {
        "pictures": pictures,
        "per_second": pictures / wall,
        "per_cpu_second": pictures / cpu,
        "per_second_drawing_alone": pictures / drawing,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="dataset in robomimic's layout (HDF5)")
    parser.add_argument("-n", type=int, metavar="LIMIT", help="only the first LIMIT demos")
    parser.add_argument("--size", type=int, default=84, help="pixels a side")
    parser.add_argument("--ours", metavar="PROGRAM", help="compare with this demoloom")
    options = parser.parse_args()
    if not os.path.isfile(options.file):
        parser.error(f"no such file: {options.file}")
    mine = [ours(options.ours, options.file, options.n, options.size)] if options.ours else []
    env = environment.make(options.file, offscreen=True)
    env.reset()
    names = environment.demo_names(options.file, options.n)
    demos = [environment.load_demo(options.file, name) for name in names]
    report = {"size": options.size, "demos": len(demos), "robosuite": theirs(env, demos, options.size)}
    if options.ours:
        mine.append(ours(options.ours, options.file, options.n, options.size))
        report["ours"] = mine
        report["times_faster"] = [m["per_second"] / report["robosuite"]["per_second"] for m in mine]
        alone = report["robosuite"]["per_second_drawing_alone"]
        report["times_faster_than_its_drawing_alone"] = [m["per_second"] / alone for m in mine]
        report["times_faster_by_cpu"] = [m["per_cpu_second"] / report["robosuite"]["per_cpu_second"] for m in mine]
    print(json.dumps(report, indent=1), flush=True)
    os._exit(0)  # robosuite's contexts complain when Python takes them down in its own order


if __name__ == "__main__":
    sys.exit(main())
