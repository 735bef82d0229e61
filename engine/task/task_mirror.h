// The plane in which a task's demos may be mirrored, and what the reflection makes of arms and objects.
#ifndef LOOM_ENGINE_TASK_TASK_MIRROR_H
#define LOOM_ENGINE_TASK_TASK_MIRROR_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/task/limits.h"

LOOM_C_BEGIN

/// A reflection of the world that brings the task onto itself. An object's mirror image is the object itself
/// or another one, `as`; which way its frame then lies follows from the plane of its own frame in which its
/// shape is mirrored.
typedef struct loomMirrorDef {
  bool declared;
  int line;
  double plane[3], at[3];              // unit normal and a point, world frame, m
  int arms[LOOM_MAX_ARMS];             // arm a's motion becomes arm arms[a]'s; its own inverse
  int as[LOOM_MAX_OBJECTS];            // object o becomes object as[o]; its own inverse
  double object[LOOM_MAX_OBJECTS][3];  // unit normal in o's frame, the same in that of as[o]
} loomMirrorDef;

LOOM_C_END

#endif
