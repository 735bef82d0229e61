// The section `optimizer` of a training configuration.
#ifndef LOOM_POLICIES_NN_OPTIMIZER_CONFIG_H
#define LOOM_POLICIES_NN_OPTIMIZER_CONFIG_H

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "policies/nn/optimizer.h"

LOOM_C_BEGIN

typedef enum loomOptimizerKind { LOOM_OPTIMIZER_ADAM, LOOM_OPTIMIZER_ADAMW } loomOptimizerKind;

typedef struct loomOptimizerConfig {
  int kind;  // loomOptimizerKind
  double rate, beta1, beta2, epsilon;
  double weight_decay;
  double clip;       // gradients longer than this are shortened; 0 = never
  int schedule;      // loomScheduleKind
  int warmup;        // steps
  double floor;      // share of the rate at the end (cosine)
  int period;        // steps (step)
  double decay;      // (step)
  double ema;        // largest decay of the averaged weights; 0 = no average
  double ema_power;  // how fast the decay rises: 1 - (1 + step)^-power
} loomOptimizerConfig;

extern const loomFields loom_optimizer_fields;

loomOptimizerConfig loom_default_optimizer_config(void);  // PyTorch's Adam at a constant 1e-4, no average
loomAdamDef loom_optimizer_config_adam(const loomOptimizerConfig* config);
/// For so many steps of training in all.
loomScheduleDef loom_optimizer_config_schedule(const loomOptimizerConfig* config, int64_t steps);

LOOM_C_END

#endif
