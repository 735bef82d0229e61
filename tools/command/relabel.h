// demoloom relabel: what its parts share.
#ifndef LOOM_TOOLS_COMMAND_RELABEL_H
#define LOOM_TOOLS_COMMAND_RELABEL_H

#include "engine/base/run_folder.h"
#include "engine/data/dataset.h"
#include "engine/scene/scene.h"
#include "policies/learn/dynamics_arms.h"
#include "policies/learn/self_play.h"
#include "tools/shared/outputs.h"

struct cJSON;

/// A demo of the dataset, as its states or its observations tell it.
typedef struct relabelDemo {
  int rows;
  loomMotion motion;
  double* state;    // (S) its first one; NULL where it has none
  double* truth;    // (rows x A) its own actions, to compare with; NULL where it has none
  double* actions;  // (rows x A) those that are inferred
} relabelDemo;

/// A demo by its states, or by observations of arms and grippers where it has none. LOOM_ERR_FORMAT names
/// file, demo and array: other sizes, another rate, numbers that are not finite, nothing that tells of arms.
int relabel_read(relabelDemo* out, const loomDataset* dataset, int demo, const loomMotionLayout* layout,
                 loomEpisode* episode, loomError* err);
void relabel_demo_destroy(relabelDemo* demo);

/// Absolute errors of inferred actions, as shares of the range that the true ones have: median and what 90 %
/// are within.
typedef struct relabelError {
  double median, p90;
} relabelError;

typedef enum relabelPart {
  RELABEL_POSITION,
  RELABEL_ROTATION,
  RELABEL_JOINTS,
  RELABEL_GRIPPER,
  RELABEL_PARTS,
} relabelPart;

typedef struct relabelErrors {
  bool known;  // something could be compared
  int64_t rows;
  relabelError all, part[RELABEL_PARTS];  // NAN = the task has none of that part
  int action_dim;
  relabelError each[LOOM_MAX_ACTION];
  double range[LOOM_MAX_ACTION];
} relabelErrors;

/// Of all demos that have actions. LOOM_ERR_MEMORY.
int relabel_compare(relabelErrors* out, const relabelDemo* demo, int n, const loomEpisode* episode,
                    loomError* err);
/// Into a JSON object; as a table on stdout.
void relabel_errors_json(struct cJSON* out, const relabelErrors* errors);
void relabel_errors_print(const relabelErrors* errors);

// ---- the command

enum { RELABEL_ROUNDS = 32 };

typedef enum relabelMethod { RELABEL_INVERSE, RELABEL_DIFFERENCES } relabelMethod;

extern const char* const relabel_methods[];  // NULL-terminated

typedef struct relabelArgs {
  const char *in, *task, *out, *reset;
  int method, play;
  int64_t steps, length, seed, threads;
  loomDynamicsDef model;
  const char *folder, *config;  // of rounds, and how their policies are trained
  double alpha;
  int64_t rounds, tries;
  bool overwrite, resume, json;
  loomAssetRoots roots;
} relabelArgs;

/// What a round's actions were inferred by.
typedef struct relabelMade {
  int round;
  int64_t steps;    // that models learned from
  uint64_t digest;  // of the models
} relabelMade;

typedef struct relabeling {
  const relabelArgs* a;
  loomTask* task;
  loomDataset* dataset;
  loomScene* scene;
  loomEpisode* episode;
  loomMotionLayout layout;
  int reset, n;
  relabelDemo* demo;  // (n)
  int64_t rows;
  loomSelfPlay play;
  loomDynamicsArms models;
  relabelErrors errors;
  double start, play_seconds, fit_seconds;  // the last two of CPU time
  int round, best;                          // of BCO(alpha): the one at hand, and whose actions are kept
  loomRunFolder folder;
  double rate[RELABEL_ROUNDS];  // of successes, of each round's policy
  relabelMade made[RELABEL_ROUNDS];
  const relabelMade* now;  // by which the actions at hand were made
  toolOutputs outputs;
} relabeling;

/// LOOM_ERR_INTERRUPTED: nothing was written, or how to go on.
int relabel_stopped(const relabeling* r, loomError* err);

/// Self-play, models and demos' actions; or differences. Errors of these.
int relabel_infer(relabeling* r, loomError* err);
/// Models anew, of all motions that there are, and demos' actions by them.
int relabel_infer_again(relabeling* r, loomError* err);
/// The dataset with these actions, as a file of that path.
int relabel_write(relabeling* r, const char* path, loomError* err);

/// BCO(alpha): a policy is trained on inferred actions and acts, models learn from what came of that as well,
/// and infer anew, round after round, until a policy succeeds no more often than the best before it, whose
/// actions stay; where none succeeds the last one's. Errors of training and rollouts.
int relabel_alpha(relabeling* r, loomError* err);

#endif
