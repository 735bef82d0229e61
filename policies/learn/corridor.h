// The smallest task that ends: a corridor of 5 cells, from the first to the last, by steps to the left or
// right. A policy in a table learns it from an expert's 4 steps against a discriminator, with absorbing
// states (policies/objective/absorbing.h) or without, which shows what they are for. Of an airl
// discriminator (policies/network/shaped.h) it shows that the reward is found which an expert follows: its
// cells are linked as their theorem 5.1 has it, so that a reward of states is known but for a constant, and
// that is the end's. Internal.
#ifndef LOOM_POLICIES_LEARN_CORRIDOR_H
#define LOOM_POLICIES_LEARN_CORRIDOR_H

#include "engine/base/api.h"
#include "policies/network/discriminator.h"

LOOM_C_BEGIN

enum { LOOM_CORRIDOR_STEPS = 50, LOOM_CORRIDOR_CELLS = 4 };  // after which a walk is cut off; before the last

typedef struct loomCorridorDef {
  int rounds;         // of 32 walks, 5 steps of the discriminator and one of the policy; at least 1
  int discriminator;  // loomDiscriminatorKind: bce or airl
  int reward;         // loomRewardForm
  bool absorbing;
  // What a step costs the expert, who does what is best for reward and entropy together, drawn anew in each
  // round; above log 2, for else lingering is best. 0: it goes straight.
  double cost;
  uint64_t seed;
} loomCorridorDef;

typedef struct loomCorridorState {
  double steps;                        // mean of a walk, over the last third of the rounds
  double expert_steps;                 // and the expert's; straight: 4
  double reward[LOOM_CORRIDOR_CELLS];  // airl: learned of each cell, less the end's; mean over the same
  loomDiscriminatorLook critic;        // of the last round
} loomCorridorState;

/// The same numbers on any number of threads.
int loom_corridor_learn(loomCorridorState* out, const loomCorridorDef* def, loomError* err);

LOOM_C_END

#endif
