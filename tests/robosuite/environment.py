"""robosuite environments for demos in robomimic's layout: what replay.py and speed.py share."""

import json
import os
import re
import xml.etree.ElementTree as ET

# Must be set before robosuite is imported: nothing is drawn but by images.py.
os.environ.setdefault("MUJOCO_GL", "disabled")
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # 7x7 matrices: threads only slow them down

import logging

logging.getLogger("robosuite_logs").setLevel(logging.ERROR)

import h5py
import robosuite
from robosuite.models.tasks import Task

ASSETS = os.path.join(os.path.dirname(robosuite.__file__), "models", "assets")
PANDA_HANDOVER = {"robots": ["Panda", "Panda"], "env_configuration": "single-arm-opposed"}

# The 2021 demos were recorded before the Panda's visual meshes were split; robosuite looks the newer parts up by
# name for segmentation images and stops at the first that is missing. Nothing else needs the table.
Task.generate_id_mappings = lambda self, sim: None


def demo_names(path, limit=None):
    """Names of the demos in a file, demo_2 before demo_10."""
    with h5py.File(path) as f:
        names = [name for name in f["data"] if "actions" in f["data"][name]]
    names.sort(key=lambda name: [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", name)])
    return names[:limit]


def load_demo(path, name):
    """The demo's model (XML text), states (T, nstate) and actions (T, naction)."""
    with h5py.File(path) as f:
        demo = f["data"][name]
        model = demo.attrs["model_file"]
        return (model.decode() if isinstance(model, bytes) else model), demo["states"][:], demo["actions"][:]


def make(path, offscreen=False):
    """The environment named by the file's env_args, or by its older env attribute, without observing pictures."""
    with h5py.File(path) as f:
        attrs = f["data"].attrs
        args = json.loads(attrs["env_args"]) if "env_args" in attrs else {}
        name = args.get("env_name") or attrs.get("env") or "TwoArmHandover"
    kwargs = {**PANDA_HANDOVER, **args.get("env_kwargs", {})}
    kwargs = {key: value for key, value in kwargs.items() if not key.startswith("camera_")}
    kwargs.update(has_renderer=False, has_offscreen_renderer=offscreen, use_camera_obs=False, ignore_done=True)
    kwargs.setdefault("control_freq", 20)
    return robosuite.make(name, **kwargs)


def local_model(xml):
    """The model with every asset read from this robosuite, whatever folder it was recorded in."""
    root = ET.fromstring(xml)
    for element in root.iter():
        path = element.get("file")
        if path:
            tail = path.split("models/assets/")[-1]
            element.set("file", os.path.normpath(os.path.join(ASSETS, tail)))
    for compiler in root.iter("compiler"):  # a recorded meshdir names a folder of another machine
        for key in ("meshdir", "texturedir", "assetdir"):
            compiler.attrib.pop(key, None)
    return ET.tostring(root, encoding="unicode")


def measure_hammer(env):
    """Give robosuite's hammer the model's sizes.

    Success is judged with the hammer object's sizes, drawn anew in each environment: without this the height
    threshold would be another hammer's.
    """
    hammer = getattr(env, "hammer", None)
    if hammer is None:
        return
    model = env.sim.model
    handle = model.geom_size[model.geom_name2id(hammer.handle_geoms[0])]
    hammer.handle_radius = float(handle[0])
    hammer.handle_length = 2.0 * float(handle[2])
    hammer.head_halfsize = float(model.geom_size[model.geom_name2id(hammer.head_geoms[0])][1])


def stop_observing(env):
    """Nothing is observed while it steps: the physics is the same, and most of a replay's time is saved."""
    for observable in env._observables.values():
        observable.set_enabled(False)
        observable.set_active(False)


def reset_to(env, xml, state):
    """Put the environment where a demo begins."""
    env.reset_from_xml_string(local_model(xml))
    measure_hammer(env)
    env.sim.set_state_from_flattened(state)
    env.sim.forward()
