#include "policies/network/actor_critic.h"

#include "policies/nn/init.h"
#include "policies/objective/gaussian.h"
#include "policies/objective/policy_loss.h"

// ---- layout

static loomMlpDef layers_of(const loomActorCriticDef* def, int outputs) {
  loomMlpDef mlp = {.layers = def->hidden.n + 1, .activation = (loomActivation)def->activation};

  mlp.sizes[0] = def->obs;
  for (int i = 0; i < def->hidden.n; i++) mlp.sizes[i + 1] = def->hidden.size[i];
  mlp.sizes[mlp.layers] = outputs;
  return mlp;
}

void loom_actor_critic_declare(loomActorCritic* out, const loomActorCriticDef* def) {
  *out = (loomActorCritic){.def = *def};
  loomMlpDef actor = layers_of(def, def->actions), critic = layers_of(def, 1);

  loom_mlp_declare(&out->critic, &out->params, &critic, "model.critic.");
  loom_mlp_declare(&out->actor, &out->params, &actor, "model.actor_mean.");
  out->log_std = loom_params_add(&out->params, "model.actor_logstd", 2, (int[]){1, def->actions});
}

// CleanRL's layer_init.
static bool init_layers(loomParams* params, const loomMlp* mlp, double last_gain, loomRandom* random) {
  for (int i = 0; i < mlp->def.layers; i++) {
    double gain = i + 1 < mlp->def.layers ? sqrt(2) : last_gain;
    if (!loom_init_orthogonal(params->value + mlp->weight[i], mlp->def.sizes[i], mlp->def.sizes[i + 1], gain,
                              random))
      return false;
    loom_init_constant(params->value + mlp->bias[i], (size_t)mlp->def.sizes[i + 1], 0);
  }
  return true;
}

static bool init_weights(loomActorCritic* net, uint64_t seed) {
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_WEIGHTS);
  loomParams* params = &net->params;
  loom_init_constant(params->value + net->log_std, (size_t)net->def.actions, net->def.log_std);

  if (net->def.orthogonal)
    return init_layers(params, &net->critic, 1, &random) && init_layers(params, &net->actor, 0.01, &random);
  loom_mlp_init(&net->critic, params, &random);
  loom_mlp_init(&net->actor, params, &random);
  return true;
}

static void lay_out(loomActorCritic* net, int n) {
  loom_mlp_layout(&net->actor, &net->arena, n);
  loom_mlp_layout(&net->critic, &net->arena, n);
}

int loom_actor_critic_create(loomActorCritic* out, const loomActorCriticDef* def, uint64_t seed, int n,
                             loomError* err) {
  loom_actor_critic_declare(out, def);
  int code = loom_params_create(&out->params, err);
  if (!code && !init_weights(out, seed)) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory for weights");

  // Measured, then for good.
  lay_out(out, n);
  size_t bytes = out->arena.used;
  if (!code) code = loom_arena_create(&out->arena, bytes, err);
  if (code)
    loom_actor_critic_destroy(out);
  else
    lay_out(out, n);
  return code;
}

void loom_actor_critic_destroy(loomActorCritic* net) {
  loom_params_destroy(&net->params);
  loom_arena_destroy(&net->arena);
  *net = (loomActorCritic){0};
}

// ---- forward

const loomReal* loom_actor_critic_log_std(const loomActorCritic* net) {
  return net->params.value + net->log_std;
}

const loomReal* loom_actor_critic_mean(loomActorCritic* net, const loomReal* obs, int n) {
  return loom_mlp_forward(&net->actor, &net->params, obs, n);
}

const loomReal* loom_actor_critic_value(loomActorCritic* net, const loomReal* obs, int n) {
  return loom_mlp_forward(&net->critic, &net->params, obs, n);
}

// ---- loss

loomPpoLoss loom_actor_critic_loss(loomActorCritic* net, const loomPpoRows* rows, int n,
                                   const loomPpoLossDef* def, loomReal* scratch) {
  int actions = net->def.actions;
  loomReal *log_prob = scratch, *dlog_prob = scratch + n, *advantage = scratch + 2 * (ptrdiff_t)n,
           *dvalue = scratch + 3 * (ptrdiff_t)n, *dmean = scratch + 4 * (ptrdiff_t)n;
  const loomReal* log_std = loom_actor_critic_log_std(net);
  loomReal* dlog_std = net->params.gradient + net->log_std;
  loom_params_zero_gradient(&net->params);

  // The policy: how much likelier its actions became.
  const loomReal* mean = loom_actor_critic_mean(net, rows->obs, n);
  loom_gaussian_log_prob(log_prob, mean, log_std, rows->action, n, actions);
  if (def->normalize) loom_advantage_normalize(advantage, rows->advantage, n);
  loomPolicyLoss policy = loom_policy_loss(dlog_prob, log_prob, rows->log_prob,
                                           def->normalize ? advantage : rows->advantage, n, def->clip);
  loom_gaussian_log_prob_backward(dmean, dlog_std, dlog_prob, mean, log_std, rows->action, n, actions);
  loom_mlp_backward(NULL, &net->actor, &net->params, dmean, rows->obs, n);

  // Entropy is rewarded, whatever the state.
  double entropy = loom_gaussian_entropy(log_std, actions);
  for (int j = 0; j < actions; j++) dlog_std[j] -= (loomReal)def->entropy_weight;

  const loomReal* value = loom_actor_critic_value(net, rows->obs, n);
  double value_loss =
      loom_value_loss(dvalue, value, rows->value, rows->returns, n, def->value_clip, def->value_weight);
  loom_mlp_backward(NULL, &net->critic, &net->params, dvalue, rows->obs, n);

  return (loomPpoLoss){.loss = policy.loss - def->entropy_weight * entropy + def->value_weight * value_loss,
                       .policy = policy.loss,
                       .value = value_loss,
                       .entropy = entropy,
                       .kl = policy.kl,
                       .clipped = policy.clipped};
}
