// Episodes of a policy, block by block, each block kept on the disk: so that what takes hours goes on where
// it was stopped, and gives the same on any number of threads. Those that succeed may be kept as demos with
// state.
#ifndef LOOM_TOOLS_SHARED_TRIES_H
#define LOOM_TOOLS_SHARED_TRIES_H

#include "policies/agent/tested.h"
#include "tools/shared/common.h"

/// The files that they leave in their folder, as patterns (fnmatch): elements of an array.
#define TOOL_TRIES_FILES "block_*.csv", "[0-9]*.hdf5"

typedef struct toolTriesDef {
  const loomScene* scene;
  const loomPolicyMaker* maker;
  const loomAssetRoots* roots;
  const char* folder;             // of their own; is made
  const char* dataset;            // the successes, in the order of their numbers; NULL = none are kept
  const char* what;               // they are for, for the line on stderr
  int tries;                      // a start is tried up to so many times until it succeeds; 0 = once
  bool within_limits;             // a success is one within the task's limits, beyond which episodes end
  int64_t successes;              // after so many it is over; 0 = however many
  int64_t steps;                  // control steps after which no episode begins; 0 = however many
  int64_t episodes;               // at most
  int reset;                      // reset distribution
  const loomDisturbSet* disturb;  // what disturbs them, drawn by their starts; NULL = nothing
  uint64_t seed;                  // of the starts
  int max_steps;                  // control steps of an episode; 0 = the task's
  int threads;                    // 0 = as many as cores
} toolTriesDef;

/// Free with tool_tries_destroy.
typedef struct toolTries {
  loomTested all;  // those that counted
  loomTry* list;   // (all.n) in the order of their numbers
} toolTries;

/// Run them, or read of those that were run before. LOOM_ERR_INTERRUPTED after Ctrl-C: whole blocks stay.
int tool_tries(toolTries* out, const toolTriesDef* def, loomError* err);
void tool_tries_destroy(toolTries* tries);

#endif
