// Internal. What an arm would run into where it is, by the shapes of geoms alone: whether or not physics has
// any contacts there.
#ifndef LOOM_GENERATORS_ATTEMPT_MEET_H
#define LOOM_GENERATORS_ATTEMPT_MEET_H

#include "engine/sim/episode.h"

enum { LOOM_MAX_EXEMPT = 16 };

/// What counts as a meeting of an arm. Fingers and hand never meet each other.
typedef struct loomMeetDef {
  int arm;
  unsigned arms;   // others (bits) that it is not to meet, as it is not to meet what is fixed to the world
  uint64_t goal;   // objects (bits) that it may touch; others it is not to meet
  uint64_t holds;  // objects (bits) in its hand, which meet things as it does itself, and never it
  double within;   // m: geoms closer than this meet; below 0 those that overlap by more
  double self;  // m: its own links, which are near to each other at all times, count where closer than this
  double hand;  // m: so do its hand and what that holds, with what is fixed to the world and objects
  int exempt_count;  // pairs of geoms that do not count
  int exempt[LOOM_MAX_EXEMPT][2];
} loomMeetDef;

typedef struct loomMeeting {
  double distance;  // m, negative where they overlap; the def's `within` = nothing is met
  int geom[2];      // the arm's own, or its object's, first; -1 = nothing is met
} loomMeeting;

/// The nearest of all that meet. Kinematics must be up to date. No allocation.
loomMeeting loom_meeting(const loomEpisode* episode, const loomMeetDef* def);
/// Add what meets by now to the pairs that do not count, as many as have room.
void loom_meeting_exempt(loomMeetDef* def, const loomEpisode* episode);
/// The distance of a point to what is around an object's geoms, m; no more than that to the object, and
/// infinite where it has none.
double loom_object_gap(const loomEpisode* episode, int object, const double point[3]);

#endif
