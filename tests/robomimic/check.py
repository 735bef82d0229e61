"""What robomimic takes a dataset's environment for, and how its BC is to learn from it; see run.sh."""

import json
import sys
from pathlib import Path

import h5py
import robomimic.utils.env_utils as EnvUtils
import robomimic.utils.file_utils as FileUtils
from robomimic.config import config_factory

path, work = sys.argv[1], Path(sys.argv[2])
meta = FileUtils.get_env_metadata_from_dataset(path)
robosuites = EnvUtils.is_robosuite_env(meta)
assert robosuites != (meta.get("simulator") == "demoloom"), f"{meta['env_name']}: robosuite's or ours?"
assert robosuites or EnvUtils.get_env_type(meta) in (2, 3)
print(f"{meta['env_name']}: {'robosuite' if robosuites else meta['simulator']}, type {meta['type']}")

seen = h5py.File(path)["data/demo_0/obs"]
low = [key for key in seen if seen[key].ndim == 2 and key.endswith(("_pos", "_quat", "object"))]
images = [key for key in seen if key.endswith("_image")]
(work / "camera").write_text(images[0] if images else "")

config = config_factory("bc")
with config.values_unlocked():
    config.train.data, config.train.output_dir = path, str(work / "bc")
    config.train.num_epochs, config.train.batch_size, config.train.num_data_workers = 2, 16, 0
    config.train.cuda, config.train.seed = False, 1
    config.train.hdf5_filter_key, config.train.hdf5_validation_filter_key = "train", "valid"
    config.experiment.validate, config.experiment.rollout.enabled = True, False
    config.experiment.epoch_every_n_steps, config.experiment.validation_epoch_every_n_steps = 20, 5
    config.observation.modalities.obs.low_dim = low
(work / "config.json").write_text(json.dumps(config, indent=1))
