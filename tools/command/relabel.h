// demoloom relabel: what its parts share.
#ifndef LOOM_TOOLS_COMMAND_RELABEL_H
#define LOOM_TOOLS_COMMAND_RELABEL_H

#include "engine/data/dataset.h"
#include "policies/learn/dynamics_arms.h"
#include "policies/learn/self_play.h"

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

#endif
