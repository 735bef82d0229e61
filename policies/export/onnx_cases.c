// A policy's own decisions, for those of an exported one to be compared with.
#include <stdlib.h>

#include "policies/export/onnx.h"

typedef struct cases {
  const loomTrained* trained;
  int n, seen, decided, keys;
  float *obs[LOOM_DATA_KEYS], *noise, *actions;  // (n x ...) as they are in the graph
  float* window;                                 // (seen x obs_dim) what the network sees
  float* visual[LOOM_DATA_KEYS];                 // a row of what its encoder takes
  loomActor actor;
} cases;

static float* numbers(size_t a, size_t b, size_t c) {
  return calloc(a * b * c + 1, sizeof(float));
}

static bool is_visual(const cases* c, int key) {
  return c->trained->shape[key][0] > 1;
}

static int create_cases(cases* c, loomError* err) {
  const loomTrained* t = c->trained;
  const loomNetworkDef* def = &t->network.def;
  size_t n = (size_t)c->n, seen = (size_t)c->seen, size = (size_t)def->action_dim;

  bool lacks = false;
  for (int i = 0, visual = 0; i < c->keys; i++) {
    lacks |= !(c->obs[i] = numbers(n, seen, (size_t)t->dim[i]));
    if (is_visual(c, i)) lacks |= !(c->visual[visual++] = numbers(1, 1, (size_t)t->dim[i]));
  }

  c->noise = numbers(n, (size_t)def->action_rows, size);
  c->actions = numbers(n, (size_t)c->decided, size);
  c->window = numbers(1, seen, (size_t)def->obs_dim);
  if (lacks || !c->noise || !c->actions || !c->window)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d decisions", c->n);
  return loom_actor_create(&c->actor, &t->network, err);
}

static void destroy_cases(cases* c) {
  for (int i = 0; i < c->keys; i++) {
    free(c->obs[i]);
    free(c->visual[i]);
  }

  free(c->noise);
  free(c->actions);
  free(c->window);
  loom_actor_destroy(&c->actor);
}

// Images lie in batches as planes, in datasets and the graph's inputs as pixels.
static void put_pixels(float* out, const float* in, const int shape[4]) {
  ptrdiff_t channels = shape[1], pixels = (ptrdiff_t)shape[2] * shape[3];

  for (ptrdiff_t k = 0; k < channels; k++)
    for (ptrdiff_t p = 0; p < pixels; p++) out[p * channels + k] = in[k * pixels + p];
}

// Row k that decision i sees: into the inputs, and to the network in its window.
static void see(cases* c, const loomBatch* rows, int i, int k) {
  const loomTrained* t = c->trained;
  ptrdiff_t row = (ptrdiff_t)i * c->seen + k;
  float* window = c->window + (ptrdiff_t)k * t->network.def.obs_dim;
  const float *low = rows->low + row * t->obs.dim, *visual[LOOM_DATA_KEYS];

  memcpy(window, low, (size_t)t->obs.dim * sizeof *low);
  loom_normal_apply(window, 1, &t->obs);

  for (int j = 0, count = 0; j < c->keys; j++) {
    size_t bytes = (size_t)t->dim[j] * sizeof(float);
    float* out = c->obs[j] + row * t->dim[j];
    if (!is_visual(c, j)) {
      memcpy(out, low, bytes);
      low += t->dim[j];
      continue;
    }

    float* seen = c->visual[count];
    memcpy(seen, rows->visual[j] + row * t->dim[j], bytes);
    if (t->shape[j][0] == 3) put_pixels(out, seen, t->shape[j]);
    if (t->shape[j][0] == 2) memcpy(out, seen, bytes);
    if (t->cloud[j].dim) loom_normal_apply(seen, t->shape[j][1], &t->cloud[j]);

    visual[count++] = seen;
  }

  if (t->network.def.encoder.count) loom_actor_see(window, &c->actor, visual);
}

static void decide(cases* c, const loomBatch* rows, int i, uint64_t seed) {
  const loomTrained* t = c->trained;
  const loomNetworkDef* def = &t->network.def;

  for (int k = 0; k < c->seen; k++) see(c, rows, i, k);

  // What a denoiser begins with are the first numbers of its stream.
  loomRandom random = loom_random(seed, (uint64_t)i, LOOM_PURPOSE_POLICY), same = random;
  ptrdiff_t chunk = (ptrdiff_t)def->action_rows * def->action_dim;
  for (ptrdiff_t k = 0; k < chunk; k++) c->noise[i * chunk + k] = (float)loom_random_normal(&same);

  float* actions = c->actions + (ptrdiff_t)i * c->decided * def->action_dim;
  loom_actor_decide(actions, &c->actor, c->window, loom_policy_denoises(def->policy.kind) ? &random : NULL);
  loom_normal_undo(actions, c->decided, &t->actions);
}

// An input of n decisions, named after the key.
static loomSafeTensor input(const cases* c, int key) {
  const loomTrained* t = c->trained;
  const int* shape = t->shape[key];
  loomSafeTensor out = {.name = t->config.data.key[key],
                        .type = LOOM_SAFE_F32,
                        .rank = 3,
                        .shape = {c->n, c->seen, t->dim[key]},
                        .data = c->obs[key]};

  if (shape[0] > 1) out.rank = 2 + shape[0];
  if (shape[0] == 2) memcpy(out.shape + 2, (const int64_t[]){shape[1], shape[2]}, 2 * sizeof(int64_t));
  if (shape[0] == 3)
    memcpy(out.shape + 2, (const int64_t[]){shape[2], shape[3], shape[1]}, 3 * sizeof(int64_t));
  return out;
}

static int write_cases(const char* path, const cases* c, loomError* err) {
  const loomNetworkDef* def = &c->trained->network.def;
  loomSafeTensor tensor[LOOM_DATA_KEYS + 2];
  const loomSafeMeta meta = {"format", "demoloom decisions 1"};
  int n = 0;

  for (int i = 0; i < c->keys; i++) tensor[n++] = input(c, i);
  if (loom_policy_denoises(def->policy.kind) && def->policy.temperature > 0)
    tensor[n++] =
        (loomSafeTensor){"noise", LOOM_SAFE_F32, 3, {c->n, def->action_rows, def->action_dim}, c->noise};
  tensor[n++] =
      (loomSafeTensor){"actions", LOOM_SAFE_F32, 3, {c->n, c->decided, def->action_dim}, c->actions};

  return loom_safetensors_write(path, tensor, n, &meta, 1, err);
}

int loom_onnx_cases(const char* path, const loomTrained* trained, const loomBatch* rows, uint64_t seed,
                    loomError* err) {
  const loomNetworkDef* def = &trained->network.def;
  cases c = {.trained = trained,
             .n = rows->n,
             .seen = loom_network_seen(def),
             .decided = loom_network_decided(def),
             .keys = trained->config.data.key_count};

  int code = create_cases(&c, err);
  if (!code) {
    loom_actor_begin(&c.actor);
    for (int i = 0; i < c.n; i++) decide(&c, rows, i, seed);
    code = write_cases(path, &c, err);
  }

  destroy_cases(&c);
  return code;
}
