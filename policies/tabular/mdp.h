// Markov decision processes as tables, in double: sparse transitions, terminals, a discount, a horizon or
// none. What depends on the next state, a reward r(s, a, s') or a feature, is kept as its expectation: no
// plan and no expected sum can tell the difference. Internal.
#ifndef LOOM_POLICIES_TABULAR_MDP_H
#define LOOM_POLICIES_TABULAR_MDP_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/heap.h"
#include "engine/base/names.h"

/// Trajectories one behind the other. The last step of each has action -1: a state in which nothing was done.
typedef struct loomDemos {
  int n;
  int* begin;   // (n + 1) into the two below
  int* state;   // (steps)
  int* action;  // (steps)
} loomDemos;

/// A pair of state and action is "row" s * actions + a. Zeroed: none. All is on the heap.
typedef struct loomMdp {
  int states, actions, features;
  double gamma;   // discount, in (0, 1]
  int horizon;    // decisions; 0 = without end, or until a terminal state
  double* start;  // (S) probability of beginning there
  bool*
      terminal;  // (S) nothing is done there, and its reward counts once; its row of action 0 stands for that
  bool* open;    // (S x A) whether the action can be taken there

  int* row;   // (S x A + 1) into the two below
  int* next;  // states that follow
  double* p;  // with what probability

  double* reward;    // (S x A) the true one; NULL where nobody knows
  int* feature_row;  // (S x A + 1) into the two below
  int* feature;      // those that are not 0
  double* value;     // of them

  loomNames state_name, action_name, feature_name;  // or empty: numbers
  loomDemos demos;
  loomHeap heap;
} loomMdp;

void loom_mdp_destroy(loomMdp* mdp);

/// Can it be planned in, with its discount and horizon? LOOM_ERR_USAGE: a discount that is none, or sums
/// without end; LOOM_ERR_FORMAT: with discount 1 and no horizon, a state from which no end can be reached.
int loom_mdp_check(const loomMdp* mdp, loomError* err);

/// Names for messages; number (of 16) is where a state that has none gets its number.
const char* loom_mdp_state(const loomMdp* mdp, int state, char number[16]);
const char* loom_mdp_action(const loomMdp* mdp, int action, char number[16]);
const char* loom_mdp_feature(const loomMdp* mdp, int feature, char number[16]);

/// One indicator a state, or a row that is open, in place of the features that are there.
int loom_mdp_use_indicators(loomMdp* mdp, bool rows, loomError* err);

/// out (S x A) = features * weights; 0 in rows that are not open.
void loom_mdp_reward(double* out, const loomMdp* mdp, const double* weights);
/// out (K): sums of features over occupancy d (S x A).
void loom_mdp_expectation(double* out, const loomMdp* mdp, const double* d);

// ---- made piece by piece

/// One line of a draft. Where action or next is -1, it is all of them.
typedef struct loomMdpEntry {
  int state, action, next, feature;
  double value;
} loomMdpEntry;

typedef struct loomMdpList {
  int n, room;
  loomMdpEntry* entry;
} loomMdpList;

/// Zeroed, then mdp.states, .actions and what else of mdp is known; start and terminal by loom_draft_begin.
typedef struct loomMdpDraft {
  loomMdp mdp;
  loomMdpList transition, reward, feature;
  loomHeap heap;
} loomMdpDraft;

int loom_draft_begin(loomMdpDraft* draft, loomError* err);
int loom_draft_add(loomMdpDraft* draft, loomMdpList* list, loomMdpEntry entry, loomError* err);
/// What was added, checked: rows that sum to 1 (1e-6; then exactly), starts too, no numbers that are none.
/// The draft is empty afterwards, also after an error. LOOM_ERR_FORMAT names the row.
int loom_draft_end(loomMdp* out, loomMdpDraft* draft, loomError* err);
void loom_draft_destroy(loomMdpDraft* draft);

#endif
