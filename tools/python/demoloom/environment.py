"""A task as a Gymnasium environment."""

import ctypes

import gymnasium
import numpy

from ._library import CError, Handle, UsageError, call, encoded, library, raise_error, told

TERMINATED, TRUNCATED, SUCCESS, WITHIN_LIMITS = 1, 2, 4, 8  # tools/python/flat.h


class Envs:
    """n environments of the C library, and their spaces: what Env and VectorEnv share."""

    def __init__(self, task, n, *, keys=None, max_steps=0, threads=0, dictionary=True, batched=False):
        names = keys if isinstance(keys, (str, type(None))) else ",".join(keys)
        self.handle = Handle("envs", encoded(task), encoded(names), n, threads, max_steps)
        self.n, self.about = n, told("envs_about", self.handle.pointer)
        self.slices, self.width = {}, 0
        for key in self.about["obs"]:
            self.slices[key["name"]] = slice(self.width, self.width + key["dim"])
            self.width += key["dim"]

        self.dictionary, self.batched = dictionary, batched
        bounds = numpy.empty((self.about["actions"], 2))
        library().loom_flat_envs_range(bounds.ctypes.data, self.handle.pointer)
        self.action_space = gymnasium.spaces.Box(*bounds.T.astype(numpy.float32), dtype=numpy.float32)

        # What a step needs, made once.
        self.flags, self._error = numpy.zeros(n, numpy.uint8), CError()
        self._actions = numpy.empty((n, self.about["actions"]))
        self._actions_at = ctypes.c_void_p(self._actions.ctypes.data)
        self._error_at = ctypes.c_void_p(ctypes.addressof(self._error))
        self._step = library().loom_flat_envs_step
        self.own = (numpy.empty((n, self.width)), numpy.empty(n), numpy.empty(n, numpy.bool_), numpy.empty(n, numpy.bool_))
        self.bind(*self.own)

        # In double precision: to the bit what a dataset of the same episode has.
        box = lambda dim: gymnasium.spaces.Box(-numpy.inf, numpy.inf, (dim,), numpy.float64)
        if dictionary:
            self.observation_space = gymnasium.spaces.Dict({k["name"]: box(k["dim"]) for k in self.about["obs"]})
        else:
            self.observation_space = box(self.width)

    def split(self, obs):
        """The numbers (..., width) as the space has them: views, no copies."""
        return {name: obs[..., part] for name, part in self.slices.items()} if self.dictionary else obs

    def bind(self, obs, reward, terminated, truncated):
        """Where steps write to from now on: looked at once, since that is what a step would take longest for."""
        n = self.n
        for name, array, shape, dtype in (("obs", obs, (n, self.width), numpy.float64), ("reward", reward, (n,), numpy.float64),
                                          ("terminated", terminated, (n,), numpy.bool_),
                                          ("truncated", truncated, (n,), numpy.bool_)):
            check_array(name, array, shape, dtype)
        self.bound = obs, reward, terminated, truncated
        self._outputs = [ctypes.c_void_p(a.ctypes.data) for a in (*self.bound, self.flags)]

    def reset(self, obs, reset, seed, first):
        with self.handle.lock:
            call("envs_reset", obs.ctypes.data, self.handle.pointer, encoded(reset), seed, first)

    def step(self, actions):
        """Into the arrays that are bound."""
        if actions.shape != self._actions.shape:
            raise UsageError(f"actions of shape {actions.shape} where {self._actions.shape} are wanted")
        with self.handle.lock:
            self._actions[...] = actions
            code = self._step(*self._outputs, self.handle.pointer, self._actions_at, self._error_at)
        if code:
            raise_error(code, self._error)

    def told(self, i):
        with self.handle.lock:
            return told("envs_told", self.handle.pointer, i)

    def state(self, i):
        out = numpy.empty(self.about["state"])
        with self.handle.lock:
            call("envs_state", out.ctypes.data, self.handle.pointer, i)
        return out

    def render(self, i, view):
        out = numpy.empty((view["height"], view["width"], 3), numpy.uint8)
        with self.handle.lock:
            call("envs_render", out.ctypes.data, self.handle.pointer, i, view["width"], view["height"],
                 encoded(view["camera"]), view["light"])
        return out


def check_array(name, array, shape, dtype):
    if not (isinstance(array, numpy.ndarray) and array.shape == shape and array.dtype == dtype):
        raise UsageError(f"{name} is to be an array of shape {shape} of {numpy.dtype(dtype)}")
    if not (array.flags.c_contiguous and array.flags.writeable):
        raise UsageError(f"{name} is to be contiguous and writeable")


def checked_seed(seed):
    if not 0 <= seed < 2**64:
        raise UsageError(f"no seed: {seed}; 0 to 2^64 - 1")
    return int(seed)


def checked_options(options, known):
    options = dict(options or {})
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise UsageError(f"no such option of reset: {', '.join(unknown)}; there are {', '.join(known)}")
    return options


def checked_mode(render_mode, metadata):
    if render_mode is not None and render_mode not in metadata["render_modes"]:
        raise UsageError(f"no render mode '{render_mode}'; there is rgb_array")
    return render_mode


class Env(gymnasium.Env):
    """One task. Episode number n of a seed starts, to the bit, as attempt n does in `demoloom rollout --seed`, and the
    same judge ends it.

    task: a scene's name or a task file. obs: "dict" or "flat". keys: which observations, all low-dimensional ones
    unless given ("hammer@eef0", a pose in another's frame, too). reset: the first episode's reset distribution.
    max_steps: control steps of an episode, 0 = the task's. light: pictures of simplified meshes without shadows.

    reset(seed=s) begins with the start of number 0, or of options["start"], and each reset without a seed with the
    next one; options["reset"] names another reset distribution, which stays. info tells `success` and
    `success_within_limits`, and where the episode is over `end`, `steps` and what limit was breached.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}

    def __init__(self, task, *, obs="dict", keys=None, reset=None, max_steps=0, render_mode=None, width=256, height=256,
                 camera=None, light=False):
        if obs not in ("dict", "flat"):
            raise UsageError(f"obs is 'dict' or 'flat', not {obs!r}")
        self.render_mode = checked_mode(render_mode, self.metadata)
        self._envs = Envs(task, 1, keys=keys, max_steps=max_steps, threads=1, dictionary=obs == "dict")
        self._view = {"width": width, "height": height, "camera": camera, "light": light}
        self._reset, self._seed, self._number, self._over = reset, None, 0, True
        self.metadata = {**self.metadata, "render_fps": round(self._envs.about["control_freq"])}
        self.observation_space, self.action_space = self._envs.observation_space, self._envs.action_space

    @property
    def about(self):
        """What the task is: its name, control_freq, max_steps, resets, observations, the arms' entries of an action."""
        return self._envs.about

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        options = checked_options(options, ("reset", "start"))
        if seed is not None:
            self._seed, self._number = checked_seed(seed), -1
        elif self._seed is None:
            self._seed, self._number = int(self.np_random.integers(2**63)), -1
        self._number = checked_seed(options.get("start", self._number + 1))
        self._reset = options.get("reset", self._reset)

        obs = numpy.empty(self._envs.width)
        self._envs.reset(obs, self._reset, self._seed, self._number)
        self._over = False
        return self._envs.split(obs), {"seed": self._seed, "start": self._number, "success": False,
                                       "success_within_limits": False}

    def step(self, action):
        if self._over:
            raise UsageError("the episode is over; reset first")
        envs = self._envs
        envs.step(numpy.asarray(action)[None])
        obs, reward, flags = envs.own[0][0].copy(), envs.own[1], int(envs.flags[0])

        info = {"success": bool(flags & SUCCESS), "success_within_limits": bool(flags & WITHIN_LIMITS)}
        self._over = bool(flags & (TERMINATED | TRUNCATED))
        if self._over:
            info.update(envs.told(0))
        return envs.split(obs), float(reward[0]), bool(flags & TERMINATED), bool(flags & TRUNCATED), info

    def state(self):
        """The simulator's state as datasets have it: time, qpos, qvel."""
        return self._envs.state(0)

    def render(self):
        return self._envs.render(0, self._view) if self.render_mode else None

    def close(self):
        self._envs.handle.close()
