// The movable objects of a task: their bodies, sizes and symmetries.
#ifndef LOOM_ENGINE_TASK_TASK_OBJECT_H
#define LOOM_ENGINE_TASK_TASK_OBJECT_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/task/limits.h"

LOOM_C_BEGIN

/// One size variable of an object: measured from any model (a geom's size entry), or drawn at reset.
typedef struct loomVariable {
  loomName name;
  loomName geom;  // measured as scale * geom_size[index]; "" = not measurable
  int index;
  double scale;
  loomExprText let;  // derived: an expression of the variables before it; "" = drawn
} loomVariable;

/// How variables shape one geom; all expressions may be absent ("").
typedef struct loomGeomShape {
  loomName geom;
  int size_count;
  loomExprText size[3];
  bool has_pos;
  loomExprText pos[3];
  loomExprText density;
  bool has_friction;
  loomExprText friction[3];
} loomGeomShape;

typedef struct loomSymmetry {
  double axis[3];  // unit vector in the object's frame
  int turns;       // poses equal under 2 pi / turns; 0 = any angle
} loomSymmetry;

/// A point of an object that moves with its shape: expressions of its measured and derived variables.
typedef struct loomKeypoint {
  loomName name;
  loomExprText at[3];  // object's frame, m
} loomKeypoint;

typedef struct loomObjectDef {
  loomName name;
  loomName body;  // moved by a free joint, or a part that slides or turns on another (a drawer, a lid)
  int variable_count;
  loomVariable* variables;  // (variable_count)
  int shape_count;
  loomGeomShape* shapes;  // (shape_count)
  int symmetry_count;
  loomSymmetry* symmetries;  // (symmetry_count)
  int keypoint_count;
  loomKeypoint* keypoints;  // (keypoint_count)
} loomObjectDef;

LOOM_C_END

#endif
