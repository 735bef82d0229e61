// Internal. Demos in the layout of Isaac Lab Mimic (datasets of Isaac Lab's recorders, annotated), written
// and read. Sources: Isaac Lab 2.3 and 3.0's documentation and BSD-3 sources (isaaclab.utils.datasets,
// isaaclab.envs.mdp.recorders, InteractiveScene.get_state) and its Mimic's (annotate_demos,
// ManagerBasedRLMimicEnv), from which only facts were taken.
//
// What a demo has there: `actions` (T x A); `obs/datagen_info/{eef_pose,target_eef_pose,object_pose}/NAME`
// (T x 4 x 4) as an action was taken, and `subtask_term_signals/NAME` (T), 1 from a subtask's last row on;
// `initial_state` (1 x ..) and `states` (T x .., each after its action) with
// `{articulation,rigid_object}/NAME/{root_pose,root_velocity}` (7: m and quaternion; 6: m/s of the center of
// mass and rad/s, the environment's axes) and, of articulations, `{joint_position,joint_velocity}`. All are
// float32. A loomIsaacMap says what their names are here.
#ifndef LOOM_GENERATORS_SOURCE_ISAAC_H
#define LOOM_GENERATORS_SOURCE_ISAAC_H

#include "engine/base/names.h"
#include "engine/data/dataset.h"
#include "engine/run/record_demo.h"
#include "engine/scene/scene.h"
#include "engine/sim/episode.h"
#include "generators/source/replay.h"

/// Attributes of `data` in files written here: the mapping as YAML, and env_args as they were.
#define LOOM_ISAAC_MAP "loom_isaac_map"
#define LOOM_ISAAC_ENV_ARGS "loom_env_args"

enum {
  LOOM_ISAAC_TREES = 64,    // articulations
  LOOM_ISAAC_JOINTS = 128,  // of one
};

typedef struct loomIsaacArm {
  loomName eef;                        // its name in eef_pose and target_eef_pose
  loomPose frame;                      // our end effector's frame in theirs
  int gripper_count;                   // 0: not said
  int gripper[LOOM_MAX_HAND];          // entries of their actions, one for each of our hand's
  double close;                        // what closes there: 1 or -1
  loomName signal[LOOM_MAX_SUBTASKS];  // of each subtask; "" = armA_SUBTASK
} loomIsaacArm;

typedef struct loomIsaacObject {
  loomName name;   // in object_pose and rigid_object
  loomPose frame;  // our object's frame in theirs
} loomIsaacObject;

/// One articulation: our joints in the order of its columns.
typedef struct loomIsaacTree {
  loomName name;
  int n;
  loomName* joint;  // (n) "" = none of ours
} loomIsaacTree;

/// What things there are called, and how they lie, for one task. Start with loom_isaac_map_default or
/// loom_isaac_map_load, free with loom_isaac_map_destroy.
typedef struct loomIsaacMap {
  char path[LOOM_PATH_MAX];  // for messages
  bool xyzw;                 // quaternions there are x-y-z-w, as Isaac Lab 3's are; else w-x-y-z
  bool same_actions;         // their actions are ours; else ours are made from target poses
  loomPose world;            // their environment's frame in our world
  int arm_count;
  loomIsaacArm arm[LOOM_MAX_ARMS];
  int object_count;
  loomIsaacObject object[LOOM_MAX_OBJECTS];
  int tree_count;
  loomIsaacTree* tree;  // (tree_count)
} loomIsaacMap;

/// Names as they are here: arm0, arm1, objects' own; no articulations; frames are the same.
void loom_isaac_map_default(loomIsaacMap* out, const loomTask* task);
/// From a file (text NULL), or from text that `path` names in messages. LOOM_ERR_FORMAT names FILE:LINE and
/// key: unknown keys, arms or objects that the task does not have, names that are paths.
int loom_isaac_map_load(loomIsaacMap* out, const char* path, const char* text, const loomTask* task,
                        loomError* err);
void loom_isaac_map_destroy(loomIsaacMap* map);
/// As such YAML, malloc'ed; NULL when out of memory.
char* loom_isaac_map_text(const loomIsaacMap* map, const loomTask* task);
/// May it be part of a path in a dataset: not empty, no '/' or line in it, not "." or ".."?
bool loom_isaac_is_name(const char* name);

/// The articulations of a scene whose mapping names none: one for each robot (robot0, ...) and for each other
/// tree of joints (its body's name), all hinges and slides in the model's order.
int loom_isaac_map_trees(loomIsaacMap* map, const loomScene* scene, loomError* err);

/// Does a dataset's first demo look like theirs: a group `initial_state` or `obs/datagen_info`?
bool loom_isaac_is(const loomDataset* dataset);

/// What became of a demo.
typedef struct loomIsaacTold {
  int rows;
  bool by_joints;       // read: states are those of their joints; else by inverse kinematics
  double object_error;  // the same of objects
  double eef_error;     // read: how far hands stay from their poses, m, and 0.1 m a rad
  int far_rows;         // read: whose target lies beyond what one action reaches
  bool annotated;       // read: signals say where segments end
} loomIsaacTold;

/// A demo of ours, replayed in `episode` (of its own model), as a demo of theirs. The record borrows the
/// demo's texts. What it has no place for is named in left_out, each once.
int loom_isaac_write(loomDemoRecord* out, const loomIsaacMap* map, loomEpisode* episode,
                     const loomReplay* replay, const loomDemo* demo, const loomDataset* dataset,
                     loomNames* left_out, loomError* err);

/// Demo number `demo` of theirs as one of ours, in an episode of the model that it is to have: actions,
/// states, datagen_info. LOOM_ERR_FORMAT names file and array: what is missing, of another shape, not finite,
/// no pose; hands that stay more than 1 cm from where they are to be.
int loom_isaac_read(loomDemoRecord* out, loomIsaacTold* told, const loomIsaacMap* map, loomEpisode* episode,
                    const loomDataset* dataset, int demo, loomError* err);

#endif
