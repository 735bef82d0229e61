// Tables from text files: one thing a line, `#` begins a comment.
//
//   states N | states NAME NAME ...        first, and
//   actions N | actions NAME NAME ...      second
//   gamma G, horizon H                     optional; the command line may say otherwise
//   start uniform | start STATE P          uniform over all states unless given
//   terminal STATE ...
//   move STATE ACTION NEXT P               `*` for a state or an action: all of them (not the terminal ones)
//   reward STATE [ACTION [NEXT]] VALUE     optional; several lines add up
//   feature NAME STATE [ACTION [NEXT]] VALUE
//   demo STATE ACTION STATE ACTION ... STATE
//
// Names hold no blanks; states and actions of no names are numbers from 0. Internal.
#ifndef LOOM_POLICIES_TABULAR_MDP_FILE_H
#define LOOM_POLICIES_TABULAR_MDP_FILE_H

#include "policies/tabular/mdp.h"

/// gamma is 1 and horizon 0 where the file does not say. LOOM_ERR_IO: no file; LOOM_ERR_FORMAT: with its
/// line.
int loom_mdp_read(loomMdp* out, const char* path, loomError* err);

#endif
