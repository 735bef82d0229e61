// How much of each thing a task may have, and the texts its names are kept in.
#ifndef LOOM_ENGINE_TASK_LIMITS_H
#define LOOM_ENGINE_TASK_LIMITS_H

#include "engine/base/api.h"

LOOM_C_BEGIN

enum {
  LOOM_NAME_MAX = 64,
  LOOM_EXPR_MAX = 96,
  LOOM_MAX_ARMS = 4,
  LOOM_MAX_HAND = 8,          // action entries of one hand
  LOOM_MAX_JOINTS = 16,       // joints of one arm, or of one hand
  LOOM_MAX_ACTION = 128,      // entries of an action, all arms together
  LOOM_MAX_OBJECTS = 16,      // movable objects of a task
  LOOM_MAX_GEOMS = 24,        // geoms of one object, or named in one condition
  LOOM_MAX_VARIABLES = 16,    // size variables of one object
  LOOM_MAX_CONDITIONS = 256,  // condition nodes of a task
  LOOM_MAX_SUBTASKS = 16,     // subtasks of one arm
  LOOM_MAX_OBSERVE = 64,      // entries of the `object` observation
  LOOM_MAX_RULES = 32,        // coordination constraints
  LOOM_MAX_RESETS = 8,        // reset distributions
  LOOM_MAX_PLACES = 8,        // boxes one object may start in
  LOOM_MAX_SYMMETRIES = 4,
  LOOM_MAX_EXPERT = 64,   // steps of one arm's scripted expert
  LOOM_MAX_PARTS = 8,     // MJCF parts of one robot
  LOOM_MAX_WITHOUT = 24,  // bodies, joints and geoms a part is used without
};

typedef char loomName[LOOM_NAME_MAX];
/// An arithmetic expression over an object's variables ("0.8 + r"), evaluated once an episode. "" = absent.
typedef char loomExprText[LOOM_EXPR_MAX];

LOOM_C_END

#endif
