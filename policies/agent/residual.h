// What is added to a policy's actions (Ankile et al., "From imitation to refinement", 2024; "Residual
// off-policy RL for finetuning behavior cloning policies", 2025): an offset of the hands' moves, decided by
// an actor of its own from what the policy sees and is about to do, and held for as long as the policy keeps
// to one decision. Where the actor's critics, if it has any, do not all agree that it helps, nothing is
// added. Internal.
#ifndef LOOM_POLICIES_AGENT_RESIDUAL_H
#define LOOM_POLICIES_AGENT_RESIDUAL_H

#include "engine/base/fields.h"
#include "policies/agent/trained.h"
#include "policies/network/td3_network.h"

typedef struct loomResidualConfig {
  int hold;  // control steps that one offset lasts; 0 = those that the policy decides at once, or 8 if that is one
  double position, rotation, gripper;  // largest offset, as a share of the controller's range
  int critics;
  double margin;  // by which each of them has to expect more of an offset than of none
  loomSizes hidden;
} loomResidualConfig;

/// As a policy's file has it.
extern const loomFields loom_residual_fields;
loomResidualConfig loom_default_residual_config(void);

/// Which entries of an episode's action there are offsets for, and how large.
typedef struct loomResidualSpace {
  int n;
  int entry[LOOM_MAX_ACTION];
  double range[LOOM_MAX_ACTION][2];                    // (n) lowest and highest offset
  double low[LOOM_MAX_ACTION], high[LOOM_MAX_ACTION];  // (n) that the action is clipped to afterwards
} loomResidualSpace;
void loom_residual_space(loomResidualSpace* out, const loomResidualConfig* config,
                         const loomEpisode* episode);

/// A policy's residual: free with loom_residual_destroy.
struct loomResidual {
  loomResidualConfig config;  // hold is not 0
  loomTd3Network net;         // whose actor and slow critics count
};

/// Nothing is added yet. entries: of the space.
int loom_residual_create(loomResidual** out, const loomResidualConfig* config, const loomTrained* base,
                         int entries, loomError* err);
/// The same for a policy in a scene, whose arms decide on the entries; it has none yet. LOOM_ERR_USAGE: there
/// is nothing that offsets are allowed for.
int loom_residual_give(loomTrained* policy, const loomResidualConfig* config, const loomScene* scene,
                       loomError* err);
void loom_residual_destroy(loomResidual* residual);
/// Take over what these networks have learned.
void loom_residual_set(loomResidual* residual, const loomTd3Network* learned);
/// Networks of one's own to act with, for one row.
int loom_residual_copy(loomTd3Network* out, const loomResidual* residual, loomError* err);

/// Numbers that it decides from, and these: the newest row that the policy's network saw (obs_dim), and the
/// first and the last of the actions (n x actions) that it decided, normalized, all within bounds.
int loom_residual_inputs(const loomTrained* base);
void loom_residual_see(loomReal* out, const loomTrained* base, const loomReal* seen, const float* actions,
                       int n);
/// The offset (n of the space), in [-1, 1]; all 0 where the gate holds it back.
void loom_residual_decide(loomReal* out, loomTd3Network* net, const loomReal* in);
/// Add it, in [-1, 1] (n), to an action (A).
void loom_residual_add(double* action, const loomResidualSpace* space, const double* offset);

/// Tensors of a policy's file: residual.NAME. How many there are; with NULL only that. Names (of as many) and
/// data stay the residual's.
enum { LOOM_RESIDUAL_NAME = LOOM_PARAM_NAME + 16 };
int loom_residual_tensors(loomSafeTensor* tensor, char (*name)[LOOM_RESIDUAL_NAME],
                          const loomResidual* residual);
/// As YAML, malloc'ed; NULL when out of memory.
char* loom_residual_text(const loomResidual* residual);
/// From a file that has one, by that text. LOOM_ERR_FORMAT.
int loom_residual_read(loomResidual** out, const loomTrained* base, const char* text,
                       const loomSafetensors* file, const char* label, loomError* err);

#endif
