// What training makes small, apart from the network whose outputs it judges. An objective tells how many
// numbers it needs of the network, turns outputs and targets into a loss and the gradient of the outputs,
// and where the network must see something made from the targets (denoising) makes that:
//
//   loom_objective_begin(&o, targets, n, &random);            // denoising: noise is drawn
//   outputs = loom_network_forward(...);
//   loss = loom_objective_loss(&o, outputs, targets, weight, n, true);
//   loom_network_backward(..., o.doutputs);
#ifndef LOOM_POLICIES_OBJECTIVE_OBJECTIVE_H
#define LOOM_POLICIES_OBJECTIVE_OBJECTIVE_H

#include "engine/base/api.h"
#include "policies/nn/diffusion.h"
#include "policies/nn/tensor.h"
#include "policies/objective/loss.h"

LOOM_C_BEGIN

typedef enum loomObjectiveKind {
  LOOM_OBJECTIVE_REGRESSION,      // mean squared error
  LOOM_OBJECTIVE_LIKELIHOOD,      // negative log likelihood under a Gaussian or a mixture
  LOOM_OBJECTIVE_DENOISING,       // squared error of the noise in noisy targets, or of the targets themselves
  LOOM_OBJECTIVE_CLASSIFICATION,  // binary cross-entropy of one logit
} loomObjectiveKind;

typedef struct loomObjectiveDef {
  loomObjectiveKind kind;
  int rows, columns;       // of a sample's targets
  loomMixtureDef mixture;  // LIKELIHOOD
  int noise_steps;         // DENOISING: of the diffusion
  bool predicts_targets;   // DENOISING: the network is asked for the targets, not for the noise in them
  const float* unit;       // DENOISING: of errors of a sample's targets (rows x columns); NULL = 1
  double class_weight[2];  // CLASSIFICATION: of labels 0 and 1
} loomObjectiveDef;

/// The layout of the network's outputs: (n x rows x width). DENOISING has all targets of a sample in one row.
int loom_objective_rows(const loomObjectiveDef* def);
int loom_objective_width(const loomObjectiveDef* def);

/// Free with loom_objective_destroy.
typedef struct loomObjective {
  loomObjectiveDef def;
  loomReal* doutputs;  // (n x rows x width) gradient of the outputs, after loom_objective_loss
  // DENOISING, after loom_objective_begin: what the network sees of each sample.
  loomReal* noisy;  // (n x rows x columns) targets with noise
  int* noise_step;  // (n) how far the diffusion has gone
  loomReal* noise;  // (n x rows x columns)
  loomDiffusion diffusion;
  loomReal* row_loss;  // (n x rows) LIKELIHOOD
  loomArena arena;
} loomObjective;

/// Room for up to n samples. LOOM_ERR_MEMORY.
int loom_objective_create(loomObjective* out, const loomObjectiveDef* def, int n, loomError* err);
void loom_objective_destroy(loomObjective* objective);

/// Before the network's forward with n samples of these targets (n x rows x columns).
void loom_objective_begin(loomObjective* objective, const loomReal* targets, int n, loomRandom* random);
/// Mean loss of outputs (n x rows x width) against targets; with `gradient` doutputs is written. Rows whose
/// weight (n x rows, may be NULL) is 0 do not count; DENOISING counts them all: what follows a demo's end is
/// its last action, held.
double loom_objective_loss(loomObjective* objective, const loomReal* outputs, const loomReal* targets,
                           const loomReal* weight, int n, bool gradient);
/// What such a loss is the mean of: the sum of the rows' weights.
double loom_objective_weight(const loomObjective* objective, const loomReal* weight, int n);

LOOM_C_END

#endif
