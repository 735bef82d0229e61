"""robosuite 1.4.1's TwoArmHandover stepped as speed.py steps ours: in robosuite's own environment,
as many steps as each line of stdin says."""

import json
import math
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "robosuite"))
import environment  # noqa: E402  sets what robosuite wants set before it is imported
import robosuite  # noqa: E402

env = robosuite.make("TwoArmHandover", **environment.PANDA_HANDOVER, has_renderer=False, has_offscreen_renderer=False,
                     use_camera_obs=False, control_freq=20, horizon=10**6,
                     controller_configs=robosuite.load_controller_config(default_controller="OSC_POSE"))
env.reset()
env.step([0.0] * env.action_dim)  # numba compiles
done = 0
for line in sys.stdin:
    began, cpu = time.perf_counter(), time.process_time()
    for t in range(done, done + int(line)):
        env.step([0.3 * math.sin(0.1 * t + k) for k in range(env.action_dim)])
    print(json.dumps({"steps": int(line), "seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}), flush=True)
    done += int(line)
