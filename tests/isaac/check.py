#!/usr/bin/env python3
"""Files in Isaac Lab Mimic's layout, as its documentation describes them.

    check.py schema FILE            is everything there, of the right shape and sense?
    check.py foreign IN OUT MAP     what its annotator would have left of IN, and the mapping for it
    check.py same OURS BACK         what came back: largest differences of actions, states and signals

The schema is that of InteractiveScene.get_state, the recorder terms (initial_state, states, actions) and what
annotate_demos adds (obs/datagen_info), of Isaac Lab 2.3. How its loader reads a file is imitated: groups are dicts, all
else becomes a tensor.
"""

import json
import sys

import h5py
import numpy as np

WIDTHS = {"root_pose": 7, "root_velocity": 6}


class Wrong(Exception):
    pass


def need(true, what):
    if not true:
        raise Wrong(what)


def load(group):
    """A demo as Isaac Lab's loader has it."""
    return {key: load(item) if isinstance(item, h5py.Group) else np.array(item) for key, item in group.items()}


def check_scene_state(state, rows, where):
    need(set(state) <= {"articulation", "deformable_object", "rigid_object"}, f"{where}: {sorted(state)}")
    need(state.get("articulation"), f"{where}: no articulation")
    for kind, assets in state.items():
        for name, parts in assets.items():
            wanted = {"root_pose", "root_velocity"}
            wanted |= {"joint_position", "joint_velocity"} if kind == "articulation" else set()
            need(set(parts) == wanted, f"{where}/{kind}/{name}: {sorted(parts)}")
            for part, x in parts.items():
                path = f"{where}/{kind}/{name}/{part}"
                need(x.dtype == np.float32 and x.ndim == 2 and x.shape[0] == rows, f"{path}: {x.dtype} {x.shape}")
                need(x.shape[1] == WIDTHS.get(part, x.shape[1]) and np.isfinite(x).all(), f"{path}: {x.shape}")
            size = np.linalg.norm(parts["root_pose"][:, 3:], axis=1)
            need(np.abs(size - 1).max() < 1e-5, f"{where}/{kind}/{name}/root_pose: no unit quaternions")


def check_poses(poses, rows, where):
    need(poses, f"{where}: empty")
    for name, x in poses.items():
        need(x.dtype == np.float32 and x.shape == (rows, 4, 4), f"{where}/{name}: {x.dtype} {x.shape}")
        turn = x[:, :3, :3]
        off = np.abs(turn @ turn.transpose(0, 2, 1) - np.eye(3)).max()
        need(off < 1e-5 and np.linalg.det(turn).min() > 0, f"{where}/{name}: no rotations")
        need((x[:, 3] == [0, 0, 0, 1]).all(), f"{where}/{name}: last row")


def check_demo(demo, attrs, where):
    rows = len(demo["actions"])
    need(attrs["num_samples"] == rows and demo["actions"].dtype == np.float32, f"{where}: actions, num_samples")
    check_scene_state(demo["initial_state"], 1, f"{where}/initial_state")
    check_scene_state(demo["states"], rows, f"{where}/states")
    need(
        {k: set(v) for k, v in demo["states"].items()} == {k: set(v) for k, v in demo["initial_state"].items()},
        f"{where}: other assets in initial_state than in states",
    )
    info = demo["obs"]["datagen_info"]
    for group in ("eef_pose", "target_eef_pose", "object_pose"):
        check_poses(info[group], rows, f"{where}/obs/datagen_info/{group}")
    need(set(info["eef_pose"]) == set(info["target_eef_pose"]), f"{where}: other hands have targets")
    for name, x in info.get("subtask_term_signals", {}).items():
        x = x.flatten().astype(int)  # as its pool of demos takes them
        path = f"{where}/obs/datagen_info/subtask_term_signals/{name}"
        need(len(x) == rows and set(x) == {0, 1} and x[0] == 0, f"{path}: {x.shape}")
        need(len(np.nonzero(np.diff(x))[0]) >= 1, f"{path}: never goes from 0 to 1")
    return rows


def schema(path):
    with h5py.File(path) as f:
        data = f["data"]
        args = json.loads(data.attrs["env_args"])
        need(isinstance(args["env_name"], str) and args["type"] == 2, f"env_args: {args.get('type')}")
        rows = [check_demo(load(data[name]), data[name].attrs, name) for name in data]
        need(data.attrs["total"] == sum(rows) and all(name.startswith("demo_") for name in data), "total, names")
        print(f"schema: {len(rows)} demos, {sum(rows)} rows")


def put(group, key, value):
    if isinstance(value, dict):
        for name, inner in value.items():
            put(group.require_group(key), name, inner)
    else:
        group.create_dataset(key, data=value, compression="gzip")


def foreign(source, path, mapping):
    """Isaac Lab 3's quaternions, booleans with an axis more, chunks in gzip, and no attribute of ours."""
    with h5py.File(source) as f, h5py.File(path, "w") as out:
        text = f["data"].attrs["loom_isaac_map"]
        data = out.create_group("data")
        data.attrs["total"] = f["data"].attrs["total"]
        data.attrs["env_args"] = json.dumps({"env_name": "Isaac-Other-Mimic-v0", "type": 2})
        for name in f["data"]:
            demo = load(f["data"][name])
            for state in (demo["initial_state"], demo["states"]):
                for assets in state.values():
                    for parts in assets.values():
                        pose = parts["root_pose"]
                        parts["root_pose"] = np.concatenate([pose[:, :3], pose[:, 4:], pose[:, 3:4]], axis=1)
            signals = demo["obs"]["datagen_info"].get("subtask_term_signals", {})
            for key in signals:
                signals[key] = signals[key].astype(bool)[None]
            group = data.create_group(name)
            for key, value in demo.items():
                put(group, key, value)
            for key in ("num_samples", "success"):
                group.attrs[key] = f["data"][name].attrs[key]
            group.attrs["model_file"] = f["data"][name].attrs["model_file"]  # sizes are no matter of the layout
    with open(mapping, "w") as out:
        out.write(text.replace("quaternion: wxyz", "quaternion: xyzw"))


def same(ours, back):
    with h5py.File(ours) as f, h5py.File(back) as g:
        actions = states = 0
        for name in f["data"]:
            a, b = f["data"][name], g["data"][name]
            actions = max(actions, np.abs(a["actions"][:] - b["actions"][:]).max())
            states = max(states, np.abs(a["states"][:] - b["states"][:]).max())
        need(actions < 1e-6 and states < 1e-5, f"actions {actions} off, states {states}")
        print(f"back: actions within {actions:.1e}, states within {states:.1e}")


def main():
    try:
        {"schema": schema, "foreign": foreign, "same": same}[sys.argv[1]](*sys.argv[2:])
    except (Wrong, KeyError) as error:
        print(f"{sys.argv[1]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
