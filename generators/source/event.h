// Grasps and releases in a replayed demo, from gripper commands, finger contacts and how objects move with
// hands. Internal.
#ifndef LOOM_GENERATORS_SOURCE_EVENT_H
#define LOOM_GENERATORS_SOURCE_EVENT_H

#include "generators/source/replay.h"

typedef enum loomEventKind { LOOM_EVENT_GRASP, LOOM_EVENT_RELEASE } loomEventKind;

/// One arm takes hold of an object or lets it go.
typedef struct loomEvent {
  loomEventKind kind;
  int arm, object;
  int row;  // the first row at which it has happened
} loomEvent;

/// All of them, in order of rows; *out is malloc'ed. A hold is: the gripper is told to close and every finger
/// touches. It counts once the object went with the hand for 6 cm, and that is its grasp's row; where another
/// hand already carries the object, nothing can move, and the row is that of the firm grip, provided the
/// other hand later lets go or the object moves. The release is the row at which no finger touches any more
/// or the object has left the hand. Bumps, closing beside the object and failed tries before a grasp are no
/// events; arms without a gripper have none.
int loom_events_find(loomEvent** out, int* n, const loomReplay* replay, const loomTask* task, loomError* err);

#endif
