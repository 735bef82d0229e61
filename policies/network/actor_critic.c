#include "policies/network/actor_critic.h"

#include "policies/nn/init.h"
#include "policies/objective/gaussian.h"

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

static bool init_weights(loomActorCritic* net, uint64_t seed) {
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_WEIGHTS);
  loomParams* params = &net->params;
  loom_init_constant(params->value + net->log_std, (size_t)net->def.actions, net->def.log_std);

  if (net->def.orthogonal)
    return loom_ppo_init_layers(params, &net->critic, 1, &random) &&
           loom_ppo_init_layers(params, &net->actor, 0.01, &random);
  loom_mlp_init(&net->critic, params, &random);
  loom_mlp_init(&net->actor, params, &random);
  return true;
}

static void lay_out(loomActorCritic* net, int n) {
  loom_mlp_layout(&net->actor, &net->arena, n);
  loom_mlp_layout(&net->critic, &net->arena, n);
  net->dmean = loom_arena_real(&net->arena, (size_t)n * (size_t)net->def.actions);
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

// ---- as an actor of PPO

static void draw_actions(double* action, loomReal* decision, loomReal* log_prob, void* self,
                         const loomReal* seen, int n, loomRandom* random) {
  loomActorCritic* net = self;
  int actions = net->def.actions;
  const loomReal *mean = loom_actor_critic_mean(net, seen, n), *log_std = loom_actor_critic_log_std(net);

  for (int i = 0; i < n; i++)
    loom_gaussian_sample(decision + i * actions, mean + i * actions, log_std, actions, &random[i]);
  loom_gaussian_log_prob(log_prob, mean, log_std, decision, n, actions);
  for (int i = 0; i < n * actions; i++) action[i] = (double)decision[i];
}

static double log_prob_of(loomReal* log_prob, void* self, const loomReal* seen, const loomReal* decision,
                          int n) {
  loomActorCritic* net = self;
  const loomReal* log_std = loom_actor_critic_log_std(net);

  loom_gaussian_log_prob(log_prob, loom_actor_critic_mean(net, seen, n), log_std, decision, n,
                         net->def.actions);
  return loom_gaussian_entropy(log_std, net->def.actions);
}

static void backward(void* self, const loomReal* dlog_prob, double dentropy, const loomReal* seen,
                     const loomReal* decision, int n) {
  loomActorCritic* net = self;
  int actions = net->def.actions;
  const loomReal *log_std = loom_actor_critic_log_std(net), *mean = net->actor.sum[net->actor.def.layers - 1];
  loomReal* dlog_std = net->params.gradient + net->log_std;
  loom_gaussian_log_prob_backward(net->dmean, dlog_std, dlog_prob, mean, log_std, decision, n, actions);
  loom_mlp_backward(NULL, &net->actor, &net->params, net->dmean, seen, n);

  // Entropy is the same whatever the state.
  for (int j = 0; j < actions; j++) dlog_std[j] += (loomReal)dentropy;
}

static void best_action(double* action, void* self, const loomReal* seen) {
  loomActorCritic* net = self;
  const loomReal* mean = loom_actor_critic_mean(net, seen, 1);
  for (int j = 0; j < net->def.actions; j++) action[j] = (double)mean[j];
}

loomPpoNetwork loom_actor_critic_network(loomActorCritic* net) {
  return (loomPpoNetwork){.actor = {.self = net,
                                    .params = &net->params,
                                    .words = net->def.actions,
                                    .ratios = 1,
                                    .draw = draw_actions,
                                    .log_prob = log_prob_of,
                                    .backward = backward,
                                    .best = best_action},
                          .critic = &net->critic,
                          .critic_params = &net->params};
}
