#include "policies/network/residual_actor.h"

#include <math.h>

// Of decisions around means (n x actions).
static void tell(loomReal* log_prob, const loomResidualActor* a, const loomReal* mean,
                 const loomReal* decision, int n) {
  const double half_log_2_pi = 0.91893853320467274;
  int actions = a->net.def.actions;

  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (int j = i * actions; j < (i + 1) * actions; j++) {
      double off = ((double)decision[j] - (double)mean[j]) / a->std;
      sum -= 0.5 * off * off + log(a->std) + half_log_2_pi;
    }
    log_prob[i] = (loomReal)sum;
  }
}

static void draw_offsets(double* action, loomReal* decision, loomReal* log_prob, void* self,
                         const loomReal* seen, int n, loomRandom* random) {
  loomResidualActor* a = self;
  int actions = a->net.def.actions;
  const loomReal* mean = loom_td3_network_act(&a->net, seen, n, false);

  for (int i = 0; i < n; i++) {
    for (int j = i * actions; j < (i + 1) * actions; j++) {
      decision[j] = mean[j] + (loomReal)(a->std * loom_random_normal(&random[i]));
      action[j] = (double)decision[j];
    }
  }
  tell(log_prob, a, mean, decision, n);
}

// Its deviation stays, and so does its entropy.
static double log_prob_of(loomReal* log_prob, void* self, const loomReal* seen, const loomReal* decision,
                          int n) {
  loomResidualActor* a = self;
  tell(log_prob, a, loom_td3_network_act(&a->net, seen, n, false), decision, n);
  return 0;
}

static void backward(void* self, const loomReal* dlog_prob, double dentropy, const loomReal* seen,
                     const loomReal* decision, int n) {
  loomResidualActor* a = self;
  loomTd3Network* net = &a->net;
  int actions = net->def.actions;

  double precision = 1 / (a->std * a->std);
  (void)dentropy;

  for (int i = 0; i < n * actions; i++)
    net->next[i] = (loomReal)(precision * (double)dlog_prob[i / actions] *
                              ((double)decision[i] - (double)net->action[i]));
  loom_activation_backward_of(net->next, net->next, NULL, net->action, LOOM_ACTIVATION_TANH,
                              (size_t)n * (size_t)actions);
  loom_mlp_backward(NULL, &net->actor_mlp, &net->actor, net->next, seen, n);
}

static void best_offset(double* action, void* self, const loomReal* seen) {
  loomResidualActor* a = self;
  const loomReal* mean = loom_td3_network_act(&a->net, seen, 1, false);
  for (int j = 0; j < a->net.def.actions; j++) action[j] = (double)mean[j];
}

loomPpoActor loom_residual_actor(loomResidualActor* actor) {
  return (loomPpoActor){.self = actor,
                        .params = &actor->net.actor,
                        .words = actor->net.def.actions,
                        .ratios = 1,
                        .deviation = &actor->std,
                        .own_obs = true,
                        .draw = draw_offsets,
                        .log_prob = log_prob_of,
                        .backward = backward,
                        .best = best_offset};
}

int loom_residual_actor_create(loomResidualActor* out, int obs, int actions, const loomSizes* hidden,
                               double std, uint64_t seed, int n, loomError* err) {
  const loomTd3Def def = {
      .obs = obs, .actions = actions, .hidden = *hidden, .normalized = true, .gated = true};
  *out = (loomResidualActor){.std = std};
  return loom_td3_network_create(&out->net, &def, seed, n, err);
}

void loom_residual_actor_destroy(loomResidualActor* actor) {
  loom_td3_network_destroy(&actor->net);
}
