"""Compare a dataset's low-dimensional observations with what robosuite observes in the same states.

    run.sh --observations FILE [-n LIMIT] [--every ROWS]

Prints the largest difference of each key; exit status 1 when one is above 1e-9.
"""

import argparse
import sys

import environment
import h5py
import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("-n", type=int, default=4, metavar="LIMIT", help="demos to compare (4)")
    parser.add_argument("--every", type=int, default=25, metavar="ROWS", help="compare each so many rows (25)")
    args = parser.parse_args()
    env = environment.make(args.file)
    worst = {}
    for name in environment.demo_names(args.file, args.n):
        xml, states, _ = environment.load_demo(args.file, name)
        with h5py.File(args.file) as f:
            stored = {key: f["data"][name]["obs"][key][:] for key in f["data"][name]["obs"]}
        environment.reset_to(env, xml, states[0])
        for t in range(0, len(states), args.every):
            env.sim.set_state_from_flattened(states[t])
            env.sim.forward()
            seen = env._get_observations(force_update=True)
            seen["object"] = seen["object-state"]  # robomimic's name for it
            for key, rows in stored.items():
                if key in seen:
                    worst[key] = max(worst.get(key, 0.0), float(np.abs(rows[t] - seen[key]).max()))
    for key in sorted(worst):
        print(f"{key:28s} {worst[key]:.2e}")
    return 0 if worst and max(worst.values()) <= 1e-9 else 1


if __name__ == "__main__":
    sys.exit(main())
