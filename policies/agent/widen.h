// How far may a policy be disturbed? The ranges of a set are widened at the ends where it succeeds
// (engine/run/adr.h) until no end moves any more. Internal.
#ifndef LOOM_POLICIES_AGENT_WIDEN_H
#define LOOM_POLICIES_AGENT_WIDEN_H

#include "engine/base/api.h"
#include "engine/run/adr.h"
#include "policies/agent/rollout.h"

LOOM_C_BEGIN

/// What came of it.
typedef struct loomWidened {
  loomAdr adr;  // its ranges as they were found
  int rounds;
  int64_t episodes;
  bool at_limit[LOOM_DISTURB_TERM_MAX][2];  // an end that could grow no further
  bool hopeless[LOOM_DISTURB_TERM_MAX][2];  // an end that has come to the other one and still fails
} loomWidened;

/// def->disturb is the set to begin with; def->n is not looked at: each end of a range is tried in
/// adr->episodes episodes a round, whose numbers go on from def->first. An end that fails after it has
/// grown goes back to where it succeeded, and stays. All other values are drawn from the ranges as they
/// are. The result is the same on any number of threads. Errors of loom_adr_begin and loom_rollout.
int loom_widen(loomWidened* out, const loomScene* scene, const loomPolicyMaker* maker,
               const loomRolloutDef* def, const loomAdrDef* adr, loomError* err);

LOOM_C_END

#endif
