// What the files of observations share. Internal.
#ifndef LOOM_ENGINE_OBSERVE_OBSERVE_INTERNAL_H
#define LOOM_ENGINE_OBSERVE_OBSERVE_INTERNAL_H

#include "engine/observe/observer.h"

/// The low-dimensional observations of a task's episodes, all of them, and where in a model they are.
typedef struct loomStateObs {
  int n, dim;
  loomObsKey* key;              // (n) side by side, dim numbers in all
  int eef_body[LOOM_MAX_ARMS];  // whose orientation eef_quat is; -1 = the end effector site's
  int (*entry)[2];  // of each of the task's `observe`: the bound points, or the joint's qpos address
  int size_count;
  int (*size)[2];  // (size_count) of each variable that is measured: its geom, the index of its geom_size
  double* size_factor;  // (size_count)
} loomStateObs;

int loom_state_obs_bind(loomStateObs* out, const loomEpisode* episode, loomError* err);
void loom_state_obs_destroy(loomStateObs* states);
/// out (dim)
void loom_state_obs_see(double* out, const loomStateObs* states, const loomEpisode* episode);

/// The one error for a key that is not there: LOOM_ERR_FORMAT, "WHERE: no observation 'NAME'; it has THERE".
/// frame (nullable): which frame of a framed one is missing; THERE then are the frames. hint may be "".
int loom_obs_unknown(loomError* err, const char* where, const char* name, const char* frame,
                     const char* there, const char* hint);

/// A list for such an error: ", item" behind what there is.
typedef struct loomObsList {
  char text[600];
} loomObsList;
void loom_obs_list_add(loomObsList* list, const char* item);

#endif
