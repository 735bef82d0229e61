// A step of the optimizer that several processes make on one memory (engine/base/team.h): the gradients of a
// batch's blocks are put together, and the parameters moved, a part each. Blocks and parts have fixed places
// and are added up in order, so neither processes nor threads change a bit. Internal.
#ifndef LOOM_POLICIES_NN_TEAM_STEP_H
#define LOOM_POLICIES_NN_TEAM_STEP_H

#include "engine/base/team.h"
#include "policies/nn/optimizer.h"

enum { LOOM_STEP_BLOCKS = 64 };  // at most

/// What of a step all processes see.
typedef struct loomStepNow {
  double loss[LOOM_STEP_BLOCKS];    // mean of each block's samples
  double weight[LOOM_STEP_BLOCKS];  // how much each counts
  loomReal share[LOOM_STEP_BLOCKS];
  double squares[LOOM_NORM_PARTS];
  loomAdamFactors factors;
  double decay;  // of the average
} loomStepNow;

typedef struct loomTeamStep {
  loomStepNow* now;
  loomParams* params;
  loomReal* average;  // (params->total) of the weights; NULL = none
  int blocks;
  loomReal* gradient;  // (params->total) of the batch
  loomReal* slot;      // (blocks x params->total) of each block; with one it is `gradient`
} loomTeamStep;

/// The kinds of its jobs: from there on a caller has its own.
enum { LOOM_STEP_ADD, LOOM_STEP_MOVE, LOOM_STEP_KINDS };

/// Items that its jobs have at most.
int loom_team_step_items(const loomParams* params);
/// Put gradients of blocks at their place while a block is worked on.
loomReal* loom_team_step_slot(const loomTeamStep* step, int block);

/// All blocks have their gradients, losses and weights: put them together. The batch's loss, and the length
/// of its gradient.
double loom_team_step_add(double* length, loomTeamStep* step, loomTeam* team);
/// Move the parameters at that rate, and the average after them; `number` counts from 1. False as
/// loom_team_run.
bool loom_team_step_move(loomTeamStep* step, loomTeam* team, const loomAdamDef* adam, double length,
                         double rate, uint64_t number, double decay);
/// What is done of a job of these kinds.
void loom_team_step_work(loomTeamStep* step, loomTeam* team, const loomTeamJob* job);

#endif
