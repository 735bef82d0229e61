// What the parts of a policy's export share. Internal.
#ifndef LOOM_POLICIES_EXPORT_ONNX_INTERNAL_H
#define LOOM_POLICIES_EXPORT_ONNX_INTERNAL_H

#include "policies/agent/trained.h"
#include "policies/export/onnx_layers.h"

typedef struct loomExporter {
  loomOnnxGraph* g;
  const loomTrained* trained;
  const loomNetworkDef* def;
  const loomParams* params;
} loomExporter;

static inline loomOnnxShape loom_onnx_matrix(int64_t rows, int64_t columns) {
  return (loomOnnxShape){2, {rows, columns}};
}

/// All keys as inputs, scaled, encoded and side by side: (seen x obs_dim).
loomOnnxValue loom_onnx_observations(const loomExporter* e);
/// The features (rows x encoder.features) of an image or a point cloud, as an input of that name:
/// images height x width x channels, 0 .. 1, as datasets have them but for their type; clouds
/// normalized by `cloud`.
loomOnnxValue loom_onnx_encoded(const loomExporter* e, const loomVisualKey* key, const loomNormal* cloud,
                                int rows);
/// The output `actions` or another (rows x action_dim), as they are in datasets.
void loom_onnx_put_actions(const loomExporter* e, const char* name, loomOnnxValue scaled, int rows);

/// What the file says of itself (policies/export/onnx.h); control_freq 0 = not known.
void loom_onnx_put_meta(const loomExporter* e, double control_freq);

/// A whole diffusion policy: inputs, its steps one after the other, output.
void loom_onnx_diffusion(const loomExporter* e);

#endif
