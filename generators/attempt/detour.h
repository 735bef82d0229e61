// Internal. A way around what an arm would run into: RRT-Connect (Kuffner and LaValle, ICRA 2000) in the
// space of its joints, then shortened. As SkillGen (arXiv 2410.18907) plans between skills; here it is
// looked for only where the way that a demo would have taken is blocked.
#ifndef LOOM_GENERATORS_ATTEMPT_DETOUR_H
#define LOOM_GENERATORS_ATTEMPT_DETOUR_H

#include "engine/base/random.h"
#include "generators/attempt/meet.h"

enum { LOOM_MAX_WAY = 12 };

/// Poses of the end effector on the way, world frame, ends left out.
typedef struct loomWay {
  int count;
  loomPose at[LOOM_MAX_WAY];
} loomWay;

/// From joints to joints (of the arm; rad, m) with nothing met on the way, by `within` at the most and less
/// only where an end is nearer itself. Objects that the def `holds` stay in the hand at held (object_count).
/// Everything else stays where it is in the ghost (engine/sim/ghost.h), whose arm and objects move. False
/// when none was found, or an end meets something. No allocation.
bool loom_detour_find(loomWay* out, loomEpisode* ghost, const loomMeetDef* def, const loomPose* held,
                      const double* from, const double* to, loomRandom* random);

#endif
