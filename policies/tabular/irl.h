// Inverse reinforcement learning in tables: weights w of a reward R = w . features that explain an expert,
// and the policy that comes of them. Internal.
#ifndef LOOM_POLICIES_TABULAR_IRL_H
#define LOOM_POLICIES_TABULAR_IRL_H

#include <stdint.h>

#include "policies/tabular/plan.h"

typedef enum loomIrlMethod {
  LOOM_IRL_CAUSAL,      // maximum causal entropy: Ziebart, Bagnell and Dey 2010, its dual
  LOOM_IRL_LIKELIHOOD,  // the sum of log pi_w(a|s) over what the expert did, pi_w soft
  LOOM_IRL_MAXENT,      // maximum entropy of paths: Ziebart, Maas, Bagnell and Dey 2008
  LOOM_IRL_PROJECTION,  // Abbeel and Ng 2004, 3.1
  LOOM_IRL_MAX_MARGIN,  // Abbeel and Ng 2004, 3: the quadratic program
  LOOM_IRL_MMP,         // maximum margin planning: Ratliff, Bagnell and Zinkevich 2006
} loomIrlMethod;
extern const char* const loom_irl_method_names[];

/// What the expert did. Zeroed, then one of the two below.
typedef struct loomExpert {
  double* d;         // (S x A) how often each pair was met, discounted, of one trajectory on average
  double* visits;    // (periods x S x A) with a horizon at each time and undiscounted; else d again
  double* features;  // (K) expected
  loomHeap heap;
} loomExpert;

/// All that a policy (periods x S x A) does.
int loom_expert_of_policy(loomExpert* out, const loomMdp* mdp, const double* policy, loomError* err);
/// On average over demos; steps behind the horizon do not count.
int loom_expert_of_demos(loomExpert* out, const loomMdp* mdp, const loomDemos* demos, loomError* err);
void loom_expert_destroy(loomExpert* expert);

/// n trajectories of a policy, with random numbers of (seed, number); without a horizon they end at a
/// terminal state, or where what is left counts less than 1e-6. On heap.
int loom_demos_sample(loomDemos* out, loomHeap* heap, const loomMdp* mdp, const double* policy, int n,
                      uint64_t seed, loomError* err);

typedef struct loomIrlDef {
  loomIrlMethod method;
  int iterations;    // at most
  double tolerance;  // of the largest difference of features, to be called converged
  double l2;         // half of that times |w|^2 is added
  double epsilon;    // mixtures: good enough that far from the expert's features, as a share of their norm
  double lambda;     // mmp: half of that times |w|^2
  bool subgradient;  // mmp: by steps of 1 / (lambda t), as its authors; else by planes, to the optimum
  bool approximate;  // maxent: also where actions do not say what follows
  /// After each iteration (nullable), with the objective and what is left: the largest derivative, the
  /// distance to the expert's features, the gap. True ends it.
  bool (*after)(void* data, int iteration, double value, double left);
  void* data;
} loomIrlDef;
loomIrlDef loom_default_irl_def(void);

/// A policy of a mixture: the action of each state at each time, (periods x S); NULL is any, all alike.
typedef struct loomMember {
  int* action;
  double share;      // of trajectories that are its own, from their start to their end
  double* features;  // (K)
} loomMember;

/// All on heap.
typedef struct loomIrlResult {
  double* weights;    // (K) of the reward; of mixtures, of the last policy
  double* policy;     // (periods x S x A); of mixtures, the one policy that does what the mixture does
  double* occupancy;  // (S x A) of the policy in the table's own dynamics
  double* features;   // (K) expected of it
  double objective;   // what was minimized
  double left;        // the largest derivative there; of mixtures the distance, closed with all policies
  int iterations;
  bool converged;

  // Mixtures only.
  int members;
  loomMember* member;
  double nearest;  // no mixture at all comes nearer to the expert's features

  // mmp only: no weights have an objective below that. left is the gap between the two.
  double dual;
  loomHeap heap;
} loomIrlResult;

/// LOOM_ERR_UNSUPPORTED: maxent where dynamics are random, or without a horizon.
int loom_irl_run(loomIrlResult* out, const loomMdp* mdp, const loomExpert* expert, const loomIrlDef* def,
                 loomError* err);
void loom_irl_destroy(loomIrlResult* result);

/// The mixture methods, for loom_irl_run: fills all but occupancy and features.
int loom_irl_mix(loomIrlResult* out, const loomMdp* mdp, const loomExpert* expert, const loomIrlDef* def,
                 loomError* err);

/// The same of mmp.
int loom_irl_mmp(loomIrlResult* out, const loomMdp* mdp, const loomExpert* expert, const loomIrlDef* def,
                 loomError* err);

// ---- the functions that are minimized, one a method; weights (K), gradient (K)

typedef struct loomIrlProblem {
  const loomMdp* mdp;
  const loomExpert* expert;
  const loomIrlDef* def;
  loomPlan plan;           // of the last weights
  double *reward, *flow;   // (S x A) each
  double *mass, *carried;  // (S) each
  double* later;           // ((periods + 1) x S) maxent's values
} loomIrlProblem;

int loom_irl_problem_create(loomIrlProblem* out, const loomMdp* mdp, const loomExpert* expert,
                            const loomIrlDef* def, loomError* err);
void loom_irl_problem_destroy(loomIrlProblem* problem);

int loom_irl_causal(double* value, double* gradient, const double* w, void* problem, loomError* err);
int loom_irl_likelihood(double* value, double* gradient, const double* w, void* problem, loomError* err);
int loom_irl_maxent(double* value, double* gradient, const double* w, void* problem, loomError* err);

#endif
