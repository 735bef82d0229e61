// How a source's hand took hold of an object, and how it should have: around its middle, on the part of it
// that can be held. Internal.
#ifndef LOOM_GENERATORS_ATTEMPT_GRIP_H
#define LOOM_GENERATORS_ATTEMPT_GRIP_H

#include "engine/sim/episode.h"
#include "generators/source/replay.h"

/// A grasp in a source demo, by its rows.
typedef struct loomGrip {
  int began;  // the gripper's command
  int held;   // all fingers touch
} loomGrip;

/// The first grasp of an object by arm `a`, of so many fingers, in rows [first, end). False = none.
bool loom_grip_find(loomGrip* out, const loomReplay* source, int a, int object, int fingers, int first,
                    int end);

/// The line between the hand's fingers as they are now: a unit vector of the end effector's frame, from the
/// mean place of the others' geoms to that of the first finger's. False where the hand has fewer than two, or
/// all are in one place.
bool loom_grip_axis(double axis[3], const loomEpisode* episode, int a);

/// How far along `axis` (m) the source's hand was to be shifted to have the object in the middle between its
/// open fingers when it began to close, and not pushed there by the first that touched: by where the object
/// and the pads of the fingers were then, and where when all of them touched it.
double loom_grip_off_center(const loomGrip* grip, const loomReplay* source, int a, int object,
                            const double axis[3]);

/// Where the hand held the object (m, the object's frame): the end effector's place.
void loom_grip_point(double at[3], const loomGrip* grip, const loomReplay* source, int a, int object);

#endif
