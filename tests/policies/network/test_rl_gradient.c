// Gradients of PPO's and TD3's losses against central differences, in double.
#include <math.h>
#define LOOM_DOUBLE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policies/network/actor.h"
#include "policies/network/actor_critic.h"
#include "policies/network/diffusion_actor.h"
#include "policies/network/mixture_actor.h"
#include "policies/network/residual_actor.h"
#include "policies/network/td3_network.h"
#include "policies/objective/gaussian.h"

enum { N = 12, OBS = 4, ACTIONS = 3, MOST = 2048 };

static void draw(loomReal* out, int n, double scale, uint64_t stream) {
  loomRandom random = loom_random(9, stream, LOOM_PURPOSE_TEST);
  for (int i = 0; i < n; i++) out[i] = (loomReal)(scale * loom_random_normal(&random));
}

// loss_of computes the loss and leaves its gradient in params.
static void compare(const char* name, loomParams* params, double (*loss_of)(void*), void* arg) {
  static loomReal analytic[MOST];
  const double step = 1e-6;
  assert_true(params->total <= MOST);
  loss_of(arg);
  memcpy(analytic, params->gradient, params->total * sizeof *analytic);

  for (size_t i = 0; i < params->total; i++) {
    loomReal kept = params->value[i];
    params->value[i] = kept + (loomReal)step;
    double above = loss_of(arg);
    params->value[i] = kept - (loomReal)step;
    double below = loss_of(arg);
    params->value[i] = kept;

    double slope = (above - below) / (2 * step);
    if (!(fabs(slope - (double)analytic[i]) < 1e-6 + 1e-5 * fabs(slope)))
      fail_msg("%s: parameter %zu has slope %g, not %g", name, i, slope, (double)analytic[i]);
  }
}

typedef struct ppoCase {
  loomActorCritic net;
  loomPpoRows rows;
  loomPpoLossDef def;
  loomReal scratch[4 * N];
} ppoCase;

static double ppo_loss(void* arg) {
  ppoCase* c = arg;
  loomPpoNetwork net = loom_actor_critic_network(&c->net);
  return loom_ppo_loss(&net, &c->rows, N, &c->def, c->scratch).loss;
}

static void ppo(void** state) {
  (void)state;
  static loomReal obs[N * OBS], action[N * ACTIONS], log_prob[N], value[N], advantage[N], returns[N];
  static const loomPpoLossDef defs[] = {
      {0.2, 0.2, 0.5, 0.01, true, false}, {0.1, 0, 1, 0, false, false}, {5, 5, 1, 0.1, true, false}};
  loomActorCriticDef def = {.obs = OBS,
                            .actions = ACTIONS,
                            .hidden = {2, {7, 6}},
                            .activation = LOOM_ACTIVATION_TANH,
                            .orthogonal = true,
                            .log_std = -0.3};
  loomError err = {0, ""};
  draw(obs, N * OBS, 1, 1);
  draw(value, N, 1, 3);
  draw(advantage, N, 1, 4);
  draw(returns, N, 1, 5);

  for (size_t k = 0; k < sizeof defs / sizeof *defs; k++) {
    static ppoCase c;
    c = (ppoCase){.rows = {obs, obs, action, log_prob, value, advantage, returns}, .def = defs[k]};
    assert_int_equal(loom_actor_critic_create(&c.net, &def, 1, N, &err), 0);

    // Actions near the means; ratios on both sides of the bounds, none at one.
    const loomReal* mean = loom_actor_critic_mean(&c.net, obs, N);
    draw(action, N * ACTIONS, 0.7, 2);
    for (int i = 0; i < N * ACTIONS; i++) action[i] += mean[i];
    loom_gaussian_log_prob(log_prob, mean, loom_actor_critic_log_std(&c.net), action, N, ACTIONS);
    for (int i = 0; i < N; i++) log_prob[i] += (loomReal)(0.37 * (i % 5 - 2) + 0.013);
    compare("ppo", &c.net.params, ppo_loss, &c);
    loom_actor_critic_destroy(&c.net);
  }
}

// ---- a trained network as the actor

typedef struct mixtureCase {
  loomNetwork net;
  loomMixtureActor actor;
  loomCritic critic;
  loomPpoRows rows;
  loomSamples demos;
} mixtureCase;

static const loomPpoLossDef mixture_loss_def = {0.2, 0.2, 0.5, 0.01, true, false};

static double mixture_loss(void* arg) {
  static loomReal scratch[4 * N];
  mixtureCase* c = arg;
  loomPpoNetwork net = {loom_mixture_actor(&c->actor), &c->critic.mlp, &c->critic.params};

  double loss = loom_ppo_loss(&net, &c->rows, N, &mixture_loss_def, scratch).loss;
  return loss + loom_mixture_actor_clone(&c->actor, &c->demos, 0.3);
}

enum { ROWS = 3, SEEN = 1 + ROWS * OBS };

// stack and length: as training sets have them.
static void mixture_of(loomPolicyKind kind, int stack, int length) {
  static loomReal seen[N * SEEN], obs[N * OBS], demo_seen[N * SEEN], demo_action[N * ROWS * ACTIONS],
      real[N * ROWS], action[N * ACTIONS], log_prob[N], now[N], value[N], advantage[N], returns[N];
  static double given[N * ACTIONS];
  static mixtureCase c;
  loomRandom random[N];
  loomError err = {0, ""};
  loomNetworkConfig policy = loom_default_network_config(kind);
  loomEncoderConfig encoder = {0};
  policy.layers = (loomSizes){1, {6}};
  policy.width = policy.hidden = 4;
  policy.blocks = policy.heads = policy.rnn_layers = 1;
  policy.dropout = 0;
  policy.modes = 2;
  loomNetworkDef def = loom_network_def(&policy, &encoder, stack, length, OBS, ACTIONS);
  c = (mixtureCase){.rows = {obs, seen, action, log_prob, value, advantage, returns},
                    .demos = {.n = N, .obs = demo_seen, .actions = demo_action, .real = real}};
  assert_int_equal(loom_network_create(&c.net, &def, 1, &err), 0);
  assert_int_equal(loom_mixture_actor_create(&c.actor, &c.net, 0.2, true, N, &err), 0);
  assert_int_equal(loom_critic_create(&c.critic, OBS, (int[]){5}, 1, 1, N, &err), 0);
  draw(c.net.params.value, (int)c.net.params.total, 0.5, 9);

  draw(seen, N * SEEN, 1, 1);
  draw(obs, N * OBS, 1, 2);
  draw(demo_seen, N * SEEN, 1, 3);
  draw(demo_action, N * ROWS * ACTIONS, 0.5, 4);
  draw(value, N, 1, 5);
  draw(advantage, N, 1, 6);
  draw(returns, N, 1, 7);
  for (int i = 0; i < N * ROWS; i++) real[i] = i % 4 != 3;
  for (int i = 0; kind == LOOM_KIND_BC_RNN_GMM && i < N; i++) seen[i * c.actor.inputs] = i % length;

  // Actions as it draws them have the log-probabilities that it tells.
  loomPpoActor actor = loom_mixture_actor(&c.actor);
  for (int i = 0; i < N; i++) random[i] = loom_random(3, (uint64_t)i, LOOM_PURPOSE_EXPLORE);
  actor.draw(given, action, log_prob, actor.self, seen, N, random);
  actor.log_prob(now, actor.self, seen, action, N);
  for (int i = 0; i < N; i++) assert_true(now[i] == log_prob[i]);
  for (int i = 0; i < N * ACTIONS; i++) assert_true(given[i] == action[i]);

  for (int i = 0; i < N; i++) log_prob[i] += 0.37 * (i % 5 - 2) + 0.013;
  compare(loom_policy_kind_name(kind), &c.net.params, mixture_loss, &c);
  compare("its critic", &c.critic.params, mixture_loss, &c);
  loom_mixture_actor_destroy(&c.actor);
  loom_critic_destroy(&c.critic);
  loom_network_destroy(&c.net);
}

static void mixtures(void** state) {
  (void)state;
  mixture_of(LOOM_KIND_BC_GAUSSIAN, 1, 1);
  mixture_of(LOOM_KIND_BC_GMM, 2, 1);
  mixture_of(LOOM_KIND_BC_TRANSFORMER, 1, 2);
  mixture_of(LOOM_KIND_BC_RNN_GMM, 1, 3);
}

// Several ratios a decision: each as a decision of its own with its share of advantage and clip.
// ---- a residual as the actor

typedef struct offsetCase {
  loomResidualActor actor;
  loomCritic critic;
  loomPpoRows rows;
} offsetCase;

static double offset_loss(void* arg) {
  static loomReal scratch[4 * N];
  offsetCase* c = arg;
  loomPpoNetwork net = {loom_residual_actor(&c->actor), &c->critic.mlp, &c->critic.params};
  return loom_ppo_loss(&net, &c->rows, N, &(loomPpoLossDef){0.2, 0, 0.5, 0, true, false}, scratch).loss;
}

static void offsets(void** state) {
  (void)state;
  static loomReal seen[N * OBS], action[N * ACTIONS], log_prob[N], now[N], value[N], advantage[N], returns[N];
  static double given[N * ACTIONS], best[ACTIONS];
  const loomSizes hidden = {2, {7, 6}};
  const double std = 0.3;
  offsetCase c = {.rows = {seen, seen, action, log_prob, value, advantage, returns}};
  loomRandom random[N];
  loomError err = {0, ""};
  assert_int_equal(loom_residual_actor_create(&c.actor, OBS, ACTIONS, &hidden, std, 1, N, &err), 0);
  assert_int_equal(loom_critic_create(&c.critic, OBS, (int[]){5}, 1, 1, N, &err), 0);
  draw(seen, N * OBS, 1, 1);
  draw(value, N, 1, 5);
  draw(advantage, N, 1, 6);
  draw(returns, N, 1, 7);

  // It begins with nothing added.
  loomPpoActor actor = loom_residual_actor(&c.actor);
  actor.best(best, actor.self, seen);
  for (int j = 0; j < ACTIONS; j++) assert_true(best[j] == 0);
  draw(actor.params->value, (int)actor.params->total, 0.5, 9);

  // What it draws has the log-probability that it tells: a Gaussian's around what it takes for the best.
  for (int i = 0; i < N; i++) random[i] = loom_random(3, (uint64_t)i, LOOM_PURPOSE_EXPLORE);
  actor.draw(given, action, log_prob, actor.self, seen, N, random);
  actor.log_prob(now, actor.self, seen, action, N);
  for (int i = 0; i < N; i++) {
    double sum = 0;
    actor.best(best, actor.self, seen + (ptrdiff_t)i * OBS);
    for (int j = 0; j < ACTIONS; j++) {
      double off = (given[i * ACTIONS + j] - best[j]) / std;
      sum -= 0.5 * off * off + log(std * sqrt(2 * acos(-1)));
      assert_true(given[i * ACTIONS + j] == action[i * ACTIONS + j]);
    }
    assert_true(fabs(sum - log_prob[i]) < 1e-9 && now[i] == log_prob[i]);
  }

  for (int i = 0; i < N; i++) log_prob[i] += 0.37 * (i % 5 - 2) + 0.013;
  compare("offsets", actor.params, offset_loss, &c);
  loom_residual_actor_destroy(&c.actor);
  loom_critic_destroy(&c.critic);
}

static void several_ratios(void** state) {
  (void)state;
  enum { RATIOS = 3 };
  static const double share[RATIOS] = {1, 0.5, 0.25}, clips[RATIOS] = {0.5, 1, 2};
  loomReal now[N * RATIOS], then[N * RATIOS], advantage[N], slope[N * RATIOS];
  double loss = 0;
  draw(now, N * RATIOS, 0.3, 1);
  draw(then, N * RATIOS, 0.3, 2);
  draw(advantage, N, 1, 3);
  loomPolicyLoss all =
      loom_policy_loss(slope, now, then, advantage, N, &(loomPolicyLossDef){0.2, RATIOS, share, clips});

  for (int i = 0; i < N * RATIOS; i++) {
    int k = i % RATIOS;
    loomReal one, part = advantage[i / RATIOS] * share[k];
    loss += loom_policy_loss(&one, now + i, then + i, &part, 1,
                             &(loomPolicyLossDef){0.2 * clips[k], 1, NULL, NULL})
                .loss /
            (N * RATIOS);
    assert_true(fabs(one / (N * RATIOS) - slope[i]) < 1e-14);
  }
  assert_true(fabs(all.loss - loss) < 1e-12);
}

enum { D = 3, CHUNK = 4, STEPS = 3, LOOKED = 2 * OBS, WIDTH = CHUNK * ACTIONS };

typedef struct denoiserCase {
  loomNetwork net;
  loomDiffusionActor actor;
  loomCritic critic;
  loomPpoRows rows;
} denoiserCase;

static double denoiser_loss(void* arg) {
  static loomReal scratch[2 * D + 2 * D * STEPS];
  denoiserCase* c = arg;
  loomPpoNetwork net = {loom_diffusion_actor(&c->actor), &c->critic.mlp, &c->critic.params};
  return loom_ppo_loss(&net, &c->rows, D, &(loomPpoLossDef){0.2, 0.2, 0.5, 0, true, false}, scratch).loss;
}

static loomNetworkConfig small_denoiser(loomPolicyKind kind, loomPrediction predicts) {
  loomNetworkConfig policy = loom_default_network_config(kind);
  policy.layers = kind == LOOM_KIND_DIFFUSION ? (loomSizes){1, {4}} : (loomSizes){2, {7, 6}};
  policy.observed = 2;
  policy.predicted = CHUNK;
  policy.executed = 2;
  policy.noise_steps = 20;
  policy.denoise_steps = STEPS;
  policy.step_width = 4;
  policy.kernel = 3;
  policy.groups = 2;
  policy.predicts = (int)predicts;
  return policy;
}

static void make_denoiser(denoiserCase* c, loomPolicyKind kind, loomPrediction predicts, int steps,
                          double std, double shared) {
  loomError err = {0, ""};
  loomNetworkConfig policy = small_denoiser(kind, predicts);
  loomEncoderConfig encoder = {0};
  loomNetworkDef def = loom_network_def(&policy, &encoder, 1, 1, OBS, ACTIONS);
  loomDiffusionActorDef actor = {steps, std, shared, 0.05, 0.9, 0.1, 3};

  // Each number of an action is held in its own way.
  static const float least[ACTIONS] = {-1, -0.9f, -1.1f}, most[ACTIONS] = {1.1f, 1, 0.8f};
  def.action_bounds = (loomBounds){least, most};

  *c = (denoiserCase){0};
  assert_int_equal(loom_network_create(&c->net, &def, 1, &err), 0);
  assert_int_equal(loom_diffusion_actor_create(&c->actor, &c->net, &actor, D, &err), 0);
  assert_int_equal(loom_critic_create(&c->critic, LOOKED, (int[]){5}, 1, 1, D, &err), 0);
  draw(c->net.params.value, (int)c->net.params.total, 0.3, 9);
}

static void drop_denoiser(denoiserCase* c) {
  loom_diffusion_actor_destroy(&c->actor);
  loom_critic_destroy(&c->critic);
  loom_network_destroy(&c->net);
}

// The log-probability of each step that learns, all or the last ones: of the whole chunk.
static void denoiser_of(loomPolicyKind kind, loomPrediction predicts, int steps, double shared) {
  static loomReal seen[D * LOOKED], obs[D * LOOKED], decision[D * (STEPS + 1) * WIDTH], log_prob[D * STEPS],
      now[D * STEPS], value[D], advantage[D], returns[D];
  static double given[D * 2 * ACTIONS];
  static denoiserCase c;
  loomRandom random[D];
  make_denoiser(&c, kind, predicts, steps, 0.1, shared);
  c.rows = (loomPpoRows){obs, seen, decision, log_prob, value, advantage, returns};
  draw(seen, D * LOOKED, 1, 1);
  draw(obs, D * LOOKED, 1, 2);
  draw(value, D, 1, 5);
  draw(advantage, D, 1, 6);
  draw(returns, D, 1, 7);

  loomPpoActor actor = loom_diffusion_actor(&c.actor);
  int ratios = actor.ratios;
  assert_int_equal(ratios, steps && steps < STEPS ? steps : STEPS);
  assert_int_equal(actor.words, (ratios + 1) * WIDTH);
  for (int i = 0; i < D; i++) random[i] = loom_random(3, (uint64_t)i, LOOM_PURPOSE_EXPLORE);
  actor.draw(given, decision, log_prob, actor.self, seen, D, random);
  actor.log_prob(now, actor.self, seen, decision, D);
  for (int i = 0; i < D * ratios; i++) assert_true(fabs(now[i] - log_prob[i]) < 1e-12);

  // What is done are the executed rows of the last chunk, from the newest observed on.
  for (int i = 0; i < D; i++)
    for (int j = 0; j < 2 * ACTIONS; j++)
      assert_true(given[i * 2 * ACTIONS + j] == decision[i * actor.words + ratios * WIDTH + ACTIONS + j]);

  for (int i = 0; i < D * ratios; i++) log_prob[i] += 0.11 * (i % 5 - 2) + 0.003;
  compare(loom_policy_kind_name(kind), &c.net.params, denoiser_loss, &c);
  drop_denoiser(&c);
}

static void denoisers(void** state) {
  (void)state;
  denoiser_of(LOOM_KIND_DIFFUSION_MLP, LOOM_PREDICT_SAMPLE, 0, 0);
  denoiser_of(LOOM_KIND_DIFFUSION_MLP, LOOM_PREDICT_SAMPLE, STEPS + 1, 0);
  denoiser_of(LOOM_KIND_DIFFUSION_MLP, LOOM_PREDICT_NOISE, 2, 0.7);
  denoiser_of(LOOM_KIND_DIFFUSION, LOOM_PREDICT_SAMPLE, 1, 0.4);
}

// Without deviation it does what the policy does, drawn from the same stream.
static void still_denoisers(void** state) {
  (void)state;
  static const loomPrediction predictions[] = {LOOM_PREDICT_SAMPLE, LOOM_PREDICT_NOISE};
  for (int k = 0; k < 2; k++) {
    static denoiserCase c;
    static loomReal seen[LOOKED], said[2 * ACTIONS], decision[(STEPS + 1) * WIDTH], log_prob[STEPS];
    double given[2 * ACTIONS];
    loomActor policy;
    loomError err = {0, ""};
    loomRandom one = loom_random(3, 1, LOOM_PURPOSE_POLICY), other = one;
    make_denoiser(&c, LOOM_KIND_DIFFUSION_MLP, predictions[k], 2, 0, 0);
    draw(seen, LOOKED, 1, 1);

    loomPpoActor actor = loom_diffusion_actor(&c.actor);
    assert_int_equal(loom_actor_create(&policy, &c.net, &err), 0);
    loom_actor_decide(said, &policy, seen, &one);
    actor.draw(given, decision, log_prob, actor.self, seen, 1, &other);
    for (int j = 0; j < 2 * ACTIONS; j++) assert_true(fabs(given[j] - said[j]) < 1e-12);

    // The likeliest that there is, by the least deviation that it is judged by; of the last chunk, of the
    // rows that are done.
    double each = -log(0.05 * sqrt(2 * acos(-1)));
    assert_true(fabs(log_prob[0] - WIDTH * each) < 1e-10 && fabs(log_prob[1] - 2 * ACTIONS * each) < 1e-10);
    loom_actor_destroy(&policy);
    drop_denoiser(&c);
  }
}

// Steps further from the end count less and are held closer.
static void shares(void** state) {
  (void)state;
  static denoiserCase c;
  make_denoiser(&c, LOOM_KIND_DIFFUSION_MLP, LOOM_PREDICT_SAMPLE, 0, 0.1, 0);
  const double *advantage = c.actor.advantage_share, *clip = c.actor.clip_share;
  assert_true(fabs(advantage[0] - 0.81) < 1e-12 && fabs(advantage[1] - 0.9) < 1e-12 && advantage[2] == 1);
  assert_true(fabs(clip[0] - 0.1) < 1e-12 && fabs(clip[2] - 1) < 1e-12);
  assert_true(fabs(clip[1] - (0.1 + 0.9 / (exp(1.5) + 1))) < 1e-12);
  drop_denoiser(&c);
}

typedef struct td3Case {
  loomTd3Network net;
  loomReal obs[N * OBS], action[N * ACTIONS], target[N];
} td3Case;

static double critic_loss(void* arg) {
  td3Case* c = arg;
  return loom_td3_network_critic_loss(&c->net, c->obs, c->action, c->target, N);
}

static double actor_loss(void* arg) {
  td3Case* c = arg;
  return loom_td3_network_actor_loss(&c->net, c->obs, N);
}

static void td3(void** state) {
  (void)state;
  static td3Case c;
  loomError err = {0, ""};

  // Plain ones, and those of a residual.
  for (int residual = 0; residual < 2; residual++) {
    loomTd3Def def = {.obs = OBS,
                      .actions = ACTIONS,
                      .hidden = {2, {7, 6}},
                      .critics = 3,
                      .normalized = residual,
                      .gated = residual,
                      .tether = residual ? 0.3 : 0};
    assert_int_equal(loom_td3_network_create(&c.net, &def, 1, N, &err), 0);
    draw(c.obs, N * OBS, 1, 1);
    draw(c.action, N * ACTIONS, 1, 2);
    draw(c.target, N, 1, 3);

    // A residual begins with nothing.
    const loomReal* first = loom_td3_network_act(&c.net, c.obs, N, false);
    for (int i = 0; residual && i < N * ACTIONS; i++) assert_true(first[i] == 0);
    draw(c.net.actor.value, (int)c.net.actor.total, 0.5, 4);
    compare("critics", &c.net.critics, critic_loss, &c);
    compare("actor", &c.net.actor, actor_loss, &c);
    loom_td3_network_destroy(&c.net);
  }
}

// Rows pass where every critic by itself says so; targets follow what passes.
// How many rows pass where more than `margin` has to be gained.
static int pass_gate(double margin) {
  loomTd3Network net;
  loomTd3Def def = {.obs = OBS,
                    .actions = ACTIONS,
                    .hidden = {1, {8}},
                    .critics = 3,
                    .normalized = true,
                    .gated = true,
                    .margin = margin};
  loomError err = {0, ""};
  static loomReal obs[N * OBS], action[N * ACTIONS], kept[N * ACTIONS], noise[N * ACTIONS], reward[N],
      discount[N], target[N], still[N * 3], moved[N * 3], value[N];
  assert_int_equal(loom_td3_network_create(&net, &def, 1, N, &err), 0);
  draw(obs, N * OBS, 1, 1);
  draw(action, N * ACTIONS, 0.5, 2);
  for (int i = 0; i < N; i++) discount[i] = 1;
  for (int i = 0; i < N * ACTIONS; i++) action[i] = fmax(fmin(action[i], 1), -1);

  // Each critic by itself.
  for (int k = 0; k < 3; k++) {
    loomReal input[OBS + ACTIONS];
    for (int i = 0; i < N; i++) {
      memcpy(input, obs + i * OBS, OBS * sizeof *obs);
      memcpy(input + OBS, action + i * ACTIONS, ACTIONS * sizeof *obs);
      moved[k * N + i] = *loom_mlp_forward(&net.critic_mlp[k], &net.slow_critics, input, 1);
      memset(input + OBS, 0, ACTIONS * sizeof *obs);
      still[k * N + i] = *loom_mlp_forward(&net.critic_mlp[k], &net.slow_critics, input, 1);
    }
  }

  // The actor says 0, so the noise is the whole action of the target.
  memcpy(kept, action, sizeof kept);
  memcpy(noise, action, sizeof noise);
  int passed = loom_td3_network_gate(kept, value, &net, obs, N), expected = 0;
  loom_td3_network_target(target, &net, reward, discount, obs, noise, N);
  for (int i = 0; i < N; i++) {
    bool better = true;
    loomReal mean[2] = {0};
    loomReal low[2] = {INFINITY, INFINITY};
    for (int k = 0; k < 3; k++) {
      better = better && moved[k * N + i] > still[k * N + i] + (loomReal)margin;
      low[0] = fmin(low[0], still[k * N + i]);
      low[1] = fmin(low[1], moved[k * N + i]);
      mean[0] += still[k * N + i] / 3;
      mean[1] += moved[k * N + i] / 3;
    }
    expected += better;
    for (int j = 0; j < ACTIONS; j++)
      assert_true(kept[i * ACTIONS + j] == (better ? action[i * ACTIONS + j] : 0));
    assert_true(fabs(target[i] - low[better]) < 1e-12 && fabs(value[i] - mean[better]) < 1e-12);
  }
  assert_int_equal(passed, expected);

  // No more and no less than can be had.
  int cut = 0;
  memcpy(still, target, sizeof target);
  net.def.least = -0.01;
  net.def.most = 0.02;
  loom_td3_network_target(target, &net, reward, discount, obs, noise, N);
  for (int i = 0; i < N; i++) {
    assert_true(target[i] == fmin(fmax(still[i], (loomReal)-0.01), (loomReal)0.02));
    cut += target[i] != still[i];
  }
  assert_true(cut > 0);
  loom_td3_network_destroy(&net);
  return passed;
}

static void gate(void** state) {
  (void)state;
  assert_true(pass_gate(0) > 0 && pass_gate(0) < N);

  assert_int_equal(pass_gate(0.005), pass_gate(0));
  assert_int_equal(pass_gate(0.02), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(ppo),       cmocka_unit_test(mixtures),
                                     cmocka_unit_test(offsets),   cmocka_unit_test(several_ratios),
                                     cmocka_unit_test(denoisers), cmocka_unit_test(still_denoisers),
                                     cmocka_unit_test(shares),    cmocka_unit_test(td3),
                                     cmocka_unit_test(gate)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
