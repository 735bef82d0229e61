// Conditions: what may be true of a state, as a tree of plain data.
#ifndef LOOM_ENGINE_TASK_TASK_CONDITION_H
#define LOOM_ENGINE_TASK_TASK_CONDITION_H

#include "engine/base/api.h"
#include "engine/task/limits.h"

LOOM_C_BEGIN

typedef enum loomConditionKind {
  LOOM_COND_ALL,
  LOOM_COND_ANY,
  LOOM_COND_NOT,
  LOOM_COND_HELD,      // child true for `steps` control steps in a row
  LOOM_COND_GRASPED,   // every finger of `arm` touches one of the geoms
  LOOM_COND_RELEASED,  // no finger of `arm` touches any of the geoms
  LOOM_COND_TOUCHING,  // a geom of the first list touches one of the second (empty second list = anything)
  LOOM_COND_DISTANCE,  // |a - b|
  LOOM_COND_HEIGHT,    // z(a) - z(b) - minus
  LOOM_COND_INSIDE,    // a, in the frame of b, between low and high
  LOOM_COND_UPRIGHT,   // angle between a's axis and the world's z
  LOOM_COND_JOINT,     // position of a hinge or slide joint
  LOOM_COND_GRIPPER,   // sign of the arm's last gripper action
} loomConditionKind;

typedef enum loomPointKind {
  LOOM_POINT_WORLD,
  LOOM_POINT_OBJECT,
  LOOM_POINT_BODY,
  LOOM_POINT_GEOM,
  LOOM_POINT_SITE,
  LOOM_POINT_EEF
} loomPointKind;

/// A frame in the model and a point in it.
typedef struct loomPoint {
  loomPointKind kind;
  loomName name;       // object, body, geom or site
  int arm;             // LOOM_POINT_EEF
  loomExprText at[3];  // offset in that frame, expressions; "" = 0
} loomPoint;

/// A list of geoms: those named, or all geoms of an object.
typedef struct loomGeomList {
  loomName object;  // "" = named geoms
  int count;
  loomName* geoms;  // (count)
} loomGeomList;

/// One node of a condition tree; nodes live in loomTask.conditions, linked by index (-1 = none).
typedef struct loomConditionDef {
  loomConditionKind kind;
  char label[LOOM_LABEL_MAX];  // for reports: the YAML `label:`, else a made-up "grasped arm 0 hammer"
  int line;                    // in task.yaml
  int first_child, next;       // siblings are chained by next
  int arm;
  int steps;
  loomGeomList geoms, others;
  loomPoint a, b;
  loomExprText minus;
  loomExprText above, below;     // bounds; "" = open
  loomExprText low[3], high[3];  // LOOM_COND_INSIDE
  double axis[3];                // LOOM_COND_UPRIGHT, in a's frame
  loomName joint;
  int gripper_sign;  // +1 closing, -1 opening
} loomConditionDef;

LOOM_C_END

#endif
