// Internal. What a trained policy would do at the rows of a demo that somebody else drove.
#ifndef LOOM_POLICIES_AGENT_DECIDE_H
#define LOOM_POLICIES_AGENT_DECIDE_H

#include "policies/agent/trained.h"

/// Its action at each row, as if it had come there by itself: actions (rows x A), from obs (rows x obs dim),
/// neither normalized. Chunks of actions are decided anew at every row. LOOM_ERR_MEMORY.
int loom_trained_actions(float* actions, const loomTrained* trained, const float* obs, int rows,
                         uint64_t seed, loomError* err);

#endif
