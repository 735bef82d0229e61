#include "policies/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "policies/diffusion.h"
#include "policies/embedding.h"
#include "policies/loss.h"
#include "policies/onnx_layers.h"

typedef struct exporter {
  loomOnnxGraph* g;
  const loomTrained* trained;
  const loomNetworkDef* def;
  const loomParams* params;
} exporter;

static loomOnnxShape matrix(int64_t rows, int64_t columns) {
  return (loomOnnxShape){2, {rows, columns}};
}

// ---- normalisation

// All keys, scaled and side by side: (seen x obs_dim).
static loomOnnxValue observations(const exporter* e) {
  const loomTrained* t = e->trained;
  loomOnnxValue part[LOOM_DATA_KEYS + 1] = {NULL};
  int keys = t->config.data.key_count;
  for (int i = 0, from = 0; i < keys; from += t->dim[i++]) {
    const char* key = t->config.data.key[i];
    char name[sizeof t->config.data.key[0] + 16];
    int rows = loom_network_seen(e->def);
    loomOnnxValue x = loom_onnx_input(e->g, key, LOOM_SAFE_F32, matrix(rows, t->dim[i]));
    snprintf(name, sizeof name, "obs.factor.%s", key);
    x = loom_onnx_op(e->g, "Mul", x,
                     loom_onnx_floats(e->g, name, t->obs.factor + from, matrix(1, t->dim[i])));
    snprintf(name, sizeof name, "obs.offset.%s", key);
    part[i] = loom_onnx_op(e->g, "Add", x,
                           loom_onnx_floats(e->g, name, t->obs.offset + from, matrix(1, t->dim[i])));
  }
  return keys > 1 ? loom_onnx_concat(e->g, part, 1) : part[0];
}

// The same as one row.
static loomOnnxValue observed_row(const exporter* e) {
  int64_t width = (int64_t)loom_network_seen(e->def) * e->def->obs_dim;
  return loom_onnx_reshape(e->g, observations(e), matrix(1, width));
}

static void put_actions(const exporter* e, const char* name, loomOnnxValue scaled, int rows) {
  const loomNormal* n = &e->trained->actions;
  loomOnnxValue factor = loom_onnx_floats(e->g, "actions.factor", n->factor, matrix(1, n->dim)),
                offset = loom_onnx_floats(e->g, "actions.offset", n->offset, matrix(1, n->dim));
  scaled = loom_onnx_op(e->g, "Div", loom_onnx_op(e->g, "Sub", scaled, offset), factor);
  loom_onnx_output(e->g, name, scaled, LOOM_SAFE_F32, matrix(rows, n->dim));
}

// ---- mixtures of Gaussians

static void put_deviations(const exporter* e, loomOnnxValue raw, int modes) {
  const loomNormal* n = &e->trained->actions;
  loomOnnxValue size =
      loom_onnx_op(e->g, "Abs", loom_onnx_floats(e->g, "actions.factor", n->factor, matrix(1, n->dim)), NULL);
  loomOnnxValue least = loom_onnx_float(e->g, e->def->policy.min_std);
  loomOnnxValue scaled = loom_onnx_op(e->g, "Add", loom_onnx_op(e->g, "Softplus", raw, NULL), least);
  loom_onnx_output(e->g, "scales", loom_onnx_op(e->g, "Div", scaled, size), LOOM_SAFE_F32,
                   matrix(modes, n->dim));
}

// A row (1 x width) of the network's output, as loomMixtureDef has it: see loom_mixture_sample.
static void put_mixture(const exporter* e, loomOnnxValue y, int modes) {
  loomOnnxGraph* g = e->g;
  int64_t size = e->def->action_dim, sizes[3] = {modes * size, modes * size, modes};
  loomOnnxValue part[3] = {"", "", ""};
  int parts = modes > 1 ? 3 : 2;
  loom_onnx_nodes(part, parts, g, "Split", LOOM_ONNX_IN(y, loom_onnx_ints(g, parts, sizes)),
                  LOOM_ONNX_WITH(LOOM_ONNX_INT("axis", 1)));
  loomOnnxValue means = loom_onnx_op(g, "Tanh", loom_onnx_reshape(g, part[0], matrix(modes, size)), NULL);
  loomOnnxValue chosen = means;
  loomOnnxShape flat = {1, {modes}};
  if (modes > 1) {
    part[2] = loom_onnx_reshape(g, part[2], flat);
    loomOnnxValue likeliest =
        loom_onnx_node(g, "ArgMax", LOOM_ONNX_IN(part[2]), LOOM_ONNX_WITH(LOOM_ONNX_INT("axis", 0)));
    chosen = loom_onnx_op(g, "Gather", means, likeliest);
  }
  put_actions(e, "actions", chosen, 1);
  put_actions(e, "means", means, modes);
  put_deviations(e, loom_onnx_reshape(g, part[1], matrix(modes, size)), modes);
  if (modes > 1) loom_onnx_output(g, "logits", part[2], LOOM_SAFE_F32, flat);
}

// ---- kinds

static void export_mlp(const exporter* e) {
  loomOnnxValue y = loom_onnx_mlp(e->g, observed_row(e), e->params, "mlp.", LOOM_ACTIVATION_RELU);
  if (e->def->policy.kind == LOOM_KIND_BC_L2)
    put_actions(e, "actions", y, 1);
  else
    put_mixture(e, y, e->def->policy.kind == LOOM_KIND_BC_GMM ? e->def->policy.modes : 1);
}

// The state input of that name, or zeros where as many decisions were made as training had rows.
static loomOnnxValue rnn_state(const exporter* e, const char* name, loomOnnxValue fresh) {
  loomOnnxShape shape = {3, {e->def->policy.rnn_layers, 1, e->def->policy.hidden}};
  loomOnnxValue state = loom_onnx_input(e->g, name, LOOM_SAFE_F32, shape);
  return loom_onnx_node(e->g, "Where", LOOM_ONNX_IN(fresh, loom_onnx_float(e->g, 0), state), NULL);
}

static void export_rnn(const exporter* e) {
  enum { LAYERS = 8 };
  loomOnnxGraph* g = e->g;
  const loomConfigPolicy* p = &e->def->policy;
  loomOnnxShape one = {1, {1}}, states = {3, {p->rnn_layers, 1, p->hidden}};
  int64_t width = (int64_t)e->def->stack * e->def->obs_dim;
  loomOnnxValue x = loom_onnx_reshape(g, observations(e), (loomOnnxShape){3, {1, 1, width}}), y = "";
  loomOnnxValue since = loom_onnx_input(g, "state_steps", LOOM_SAFE_I64, one);
  since = loom_onnx_op(g, "Mod", since, loom_onnx_int(g, e->def->action_rows));
  loomOnnxValue fresh = loom_onnx_op(g, "Equal", since, loom_onnx_int(g, 0));
  loomOnnxValue h = rnn_state(e, "state_h", fresh), c = rnn_state(e, "state_c", fresh);
  loomOnnxValue hs[LAYERS + 1] = {NULL}, cs[LAYERS + 1] = {NULL};
  for (int i = 0; i < p->rnn_layers && i < LAYERS; i++) {
    loomOnnxValue at = loom_onnx_int(g, i);
    hs[i] = loom_onnx_op(g, "Gather", h, at);
    cs[i] = loom_onnx_op(g, "Gather", c, at);
    y = loom_onnx_lstm(&hs[i], &cs[i], g, x, e->params, "rnn", i, p->hidden);
    x = hs[i];
  }
  put_mixture(e, loom_onnx_mlp(g, y, e->params, "head.", LOOM_ACTIVATION_RELU), p->modes);
  loom_onnx_output(g, "next_h", loom_onnx_concat(g, hs, 0), LOOM_SAFE_F32, states);
  loom_onnx_output(g, "next_c", loom_onnx_concat(g, cs, 0), LOOM_SAFE_F32, states);
  loom_onnx_output(g, "next_steps", loom_onnx_op(g, "Add", since, loom_onnx_int(g, 1)), LOOM_SAFE_I64, one);
}

// How a diffusion step is shown to a network: (1 x step_width).
static loomOnnxValue step_embedding(const exporter* e, int t) {
  int width = e->def->policy.step_width;
  loomReal step = (loomReal)t;
  float* data = loom_onnx_room(e->g, (size_t)width);
  if (!data) return "";
  char name[32];
  snprintf(name, sizeof name, "step.%d", t);
  loom_sinusoid_embedding(data, &step, 1, width);
  return loom_onnx_floats(e->g, name, data, matrix(1, width));
}

/// The noise that a network sees in x (1 x chunk) at step t.
typedef loomOnnxValue (*predictor)(const exporter* e, loomOnnxValue obs, loomOnnxValue x, int t);

static loomOnnxValue predict_mlp(const exporter* e, loomOnnxValue obs, loomOnnxValue x, int t) {
  x = loom_onnx_concat(e->g, LOOM_ONNX_IN(obs, step_embedding(e, t), x), 1);
  return loom_onnx_mlp(e->g, x, e->params, "noise.", LOOM_ACTIVATION_MISH);
}

// loom_diffusion_step.
static loomOnnxValue denoise(const exporter* e, loomOnnxValue x, loomOnnxValue noise, const loomDiffusion* d,
                             int t, int to) {
  loomOnnxGraph* g = e->g;
  double kept = d->kept[t], after = to < 0 ? 1 : d->kept[to];
  loomOnnxValue rest = loom_onnx_op(g, "Mul", noise, loom_onnx_float(g, sqrt(1 - kept)));
  loomOnnxValue clean =
      loom_onnx_op(g, "Div", loom_onnx_op(g, "Sub", x, rest), loom_onnx_float(g, sqrt(kept)));
  clean = loom_onnx_node(g, "Clip", LOOM_ONNX_IN(clean, loom_onnx_float(g, -1), loom_onnx_float(g, 1)), NULL);
  if (to < 0) return clean;
  return loom_onnx_op(g, "Add", loom_onnx_op(g, "Mul", clean, loom_onnx_float(g, sqrt(after))),
                      loom_onnx_op(g, "Mul", noise, loom_onnx_float(g, sqrt(1 - after))));
}

static void export_diffusion(const exporter* e, predictor predict) {
  const loomConfigPolicy* p = &e->def->policy;
  loomDiffusion* d = malloc(sizeof *d);
  if (!d) {
    loom_onnx_fail(e->g, LOOM_ERR_MEMORY, "no memory for an ONNX graph");
    return;
  }
  *d = loom_diffusion_cosine(p->noise_steps);
  int size = e->def->action_dim, rows = e->def->action_rows;
  loomOnnxValue obs = observed_row(e);
  loomOnnxValue x = loom_onnx_input(e->g, "noise", LOOM_SAFE_F32, matrix(rows, size));
  x = loom_onnx_reshape(e->g, x, matrix(1, (int64_t)rows * size));
  for (int k = p->denoise_steps; k > 0; k--) {
    int t = k * p->noise_steps / p->denoise_steps - 1, to = (k - 1) * p->noise_steps / p->denoise_steps - 1;
    x = denoise(e, x, predict(e, obs, x, t), d, t, to);
  }
  free(d);
  x = loom_onnx_reshape(e->g, x, matrix(rows, size));
  loomOnnxValue first = loom_onnx_int(e->g, p->observed - 1),
                end = loom_onnx_int(e->g, p->observed - 1 + p->executed), axis = loom_onnx_int(e->g, 0);
  x = loom_onnx_node(e->g, "Slice", LOOM_ONNX_IN(x, first, end, axis), NULL);
  put_actions(e, "actions", x, p->executed);
}

static void export_diffusion_mlp(const exporter* e) {
  export_diffusion(e, predict_mlp);
}

static void (*const kinds[LOOM_KINDS])(const exporter* e) = {
    [LOOM_KIND_BC_L2] = export_mlp,
    [LOOM_KIND_BC_GAUSSIAN] = export_mlp,
    [LOOM_KIND_BC_GMM] = export_mlp,
    [LOOM_KIND_BC_RNN_GMM] = export_rnn,
    [LOOM_KIND_DIFFUSION_MLP] = export_diffusion_mlp,
};

// ---- the file

static void put_meta(const exporter* e, const loomOnnxDef* def) {
  const loomTrainConfig* config = &e->trained->config;
  char number[64], *yaml = loom_train_config_text(config);
  if (!yaml) loom_onnx_fail(e->g, LOOM_ERR_MEMORY, "no memory for an ONNX graph");
  loom_onnx_meta(e->g, "kind", loom_policy_kind_name((loomPolicyKind)config->policy.kind));
  loom_onnx_meta(e->g, "actions", config->data.actions);
  snprintf(number, sizeof number, "%d", loom_network_seen(e->def));
  loom_onnx_meta(e->g, "observed_rows", number);
  snprintf(number, sizeof number, "%d", loom_network_decided(e->def));
  loom_onnx_meta(e->g, "decided_rows", number);
  snprintf(number, sizeof number, "%.10g", def->control_freq);
  if (def->control_freq > 0) loom_onnx_meta(e->g, "control_freq", number);
  if (yaml) loom_onnx_meta(e->g, "config", yaml);
  loom_onnx_meta(e->g, LOOM_ONNX_LAST, "demoloom policy 1");
  free(yaml);
}

int loom_onnx_export(const char* path, const loomTrained* trained, const loomOnnxDef* def, loomError* err) {
  loomPolicyKind kind = (loomPolicyKind)trained->config.policy.kind;
  exporter e = {NULL, trained, &trained->network.def, &trained->network.params};
  if (!kinds[kind])
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: policies of kind %s cannot be exported to ONNX yet",
                          path, loom_policy_kind_name(kind));
  if (e.def->encoder.count)
    return loom_error_set(
        err, LOOM_ERR_UNSUPPORTED,
        "%s: observation '%s' is an image or a point cloud, which cannot be exported to ONNX yet", path,
        e.def->encoder.key[0].name);
  int code = loom_onnx_graph_create(&e.g, "policy", err);
  if (code) return code;
  kinds[kind](&e);
  put_meta(&e, def);
  code = loom_onnx_graph_write(e.g, path, err);
  loom_onnx_graph_destroy(e.g);
  return code;
}

// ---- decisions to compare with

typedef struct cases {
  const loomTrained* trained;
  int n, seen, decided, keys;
  float *obs[LOOM_DATA_KEYS], *noise, *actions;  // (n x ...) as they are in the graph
  float* window;                                 // (seen x obs.dim) normalised
  loomActor actor;
} cases;

static float* numbers(size_t a, size_t b, size_t c) {
  return calloc(a * b * c + 1, sizeof(float));
}

static int create_cases(cases* c, loomError* err) {
  const loomTrained* t = c->trained;
  const loomNetworkDef* def = &t->network.def;
  size_t n = (size_t)c->n, seen = (size_t)c->seen, size = (size_t)def->action_dim;
  bool lacks = false;
  for (int i = 0; i < c->keys; i++) lacks |= !(c->obs[i] = numbers(n, seen, (size_t)t->dim[i]));
  c->noise = numbers(n, (size_t)def->action_rows, size);
  c->actions = numbers(n, (size_t)c->decided, size);
  c->window = numbers(1, seen, (size_t)t->obs.dim);
  if (lacks || !c->noise || !c->actions || !c->window)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d decisions", c->n);
  return loom_actor_create(&c->actor, &t->network, err);
}

static void destroy_cases(cases* c) {
  for (int i = 0; i < c->keys; i++) free(c->obs[i]);
  free(c->noise);
  free(c->actions);
  free(c->window);
  loom_actor_destroy(&c->actor);
}

// Decision i, on rows up to row i.
static void decide(cases* c, const float* rows, int i, uint64_t seed) {
  const loomTrained* t = c->trained;
  const loomNetworkDef* def = &t->network.def;
  for (int k = 0; k < c->seen; k++) {
    int row = i - (c->seen - 1 - k) < 0 ? 0 : i - (c->seen - 1 - k);
    const float* from = rows + (ptrdiff_t)row * t->obs.dim;
    memcpy(c->window + (ptrdiff_t)k * t->obs.dim, from, (size_t)t->obs.dim * sizeof *from);
    for (int j = 0; j < c->keys; from += t->dim[j++])
      memcpy(c->obs[j] + ((ptrdiff_t)i * c->seen + k) * t->dim[j], from, (size_t)t->dim[j] * sizeof *from);
  }
  // What a denoiser begins with are the first numbers of its stream.
  loomRandom random = loom_random(seed, (uint64_t)i, LOOM_PURPOSE_POLICY), same = random;
  ptrdiff_t chunk = (ptrdiff_t)def->action_rows * def->action_dim;
  for (ptrdiff_t k = 0; k < chunk; k++) c->noise[i * chunk + k] = (float)loom_random_normal(&same);
  float* actions = c->actions + (ptrdiff_t)i * c->decided * def->action_dim;
  loom_normal_apply(c->window, c->seen, &t->obs);
  loom_actor_decide(actions, &c->actor, c->window, loom_policy_denoises(def->policy.kind) ? &random : NULL);
  loom_normal_undo(actions, c->decided, &t->actions);
}

static int write_cases(const char* path, const cases* c, loomError* err) {
  const loomTrained* t = c->trained;
  const loomNetworkDef* def = &t->network.def;
  loomSafeTensor tensor[LOOM_DATA_KEYS + 2];
  const loomSafeMeta meta = {"format", "demoloom decisions 1"};
  int n = 0;
  for (int i = 0; i < c->keys; i++)
    tensor[n++] =
        (loomSafeTensor){t->config.data.key[i], LOOM_SAFE_F32, 3, {c->n, c->seen, t->dim[i]}, c->obs[i]};
  if (loom_policy_denoises(def->policy.kind))
    tensor[n++] =
        (loomSafeTensor){"noise", LOOM_SAFE_F32, 3, {c->n, def->action_rows, def->action_dim}, c->noise};
  tensor[n++] =
      (loomSafeTensor){"actions", LOOM_SAFE_F32, 3, {c->n, c->decided, def->action_dim}, c->actions};
  return loom_safetensors_write(path, tensor, n, &meta, 1, err);
}

int loom_onnx_cases(const char* path, const loomTrained* trained, const float* rows, int n, uint64_t seed,
                    loomError* err) {
  const loomNetworkDef* def = &trained->network.def;
  cases c = {.trained = trained,
             .n = n,
             .seen = loom_network_seen(def),
             .decided = loom_network_decided(def),
             .keys = trained->config.data.key_count};
  if (def->encoder.count)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: observation '%s' is an image or a point cloud, of which no cases are made yet",
                          path, def->encoder.key[0].name);
  int code = create_cases(&c, err);
  if (!code) {
    loom_actor_begin(&c.actor);
    for (int i = 0; i < n; i++) decide(&c, rows, i, seed);
    code = write_cases(path, &c, err);
  }
  destroy_cases(&c);
  return code;
}
