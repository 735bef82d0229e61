#include "policies/network/actor.h"

#include <assert.h>
#include <stdlib.h>

// ---- made and freed

static int create_encoder(loomActor* out, loomError* err) {
  int code = loom_encoder_copy(&out->encoder, &out->network->encoder, err);
  if (code || !out->encoder.count) return code;

  loomArena measured = {0};
  loom_encoder_layout(&out->encoder, &measured, 1);
  code = loom_arena_create(&out->encoder_arena, measured.used, err);
  if (!code) loom_encoder_layout(&out->encoder, &out->encoder_arena, 1);
  return code;
}

// Numbers that a decision is made from.
static size_t seen_count(const loomNetworkDef* def) {
  return (size_t)loom_network_seen(def) * (size_t)def->obs_dim;
}

static void place_scratch(loomActor* actor, loomArena* arena) {
  const loomNetworkDef* def = &actor->network->def;
  size_t most = loom_network_together(def) ? LOOM_TOGETHER : 1;
  size_t noisy = actor->objective.kind == LOOM_OBJECTIVE_DENOISING ? most * (size_t)def->output_width : 0;

  actor->seen = loom_arena_real(arena, most * seen_count(def));
  actor->chunk = loom_arena_real(arena, noisy);
  actor->clean = loom_arena_real(arena, noisy);
}

static int create_scratch(loomActor* out, loomError* err) {
  if (out->objective.kind == LOOM_OBJECTIVE_DENOISING)
    out->diffusion = loom_diffusion_cosine(out->objective.noise_steps);

  loomArena measured = {0};
  place_scratch(out, &measured);
  int code = loom_arena_create(&out->scratch, measured.used, err);
  if (!code) place_scratch(out, &out->scratch);
  return code;
}

int loom_actor_create(loomActor* out, const loomNetwork* network, loomError* err) {
  const loomNetworkType* type = network->def.type;
  *out = (loomActor){.network = network, .objective = loom_network_objective(&network->def)};

  // The same layers over the same parameters, with activations of its own.
  out->layers = malloc(type->size);
  if (!out->layers) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a policy");
  memcpy(out->layers, network->layers, type->size);

  int code = loom_network_place(out->layers, &out->arena, type, 0, err);
  if (!code) code = create_encoder(out, err);
  if (!code) code = create_scratch(out, err);
  if (code) loom_actor_destroy(out);
  return code;
}

void loom_actor_destroy(loomActor* actor) {
  loom_arena_destroy(&actor->arena);
  loom_encoder_destroy(&actor->encoder);
  loom_arena_destroy(&actor->encoder_arena);
  loom_arena_destroy(&actor->scratch);
  free(actor->layers);
  *actor = (loomActor){0};
}

// ---- acting

void loom_actor_begin(loomActor* actor) {
  const loomNetworkType* type = actor->network->def.type;
  if (type->begin) type->begin(actor->layers);
}

void loom_actor_see(loomReal* row, loomActor* actor, const loomReal* const* visual) {
  const loomNetworkDef* def = &actor->network->def;
  loom_encoder_forward(row + def->low_dim, def->obs_dim, &actor->encoder, &actor->network->params, visual, 1,
                       NULL);
}

static const loomReal* ask_network(loomActor* actor, const loomSamples* samples) {
  const loomNetwork* net = actor->network;
  const loomNetworkType* type = net->def.type;
  return type->decide ? type->decide(actor->layers, &net->params, samples)
                      : type->forward(actor->layers, &net->params, samples, NULL);
}

const loomReal* loom_actor_outputs(loomActor* actor, const loomReal* obs) {
  loomSamples one = {.n = 1, .obs = obs};
  return ask_network(actor, &one);
}

// DDIM without noise of its own (Song et al., "Denoising diffusion implicit models", ICLR 2021, eta 0): from
// noise alone, denoise_steps of the noise_steps steps of training, evenly spread, the last one first.
static void denoise(loomActor* actor, const loomDecision* decision, int n) {
  const loomNetworkDef* def = &actor->network->def;
  const loomNetworkConfig* policy = &def->policy;
  size_t width = (size_t)def->output_width, count = (size_t)n * width;
  int at[LOOM_TOGETHER];
  loomSamples samples = {.n = n, .obs = actor->seen, .noisy = actor->chunk, .noise_step = at};

  // Each from its own stream.
  double heat = policy->temperature;
  for (size_t i = 0; i < count; i++)
    actor->chunk[i] = heat > 0 ? (loomReal)(heat * loom_random_normal(decision[i / width].random)) : 0;

  for (int k = policy->denoise_steps; k > 0; k--) {
    int now = loom_diffusion_at(k, policy->denoise_steps, policy->noise_steps);
    int next = loom_diffusion_at(k - 1, policy->denoise_steps, policy->noise_steps);
    for (int i = 0; i < n; i++) at[i] = now;

    // A guess at the actions without noise; where the network says the noise, it follows from that.
    memcpy(actor->clean, ask_network(actor, &samples), count * sizeof *actor->clean);
    if (!actor->objective.predicts_targets)
      loom_diffusion_clean(actor->clean, actor->chunk, now, &actor->diffusion, count);
    loom_diffusion_hold(actor->clean, def->action_bounds, def->action_dim, (size_t)(n * def->action_rows));

    loom_diffusion_step(actor->chunk, actor->clean, now, next, &actor->diffusion, count);
  }
}

// What the outputs say to do: `said` is the network's, or the chunk without noise.
static void read_outputs(const loomDecision* decision, const loomActor* actor, const loomReal* said) {
  const loomNetworkDef* def = &actor->network->def;
  const loomNetworkConfig* policy = &def->policy;
  loomReal* actions = decision->actions;

  switch (actor->objective.kind) {
    case LOOM_OBJECTIVE_DENOISING:
      // The chunk begins with the first row observed; what is done begins with the last.
      memcpy(actions, said + (ptrdiff_t)(policy->observed - 1) * def->action_dim,
             (size_t)policy->executed * (size_t)def->action_dim * sizeof *actions);
      break;
    case LOOM_OBJECTIVE_LIKELIHOOD:
      loom_mixture_sample(actions, said, &actor->objective.mixture, true,
                          actor->network->likeliest ? NULL : decision->random);
      break;
    case LOOM_OBJECTIVE_REGRESSION:
    case LOOM_OBJECTIVE_CLASSIFICATION:
      memcpy(actions, said, (size_t)def->output_width * sizeof *actions);
      break;
  }
}

void loom_actor_decide_together(const loomDecision* decision, loomActor* actor, int n) {
  const loomNetworkDef* def = &actor->network->def;
  size_t seen = seen_count(def);
  const loomReal* said = actor->chunk;
  assert(n == 1 || (n <= LOOM_TOGETHER && loom_network_together(def)));

  for (size_t i = 0; i < (size_t)n; i++)
    memcpy(actor->seen + i * seen, decision[i].obs, seen * sizeof *actor->seen);
  loom_network_hold(actor->seen, def, n * loom_network_seen(def));

  if (actor->objective.kind == LOOM_OBJECTIVE_DENOISING) {
    denoise(actor, decision, n);
  } else {
    loomSamples samples = {.n = n, .obs = actor->seen};
    said = ask_network(actor, &samples);
  }

  for (ptrdiff_t i = 0; i < n; i++) read_outputs(&decision[i], actor, said + i * def->output_width);
}

void loom_actor_decide(loomReal* actions, loomActor* actor, const loomReal* obs, loomRandom* random) {
  loom_actor_decide_together(&(loomDecision){actions, obs, random}, actor, 1);
}
