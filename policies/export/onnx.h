// A trained policy as an ONNX graph: all that it does to decide, so that it runs wherever there is a runtime
// for ONNX, in Python or on a robot. Numbers go in and come out as they are in datasets.
//
// Inputs: each observation key (rows x numbers), as many rows as it sees, oldest first (at an episode's start
// the first row is repeated; images are height x width x channels, 0 .. 1); `noise` (predicted x actions) of
// a diffusion policy, standard normal numbers, new for each decision; `state_NAME`, all zeros at an episode's
// start and then the last decision's output `next_NAME`. Outputs: `actions` (rows x actions), to be done one
// after the other before the next decision. Policies with a mixture of Gaussians also tell its `means` and
// `scales` (modes x actions) and `logits` (modes); `actions` is the likeliest mode's mean.
//
// Metadata, lists as JSON: `observations` (name, shape, frame, unit, range in the data), `observed_rows`,
// `history`, `decided_rows`, `control_freq` (Hz), `action_pose`, `action_rotation`, `action_frame`,
// `action_unit`, `action_layout` (entries of each arm's position, rotation and gripper), `action_range`,
// `env_args` (rate, robots and controllers of its data), `sense` (how its pictures are made), `kind`,
// `config`. No paths of the machine that made it. Internal.
#ifndef LOOM_POLICIES_EXPORT_ONNX_H
#define LOOM_POLICIES_EXPORT_ONNX_H

#include "policies/agent/trained.h"

typedef struct loomOnnxDef {
  double control_freq;  // Hz, told in the file; default 0: not known
} loomOnnxDef;

/// Atomic. LOOM_ERR_UNSUPPORTED names a kind of policy that cannot be exported yet.
int loom_onnx_export(const char* path, const loomTrained* trained, const loomOnnxDef* def, loomError* err);

/// What the policy itself decides on rows that follow each other, for runtimes to be compared with: a
/// safetensors file with all decisions' inputs and `actions`, (n x ...) each and named as in the graph.
/// rows: `low` and `visual` (n x seen x ...) as batches have them. Of a mixture the likeliest mode's mean;
/// states are left out.
int loom_onnx_cases(const char* path, const loomTrained* trained, const loomBatch* rows, uint64_t seed,
                    loomError* err);

#endif
