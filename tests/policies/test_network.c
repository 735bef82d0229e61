// Policies' networks as wholes: the gradient of each kind's loss against central differences; what they
// decide is a function of the random stream; each learns a small set by heart.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/network.h"
#include "policies/optimizer.h"

enum { N = 12, OBS = 5, ACTIONS = 3, ROWS = 32 };

static const loomPolicyKind kinds[] = {LOOM_KIND_BC_L2, LOOM_KIND_BC_GAUSSIAN, LOOM_KIND_BC_GMM,
                                       LOOM_KIND_BC_RNN_GMM, LOOM_KIND_DIFFUSION_MLP};

typedef struct netCase {
  loomTrainConfig config;
  loomNetwork net;
  loomReal obs[N * ROWS * OBS], dobs[N * ROWS * OBS], actions[N * ROWS * ACTIONS], real[N * ROWS];
  loomSamples samples;
} netCase;

static void make(netCase* c, loomPolicyKind kind, int width) {
  loomError err = {0, ""};
  loomRandom r = loom_random(3, (uint64_t)kind, LOOM_PURPOSE_TEST);
  c->config = loom_default_train_config(kind);
  loomConfigPolicy* p = &c->config.policy;
  p->hidden = width;
  p->layers = (loomSizes){2, {width, width}};
  p->modes = 2;
  p->min_std = 0.1;
  p->step_width = 32;
  p->observed = 2;
  p->predicted = 4;
  p->executed = 2;
  if (!loom_policy_denoises((int)kind)) c->config.data.stack = 2;
  if (kind == LOOM_KIND_BC_RNN_GMM) c->config.data.length = 4;
  loomNetworkDef def = loom_network_def(&c->config, OBS, ACTIONS);
  if (loom_network_create(&c->net, &def, 1, &err) || loom_network_layout(&c->net, N, &err))
    fail_msg("%s", err.message);
  // What to do is a function of what is seen last, so that it can be learned.
  for (int i = 0; i < N * def.obs_rows * OBS; i++) c->obs[i] = (loomReal)loom_random_normal(&r);
  for (int i = 0; i < N; i++) {
    for (int t = 0; t < def.action_rows; t++) {
      int row = loom_policy_denoises((int)kind) ? 1 : t + def.obs_rows - def.action_rows;
      for (int a = 0; a < ACTIONS; a++)
        c->actions[(i * def.action_rows + t) * ACTIONS + a] =
            (loomReal)(0.8 * tanh((double)c->obs[(i * def.obs_rows + row) * OBS + a]));
      c->real[i * def.action_rows + t] = i == 0 && t == 3 ? 0 : 1;
    }
  }
  c->samples = (loomSamples){.n = N, .obs = c->obs, .actions = c->actions, .real = c->real, .dobs = c->dobs};
}

// How far a gradient is from the differences, relative to its size.
static double off(netCase* c, loomReal* value, const loomReal* gradient, size_t count, double h) {
  double wrong = 0, size = 0;
  for (size_t i = 0; i < count; i++) {
    loomReal keep = value[i];
    double slope[2];
    for (int half = 0; half < 2; half++) {  // two widths, so that the third derivative drops out
      double d = half ? h / 2 : h;
      value[i] = (loomReal)((double)keep + d);
      double above = loom_network_loss(&c->net, &c->samples, 1, 5, false);
      value[i] = (loomReal)((double)keep - d);
      slope[half] = (above - loom_network_loss(&c->net, &c->samples, 1, 5, false)) / (2 * d);
      value[i] = keep;
    }
    double best = (4 * slope[1] - slope[0]) / 3, error = best - (double)gradient[i];
    wrong += error * error;
    size += best * best;
  }
  return sqrt(wrong / size);
}

// In single precision a difference tells less than the layers' own test in double does; but a layer joined
// wrongly is off by far more.
static void gradients(void** state) {
  (void)state;
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    netCase* c = test_calloc(1, sizeof *c);
    make(c, kinds[k], 7);
    loomParams* params = &c->net.params;
    loom_network_loss(&c->net, &c->samples, 1, 5, true);
    size_t seen = (size_t)(N * c->net.def.obs_rows * OBS);
    double weights = off(c, params->value, params->gradient, params->total, 1e-2);
    double obs = off(c, c->obs, c->dobs, seen, 3e-2);
    if (!(weights < 0.02) || !(obs < 0.02))
      fail_msg("%s: gradients off by %g of their size (weights), %g (observations)",
               loom_policy_kind_name(kinds[k]), weights, obs);
    loom_network_destroy(&c->net);
    test_free(c);
  }
}

static void decisions(void** state) {
  (void)state;
  loomError err = {0, ""};
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    netCase* c = test_calloc(1, sizeof *c);
    make(c, kinds[k], 16);
    loomActor actor[2];
    loomReal out[2][8 * ACTIONS];
    int count = loom_network_decided(&c->net.def) * ACTIONS;
    for (int i = 0; i < 2; i++) {
      if (loom_actor_create(&actor[i], &c->net, &err)) fail_msg("%s", err.message);
      // What came before must not show.
      loomRandom other = loom_random(9, 1, LOOM_PURPOSE_TEST), same = loom_random(9, 2, LOOM_PURPOSE_TEST);
      loom_actor_begin(&actor[i]);
      for (int t = 0; t < 3 * i; t++) loom_actor_decide(out[i], &actor[i], c->obs + 7, &other);
      loom_actor_begin(&actor[i]);
      loom_actor_decide(out[i], &actor[i], c->obs, &same);
    }
    assert_memory_equal(out[0], out[1], (size_t)count * sizeof **out);
    loom_actor_destroy(&actor[0]);
    loom_actor_destroy(&actor[1]);
    loom_network_destroy(&c->net);
    test_free(c);
  }
}

static void learned_by_heart(void** state) {
  (void)state;
  loomError err = {0, ""};
  for (size_t k = 0; k < (getenv("LOOM_QUICK") ? 1 : sizeof kinds / sizeof *kinds); k++) {
    netCase* c = test_calloc(1, sizeof *c);
    make(c, kinds[k], loom_policy_denoises((int)kinds[k]) ? 128 : 48);
    loomAdamDef adam = loom_default_adam_def();
    // Each step shows a denoiser only one noise of each sample.
    uint64_t steps = loom_policy_denoises((int)kinds[k]) ? 4000 : 1200;
    loomScheduleDef schedule = {.kind = LOOM_SCHEDULE_COSINE, .rate = 3e-3, .steps = steps};
    for (uint64_t step = 1; step <= steps; step++) {
      loom_network_loss(&c->net, &c->samples, 1, step, true);
      loom_adam_step(&c->net.params, &adam, loom_schedule_rate(&schedule, step - 1), step);
    }
    loomActor actor;
    if (loom_actor_create(&actor, &c->net, &err)) fail_msg("%s", err.message);
    const loomNetworkDef* def = &c->net.def;
    double worst = 0;
    for (int i = 0; i < N; i++) {
      loomReal out[8 * ACTIONS];
      loomRandom r = loom_random(4, (uint64_t)i, LOOM_PURPOSE_TEST);
      loom_actor_begin(&actor);
      loom_actor_decide(out, &actor, c->obs + i * def->obs_rows * OBS, &r);
      const loomReal* wanted = c->actions + i * def->action_rows * ACTIONS;
      if (loom_policy_denoises(def->policy.kind)) wanted += (def->policy.observed - 1) * ACTIONS;
      for (int a = 0; a < ACTIONS; a++) worst = fmax(worst, fabs((double)(out[a] - wanted[a])));
    }
    if (!(worst < 0.1)) fail_msg("%s: decides %g beside", loom_policy_kind_name(kinds[k]), worst);
    loom_actor_destroy(&actor);
    loom_network_destroy(&c->net);
    test_free(c);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gradients), cmocka_unit_test(decisions),
                                     cmocka_unit_test(learned_by_heart)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
