// A small network of any kind and samples that it can learn; in float, or in double for gradients.
#ifndef LOOM_TESTS_POLICIES_NETWORK_NETWORK_FIXTURE_H
#define LOOM_TESTS_POLICIES_NETWORK_NETWORK_FIXTURE_H

#include "policies/learn/config.h"
#include "policies/learn/supervised.h"

enum { N = 12, OBS = 5, ACTIONS = 3, ROWS = 32 };

typedef struct netCase {
  loomTrainConfig config;
  loomNetwork net;
  loomObjective objective;
  loomReal obs[N * ROWS * OBS], dobs[N * ROWS * OBS], actions[N * ROWS * ACTIONS], real[N * ROWS];
  loomSamples samples;
} netCase;

// Small in all that could be large; what is visual is `width`.
static loomTrainConfig small_config(loomPolicyKind kind, int width) {
  loomTrainConfig config = loom_default_train_config(kind);
  loomNetworkConfig* p = &config.policy;
  p->hidden = p->width = width;
  p->layers = (loomSizes){2, {width, width}};
  p->modes = 2;
  p->min_std = 0.1;
  p->blocks = p->heads = 2;
  p->noise_steps = 20;
  p->step_width = 32;
  p->kernel = 3;
  p->groups = 2;
  p->observed = 2;
  p->predicted = 4;
  p->executed = 2;
  if (!loom_policy_denoises((int)kind)) config.data.stack = 2;
  if (kind == LOOM_KIND_BC_RNN_GMM) config.data.length = 4;
  if (kind == LOOM_KIND_BC_TRANSFORMER) config.data.length = 3;
  return config;
}

// Chunks of four rows: two numbers told from what is seen, one from nothing.
static const loomOffsets* told_offsets(void) {
  static int32_t from[ACTIONS] = {4, -1, 0};
  static float factor[ACTIONS] = {0.5F, 0, -1.5F}, shift[ACTIONS] = {0.1F, 0, -0.2F}, scale[4 * ACTIONS],
               middle[4 * ACTIONS];
  static const loomOffsets out = {.rows = 4,
                                  .dim = ACTIONS,
                                  .from = from,
                                  .factor = factor,
                                  .shift = shift,
                                  .scale = scale,
                                  .middle = middle};
  for (int i = 0; i < 4 * ACTIONS; i++) {
    scale[i] = 0.2F + 0.1F * (float)i;
    middle[i] = 0.3F - 0.05F * (float)i;
  }
  return &out;
}

static void make(netCase* c, const loomTrainConfig* config) {
  loomError err = {0, ""};
  int kind = config->policy.kind;
  loomRandom r = loom_random(3, (uint64_t)kind, LOOM_PURPOSE_TEST);
  c->config = *config;
  loomNetworkDef def = loom_network_def(&config->policy, &config->encoder, config->data.stack,
                                        config->data.length, OBS, ACTIONS);
  if (config->policy.predicts == LOOM_PREDICT_OFFSET) def.offsets = told_offsets();
  if (loom_network_create(&c->net, &def, 1, &err) || loom_network_layout(&c->net, N, &err))
    fail_msg("%s", err.message);
  loomObjectiveDef objective = loom_network_objective(&def);
  if (loom_objective_create(&c->objective, &objective, N, &err)) fail_msg("%s", err.message);
  // What to do is a function of what is seen last, so that it can be learned.
  for (int i = 0; i < N * def.obs_rows * OBS; i++) c->obs[i] = (loomReal)loom_random_normal(&r);
  for (int i = 0; i < N; i++) {
    for (int t = 0; t < def.action_rows; t++) {
      int row = loom_policy_denoises(kind) ? 1 : t + def.obs_rows - def.action_rows;
      for (int a = 0; a < ACTIONS; a++)
        c->actions[(i * def.action_rows + t) * ACTIONS + a] =
            (loomReal)(0.8 * tanh((double)c->obs[(i * def.obs_rows + row) * OBS + a]));
      c->real[i * def.action_rows + t] = i == 0 && t == 3 ? 0 : 1;
    }
  }
  c->samples = (loomSamples){.n = N, .obs = c->obs, .actions = c->actions, .real = c->real, .dobs = c->dobs};
}

static void unmake(netCase* c) {
  loom_network_destroy(&c->net);
  loom_objective_destroy(&c->objective);
}

#endif
