// Denoising diffusion (Ho et al., 2020): how noise is added while training, and taken away while acting. The
// network's part, and its loss (loom_l2_loss against the noise that was added), lie elsewhere.
#ifndef LOOM_POLICIES_NN_DIFFUSION_H
#define LOOM_POLICIES_NN_DIFFUSION_H

#include "engine/base/api.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

enum { LOOM_DIFFUSION_STEPS = 1000 };

typedef struct loomDiffusion {
  int steps;
  double kept[LOOM_DIFFUSION_STEPS];  // alpha bar: what is left of the signal's variance after step t
} loomDiffusion;

/// How far each number of a row may go while acting.
typedef struct loomBounds {
  const float *least, *most;  // (dim); NULL: anywhere
} loomBounds;

/// The squared cosine schedule (Nichol and Dhariwal, 2021; betas at most 0.999), steps in [1,
/// LOOM_DIFFUSION_STEPS].
loomDiffusion loom_diffusion_cosine(int steps);
/// The step of training at which the sampler is with k of its `sampled` steps left to do, evenly spread over
/// all `steps`; -1: clean.
int loom_diffusion_at(int k, int sampled, int steps);
/// noisy (n x width) = sqrt(kept) clean + sqrt(1 - kept) noise, each row at its step t (n).
void loom_diffusion_noise(loomReal* noisy, const loomReal* clean, const loomReal* noise, const int* t, int n,
                          int width, const loomDiffusion* d);
/// The clean guess that follows from the noise a network saw in x (count) at step t, in place in `noise`.
void loom_diffusion_clean(loomReal* noise, const loomReal* x, int t, const loomDiffusion* d, size_t count);
/// x (rows x dim) held within these bounds.
void loom_diffusion_hold(loomReal* x, loomBounds bounds, int dim, size_t rows);
/// Gradient-free step of x (count) from step t to step `to` < t (-1: clean) given the clean guess (DDIM with
/// eta 0: Song et al., 2021).
void loom_diffusion_step(loomReal* x, const loomReal* clean, int t, int to, const loomDiffusion* d,
                         size_t count);
/// Slopes of what these two give: of the step by the clean guess, and of the guess by the noise, where it is
/// not held to its bounds.
double loom_diffusion_step_slope(int t, int to, const loomDiffusion* d);
double loom_diffusion_clean_slope(int t, const loomDiffusion* d);

LOOM_C_END

#endif
