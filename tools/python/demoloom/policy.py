"""Trained policies: in environments, or on observations from anywhere."""

import ctypes
import weakref

import numpy

from ._library import Handle, UsageError, call, encoded, told


class Policy:
    """A policy of `demoloom train`, `dagger`, `finetune`, `distill` or, of plain control tasks, `finetune --scratch`.

        policy.act(env)       # what its rollout does there, to the bit; of a vector environment all actions
        policy.reset(); policy.act(observation)    # on what it is shown, once a control step: a dict by its keys
    """

    def __init__(self, path):
        self._handle = Handle("policy", encoded(path))
        self.path, self.about = path, told("policy_about", self._handle.pointer)
        self.keys = [key["name"] for key in self.about["obs"]]
        self._actors = weakref.WeakKeyDictionary()

    def __repr__(self):
        return f"<demoloom.Policy {self.path}: {self.about['kind']}>"

    def reset(self, seed=0, number=0):
        """Before an episode that it is shown: what it draws is of (seed, number), as in a rollout."""
        with self._handle.lock:
            call("policy_begin", self._handle.pointer, seed, number)

    def act(self, seen):
        """The action (actions) for the next control step, in double precision."""
        envs = getattr(getattr(seen, "unwrapped", seen), "_envs", None)
        return self._act_in(envs) if envs is not None else self._act_on(seen)

    def _act_in(self, envs):
        with self._handle.lock, envs.handle.lock:
            if envs not in self._actors:
                self._actors[envs] = Handle("actor", self._handle.pointer, envs.handle.pointer,
                                            keeps=(self._handle, envs.handle))
            actions = numpy.empty((envs.n, *envs.action_space.shape))
            envs.handle.pointer  # refuses where they are closed
            call("actor_act", actions.ctypes.data, self._actors[envs].pointer)
        return actions if envs.batched else actions[0]

    def _act_on(self, seen):
        if not isinstance(seen, dict):
            seen = {self.keys[0]: seen} if len(self.keys) == 1 else self._refuse()
        vectors, visual = [numpy.empty(0, numpy.float32)], []
        for key in self.about["obs"]:
            if key["name"] not in seen:
                raise UsageError(f"the policy sees '{key['name']}', which is not shown; it sees {', '.join(self.keys)}")
            row = numpy.ascontiguousarray(seen[key["name"]], key["type"])
            if list(row.shape) != key["shape"]:
                raise UsageError(f"'{key['name']}' has the shape {row.shape}; the policy sees {tuple(key['shape'])}")
            (visual if key["visual"] else vectors).append(row)

        vectors, action = numpy.concatenate(vectors), numpy.empty(self.about["actions"])
        pointers = (ctypes.c_void_p * (len(visual) + 1))(*(row.ctypes.data for row in visual))
        with self._handle.lock:
            call("policy_act", action.ctypes.data, self._handle.pointer, vectors.ctypes.data, pointers)
        return action

    def _refuse(self):
        raise UsageError(f"show it a dict of {', '.join(self.keys)}, or an environment")

    def close(self):
        for actor in self._actors.values():
            actor.close()
        self._actors.clear()
        self._handle.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
