// Things that are in pictures and nowhere else: `distractors` of a disturbed episode (engine/sim/disturb.h),
// which lie beside its objects' starts. Which, where and in what color is a function of the disturbance's
// seed and number alone. Internal.
#ifndef LOOM_ENGINE_OBSERVE_DISTRACT_H
#define LOOM_ENGINE_OBSERVE_DISTRACT_H

#include <mujoco/mujoco.h>

#include "engine/base/api.h"
#include "engine/sim/episode.h"

LOOM_C_BEGIN

enum { LOOM_DISTRACTORS = 32 };

typedef struct loomDistractor {
  int type;  // mjtGeom
  double size[3], pos[3], mat[9];
  float rgba[4];
} loomDistractor;

typedef struct loomDistractors {
  int n;
  loomDistractor thing[LOOM_DISTRACTORS];
} loomDistractors;

/// Those of an episode as it stands now, at its start; none where it has none.
void loom_distractors_place(loomDistractors* out, const loomEpisode* episode);
/// Into a scene that is about to be drawn (loomDecorate); user is a loomDistractors.
void loom_distractors_add(void* user, mjvScene* scene, const mjvOption* option);

LOOM_C_END

#endif
