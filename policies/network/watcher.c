#include "policies/network/watcher.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_made(const loomWatcherDef* def) {
  bool whole = def->keys > 0 && def->keys <= LOOM_WATCHED_KEYS && def->pictures >= 0 &&
               def->pictures <= def->keys && def->low >= 0 && def->out > 0 && def->out <= LOOM_WATCHER_OUT &&
               def->hidden.n >= 0 && def->hidden.n < LOOM_MLP_LAYERS;
  for (int i = 0; whole && i < def->hidden.n; i++) whole = def->hidden.size[i] > 0;
  return whole;
}

static int declare_all(loomWatcher* w, loomError* err) {
  const loomWatcherDef* def = &w->def;
  loomEncoderDef eyes = {.config = def->eyes, .count = def->pictures};
  for (int k = 0; k < def->pictures; k++) {
    const loomObsKey* key = &def->key[def->keys - def->pictures + k];
    eyes.key[k].rank = 3;
    memcpy(eyes.key[k].name, key->name, sizeof key->name);
    eyes.key[k].shape[0] = key->shape[2];
    eyes.key[k].shape[1] = key->shape[0];
    eyes.key[k].shape[2] = key->shape[1];
  }

  loomMlpDef mlp = {.layers = def->hidden.n + 1, .activation = LOOM_ACTIVATION_RELU};
  mlp.sizes[0] = w->width = def->low + def->pictures * def->eyes.features;
  for (int i = 0; i < def->hidden.n; i++) mlp.sizes[i + 1] = def->hidden.size[i];
  mlp.sizes[mlp.layers] = def->out;
  loom_mlp_declare(&w->mlp, &w->params, &mlp, "embedding.");
  int code = loom_encoder_create(&w->eyes, &w->params, &eyes, err);
  return code ? code : loom_params_create(&w->params, err);
}

static void lay_out(loomWatcher* w) {
  size_t rows = (size_t)w->rows;
  loom_mlp_layout(&w->mlp, &w->arena, w->rows);
  if (w->def.pictures) loom_encoder_layout(&w->eyes, &w->arena, w->rows);
  for (int k = 0; k < w->def.pictures; k++)
    w->picture[k] =
        loom_arena_real(&w->arena, rows * (size_t)w->def.key[w->def.keys - w->def.pictures + k].dim);
  w->input = loom_arena_real(&w->arena, rows * (size_t)w->width);
  w->dinput = loom_arena_real(&w->arena, rows * (size_t)w->width);
}

static int fill(loomWatcher* w, uint64_t seed, loomError* err) {
  int code = declare_all(w, err);
  if (!code) code = loom_normal_create(&w->normal, w->def.low, err);
  if (code) return code;

  w->low = calloc((size_t)w->rows * (size_t)w->def.low + 1, sizeof *w->low);
  if (!w->low) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a network");

  // Measured, then for good.
  lay_out(w);
  code = loom_arena_create(&w->arena, w->arena.used, err);
  if (code) return code;
  lay_out(w);

  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_WEIGHTS);
  loom_mlp_init(&w->mlp, &w->params, &random);
  loom_encoder_init(&w->eyes, &w->params, &random);
  return LOOM_OK;
}

int loom_watcher_create(loomWatcher* out, const loomWatcherDef* def, uint64_t seed, int rows,
                        loomError* err) {
  *out = (loomWatcher){.def = *def, .rows = rows, .scale = 1};
  if (!is_made(def)) return loom_error_set(err, LOOM_ERR_USAGE, "sizes that no embedding has");
  int code = fill(out, seed, err);
  if (code) loom_watcher_destroy(out);
  return code;
}

void loom_watcher_destroy(loomWatcher* w) {
  loom_params_destroy(&w->params);
  loom_encoder_destroy(&w->eyes);
  loom_normal_destroy(&w->normal);
  loom_arena_destroy(&w->arena);
  free(w->low);
  *w = (loomWatcher){0};
}

void loom_watcher_put(loomWatcher* w, int i, const float* low, const unsigned char* const* picture) {
  memcpy(w->low + (ptrdiff_t)i * w->def.low, low, (size_t)w->def.low * sizeof *low);

  // Networks have the colors first, from 0 to 1.
  for (int k = 0; k < w->def.pictures; k++) {
    const loomObsKey* key = &w->def.key[w->def.keys - w->def.pictures + k];
    int pixels = key->shape[0] * key->shape[1], colors = key->shape[2];
    loomReal* to = w->picture[k] + (ptrdiff_t)i * key->dim;
    for (int c = 0; c < colors; c++)
      for (int p = 0; p < pixels; p++) *to++ = (loomReal)picture[k][p * colors + c] / 255;
  }
}

const loomReal* loom_watcher_look(loomWatcher* w, int n, loomRandom* crops) {
  loom_normal_apply(w->low, n, &w->normal);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < w->def.low; j++)
      w->input[(ptrdiff_t)i * w->width + j] = (loomReal)w->low[(ptrdiff_t)i * w->def.low + j];

  if (w->def.pictures)
    loom_encoder_forward(w->input + w->def.low, w->width, &w->eyes, &w->params,
                         (const loomReal* const*)w->picture, n, crops);
  return loom_mlp_forward(&w->mlp, &w->params, w->input, n);
}

void loom_watcher_back(loomWatcher* w, const loomReal* dout, int n) {
  loom_mlp_backward(w->def.pictures ? w->dinput : NULL, &w->mlp, &w->params, dout, w->input, n);
  if (w->def.pictures)
    loom_encoder_backward(&w->eyes, &w->params, w->dinput + w->def.low, w->width,
                          (const loomReal* const*)w->picture, n);
}

double loom_watcher_worth(const loomWatcher* w, const loomReal* embedding) {
  double sum = 0;
  for (int d = 0; d < w->def.out; d++) {
    double off = (double)embedding[d] - (double)w->goal[d];
    sum += off * off;
  }
  return -w->scale * sqrt(sum);
}
