#include "policies/network/discriminator.h"

#include <assert.h>

#include "policies/data/pack.h"
#include "policies/nn/init.h"
#include "policies/nn/spectral.h"

const char* const loom_discriminator_kind_names[] = {[LOOM_DISCRIMINATOR_BCE] = "bce",
                                                     [LOOM_DISCRIMINATOR_WGAN] = "wgan",
                                                     [LOOM_DISCRIMINATOR_LINEAR] = "linear",
                                                     [LOOM_DISCRIMINATOR_AIRL] = "airl",
                                                     NULL};

loomDiscriminatorDef loom_default_discriminator_def(loomDiscriminatorKind kind) {
  loomDiscriminatorDef def = {.kind = (int)kind,
                              .pack = 1,
                              .hidden = {2, {64, 64}},
                              .activation = LOOM_ACTIVATION_RELU,
                              .rate = 1e-3,
                              .adam = loom_default_adam_def()};

  // Gulrajani et al. (2017), algorithm 1: no momentum.
  if (kind == LOOM_DISCRIMINATOR_WGAN) {
    def.penalty = 10;
    def.adam.beta1 = 0;
    def.adam.beta2 = 0.9;
  }
  if (kind == LOOM_DISCRIMINATOR_LINEAR) def.hidden.n = 0;
  return def;
}

// ---- spectral normalization

static loomParams* acting(loomDiscriminator* d) {
  return d->def.spectral ? &d->normed : &d->params;
}

void loom_discriminator_refresh(loomDiscriminator* d) {
  const loomMlpDef* mlp = &d->mlp.def;
  if (!d->def.spectral) return;
  memcpy(d->normed.value, d->params.value, d->params.total * sizeof(loomReal));

  for (int i = 0; i < mlp->layers; i++) {
    size_t count = (size_t)mlp->sizes[i] * (size_t)mlp->sizes[i + 1];
    loomReal* w = d->normed.value + d->mlp.weight[i];
    d->norm[i] = loom_spectral_norm(d->left[i], d->right[i], w, mlp->sizes[i], mlp->sizes[i + 1], 0);
    for (size_t k = 0; k < count; k++) w[k] = (loomReal)((double)w[k] / d->norm[i]);
  }
}

// Rounds of the power method after the weights have changed.
static void turn(loomDiscriminator* d, int rounds) {
  const loomMlp* mlp = &d->mlp;
  for (int i = 0; d->def.spectral && i < mlp->def.layers; i++)
    loom_spectral_norm(d->left[i], d->right[i], d->params.value + mlp->weight[i], mlp->def.sizes[i],
                       mlp->def.sizes[i + 1], rounds);

  loom_discriminator_refresh(d);
}

// From the gradients of what acts to those of what learns.
static void back_to_params(loomDiscriminator* d) {
  const loomMlpDef* mlp = &d->mlp.def;
  if (!d->def.spectral) return;
  loom_params_zero_gradient(&d->params);

  for (int i = 0; i < mlp->layers; i++) {
    size_t w = d->mlp.weight[i], b = d->mlp.bias[i];
    loom_spectral_backward(d->params.gradient + w, d->normed.gradient + w, d->normed.value + w, d->left[i],
                           d->right[i], d->norm[i], mlp->sizes[i], mlp->sizes[i + 1]);
    memcpy(d->params.gradient + b, d->normed.gradient + b, (size_t)mlp->sizes[i + 1] * sizeof(loomReal));
  }
}

// ---- making one

bool loom_discriminator_is_critic(loomDiscriminatorKind kind) {
  return kind == LOOM_DISCRIMINATOR_WGAN || kind == LOOM_DISCRIMINATOR_LINEAR;
}

static bool is_critic(const loomDiscriminator* d) {
  return loom_discriminator_is_critic((loomDiscriminatorKind)d->def.kind);
}

static bool is_airl(const loomDiscriminator* d) {
  return d->def.kind == LOOM_DISCRIMINATOR_AIRL;
}

static bool is_linear(const loomDiscriminator* d) {
  return d->def.kind == LOOM_DISCRIMINATOR_LINEAR;
}

static int check_def(const loomDiscriminatorDef* def, loomError* err) {
  if (def->features < 1 || def->pack < 1 || def->pack > LOOM_PACK_MOST || def->hidden.n >= LOOM_MLP_LAYERS)
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "a discriminator of %d features, packs of %d and %d hidden layers: it takes at least "
        "1 feature, packs of 1 to %d, and at most %d layers",
        def->features, def->pack, def->hidden.n, LOOM_PACK_MOST, LOOM_MLP_LAYERS - 1);
  if (def->kind == LOOM_DISCRIMINATOR_WGAN && !(def->penalty > 0) && !def->spectral)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "nothing holds the slope of a wgan critic: it takes a gradient penalty above 0, or "
                          "spectral normalization");
  if (def->kind == LOOM_DISCRIMINATOR_LINEAR && (def->hidden.n || def->penalty > 0 || def->spectral))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "a linear discriminator has no hidden layers, penalty or spectral normalization");
  if (def->kind != LOOM_DISCRIMINATOR_AIRL) return LOOM_OK;

  if (def->shaped.obs < 1 || def->features != loom_shaped_width(&def->shaped))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "an airl discriminator is of states, actions and the policy's log-probabilities, "
                          "which are not to be had here; take another one");
  if (def->pack > 1 || def->spectral)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "an airl discriminator takes rows one by one (a pack of 1), and no spectral "
                          "normalization");
  return LOOM_OK;
}

static void declare(loomDiscriminator* d) {
  const loomDiscriminatorDef* def = &d->def;
  if (is_airl(d)) {
    loom_shaped_declare(&d->shaped, &d->params, &def->shaped, &def->hidden, (loomActivation)def->activation,
                        "model.discriminator.");
    return;
  }
  loomMlpDef mlp = {.layers = def->hidden.n + 1, .activation = (loomActivation)def->activation};

  mlp.sizes[0] = d->width;
  for (int i = 0; i < def->hidden.n; i++) mlp.sizes[i + 1] = def->hidden.size[i];
  mlp.sizes[mlp.layers] = 1;
  if (def->spectral) loom_mlp_declare(&d->mlp, &d->normed, &mlp, "normed.");
  loom_mlp_declare(&d->mlp, &d->params, &mlp, "model.discriminator.");
}

static void lay_out(loomDiscriminator* d) {
  const loomMlpDef* mlp = &d->mlp.def;
  size_t n = (size_t)d->batch, width = (size_t)d->width;

  bool airl = is_airl(d), penalized = d->def.penalty > 0;
  if (airl)
    loom_shaped_layout(&d->shaped, &d->arena, 2 * d->batch, penalized);
  else
    loom_mlp_layout(&d->mlp, &d->arena, 2 * d->batch);
  if (penalized && !airl) loom_mlp_slope_layout(&d->slope, &d->mlp, &d->arena, d->batch);

  // Singular vectors lie in a row, so that a checkpoint keeps them as one.
  d->singular = 0;
  for (int i = 0; d->def.spectral && i < mlp->layers; i++)
    d->singular += (size_t)mlp->sizes[i] + (size_t)mlp->sizes[i + 1];
  loomReal* next = loom_arena_real(&d->arena, d->singular);
  for (int i = 0; next && d->def.spectral && i < mlp->layers; i++) {
    d->left[i] = next;
    d->right[i] = next + mlp->sizes[i + 1];
    next += mlp->sizes[i] + mlp->sizes[i + 1];
  }

  d->expert = loom_arena_real(&d->arena, 2 * n * width);
  d->policy = d->expert ? d->expert + n * width : NULL;
  d->dvalue = loom_arena_real(&d->arena, 2 * n);
  d->between = loom_arena_real(&d->arena, n * width);
  d->dbetween = loom_arena_real(&d->arena, n * width);
  d->packs = loom_arena_real(&d->arena, n * width);
  d->worth = loom_arena_real(&d->arena, n);
}

static void init_weights(loomDiscriminator* d, uint64_t seed) {
  loomRandom random = loom_random(seed, 1, LOOM_PURPOSE_WEIGHTS);
  if (is_linear(d)) return;
  if (is_airl(d)) {
    loom_shaped_init(&d->shaped, &d->params, &random);
    return;
  }

  loom_mlp_init(&d->mlp, &d->params, &random);
  if (!d->def.spectral) return;
  loom_init_normal(d->left[0], d->singular, 1, &random);

  // The first norms come of more rounds than later ones, which begin where the last one ended.
  turn(d, 20);
}

int loom_discriminator_create(loomDiscriminator* out, const loomDiscriminatorDef* def, uint64_t seed,
                              int batch, loomError* err) {
  *out = (loomDiscriminator){.def = *def, .batch = batch, .width = def->features * def->pack};
  int code = check_def(def, err);
  if (code) return code;

  declare(out);
  code = loom_params_create(&out->params, err);
  if (!code && def->spectral) code = loom_params_create(&out->normed, err);

  // Measured, then for good.
  lay_out(out);
  size_t bytes = out->arena.used;
  if (!code) code = loom_arena_create(&out->arena, bytes, err);
  if (code) {
    out->arena.base = NULL;
    loom_discriminator_destroy(out);
    return code;
  }
  lay_out(out);
  init_weights(out, seed);
  return LOOM_OK;
}

void loom_discriminator_destroy(loomDiscriminator* d) {
  loom_params_destroy(&d->params);
  loom_params_destroy(&d->normed);
  loom_arena_destroy(&d->arena);
  *d = (loomDiscriminator){0};
}

// ---- packs

void loom_discriminator_pack(loomReal* packs, const loomDiscriminator* d, const loomDiscriminatorRows* rows,
                             int n, loomRandom* random) {
  size_t features = (size_t)d->def.features;
  int pack[LOOM_PACK_MOST];

  for (int i = 0; i < n; i++) {
    loom_pack_fill(pack, 0, d->def.pack, rows->episode, rows->n, random);
    for (int k = 0; k < d->def.pack; k++, packs += features)
      memcpy(packs, rows->row + (size_t)pack[k] * features, features * sizeof *packs);
  }
}

// ---- learning

// Of slopes at places between the expert's packs and the policy's.
static double penalize(loomDiscriminator* d, loomRandom* random) {
  size_t width = (size_t)d->width;
  int n = d->batch;
  if (!(d->def.penalty > 0)) return 0;

  for (size_t i = 0; i < (size_t)n; i++) {
    loomReal share = (loomReal)loom_random_uniform(random);
    const loomReal *expert = d->expert + i * width, *policy = d->policy + i * width;
    for (size_t j = 0; j < width; j++)
      d->between[i * width + j] = share * expert[j] + (1 - share) * policy[j];
  }

  loomParams* params = acting(d);
  if (is_airl(d)) return loom_shaped_penalty(&d->shaped, params, d->between, n, d->def.penalty);
  loom_mlp_forward(&d->mlp, params, d->between, n);
  const loomReal* slope = loom_mlp_slope_forward(&d->slope, &d->mlp, params, n);
  double loss = loom_gradient_penalty(d->dbetween, slope, n, d->width, d->def.penalty);
  loom_mlp_slope_backward(&d->slope, &d->mlp, params, d->dbetween, d->between, n);
  return loss;
}

// Of length 1 along what tells the means apart.
static void match_features(loomDiscriminator* d) {
  int n = d->batch;
  loomReal* w = d->params.value + d->mlp.weight[0];
  double squares = 0;

  for (int j = 0; j < d->width; j++) {
    double gap = 0;
    for (int i = 0; i < n; i++)
      gap += ((double)d->expert[i * d->width + j] - (double)d->policy[i * d->width + j]) / n;
    w[j] = (loomReal)gap;
    squares += gap * gap;
  }

  double scale = squares > 0 ? 1 / sqrt(squares) : 0;
  for (int j = 0; j < d->width; j++) w[j] = (loomReal)(scale * (double)w[j]);
}

loomDiscriminatorLook loom_discriminator_loss(loomDiscriminator* d, loomRandom* random) {
  int n = d->batch;
  loomParams* params = acting(d);
  loomDiscriminatorLook look = {0};
  loom_params_zero_gradient(params);
  if (is_linear(d)) match_features(d);

  look.penalty = penalize(d, random);
  const loomReal* value = loom_discriminator_value(d, d->expert, 2 * n);
  look.loss =
      look.penalty + (is_critic(d) ? loom_adversarial_wgan : loom_adversarial_bce)(d->dvalue, value, n);
  loom_discriminator_look(&look, value, n, is_critic(d));
  if (is_linear(d)) return look;

  if (is_airl(d)) {
    loom_shaped_backward(&d->shaped, params, d->dvalue, 2 * n);
    return look;
  }
  loom_mlp_backward(NULL, &d->mlp, params, d->dvalue, d->expert, 2 * n);
  back_to_params(d);
  return look;
}

loomDiscriminatorLook loom_discriminator_step(loomDiscriminator* d, loomRandom* random) {
  loomDiscriminatorLook look = loom_discriminator_loss(d, random);
  d->steps++;
  if (is_linear(d)) return look;

  look.gradient = loom_adam_step(&d->params, &d->def.adam, d->def.rate, (uint64_t)d->steps);
  turn(d, 1);
  return look;
}

// ---- asking it

const loomReal* loom_discriminator_value(loomDiscriminator* d, const loomReal* packs, int n) {
  return is_airl(d) ? loom_shaped_forward(&d->shaped, acting(d), packs, n)
                    : loom_mlp_forward(&d->mlp, acting(d), packs, n);
}

const loomReal* loom_discriminator_learned(loomDiscriminator* d, const loomReal* rows, int n) {
  assert(is_airl(d));
  return loom_shaped_reward(&d->shaped, acting(d), rows, n);
}

const loomReal* loom_discriminator_shape(loomDiscriminator* d, const loomReal* rows, int n) {
  assert(is_airl(d));
  return loom_shaped_shape(&d->shaped, acting(d), rows, n);
}

void loom_discriminator_back(loomReal* dpacks, loomDiscriminator* d, const loomReal* dvalue, int n) {
  assert(!is_airl(d));
  loom_mlp_backward(dpacks, &d->mlp, acting(d), dvalue, NULL, n);
}

// Rewards of packs [0, n) go to the rows that they were made for.
static void add_worth(loomReal* reward, loomDiscriminator* d, int first, int n,
                      const loomDiscriminatorReward* def) {
  const loomReal* value = loom_discriminator_value(d, d->packs, n);
  loom_adversarial_reward(d->worth, NULL, value, n, def->form);

  for (int i = 0; i < n; i++) reward[(first + i) / def->packs] += d->worth[i] / (loomReal)def->packs;
}

void loom_discriminator_reward(loomReal* reward, loomDiscriminator* d, const loomDiscriminatorRows* rows,
                               const loomDiscriminatorReward* def, loomRandom* random) {
  size_t features = (size_t)d->def.features;
  int size = d->def.pack, all = rows->n * def->packs, filled = 0;
  memset(reward, 0, (size_t)rows->n * sizeof *reward);

  // Pack k of a row has it at place k, the others after it in turn.
  for (int i = 0; i < all; i++) {
    int pack[LOOM_PACK_MOST] = {i / def->packs}, place = i % def->packs % size;
    loom_pack_fill(pack, 1, size, rows->episode, rows->n, random);

    loomReal* to = d->packs + (size_t)filled * (size_t)d->width;
    for (int k = 0; k < size; k++)
      memcpy(to + (size_t)((place + k) % size) * features, rows->row + (size_t)pack[k] * features,
             features * sizeof *to);

    if (++filled < d->batch && i + 1 < all) continue;
    add_worth(reward, d, i + 1 - filled, filled, def);
    filled = 0;
  }
}
