// Internal. What MimicGen's files say of a demo for generation, of its one arm: facts of its documentation
// ("Debugging Data Generation", "Subtask Termination Signals"); nothing of its code or assets is used, whose
// licence is non-commercial.
#ifndef LOOM_GENERATORS_SOURCE_MIMICGEN_H
#define LOOM_GENERATORS_SOURCE_MIMICGEN_H

#include "engine/run/record_demo.h"
#include "generators/source/replay.h"

/// Attributes of a demo's group `datagen_info`: which class of theirs knows the environment, and of what
/// simulator it is.
#define LOOM_MIMICGEN_NAME "datagen_info/@env_interface_name"
#define LOOM_MIMICGEN_TYPE "datagen_info/@env_interface_type"

/// datagen_info of a replayed and segmented demo of one arm: eef_pose, target_pose (T x 4 x 4),
/// gripper_action (T x gripper_dim), object_poses/OBJECT (T x 4 x 4), subtask_term_signals/SUBTASK (T).
/// LOOM_ERR_UNSUPPORTED: several arms.
int loom_mimicgen_info(loomDemoRecord* out, const loomTask* task, const loomReplay* replay, loomError* err);

#endif
