// From gradients to parameters. Internal.
#ifndef LOOM_POLICIES_NN_OPTIMIZER_H
#define LOOM_POLICIES_NN_OPTIMIZER_H

#include <stdbool.h>

#include "policies/nn/tensor.h"

/// Adam (Kingma and Ba, 2015), or AdamW (Loshchilov and Hutter, 2019) where decay is decoupled.
typedef struct loomAdamDef {
  double beta1, beta2, epsilon;
  double weight_decay;
  bool decoupled;    // weight decay acts on the weights themselves (AdamW), not through the gradient
  double clip_norm;  // gradients longer than this are shortened to it; 0: never
} loomAdamDef;

loomAdamDef loom_default_adam_def(void);  // PyTorch's Adam: 0.9, 0.999, 1e-8, no decay, no clipping

/// Length of x (count). Parts of fixed places are added up in order: the same bits for any number of threads.
double loom_norm(const loomReal* x, size_t count);
/// One step over all parameters at learning rate `rate`; step counts from 1. Gives the gradient's length
/// before clipping; where that is no finite number nothing is changed.
double loom_adam_step(loomParams* params, const loomAdamDef* def, double rate, uint64_t step);

// The same for callers who share out the parts of a step themselves.

enum { LOOM_NORM_PARTS = 256 };
/// Of x (count), the sum of the squares of a part (0 .. LOOM_NORM_PARTS - 1), which has *begin .. *end - 1.
void loom_norm_part(size_t* begin, size_t* end, size_t count, int part);
double loom_norm_squares(const loomReal* x, size_t begin, size_t end);
/// The factors of one step, the same for all parameters; norm is the gradient's length, a finite number.
typedef struct loomAdamFactors {
  loomReal scale, beta1, beta2, rate, root, epsilon, coupled, keep;
} loomAdamFactors;
loomAdamFactors loom_adam_factors(const loomAdamDef* def, double norm, double rate, uint64_t step);
/// The step of parameters begin .. end - 1, in this thread.
void loom_adam_range(loomParams* params, const loomAdamFactors* factors, size_t begin, size_t end);

typedef enum loomScheduleKind {
  LOOM_SCHEDULE_CONSTANT,
  LOOM_SCHEDULE_COSINE,  // half a cosine from 1 to `floor` at `steps`
  LOOM_SCHEDULE_STEP,    // times `decay` every `period` steps
} loomScheduleKind;

typedef struct loomScheduleDef {
  loomScheduleKind kind;
  double rate;      // after warm-up
  uint64_t warmup;  // steps of linear rise from 0
  uint64_t steps;   // all, warm-up included (cosine)
  double floor;     // share of rate that is left at the end (cosine)
  uint64_t period;  // (step)
  double decay;     // (step)
} loomScheduleDef;

loomScheduleDef loom_default_schedule_def(void);  // constant 1e-4
/// Learning rate of a step, counted from 0.
double loom_schedule_rate(const loomScheduleDef* def, uint64_t step);

/// average = decay * average + (1 - decay) * value, (count) each.
void loom_ema_update(loomReal* average, const loomReal* value, double decay, size_t count);
/// The same in this thread.
void loom_ema_range(loomReal* average, const loomReal* value, double decay, size_t count);
/// The decay of a step counted from 0 that Diffusion Policy uses, with its power 0.75 and its limit 0.9999:
/// 1 - (1 + step)^-power, so that the average starts as the value itself.
double loom_ema_decay(uint64_t step, double power, double limit);

#endif
