// Tables that are built in. Internal.
#ifndef LOOM_POLICIES_TABULAR_WORLDS_H
#define LOOM_POLICIES_TABULAR_WORLDS_H

#include <stdint.h>

#include "policies/tabular/mdp.h"

/// `cliff:WIDTHxHEIGHT`: a cliff between start and goal, wind, as seals' CliffWorld (github.com/
/// HumanCompatibleAI/seals): four diagonal moves, blown one row further up with probability 0.3, rewards -1,
/// -10 (cliff) and 10 (goal), start anywhere.
/// `grid:SIDE/CELL`: Abbeel and Ng 2004, 5.1: four moves of which 30 % go another way, an indicator for each
/// macrocell of CELL x CELL, a sparse random reward of these.
/// `objectworld:SIDE`: Levine, Popovic and Koltun 2011: objects of two colors, inside and outside; the reward
/// depends on whether one is near both; indicators of distances. linear: a reward that these can express.
/// `random:STATESxACTIONSxFEATURES[/TERMINALS]`: three successors a row, normal features and weights.
typedef struct loomWorldDef {
  const char* spec;
  uint64_t seed;  // of what is random in it
  bool linear;
} loomWorldDef;

/// Is that the name of one of them, rather than of a file?
bool loom_world_is(const char* spec);
/// gamma and horizon are left to the caller: 1 and 0. LOOM_ERR_USAGE: sizes that are none.
int loom_world_make(loomMdp* out, const loomWorldDef* def, loomError* err);

#endif
