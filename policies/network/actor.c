#include "policies/network/actor.h"

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

static void place_chunk(loomActor* actor, loomArena* arena) {
  size_t count = (size_t)actor->network->def.output_width;
  actor->chunk = loom_arena_real(arena, count);
  actor->clean = loom_arena_real(arena, count);
}

static int create_chunk(loomActor* out, loomError* err) {
  if (out->objective.kind != LOOM_OBJECTIVE_DENOISING) return LOOM_OK;
  out->diffusion = loom_diffusion_cosine(out->objective.noise_steps);

  loomArena measured = {0};
  place_chunk(out, &measured);
  int code = loom_arena_create(&out->chunk_arena, measured.used, err);
  if (!code) place_chunk(out, &out->chunk_arena);
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
  if (!code) code = create_chunk(out, err);
  if (code) loom_actor_destroy(out);
  return code;
}

void loom_actor_destroy(loomActor* actor) {
  loom_arena_destroy(&actor->arena);
  loom_encoder_destroy(&actor->encoder);
  loom_arena_destroy(&actor->encoder_arena);
  loom_arena_destroy(&actor->chunk_arena);
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

static const loomReal* ask_network(loomActor* actor, const loomSamples* one) {
  const loomNetwork* net = actor->network;
  const loomNetworkType* type = net->def.type;
  return type->decide ? type->decide(actor->layers, &net->params, one)
                      : type->forward(actor->layers, &net->params, one, NULL);
}

const loomReal* loom_actor_outputs(loomActor* actor, const loomReal* obs) {
  loomSamples one = {.n = 1, .obs = obs};
  return ask_network(actor, &one);
}

// DDIM without noise of its own (Song et al., "Denoising diffusion implicit models", ICLR 2021, eta 0): from
// noise alone, denoise_steps of the noise_steps steps of training, evenly spread, the last one first.
static void denoise(loomActor* actor, const loomReal* obs, loomRandom* random) {
  const loomNetworkDef* def = &actor->network->def;
  const loomNetworkConfig* policy = &def->policy;
  size_t count = (size_t)def->output_width;
  int at = 0;
  loomSamples one = {.n = 1, .obs = obs, .noisy = actor->chunk, .noise_step = &at};
  for (size_t i = 0; i < count; i++) actor->chunk[i] = (loomReal)loom_random_normal(random);

  for (int k = policy->denoise_steps; k > 0; k--) {
    at = loom_diffusion_at(k, policy->denoise_steps, policy->noise_steps);
    int next = loom_diffusion_at(k - 1, policy->denoise_steps, policy->noise_steps);

    // A guess at the actions without noise; where the network says the noise, it follows from that.
    memcpy(actor->clean, ask_network(actor, &one), count * sizeof *actor->clean);
    if (!actor->objective.predicts_targets)
      loom_diffusion_clean(actor->clean, actor->chunk, at, 1, &actor->diffusion, count);

    loom_diffusion_step(actor->chunk, actor->clean, at, next, &actor->diffusion, count);
  }
}

void loom_actor_decide(loomReal* actions, loomActor* actor, const loomReal* obs, loomRandom* random) {
  const loomNetworkDef* def = &actor->network->def;
  const loomNetworkConfig* policy = &def->policy;

  switch (actor->objective.kind) {
    case LOOM_OBJECTIVE_DENOISING:
      // The chunk begins with the first row observed; what is done begins with the last.
      denoise(actor, obs, random);
      memcpy(actions, actor->chunk + (ptrdiff_t)(policy->observed - 1) * def->action_dim,
             (size_t)policy->executed * (size_t)def->action_dim * sizeof *actions);
      break;
    case LOOM_OBJECTIVE_LIKELIHOOD:
      loom_mixture_sample(actions, loom_actor_outputs(actor, obs), &actor->objective.mixture, true,
                          actor->network->likeliest ? NULL : random);
      break;
    case LOOM_OBJECTIVE_REGRESSION:
    case LOOM_OBJECTIVE_CLASSIFICATION:
      memcpy(actions, loom_actor_outputs(actor, obs), (size_t)def->output_width * sizeof *actions);
      break;
  }
}
