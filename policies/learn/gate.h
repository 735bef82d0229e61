// Whose turn it is: a novice and its expert side by side in one episode. Both say at every step what they
// would do, a gate decides who acts, and what was said and done is kept.
#ifndef LOOM_POLICIES_LEARN_GATE_H
#define LOOM_POLICIES_LEARN_GATE_H

#include "engine/base/api.h"
#include "policies/learn/safety.h"

LOOM_C_BEGIN

enum { LOOM_GATE_MEMBERS = 16 };

typedef enum loomGateKind {
  LOOM_GATE_EXPERT,    // the expert acts: demos
  LOOM_GATE_NOVICE,    // the novice acts, the expert is not asked but watched: evaluation
  LOOM_GATE_MIXTURE,   // the expert acts with probability beta, drawn at each step; asked at every step
  LOOM_GATE_SAFETY,    // it acts, and is asked, where the classifier says that the novice would be far off
  LOOM_GATE_ENSEMBLE,  // it acts, and is asked, where the members of an ensemble disagree
  LOOM_GATES,
} loomGateKind;

/// As options and settings name them, NULL at the end; and what pictures call a run with it.
extern const char* const loom_gate_names[LOOM_GATES + 1];
extern const char* const loom_gate_titles[LOOM_GATES];

typedef struct loomGateDef {
  loomGateKind kind;
  loomPolicyMaker expert;
  int members;
  loomTrained* member[LOOM_GATE_MEMBERS];  // (members) the first one acts; others are asked by ENSEMBLE only
  const loomSafety* safety;                // SAFETY
  double beta;                             // MIXTURE
  double doubt;                            // ENSEMBLE: largest disagreement at which the novice acts
} loomGateDef;

/// What was said and done at a row of an episode.
enum { LOOM_ROW_EXPERT = 1, LOOM_ROW_ASKED = 2 };

typedef struct loomGateEpisode {
  int rows;
  double* label;         // (rows x A) the expert's action, each entry held to what its controller takes
  double* deviation;     // (rows) |a_novice - a_expert|, both held so; 0 without a novice
  unsigned char* flags;  // (rows) LOOM_ROW_...
} loomGateEpisode;

/// Room for the episodes of one rollout; number i of it goes to episode[i]. Free with loom_gate_destroy.
typedef struct loomGate {
  loomGateDef def;
  uint64_t first;  // number of episode[0]
  int n, capacity, action_dim;
  loomGateEpisode* episode;
  loomPolicyMaker expert, novice[LOOM_GATE_MEMBERS];
} loomGate;

/// For n episodes of at most max_steps rows. LOOM_ERR_MEMORY.
int loom_gate_create(loomGate* gate, const loomGateDef* def, const loomScene* scene, uint64_t first, int n,
                     int max_steps, loomError* err);
void loom_gate_destroy(loomGate* gate);
/// Who drives those episodes; the gate's rows are complete once the rollout has returned.
loomPolicyMaker loom_gate_maker(loomGate* gate);

/// sqrt of the mean over members of |a - mean|^2: actions (members x A).
double loom_gate_disagreement(const double* actions, int members, int action_dim);

LOOM_C_END

#endif
