#include "policies/export/onnx.h"

#include "policies/export/onnx_internal.h"

// ---- mixtures of Gaussians

static void put_deviations(const loomExporter* e, loomOnnxValue raw, int modes) {
  const loomNormal* n = &e->trained->actions;
  const loomNetworkConfig* policy = &e->def->policy;

  bool fixed = policy->fixed_std > 0;
  loomOnnxValue factor = loom_onnx_floats(e->g, "actions.factor", n->factor, loom_onnx_matrix(1, n->dim));
  loomOnnxValue least = loom_onnx_float(e->g, fixed ? policy->fixed_std : policy->min_std);

  loomOnnxValue learned = loom_onnx_op(e->g, "Softplus", raw, NULL);
  if (fixed) learned = loom_onnx_op(e->g, "Mul", learned, loom_onnx_float(e->g, 0));

  loomOnnxValue scaled = loom_onnx_op(e->g, "Add", learned, least);
  loom_onnx_output(e->g, "scales", loom_onnx_op(e->g, "Div", scaled, loom_onnx_op(e->g, "Abs", factor, NULL)),
                   LOOM_SAFE_F32, loom_onnx_matrix(modes, n->dim));
}

// A row (1 x width) of the network's output, as loomMixtureDef has it: see loom_mixture_sample.
static void put_mixture(const loomExporter* e, loomOnnxValue y, int modes) {
  loomOnnxGraph* g = e->g;
  int64_t size = e->def->action_dim, sizes[3] = {modes * size, modes * size, modes};
  loomOnnxValue part[3] = {"", "", ""};
  int parts = modes > 1 ? 3 : 2;
  loomOnnxShape all = loom_onnx_matrix(modes, size), flat = {1, {modes}};

  // Means, raw deviations and logits.
  loom_onnx_nodes(part, parts, g, "Split", LOOM_ONNX_IN(y, loom_onnx_ints(g, parts, sizes)),
                  LOOM_ONNX_WITH(LOOM_ONNX_INT("axis", 1)));
  loomOnnxValue means = loom_onnx_op(g, "Tanh", loom_onnx_reshape(g, part[0], all), NULL), chosen = means;

  // What acts is the mean of the likeliest.
  if (modes > 1) {
    part[2] = loom_onnx_reshape(g, part[2], flat);
    loomOnnxValue likeliest =
        loom_onnx_node(g, "ArgMax", LOOM_ONNX_IN(part[2]), LOOM_ONNX_WITH(LOOM_ONNX_INT("axis", 0)));
    chosen = loom_onnx_op(g, "Gather", means, likeliest);
  }

  loom_onnx_put_actions(e, "actions", chosen, 1);
  loom_onnx_put_actions(e, "means", means, modes);
  put_deviations(e, loom_onnx_reshape(g, part[1], all), modes);
  if (modes > 1) loom_onnx_output(g, "logits", part[2], LOOM_SAFE_F32, flat);
}

// ---- kinds

static void export_mlp(const loomExporter* e) {
  int kind = e->def->policy.kind;
  int64_t width = (int64_t)e->def->stack * e->def->obs_dim;
  loomOnnxValue x = loom_onnx_reshape(e->g, loom_onnx_observations(e), loom_onnx_matrix(1, width));

  loomOnnxValue y = loom_onnx_mlp(e->g, x, e->params, "mlp.", LOOM_ACTIVATION_RELU);

  if (kind == LOOM_KIND_BC_L2)
    loom_onnx_put_actions(e, "actions", y, 1);
  else
    put_mixture(e, y, kind == LOOM_KIND_BC_GMM ? e->def->policy.modes : 1);
}

// The state input of that name, or zeros where as many decisions were made as training had rows.
static loomOnnxValue rnn_state(const loomExporter* e, const char* name, loomOnnxValue fresh) {
  loomOnnxShape shape = {3, {e->def->policy.rnn_layers, 1, e->def->policy.hidden}};
  loomOnnxValue state = loom_onnx_input(e->g, name, LOOM_SAFE_F32, shape);
  return loom_onnx_node(e->g, "Where", LOOM_ONNX_IN(fresh, loom_onnx_float(e->g, 0), state), NULL);
}

static void export_rnn(const loomExporter* e) {
  enum { LAYERS = 8 };
  loomOnnxGraph* g = e->g;
  const loomNetworkConfig* p = &e->def->policy;
  loomOnnxShape one = {1, {1}}, states = {3, {p->rnn_layers, 1, p->hidden}};
  int64_t width = (int64_t)e->def->stack * e->def->obs_dim;
  loomOnnxValue x = loom_onnx_reshape(g, loom_onnx_observations(e), (loomOnnxShape){3, {1, 1, width}}),
                y = "";

  // How many decisions there were, and the state they left.
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

// x + mlp(norm x), after x + attention(norm x); rows (length x width).
static loomOnnxValue transformer_block(const loomExporter* e, loomOnnxValue x, int i) {
  const loomNetworkConfig* p = &e->def->policy;
  char name[6][LOOM_PARAM_NAME];
  static const char* const parts[6] = {"norm.0", "qkv.weight", "out", "norm.1", "mlp.0", "mlp.1"};

  for (int k = 0; k < 6; k++) snprintf(name[k], sizeof name[k], "transformer.%d.%s", i, parts[k]);

  loomOnnxValue y = loom_onnx_layer_norm(e->g, x, e->params, name[0]);
  y = loom_onnx_attention(e->g, y, e->params, name[1], e->def->obs_rows, p->width, p->heads);
  x = loom_onnx_op(e->g, "Add", loom_onnx_linear(e->g, y, e->params, name[2]), x);

  y = loom_onnx_linear(e->g, loom_onnx_layer_norm(e->g, x, e->params, name[3]), e->params, name[4]);
  y = loom_onnx_linear(e->g, loom_onnx_activation(e->g, y, LOOM_ACTIVATION_GELU), e->params, name[5]);
  return loom_onnx_op(e->g, "Add", y, x);
}

static void export_transformer(const loomExporter* e) {
  loomOnnxGraph* g = e->g;
  loomOnnxValue x = loom_onnx_linear(g, loom_onnx_observations(e), e->params, "transformer.embed");
  x = loom_onnx_op(g, "Add", x, loom_onnx_param(g, e->params, "transformer.place"));
  x = loom_onnx_layer_norm(g, x, e->params, "transformer.first");

  for (int i = 0; i < e->def->policy.blocks; i++) x = transformer_block(e, x, i);
  x = loom_onnx_op(g, "Gather", x, loom_onnx_int(g, e->def->obs_rows - 1));  // the newest row's, (1 x width)

  x = loom_onnx_layer_norm(g, x, e->params, "transformer.last");
  put_mixture(e, loom_onnx_mlp(g, x, e->params, "head.", LOOM_ACTIVATION_NONE), e->def->policy.modes);
}

static void (*const kinds[LOOM_KINDS])(const loomExporter* e) = {
    [LOOM_KIND_BC_L2] = export_mlp,
    [LOOM_KIND_BC_GAUSSIAN] = export_mlp,
    [LOOM_KIND_BC_GMM] = export_mlp,
    [LOOM_KIND_BC_RNN_GMM] = export_rnn,
    [LOOM_KIND_BC_TRANSFORMER] = export_transformer,
    [LOOM_KIND_DIFFUSION] = loom_onnx_diffusion,
    [LOOM_KIND_DIFFUSION_MLP] = loom_onnx_diffusion,
};

// ---- the file

int loom_onnx_export(const char* path, const loomTrained* trained, const loomOnnxDef* def, loomError* err) {
  loomPolicyKind kind = (loomPolicyKind)trained->config.policy.kind;
  loomExporter e = {NULL, trained, &trained->network.def, &trained->network.params};
  if (!kinds[kind])
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: policies of kind %s cannot be exported to ONNX yet",
                          path, loom_policy_kind_name(kind));

  if (trained->residual)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: finetuned policies cannot be exported to ONNX yet: a graph would lack what "
                          "finetuning adds to the actions; export a student of it (`demoloom distill`)",
                          path);

  int code = loom_onnx_graph_create(&e.g, "policy", err);
  if (code) return code;

  kinds[kind](&e);
  loom_onnx_put_meta(&e, def->control_freq);
  code = loom_onnx_graph_write(e.g, path, err);
  loom_onnx_graph_destroy(e.g);
  return code;
}
