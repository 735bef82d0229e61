"""What the real package lerobot makes of our datasets, and we of its own; see run.sh."""

import json
import os
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np


def backend():
    try:
        from torchcodec.decoders import VideoDecoder  # noqa: F401
    except (ImportError, OSError, RuntimeError):
        return "pyav"
    return "torchcodec"


def names(file):
    return sorted(file["data"], key=lambda name: int(name.split("_")[1]))


def joined(demo, feature):
    """A feature's numbers, put together from the demo's arrays as info.json says."""
    arrays = [np.asarray(demo[a["array"]], np.float64).reshape(len(demo["actions"]), -1) for a in feature["arrays"]]
    return np.concatenate(arrays, axis=1)


def ours(root, demos, decoder):
    """Opened, with and without a window of times; every number, statistics, and films to a codec's loss."""
    from lerobot.datasets.compute_stats import aggregate_stats, compute_episode_stats
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    info = json.loads((Path(root) / "meta/info.json").read_text())
    films = [key for key, f in info["features"].items() if f["dtype"] == "video"]
    step = 1 / info["fps"]
    window = {"action": [k * step for k in range(8)], "observation.state": [-step, 0.0]}
    window.update({key: [-step, 0.0] for key in films})
    plain = LeRobotDataset("demoloom/ours", root=root, video_backend=decoder)
    windowed = LeRobotDataset("demoloom/ours", root=root, video_backend=decoder, delta_timestamps=window)
    file = h5py.File(demos)
    assert plain.num_episodes == len(file["data"]), "episodes"
    assert plain.num_frames == sum(len(file["data"][n]["actions"]) for n in file["data"]), "frames"

    worst, loss, first, each = 0.0, [], 0, []
    for episode, name in enumerate(names(file)):
        demo = file["data"][name]
        rows = len(demo["actions"])
        table = plain.hf_dataset.with_format("arrow")[first : first + rows]  # its numpy format makes all float32
        keys = [key for key in info["features"] if key not in films]
        lying = {key: np.array(table[key].to_pylist(), info["features"][key]["dtype"]) for key in keys}
        for key in keys:
            feature = info["features"][key]
            if "arrays" not in feature:
                continue
            want, have = joined(demo, feature), np.asarray(lying[key], np.float64).reshape(rows, -1)
            exact = feature["dtype"] in ("float64", "int64", "bool")
            far = np.abs(want - have) / np.maximum(1, np.abs(want))
            assert far.max() <= (0 if exact else 1e-6), f"{name} {key}: {far.max()}"
            worst = max(worst, far.max())
        # In float32 their variances, differences of squares, would be off by more than ours may be.
        each.append(compute_episode_stats({key: lying[key].astype(np.float64) for key in keys}, info["features"]))

        # The first row, the last, and some between: what lies beyond an episode's ends is padded.
        for t in sorted({0, 1, rows // 3, rows // 2, rows - 2, rows - 1}):
            row = windowed[first + t]
            assert row["episode_index"] == episode and row["frame_index"] == t and abs(row["timestamp"] - t * step) < 1e-5
            assert row["action"].shape[0] == 8 and int(row["action_is_pad"].sum()) == max(0, t + 8 - rows)
            assert np.allclose(row["action"][0], demo["actions"][t], atol=1e-6)
            assert row["task"] in plain.meta.tasks.index
            for key in films:
                array = info["features"][key]["arrays"][0]["array"]
                for k, at in enumerate((max(0, t - 1), t)):
                    seen = row[key][k].numpy().transpose(1, 2, 0) * 255
                    loss.append(np.abs(seen - demo[array][at][: seen.shape[0], : seen.shape[1]]).mean())
        first += rows

    # Theirs of quantiles is an estimate from a histogram of each episode; films' are of some of the frames.
    told, stats = 0.0, aggregate_stats(each)
    for key, measures in stats.items():
        measures = {measure: np.asarray(value, np.float64) for measure, value in measures.items()}
        spread = np.maximum(measures["max"] - measures["min"], 1e-3)
        for measure, want in measures.items():
            have = plain.meta.stats[key][measure]
            assert have.shape == want.shape, f"{key} {measure}: shape {have.shape}, wants {want.shape}"
            far = np.abs(have.astype(float) - want) / spread
            if measure[0] != "q" and measure != "count":
                told = max(told, far.max())
    assert told < 1e-4, f"statistics are {told} of the range off"
    print(
        f"ours: {plain.num_episodes} episodes, {plain.num_frames} rows, {len(films)} films by {decoder}; numbers within "
        f"{worst:.1e}, statistics within {told:.1e} of the range, pixels off by {np.mean(loss or [0]):.2f} of 255"
    )


def close(a, b, name, films=True):
    assert a.shape == b.shape and a.dtype == b.dtype, f"{name}: {a.shape} {a.dtype}, wants {b.shape} {b.dtype}"
    if name.endswith("_image"):
        assert not films or np.abs(np.asarray(a, float) - np.asarray(b, float)).mean() < 6, f"{name}: other pictures"
    elif name.startswith("obs/"):
        assert np.allclose(a, b, rtol=1e-6, atol=1e-6), f"{name}: other numbers"
    else:
        assert np.array_equal(a, b), f"{name}: not the same numbers"


def arrays(demo):
    found = {}
    demo.visititems(lambda name, x: found.update({name: x}) if isinstance(x, h5py.Dataset) else None)
    return found


def compare(demo, like):
    compared = 0
    for name, want in arrays(like).items():
        if name.startswith("next_obs/") or want.ndim < 1 or len(want) != len(like["actions"]) or want.dtype.kind not in "fiu":
            continue
        assert name in demo, f"{demo.name} has no {name}"
        close(demo[name][()], want[()], name)
        compared += 1
    return compared


def same(back, demos):
    """There and back: the same arrays, attributes and masks."""
    a, b = h5py.File(back), h5py.File(demos)
    assert len(a["data"]) == len(b["data"])
    compared = sum(compare(a["data"][n], b["data"][m]) for n, m in zip(names(a), names(b)))
    env = [json.loads(file["data"].attrs["env_args"]) for file in (a, b)]
    assert all(env[0][key] == env[1][key] for key in ("env_name", "env_kwargs")), "another environment"
    for n, m in zip(names(a), names(b)):
        assert a["data"][n].attrs.get("model_file") == b["data"][m].attrs.get("model_file")
    assert sorted(a.get("mask", [])) == sorted(b.get("mask", []))
    print(f"back: {len(a['data'])} demos, {compared} arrays as they went")


def delete(root, out):
    """Their tool takes the first episode out."""
    from lerobot.datasets.dataset_tools import delete_episodes
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    shutil.rmtree(out, ignore_errors=True)
    dataset = LeRobotDataset("demoloom/ours", root=root, video_backend=backend())
    fewer = delete_episodes(dataset, [0], output_dir=out, repo_id="demoloom/fewer")
    print(f"delete_episodes: {fewer.meta.total_episodes} of {dataset.meta.total_episodes} left")


def fewer(left, demos):
    a, b = h5py.File(left), h5py.File(demos)
    assert len(a["data"]) == len(b["data"]) - 1
    compared = sum(compare(a["data"][n], b["data"][m]) for n, m in zip(names(a), names(b)[1:]))
    print(f"fewer: {len(a['data'])} demos, {compared} arrays as they went")


ROWS = (31, 12, 40)


def their_rows(episode):
    t = np.arange(ROWS[episode], dtype=np.float32)[:, None]
    state = np.concatenate([np.sin(t / 9 + k + episode) for k in range(7)], axis=1).astype(np.float32)
    pictures = np.zeros((ROWS[episode], 64, 96, 3), np.uint8)
    for i, picture in enumerate(pictures):
        picture[:, :, 0] = 40 * episode + 60
        picture[16:48, 2 * (i % 40) : 2 * (i % 40) + 16] = (230, 200, 30)
    return state, state[:, ::-1] * 0.5, pictures


def make(root):
    """A dataset of joints and a film (AV1) by their own recorder."""
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    joints = [f"joint_{k}" for k in range(7)]
    dataset = LeRobotDataset.create(
        "demoloom/theirs",
        fps=30,
        root=root,
        robot_type="so101",
        features={
            "observation.state": {"dtype": "float32", "shape": (7,), "names": joints},
            "action": {"dtype": "float32", "shape": (7,), "names": joints},
            "observation.images.top": {"dtype": "video", "shape": (64, 96, 3), "names": ["height", "width", "channels"]},
        },
    )
    for episode in range(len(ROWS)):
        state, action, pictures = their_rows(episode)
        for s, a, p in zip(state, action, pictures):
            dataset.add_frame(
                {"observation.state": s, "action": a.copy(), "observation.images.top": p, "task": f"push {episode % 2}"}
            )
        dataset.save_episode()
    dataset.finalize()
    print(f"theirs: {dataset.meta.total_episodes} episodes, codec {dataset.meta.info['features']['observation.images.top'].get('info', {}).get('video.codec')}")


def theirs(read):
    file, loss = h5py.File(read), []
    assert len(file["data"]) == len(ROWS)
    env = json.loads(file["data"].attrs["env_args"])
    assert env["env_kwargs"]["control_freq"] == 30 and env["env_kwargs"]["robots"] == ["so101"]
    for episode, name in enumerate(names(file)):
        demo = file["data"][name]
        state, action, pictures = their_rows(episode)
        assert np.array_equal(demo["actions"][()], action) and np.array_equal(demo["obs/state"][()], state)
        assert demo.attrs["loom_instruction"] == f"push {episode % 2}" and demo.attrs["num_samples"] == ROWS[episode]
        assert demo["obs/top_image"].shape == pictures.shape
        loss.append(np.abs(demo["obs/top_image"][()].astype(float) - pictures).mean())
    assert max(loss) < 8, f"pictures are {max(loss)} off"
    print(f"theirs: {len(ROWS)} demos, numbers the same, pixels off by {np.mean(loss):.2f} of 255")


def main():
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    command, *rest = sys.argv[1:]
    told = globals()[command](*rest)
    if told:
        print(told)


main()
