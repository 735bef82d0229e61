// The few things a task may have only so many of, each with its reason, and the texts its names are kept in.
// All else is counted: objects' geoms, conditions, observations, constraints, places (see task.h).
#ifndef LOOM_ENGINE_TASK_LIMITS_H
#define LOOM_ENGINE_TASK_LIMITS_H

#include "engine/base/api.h"

LOOM_C_BEGIN

enum {
  LOOM_NAME_MAX = 64,
  LOOM_LABEL_MAX = 144,  // a condition as reports tell it: two names and some words
  LOOM_EXPR_MAX = 96,
  LOOM_MAX_ARMS = 4,
  LOOM_MAX_HAND = 8,         // action entries of one hand
  LOOM_MAX_BODY_PARTS = 8,   // torsos, heads and bases, all robots together
  LOOM_MAX_BODY_JOINTS = 8,  // joints of one of them
  LOOM_MAX_JOINTS = 16,      // joints of one arm, or of one hand
  LOOM_MAX_ACTION = 128,     // entries of an action, all arms together
  LOOM_MAX_OBJECTS = 64,     // movable objects of a task: episodes, demos and plans hold one place for each
  LOOM_MAX_VARIABLES = 32,   // size variables of one object: an expression is evaluated on the stack
  LOOM_MAX_KEYPOINTS = 64,   // of an object that a subtask names: their places lie on the stack
  LOOM_MAX_SUBTASKS = 16,    // subtasks of one arm: the result of an attempt holds one place for each
  LOOM_MAX_EXPERT = 256,     // steps of one arm's scripted expert, which holds one place for each
  LOOM_MAX_FINGERS = 8,      // sides of one hand: those that touch are bits
  LOOM_MAX_DEPTH = 64,       // conditions within conditions, by name or in place
};

typedef char loomName[LOOM_NAME_MAX];
/// An arithmetic expression over an object's variables ("0.8 + r"), evaluated once an episode. "" = absent.
typedef char loomExprText[LOOM_EXPR_MAX];

LOOM_C_END

#endif
