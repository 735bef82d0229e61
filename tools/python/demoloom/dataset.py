"""Datasets as numpy, read by the C library: whatever `demoloom` reads, LeRobot's folders too."""

import json

import numpy

from ._library import Handle, UsageError, call, encoded, told


class Demo:
    """One recorded trajectory. demo["actions"], demo["obs/object"]: arrays, read when they are asked for."""

    def __init__(self, handle, number, name):
        self._handle, self._number, self.name = handle, number, name
        with handle.lock:
            about = told("dataset_demo", handle.pointer, number)
        self.attrs, self._arrays = about["attrs"], about["arrays"]

    def __repr__(self):
        return f"<demoloom.Demo {self.name}: {len(self)} rows>"

    def __len__(self):
        """Control steps."""
        if "num_samples" in self.attrs:
            return int(self.attrs["num_samples"])
        return self._arrays["actions"]["shape"][0] if "shape" in self._arrays.get("actions", {}) else 0

    def __contains__(self, key):
        return key in self._arrays

    def keys(self):
        return list(self._arrays)

    def __getitem__(self, key):
        if key not in self._arrays:
            raise KeyError(f"{self.name} has no array '{key}'; it has {', '.join(self._arrays)}")
        about = self._arrays[key]
        with self._handle.lock:
            if about.get("type") == "string":
                texts = told("dataset_texts", self._handle.pointer, self._number, encoded(key))
                return numpy.array(texts, dtype=str).reshape(about["shape"])
            out = numpy.empty(about.get("shape", ()), about.get("type", "uint8"))
            call("dataset_array", out.ctypes.data, self._handle.pointer, self._number, encoded(key), out.nbytes)
        return out

    @property
    def obs(self):
        """Observations by key."""
        return {key[4:]: self[key] for key in self._arrays if key.startswith("obs/")}

    @property
    def actions(self):
        return self["actions"]

    @property
    def states(self):
        return self["states"]

    @property
    def success(self):
        """As it was judged when it was recorded, else by its last reward; None where neither is there."""
        if "loom_success" in self.attrs:
            return bool(self.attrs["loom_success"])
        if "rewards" in self and len(self):
            return bool(self["rewards"][-1] > 0)
        return None


class Dataset:
    """A list of demos: data[0], data["demo_3"], for demo in data. A context manager; it closes itself, too.

    masks: names to names of demos. warning: what is damaged or odd though the rest can be read, or None."""

    def __init__(self, path):
        self._handle = Handle("dataset", encoded(path))
        about = told("dataset_about", self._handle.pointer)
        self.path, self.names, self.masks, self.attrs = path, about["demos"], about["masks"], about["attrs"]
        self.warning = about.get("warning")
        self.task = about.get("task")  # the scene that writes such demos
        self.env_args = json.loads(about["env_args"]) if "env_args" in about else {}
        self._numbers = {name: i for i, name in enumerate(self.names)}

    def __repr__(self):
        return f"<demoloom.Dataset {self.path}: {len(self)} demos>"

    def __len__(self):
        return len(self.names)

    def __getitem__(self, which):
        if isinstance(which, slice):
            return [self[i] for i in range(*which.indices(len(self)))]
        if isinstance(which, str):
            if which not in self._numbers:
                raise KeyError(f"{self.path} has no demo '{which}'")
            which = self._numbers[which]
        if not -len(self) <= which < len(self):
            raise IndexError(f"{self.path} has {len(self)} demos")
        number = int(which) % len(self)
        return Demo(self._handle, number, self.names[number])

    def mask(self, name):
        """The demos of a mask."""
        if name not in self.masks:
            raise UsageError(f"{self.path} has no mask '{name}'; it has {', '.join(self.masks) or 'none'}")
        return [self[demo] for demo in self.masks[name]]

    def close(self):
        self._handle.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
