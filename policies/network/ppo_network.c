#include "policies/network/ppo_network.h"

#include <math.h>
#include <stdio.h>

#include "policies/nn/init.h"

// ---- loss

loomPpoLoss loom_ppo_loss(const loomPpoNetwork* net, const loomPpoRows* rows, int n,
                          const loomPpoLossDef* def, loomReal* scratch) {
  const loomPpoActor* actor = &net->actor;
  ptrdiff_t ratios = (ptrdiff_t)n * actor->ratios;
  loomReal *log_prob = scratch, *dlog_prob = scratch + ratios, *advantage = scratch + 2 * ratios,
           *dvalue = advantage + n;
  const loomPolicyLossDef clip = {def->clip, actor->ratios, actor->advantage_share, actor->clip_share};
  loomPolicyLoss policy = {0};
  double entropy = 0;
  if (!def->only_values || net->critic_params == actor->params) loom_params_zero_gradient(actor->params);
  if (net->critic_params != actor->params) loom_params_zero_gradient(net->critic_params);

  // The policy: how much likelier its decisions became. Entropy is rewarded.
  if (!def->only_values) {
    entropy = actor->log_prob(log_prob, actor->self, rows->seen, rows->decision, n);
    if (def->normalize) loom_advantage_normalize(advantage, rows->advantage, n);
    policy = loom_policy_loss(dlog_prob, log_prob, rows->log_prob,
                              def->normalize ? advantage : rows->advantage, n, &clip);
    actor->backward(actor->self, dlog_prob, -def->entropy_weight, rows->seen, rows->decision, n);
  }

  const loomReal* value = loom_mlp_forward(net->critic, net->critic_params, rows->obs, n);
  double value_loss =
      loom_value_loss(dvalue, value, rows->value, rows->returns, n, def->value_clip, def->value_weight);
  loom_mlp_backward(NULL, net->critic, net->critic_params, dvalue, rows->obs, n);

  return (loomPpoLoss){.loss = policy.loss - def->entropy_weight * entropy + def->value_weight * value_loss,
                       .policy = policy.loss,
                       .value = value_loss,
                       .entropy = entropy,
                       .kl = policy.kl,
                       .clipped = policy.clipped};
}

// ---- a critic of its own

bool loom_ppo_init_layers(loomParams* params, const loomMlp* mlp, double last_gain, loomRandom* random) {
  for (int i = 0; i < mlp->def.layers; i++) {
    double gain = i + 1 < mlp->def.layers ? sqrt(2) : last_gain;
    if (!loom_init_orthogonal(params->value + mlp->weight[i], mlp->def.sizes[i], mlp->def.sizes[i + 1], gain,
                              random))
      return false;
    loom_init_constant(params->value + mlp->bias[i], (size_t)mlp->def.sizes[i + 1], 0);
  }
  return true;
}

int loom_critic_create(loomCritic* out, int obs, const int* hidden, int layers, uint64_t seed, int n,
                       loomError* err) {
  loomMlpDef def = {.sizes = {obs}, .activation = LOOM_ACTIVATION_TANH};
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_WEIGHTS);
  *out = (loomCritic){0};

  for (int i = 0; i < layers && i < LOOM_MLP_LAYERS - 1; i++) def.sizes[++def.layers] = hidden[i];
  def.sizes[++def.layers] = 1;
  loom_mlp_declare(&out->mlp, &out->params, &def, "critic.");
  int code = loom_params_create(&out->params, err);
  if (!code && !loom_ppo_init_layers(&out->params, &out->mlp, 1, &random))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory for weights");

  // Measured, then for good.
  loom_mlp_layout(&out->mlp, &out->arena, n);
  size_t bytes = out->arena.used;
  if (!code) code = loom_arena_create(&out->arena, bytes, err);
  if (code)
    loom_critic_destroy(out);
  else
    loom_mlp_layout(&out->mlp, &out->arena, n);
  return code;
}

void loom_critic_destroy(loomCritic* critic) {
  loom_params_destroy(&critic->params);
  loom_arena_destroy(&critic->arena);
  *critic = (loomCritic){0};
}
