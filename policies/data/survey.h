// What is known of a training set's numbers: its demos are gone through once. Internal.
#ifndef LOOM_POLICIES_DATA_SURVEY_H
#define LOOM_POLICIES_DATA_SURVEY_H

#include "engine/base/api.h"
#include "policies/data/offsets.h"

LOOM_C_BEGIN

/// Where to put what; the caller's, to be freed by it.
typedef struct loomSurvey {
  loomNormal *obs, *actions;  // of all vectors side by side, and of actions
  loomNormal* cloud;          // (LOOM_DATA_KEYS) of the points of each key that is a point cloud; else empty
  loomOffsets* offsets;       // of chunks, created for them before; may be NULL
  loomNormalKind obs_kind, action_kind;  // how these are scaled
  int before;                            // rows of a chunk before the newest row seen
} loomSurvey;

/// Each row of each demo once; obs, actions and clouds are created here. What fails leaves nothing of them.
int loom_survey_data(const loomSurvey* survey, loomData* data, loomError* err);

/// What tells one training set's numbers from another's, whatever their files are called: a hash of those
/// statistics. Reads all demos once. LOOM_ERR_MEMORY, and as loom_data_rows.
int loom_survey_digest(uint64_t* out, loomData* data, loomError* err);

LOOM_C_END

#endif
