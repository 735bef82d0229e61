// Internal. What robosuite 1.4.1's own playback script wants of a file of demos beside robomimic's layout:
// the attributes `env` and `env_info` of `data`, and models with the names of its robots' visual geoms.
// Source: robosuite 1.4.1 (MIT), scripts/collect_human_demonstrations.py and
// playback_demonstrations_from_hdf5.py, models/assets/robots/panda.
#ifndef LOOM_ENGINE_DATA_ROBOSUITE_FILE_H
#define LOOM_ENGINE_DATA_ROBOSUITE_FILE_H

#include "engine/base/error.h"

/// env_info of env_args: what robosuite.make is called with, without what the script itself gives; *env its
/// name. Both malloc'ed. LOOM_ERR_UNSUPPORTED: robosuite has no such environment, or it is not at the
/// script's 20 Hz; LOOM_ERR_FORMAT: no JSON, or no env_name. `label` names the file.
int loom_robosuite_env_info(char** env, char** env_info, const char* env_args, const char* label,
                            loomError* err);

/// A model's text with robosuite 1.4.1's names of the Panda's visual geoms, malloc'ed; NULL when out of
/// memory. The recordings of 2021 have one mesh a link, which takes the first of its names; the others are
/// given to invisible spheres without mass that touch nothing. What is named so already stays as it is.
char* loom_robosuite_model(const char* xml);

#endif
