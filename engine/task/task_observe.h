// The entries of the `object` observation.
#ifndef LOOM_ENGINE_TASK_TASK_OBSERVE_H
#define LOOM_ENGINE_TASK_TASK_OBSERVE_H

#include "engine/base/api.h"
#include "engine/task/task_condition.h"

LOOM_C_BEGIN

typedef enum loomObserveKind {
  LOOM_OBSERVE_POS,    // (3) position of `of` less that of `from`, world frame, m
  LOOM_OBSERVE_QUAT,   // (4) orientation of `of`, x-y-z-w
  LOOM_OBSERVE_JOINT,  // (1) position of the joint named of.name
} loomObserveKind;

/// One entry of the `object` observation. Points are frames' origins, without `at`.
typedef struct loomObserveDef {
  loomName name;
  int line;
  loomObserveKind kind;
  loomPoint of, from;
} loomObserveDef;

LOOM_C_END

#endif
