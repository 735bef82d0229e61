// Replay of recorded demos: by state, to extract what the generator needs, and by action, to see whether they
// hold.
#ifndef LOOM_GENERATORS_SOURCE_REPLAY_H
#define LOOM_GENERATORS_SOURCE_REPLAY_H

#include "engine/base/api.h"
#include "engine/data/dataset.h"
#include "engine/run/policy.h"
#include "engine/run/quality.h"
#include "engine/run/trace.h"

LOOM_C_BEGIN

/// A demo replayed by state. Arrays are per control step (T); row t is what was so when action t was taken.
typedef struct loomReplay {
  char name[LOOM_NAME_MAX];
  int number;     // of the demo in its dataset
  bool mirrored;  // it is that demo's mirror image (mirror.h)
  int rows;       // T
  int arm_count, object_count, condition_count;
  loomPose* eef[LOOM_MAX_ARMS];        // (T) end effector, world frame
  loomPose* target[LOOM_MAX_ARMS];     // (T) where the action sent it, world frame
  double* grip[LOOM_MAX_ARMS];         // (T) gripper action; of a hand the mean of its entries
  double* pads[LOOM_MAX_ARMS];         // (T x 3) middle of the finger pads in the end effector's frame, m
  double* hand[LOOM_MAX_ARMS];         // (T x LOOM_MAX_HAND) gripper or hand action, its gripper_dim entries
  loomPose* object[LOOM_MAX_OBJECTS];  // (T) world frame
  unsigned char* condition;            // (T x condition_count) which conditions held
  unsigned char* touch;                // (T x arm_count x object_count) fingers touching: bit f = finger f
  double variables[LOOM_MAX_OBJECTS][LOOM_MAX_VARIABLES];  // object sizes
  int end[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];       // one past the last row of each segment (see segment.h)
  int success_row;                                 // first row where success held, or -1
  bool success_end;                                // success at the last row
  loomQuality quality;                             // of the recorded states; actions are not looked at
  double start_q[LOOM_MAX_ARMS][LOOM_MAX_JOINTS];  // arm joints at row 0
} loomReplay;

/// Which fingers of each arm touch each object, as bits (arm_count x object_count), from the contacts as they
/// stand.
void loom_find_touches(unsigned char* touch, const loomEpisode* episode);

/// Replay by state in the demo's own model. The episode must have been created from that model.
int loom_replay_states(loomReplay* out, loomEpisode* episode, const loomDemo* demo, loomError* err);
void loom_replay_destroy(loomReplay* replay);

/// The first of rows [first, end) at which an arm's gripper begins to close, or -1.
int loom_replay_closing(const loomReplay* replay, int arm, int first, int end);

/// What a replay by action showed.
typedef struct loomActionReplay {
  bool success;           // at the end
  int success_steps;      // steps it held without a break up to the end
  int first_success;      // row, or -1
  double joint_error_50;  // largest arm joint error over the first 50 control steps, rad
  double state_error;     // largest error of any number of a state over the whole demo
  bool identical;         // every state bit for bit
  loomQuality quality;
  int ik_short_steps;  // control steps at which whole-body inverse kinematics fell short of a target
} loomActionReplay;

/// Step the demo's actions from its first state and compare with its states. trace: gets the rows as they
/// come, room for as many as the demo has; NULL = none.
int loom_replay_actions(loomActionReplay* out, loomEpisode* episode, const loomDemo* demo, loomTrace* trace,
                        loomError* err);

/// Scene and episode for one demo of a dataset, from its own model_file. *scene is NULL, or what an earlier
/// demo of the same dataset and task was given: kept while their models are the same, else destroyed. Free
/// the episode with loom_episode_destroy before the next call, and the scene with loom_scene_destroy after
/// the last.
int loom_replay_open(loomScene** scene, loomEpisode** episode, const loomTask* task,
                     const loomDataset* dataset, const loomDemo* demo, const loomAssetRoots* roots,
                     loomError* err);

enum { LOOM_MAX_SOURCES = 1024 };

typedef struct loomSegmentFile loomSegmentFile;

/// Replay demo number `demo` by state, in its own model, and segment it; given (may be NULL) as in
/// loom_segment. scene as in loom_replay_open; afterwards it is the demo's, or NULL where its model does not
/// compile.
int loom_source_load(loomReplay* out, loomScene** scene, const loomTask* task, const loomDataset* dataset,
                     int demo, const loomAssetRoots* roots, const loomSegmentFile* given, loomError* err);
/// Is it the demo's own fault that loom_source_load failed, so that the others can be used? If so *err
/// (nullable) says how to go on without.
bool loom_source_is_odd(int code, loomError* err);

/// Whether mirrored demos are sources (mirror.h).
typedef enum loomMirrored {
  LOOM_MIRRORED_TASK,  // as the task says
  LOOM_MIRRORED_OFF,
  LOOM_MIRRORED_ON,  // beside the demos themselves
  LOOM_MIRRORED_ONLY,
} loomMirrored;

/// How source demos are loaded.
typedef struct loomSourceDef {
  const char*
      segments;  // file with ends of segments (segment_file.h), which go before those found; NULL = none
  const char* const* demos;  // (demo_count) those to be used, in this order; the model may be another's
  int demo_count;            // 0 = all
  bool skip;                 // go on without demos that cannot be used, each told and listed by
                             // loom_dataset_leave_out; else one such demo is an error
  loomMirrored mirrored;
} loomSourceDef;

/// All demos of a task's source dataset that can be used, replayed by state and segmented.
typedef struct loomSourceSet {
  int n;
  loomReplay* replay;  // (n), the mirrored ones last
  loomNames left_out;  // names of the other demos, with loomSourceDef.skip
  char* env_args;      // the dataset's, JSON
  char* model_xml;     // MJCF the task's scene is made from
  char model_label[LOOM_PATH_MAX];
} loomSourceSet;

int loom_sources_load(loomSourceSet* out, const loomTask* task, const char* path, const loomAssetRoots* roots,
                      loomError* err);
/// The same as def (NULL: the default, all zero) says. Demos that show no success are told
/// (loom_dataset_tell): attempts made of them will hardly succeed. LOOM_ERR_USAGE when a demo that is named
/// is not there; LOOM_ERR_FORMAT names the demo that cannot be used.
int loom_sources_load_with(loomSourceSet* out, const loomTask* task, const char* path,
                           const loomAssetRoots* roots, const loomSourceDef* def, loomError* err);
void loom_sources_destroy(loomSourceSet* sources);

LOOM_C_END

#endif
