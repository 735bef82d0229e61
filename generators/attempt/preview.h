// A way of the hand judged by kinematics alone, before physics runs it: how near inverse kinematics gets to
// its poses, how near joints come to their limits, how fast they have to be, and what the arm runs into.
#ifndef LOOM_GENERATORS_ATTEMPT_PREVIEW_H
#define LOOM_GENERATORS_ATTEMPT_PREVIEW_H

#include "engine/base/api.h"
#include "engine/sim/episode.h"

LOOM_C_BEGIN

/// The worst along the way.
typedef struct loomPreview {
  double distance;  // left to a pose, m plus 0.1 m per rad
  double margin;    // of a joint to its nearer limit, rad or m; DBL_MAX where no joint is limited
  double speed;     // of a joint, as a share of its velocity_limit; 0 where none is known
  double depth;     // of the arm in itself, another arm or what is fixed, m; deeper than at the start only
} loomPreview;

/// Judge an arm's way through poses (count), `seconds` from each to the next and from now to the first. Each
/// is solved from the joints found for the one before; the first from those of now. It works in
/// episode->scratch and leaves all else as it is. Other arms stand where they are, though they may be gone
/// by then; loose objects are not looked at. `seconds` > 0. No allocation.
loomPreview loom_preview(loomEpisode* episode, int arm, const loomPose* poses, int count, double seconds);

LOOM_C_END

#endif
