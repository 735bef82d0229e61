// What goes into an exported policy and what comes out: observations by name, actions.
#include "policies/export/onnx_internal.h"

#include <stdio.h>
#include <string.h>

static loomOnnxValue vector(const loomExporter* e, const char* key, int dim, int from) {
  const loomNormal* n = &e->trained->obs;
  char name[LOOM_NAME_MAX + 16];

  int rows = loom_network_seen(e->def);
  loomOnnxValue x = loom_onnx_input(e->g, key, LOOM_SAFE_F32, loom_onnx_matrix(rows, dim));

  // As loom_normal_apply: x * factor + offset.
  snprintf(name, sizeof name, "obs.factor.%s", key);
  x = loom_onnx_op(e->g, "Mul", x, loom_onnx_floats(e->g, name, n->factor + from, loom_onnx_matrix(1, dim)));

  snprintf(name, sizeof name, "obs.offset.%s", key);
  x = loom_onnx_op(e->g, "Add", x, loom_onnx_floats(e->g, name, n->offset + from, loom_onnx_matrix(1, dim)));

  loomBounds bounds = e->def->obs_bounds;
  if (bounds.least) bounds = (loomBounds){bounds.least + from, bounds.most + from};
  snprintf(name, sizeof name, "obs.%s", key);
  return loom_onnx_hold(e->g, x, name, bounds, dim);
}

loomOnnxValue loom_onnx_observations(const loomExporter* e) {
  const loomTrained* t = e->trained;
  const loomEncoderDef* encoder = &e->def->encoder;
  loomOnnxValue part[LOOM_DATA_KEYS + 1] = {NULL};
  int n = 0, from = 0;

  // Vectors first, features of images and clouds behind them, as the network sees them.
  for (int i = 0; i < t->config.data.key_count; i++) {
    if (t->shape[i][0] > 1) continue;
    part[n++] = vector(e, t->config.data.key[i], t->dim[i], from);
    from += t->dim[i];
  }

  for (int i = 0, visual = 0; i < t->config.data.key_count; i++)
    if (t->shape[i][0] > 1)
      part[n++] = loom_onnx_encoded(e, &encoder->key[visual++], &t->cloud[i], loom_network_seen(e->def));

  return n > 1 ? loom_onnx_concat(e->g, part, 1) : part[0];
}

void loom_onnx_put_actions(const loomExporter* e, const char* name, loomOnnxValue scaled, int rows) {
  const loomNormal* n = &e->trained->actions;
  loomOnnxShape row = loom_onnx_matrix(1, n->dim);
  loomOnnxValue factor = loom_onnx_floats(e->g, "actions.factor", n->factor, row),
                offset = loom_onnx_floats(e->g, "actions.offset", n->offset, row);

  // As loom_normal_undo.
  scaled = loom_onnx_op(e->g, "Div", loom_onnx_op(e->g, "Sub", scaled, offset), factor);
  loom_onnx_output(e->g, name, scaled, LOOM_SAFE_F32, loom_onnx_matrix(rows, n->dim));
}
