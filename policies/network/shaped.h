// A reward and its shaping, as adversarial inverse reinforcement learning takes rewards apart (Fu, Luo and
// Levine, "Learning robust rewards with adversarial inverse reinforcement learning", ICLR 2018, eq. 4 and
// 7):
//
//   f(s, a, s') = g(s, a) + discount h(s') - h(s)
//
// g and h are perceptrons. A discriminator whose logit is f - log pi(a|s), so that D = exp f / (exp f + pi),
// is right where f is what the expert's policy gains by a in s; what h takes of that is shaping, which
// leaves the best policy as it is (Ng, Harada and Russell, 1999), and g is a reward that others learn by.
// Where g sees the state alone it is the expert's own up to a constant, in a task that ends (with absorbing
// states: policies/objective/absorbing.h) and that links its states (their theorem 5.1).
//
// A row: state (obs), action (actions), next state (obs); `ends`: 1 where the state is the absorbing one, 1
// where the next is; log pi(a|s). Internal.
#ifndef LOOM_POLICIES_NETWORK_SHAPED_H
#define LOOM_POLICIES_NETWORK_SHAPED_H

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "policies/nn/mlp_slope.h"

LOOM_C_BEGIN

typedef struct loomShapedDef {
  int obs, actions;  // numbers of a state, which may be one-hot, and of an action
  bool sees_action;  // g does
  bool ends;         // rows tell of absorbing states
  double discount;   // of a step
} loomShapedDef;

int loom_shaped_width(const loomShapedDef* def);      // numbers of a row
int loom_shaped_log_prob(const loomShapedDef* def);   // where log pi(a|s) stands in it, the last one
int loom_shaped_reward_in(const loomShapedDef* def);  // what g is given: state, `ends` its mark, action

typedef struct loomShaped {
  loomShapedDef def;
  loomMlp reward, shape;  // g and h
  loomMlpSlope reward_slope, shape_slope;
  loomReal *to_reward, *to_shape;     // (n x ...), (2 n x ...) their inputs: states, then next states
  loomReal *value, *dshape, *dslope;  // (n), (2 n), work space
} loomShaped;

/// Both are declared in params with such layers between.
void loom_shaped_declare(loomShaped* out, loomParams* params, const loomShapedDef* def,
                         const loomSizes* hidden, loomActivation activation, const char* prefix);
void loom_shaped_init(const loomShaped* shaped, loomParams* params, loomRandom* random);
/// Room for n rows at most, penalized or not.
void loom_shaped_layout(loomShaped* shaped, loomArena* arena, int n, bool penalized);

/// f - log pi of n rows; it stays until the next call.
const loomReal* loom_shaped_forward(loomShaped* shaped, const loomParams* params, const loomReal* rows,
                                    int n);
/// Gradients of the last forward's parameters from dvalue (n), added to what is there.
void loom_shaped_backward(loomShaped* shaped, loomParams* params, const loomReal* dvalue, int n);
/// weight times the mean over n rows of the squared slopes of g and of h by what they are given, with its
/// gradients added. It keeps a reward flat where nothing tells it not to be (towards 0, not 1 as a
/// Wasserstein critic's: Mescheder, Geiger and Nowozin, "Which training methods for GANs do actually
/// converge?", 2018).
double loom_shaped_penalty(loomShaped* shaped, loomParams* params, const loomReal* rows, int n,
                           double weight);
/// g of n rows (n); it stays until the next call.
const loomReal* loom_shaped_reward(loomShaped* shaped, const loomParams* params, const loomReal* rows, int n);
/// h of their states (n); likewise.
const loomReal* loom_shaped_shape(loomShaped* shaped, const loomParams* params, const loomReal* rows, int n);

LOOM_C_END

#endif
