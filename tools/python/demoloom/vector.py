"""Environments side by side: one batched C call a step, threads inside."""

import gymnasium
import numpy
from gymnasium.vector.utils import batch_space

from ._library import UsageError
from .environment import (SUCCESS, TERMINATED, TRUNCATED, WITHIN_LIMITS, Envs, check_array, checked_mode,
                          checked_options, checked_seed)


class VectorEnv(gymnasium.vector.VectorEnv):
    """num_envs environments of a task, with next-step autoreset: after an episode's last step the next step takes no
    action there but begins the next. Environment i's k-th episode is start number first + k num_envs + i of the seed,
    on any number of threads (0 = one a core). The other arguments are Env's.

    reset(seed=s, options={"reset": "D1", "start": first}). step gives new arrays; step_into writes into the caller's.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20,
                "autoreset_mode": gymnasium.vector.AutoresetMode.NEXT_STEP}

    def __init__(self, task, num_envs=1, *, threads=0, obs="dict", keys=None, reset=None, max_steps=0, render_mode=None,
                 width=256, height=256, camera=None, light=False):
        if obs not in ("dict", "flat"):
            raise UsageError(f"obs is 'dict' or 'flat', not {obs!r}")
        self.render_mode = checked_mode(render_mode, self.metadata)
        self._envs = Envs(task, num_envs, keys=keys, max_steps=max_steps, threads=threads, dictionary=obs == "dict",
                          batched=True)
        self._view = {"width": width, "height": height, "camera": camera, "light": light}
        self._reset, self._seed = reset, None
        self.metadata = {**self.metadata, "render_fps": round(self._envs.about["control_freq"])}
        self.num_envs = num_envs
        self.single_observation_space = self._envs.observation_space
        self.single_action_space = self._envs.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    @property
    def about(self):
        return self._envs.about

    def reset_into(self, obs, *, seed=None, options=None):
        """As reset, with all observations side by side in obs (num_envs, numbers), float64."""
        check_array("obs", obs, (self.num_envs, self._envs.width), numpy.float64)
        options = checked_options(options, ("reset", "start"))
        if isinstance(seed, (list, tuple)):
            raise UsageError("a vector has one seed; its environments' episodes are numbers of that")
        super().reset(seed=seed)
        if seed is not None:
            self._seed = checked_seed(seed)
        elif self._seed is None:
            self._seed = int(self.np_random.integers(2**63))
        else:
            self._seed = (self._seed + 1) % 2**64
        self._reset = options.get("reset", self._reset)
        self._envs.reset(obs, self._reset, self._seed, checked_seed(options.get("start", 0)))

    def reset(self, *, seed=None, options=None):
        obs = numpy.empty((self.num_envs, self._envs.width))
        self.reset_into(obs, seed=seed, options=options)
        return self._envs.split(obs), {}

    def step_into(self, actions, obs, reward, terminated, truncated):
        """One step into the caller's arrays: obs (num_envs, numbers) and reward (num_envs) float64, terminated and
        truncated (num_envs) bool. They are looked at when they are others than last time; nothing is allocated."""
        bound = self._envs.bound
        if obs is not bound[0] or reward is not bound[1] or terminated is not bound[2] or truncated is not bound[3]:
            self._envs.bind(obs, reward, terminated, truncated)
        self._envs.step(numpy.asarray(actions))

    def step(self, actions):
        own = self._envs.own
        self.step_into(actions, *own)
        obs, reward, terminated, truncated = (array.copy() for array in own)
        return self._envs.split(obs), reward, terminated, truncated, self.infos()

    def infos(self):
        """Of the last step: where episodes ended in it, whether they succeeded; else nothing."""
        flags = self._envs.flags
        if not flags.any():
            return {}
        ended = (flags & (TERMINATED | TRUNCATED)) != 0
        return {"success": (flags & SUCCESS) != 0, "_success": ended,
                "success_within_limits": (flags & WITHIN_LIMITS) != 0, "_success_within_limits": ended.copy()}

    def told(self, i):
        """Of environment i's episode: its number (attempt), steps, and once it is over its end."""
        return self._envs.told(i)

    def state(self, i):
        return self._envs.state(i)

    def render(self):
        return tuple(self._envs.render(i, self._view) for i in range(self.num_envs)) if self.render_mode else None

    def close_extras(self, **kwargs):
        self._envs.handle.close()
