"""The shipped tasks in Gymnasium's registry, once `demoloom` is imported: demoloom/Handover-v0, ..."""

import re

import gymnasium

from ._library import scenes


def env_id(scene):
    """ "coffee/pandas" is "demoloom/CoffeePandas-v0"."""
    words = re.split("[/_-]", scene)
    return "demoloom/" + "".join(word[:1].upper() + word[1:] for word in words) + "-v0"


def register():
    for scene in scenes():
        if env_id(scene) not in gymnasium.registry:
            gymnasium.register(env_id(scene), entry_point="demoloom.environment:Env",
                               vector_entry_point="demoloom.vector:VectorEnv", kwargs={"task": scene})
