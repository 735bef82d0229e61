"""Demoloom in Python: environments, datasets and policies of its C library, by ctypes.

    import gymnasium, demoloom
    env = gymnasium.make("demoloom/Handover-v0")          # or demoloom.make("my/task.yaml")
    envs = demoloom.make_vec("handover", 16)              # one batched C call a step
    data = demoloom.Dataset("handover.hdf5")              # data[0]["obs/object"], data[0].success
    policy = demoloom.Policy("best_success.safetensors")  # policy.act(env)

Datasets and policies need numpy alone; environments gymnasium too, where the shipped tasks are registered.
"""

from ._library import (
    Error,
    FileError,
    FormatError,
    SimulationError,
    UnsupportedError,
    UsageError,
    fetch,
    scenes,
    version,
)
from .dataset import Dataset, Demo
from .policy import Policy

try:
    from .registry import register as _register

    _register()
except ImportError:  # no gymnasium: no environments
    pass

__all__ = [
    "Dataset",
    "Demo",
    "Env",
    "Error",
    "FileError",
    "FormatError",
    "Policy",
    "SimulationError",
    "UnsupportedError",
    "UsageError",
    "VectorEnv",
    "fetch",
    "make",
    "make_vec",
    "scenes",
    "version",
]


def __getattr__(name):
    if name == "Env":
        from .environment import Env as found
    elif name == "VectorEnv":
        from .vector import VectorEnv as found
    else:
        raise AttributeError(f"module 'demoloom' has no attribute '{name}'")
    return found


def make(task, **options):
    """An Env of a scene's name ("handover", "coffee/pandas") or of a task file, a plain control task's (`gym:`) too."""
    from .environment import Env

    return Env(task, **options)


def make_vec(task, num_envs=1, **options):
    """A VectorEnv of the same."""
    from .vector import VectorEnv

    return VectorEnv(task, num_envs, **options)
