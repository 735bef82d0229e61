#!/usr/bin/env python3
"""Play a file of demos by robosuite 1.4.1's own playback script, unpatched.

    tests/robosuite/run.sh --playback FILE [--frames N]

FILE is what `demoloom dataset robosuite` writes. The script (robosuite.scripts.playback_demonstrations_from_hdf5) is run
as it is, by states and by actions, each until it has shown N pictures (60). Of OpenCV, which is pinned here without
windows, only the window is replaced: what would be shown is counted, and the last picture must not be of one color.
Told are the pictures, and by actions how far the script says that playback diverged. Exit status 0 when both play.
"""

import argparse
import contextlib
import io
import os
import re
import runpy
import sys
import tempfile

os.environ["MUJOCO_GL"] = "egl"  # before robosuite is imported
import logging

logging.getLogger("robosuite_logs").setLevel(logging.ERROR)

import cv2

SCRIPT = "robosuite.scripts.playback_demonstrations_from_hdf5"


class Seen(Exception):
    """As many pictures as were asked for."""


def play(folder, frames, by_actions):
    """What the script said, and the pictures it showed."""
    shown = []

    def show(_window, picture):
        shown.append(picture)
        if len(shown) >= frames:
            raise Seen

    cv2.imshow, cv2.waitKey, cv2.destroyAllWindows = show, lambda _: -1, lambda: None
    sys.argv = [SCRIPT, "--folder", folder] + (["--use-actions"] if by_actions else [])
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(Seen):
        runpy.run_module(SCRIPT, run_name="__main__")
    return said.getvalue(), shown


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="dataset as `demoloom dataset robosuite` writes it")
    parser.add_argument("--frames", type=int, default=60)
    options = parser.parse_args()
    wrong = False
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.abspath(options.file), os.path.join(folder, "demo.hdf5"))
        for by_actions in (False, True):
            said, shown = play(folder, options.frames, by_actions)
            plain = not shown or shown[-1].max() == shown[-1].min()
            wrong = wrong or plain or len(shown) < options.frames
            apart = [float(x) for x in re.findall(r"diverged by ([0-9.]+)", said)]
            print(f"by {'actions' if by_actions else 'states'}: {len(shown)} pictures", end="")
            print(f", at most {max(apart):.2f} from the states" if apart else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # at exit robosuite's EGL contexts complain of their display that is gone
