#include "policies/network/td3_network.h"

#include <stdio.h>

#include "policies/nn/optimizer.h"
#include "policies/objective/loss.h"
#include "policies/objective/policy_loss.h"

// ---- layout

static loomMlpDef layers_of(const loomTd3Def* def, int inputs, int outputs) {
  loomMlpDef mlp = {
      .layers = def->hidden.n + 1, .activation = LOOM_ACTIVATION_RELU, .normalized = def->normalized};

  mlp.sizes[0] = inputs;
  for (int i = 0; i < def->hidden.n; i++) mlp.sizes[i + 1] = def->hidden.size[i];
  mlp.sizes[mlp.layers] = outputs;
  return mlp;
}

static void declare(loomTd3Network* net) {
  const loomTd3Def* def = &net->def;
  loomMlpDef actor = layers_of(def, def->obs, def->actions),
             critic = layers_of(def, def->obs + def->actions, 1);

  // The slow ones have the same places.
  loom_mlp_declare(&net->actor_mlp, &net->slow_actor, &actor, "train.slow_actor.");
  loom_mlp_declare(&net->actor_mlp, &net->actor, &actor, "model.actor.");
  for (int k = 0; k < def->critics; k++) {
    char name[LOOM_PARAM_NAME];
    snprintf(name, sizeof name, "train.slow_critic_%d.", k);
    loom_mlp_declare(&net->critic_mlp[k], &net->slow_critics, &critic, name);
    snprintf(name, sizeof name, "model.critic_%d.", k);
    loom_mlp_declare(&net->critic_mlp[k], &net->critics, &critic, name);
  }
}

static void lay_out(loomTd3Network* net) {
  size_t n = (size_t)net->rows, obs = (size_t)net->def.obs, actions = (size_t)net->def.actions;

  loom_mlp_layout(&net->actor_mlp, &net->arena, net->rows);
  for (int k = 0; k < net->def.critics; k++) loom_mlp_layout(&net->critic_mlp[k], &net->arena, net->rows);

  net->action = loom_arena_real(&net->arena, n * actions);
  net->input = loom_arena_real(&net->arena, n * (obs + actions));
  net->dinput = loom_arena_real(&net->arena, n * (obs + actions));
  net->value = loom_arena_real(&net->arena, n * (size_t)net->def.critics);
  net->dvalue = loom_arena_real(&net->arena, n);
  net->next = loom_arena_real(&net->arena, n * actions);
  net->still = loom_arena_real(&net->arena, n * (size_t)net->def.critics);
}

// What the actor says first is 0.
static void clear_last_layer(loomTd3Network* net) {
  const loomMlp* mlp = &net->actor_mlp;
  int last = mlp->def.layers - 1;
  size_t out = (size_t)mlp->def.sizes[last + 1];

  memset(net->actor.value + mlp->weight[last], 0, out * (size_t)mlp->def.sizes[last] * sizeof(loomReal));
  memset(net->actor.value + mlp->bias[last], 0, out * sizeof(loomReal));
}

static void init_weights(loomTd3Network* net, uint64_t seed) {
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_WEIGHTS);

  loom_mlp_init(&net->actor_mlp, &net->actor, &random);
  if (net->def.gated) clear_last_layer(net);
  for (int k = 0; k < net->def.critics; k++) loom_mlp_init(&net->critic_mlp[k], &net->critics, &random);
  memcpy(net->slow_actor.value, net->actor.value, net->actor.total * sizeof(loomReal));
  memcpy(net->slow_critics.value, net->critics.value, net->critics.total * sizeof(loomReal));
}

int loom_td3_network_create(loomTd3Network* out, const loomTd3Def* def, uint64_t seed, int rows,
                            loomError* err) {
  *out = (loomTd3Network){.def = *def, .rows = rows};
  declare(out);

  loomParams* all[] = {&out->actor, &out->critics, &out->slow_actor, &out->slow_critics};
  int code = LOOM_OK;
  for (int i = 0; !code && i < 4; i++) code = loom_params_create(all[i], err);

  // Measured, then for good.
  lay_out(out);
  size_t bytes = out->arena.used;
  if (!code) code = loom_arena_create(&out->arena, bytes, err);
  if (code) {
    out->arena.base = NULL;
    loom_td3_network_destroy(out);
    return code;
  }
  lay_out(out);
  init_weights(out, seed);
  return LOOM_OK;
}

void loom_td3_network_destroy(loomTd3Network* net) {
  loom_params_destroy(&net->actor);
  loom_params_destroy(&net->critics);
  loom_params_destroy(&net->slow_actor);
  loom_params_destroy(&net->slow_critics);
  loom_arena_destroy(&net->arena);
  *net = (loomTd3Network){0};
}

// ---- forward

const loomReal* loom_td3_network_act(loomTd3Network* net, const loomReal* obs, int n, bool slow) {
  const loomReal* sum = loom_mlp_forward(&net->actor_mlp, slow ? &net->slow_actor : &net->actor, obs, n);

  loom_activation_forward(net->action, sum, LOOM_ACTIVATION_TANH, (size_t)n * (size_t)net->def.actions);
  return net->action;
}

// States and actions side by side, as critics see them.
static void join(loomTd3Network* net, const loomReal* obs, const loomReal* action, int n) {
  size_t nobs = (size_t)net->def.obs, nactions = (size_t)net->def.actions;

  for (size_t i = 0; i < (size_t)n; i++) {
    memcpy(net->input + i * (nobs + nactions), obs + i * nobs, nobs * sizeof *obs);
    memcpy(net->input + i * (nobs + nactions) + nobs, action + i * nactions, nactions * sizeof *obs);
  }
}

// out (critics x n) of what lies in input.
static void ask_slow_critics(loomReal* out, loomTd3Network* net, int n) {
  for (int k = 0; k < net->def.critics; k++) {
    const loomReal* value = loom_mlp_forward(&net->critic_mlp[k], &net->slow_critics, net->input, n);
    memcpy(out + (ptrdiff_t)k * n, value, (size_t)n * sizeof *value);
  }
}

// Values of action (n x actions) and of 0; both (critics x n).
static void ask_both(loomTd3Network* net, const loomReal* obs, const loomReal* action, int n) {
  size_t nobs = (size_t)net->def.obs, nactions = (size_t)net->def.actions;

  join(net, obs, action, n);
  ask_slow_critics(net->value, net, n);
  for (size_t i = 0; i < (size_t)n; i++)
    memset(net->input + i * (nobs + nactions) + nobs, 0, nactions * sizeof *net->input);
  ask_slow_critics(net->still, net, n);
}

// Whether all critics alone agree that row i's action is better than 0.
static bool is_better(const loomTd3Network* net, int i, int n) {
  const loomReal margin = (loomReal)net->def.margin;
  for (int k = 0; k < net->def.critics; k++)
    if (!(net->value[k * n + i] > net->still[k * n + i] + margin)) return false;
  return true;
}

int loom_td3_network_gate(loomReal* action, loomReal* value, loomTd3Network* net, const loomReal* obs,
                          int n) {
  size_t nactions = (size_t)net->def.actions;
  int kept = 0, critics = net->def.critics;
  ask_both(net, obs, action, n);

  for (int i = 0; i < n; i++) {
    bool better = is_better(net, i, n);
    const loomReal* left = better ? net->value : net->still;
    if (!better) memset(action + (size_t)i * nactions, 0, nactions * sizeof *action);
    kept += better;

    if (value) value[i] = 0;
    for (int k = 0; value && k < critics; k++) value[i] += left[k * n + i] / (loomReal)critics;
  }
  return kept;
}

void loom_td3_network_target(loomReal* target, loomTd3Network* net, const loomReal* reward,
                             const loomReal* discount, const loomReal* next, const loomReal* noise, int n) {
  const loomReal* action = loom_td3_network_act(net, next, n, true);

  for (int i = 0; i < n * net->def.actions; i++) {
    loomReal a = action[i] + noise[i];
    net->next[i] = a < -1 ? -1 : a > 1 ? 1 : a;
  }

  // What follows is what the gate would do.
  if (net->def.gated) {
    ask_both(net, next, net->next, n);
    for (int i = 0; i < n; i++) {
      if (is_better(net, i, n)) continue;
      for (int k = 0; k < net->def.critics; k++) net->value[k * n + i] = net->still[k * n + i];
    }
  } else {
    join(net, next, net->next, n);
    ask_slow_critics(net->value, net, n);
  }
  loom_td_target(target, reward, discount, net->value, net->def.critics, n);

  // More than can be had is overestimated.
  const loomReal least = (loomReal)net->def.least, most = (loomReal)net->def.most;
  for (int i = 0; least < most && i < n; i++)
    target[i] = target[i] < least ? least : target[i] > most ? most : target[i];
}

// ---- losses

double loom_td3_network_critic_loss(loomTd3Network* net, const loomReal* obs, const loomReal* action,
                                    const loomReal* target, int n) {
  double loss = 0;
  join(net, obs, action, n);
  loom_params_zero_gradient(&net->critics);

  for (int k = 0; k < net->def.critics; k++) {
    const loomReal* value = loom_mlp_forward(&net->critic_mlp[k], &net->critics, net->input, n);
    loss += loom_l2_loss(net->dvalue, value, target, NULL, NULL, n, 1);
    loom_mlp_backward(NULL, &net->critic_mlp[k], &net->critics, net->dvalue, net->input, n);
  }
  return loss;
}

// next (n x actions) += the slope of the actor's loss by way of a critic's values, weighted alike; its part.
static double climb(loomTd3Network* net, int critic, double weight, int n) {
  size_t nobs = (size_t)net->def.obs, nactions = (size_t)net->def.actions;
  double loss = 0;

  const loomReal* value = loom_mlp_forward(&net->critic_mlp[critic], &net->critics, net->input, n);
  for (int i = 0; i < n; i++) {
    loss -= weight * (double)value[i] / n;
    net->dvalue[i] = -(loomReal)weight / (loomReal)n;
  }
  loom_mlp_backward(net->dinput, &net->critic_mlp[critic], &net->critics, net->dvalue, NULL, n);

  for (size_t i = 0; i < (size_t)n; i++)
    for (size_t j = 0; j < nactions; j++)
      net->next[i * nactions + j] += net->dinput[i * (nobs + nactions) + nobs + j];
  return loss;
}

double loom_td3_network_actor_loss(loomTd3Network* net, const loomReal* obs, int n) {
  size_t count = (size_t)n * (size_t)net->def.actions;
  int asked = net->def.gated ? net->def.critics : 1;
  double loss = 0, tether = net->def.tether / (double)count;
  join(net, obs, loom_td3_network_act(net, obs, n, false), n);
  loom_params_zero_gradient(&net->actor);

  // Uphill in values, no further than they are worth,
  for (size_t i = 0; i < count; i++) {
    net->next[i] = (loomReal)(2 * tether) * net->action[i];
    loss += tether * (double)net->action[i] * (double)net->action[i];
  }
  for (int k = 0; k < asked; k++) loss += climb(net, k, 1.0 / asked, n);

  // by way of the action, through its tanh.
  loom_activation_backward_of(net->next, net->next, NULL, net->action, LOOM_ACTIVATION_TANH, count);
  loom_mlp_backward(NULL, &net->actor_mlp, &net->actor, net->next, obs, n);
  return loss;
}

void loom_td3_network_follow(loomTd3Network* net, double rate) {
  loom_ema_update(net->slow_actor.value, net->actor.value, 1 - rate, net->actor.total);
  loom_ema_update(net->slow_critics.value, net->critics.value, 1 - rate, net->critics.total);
}
