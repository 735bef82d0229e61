// The smallest task that ends: a corridor of 5 cells, from the first to the last, by steps to the left or
// right. A policy in a table learns it from an expert's 4 steps against a discriminator, with absorbing
// states (policies/objective/absorbing.h) or without, which shows what they are for. Internal.
#ifndef LOOM_POLICIES_LEARN_CORRIDOR_H
#define LOOM_POLICIES_LEARN_CORRIDOR_H

#include "engine/base/api.h"
#include "policies/network/discriminator.h"

LOOM_C_BEGIN

enum { LOOM_CORRIDOR_STEPS = 50 };  // after which a walk is cut off

typedef struct loomCorridorDef {
  int rounds;  // of 32 walks, 5 steps of the discriminator (bce) and one of the policy; at least 1
  int reward;  // loomRewardForm
  bool absorbing;
  uint64_t seed;
} loomCorridorDef;

typedef struct loomCorridorState {
  double steps;                  // mean of a walk, over the last third of the rounds
  loomDiscriminatorLook critic;  // of the last round
} loomCorridorState;

/// The same numbers on any number of threads.
int loom_corridor_learn(loomCorridorState* out, const loomCorridorDef* def, loomError* err);

LOOM_C_END

#endif
