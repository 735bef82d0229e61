#include "policies/nn/diffusion.h"

// What is kept of the signal after a share of the steps (Nichol and Dhariwal, 2021, eq. 17): cos^2 with an
// offset of 0.008, so that the first steps are not too small.
static double cosine_kept(double share) {
  double c = cos((share + 0.008) / 1.008 * 3.14159265358979323846 / 2);
  return c * c;
}

loomDiffusion loom_diffusion_cosine(int steps) {
  loomDiffusion d = {.steps = steps};

  double kept = 1;
  for (int t = 0; t < steps; t++) {
    double beta = 1 - cosine_kept((double)(t + 1) / steps) / cosine_kept((double)t / steps);

    // Held below 1, which would leave nothing to divide by.
    kept *= 1 - fmin(beta, 0.999);
    d.kept[t] = kept;
  }

  return d;
}

int loom_diffusion_at(int k, int sampled, int steps) {
  return k * steps / sampled - 1;
}

void loom_diffusion_noise(loomReal* noisy, const loomReal* clean, const loomReal* noise, const int* t, int n,
                          int width, const loomDiffusion* d) {
  for (int i = 0; i < n; i++) {
    // Ho et al. (2020), eq. 4: x_t = sqrt(kept) x_0 + sqrt(1 - kept) noise.
    loomReal signal = (loomReal)sqrt(d->kept[t[i]]), rest = (loomReal)sqrt(1 - d->kept[t[i]]);
    for (ptrdiff_t j = (ptrdiff_t)i * width; j < (ptrdiff_t)(i + 1) * width; j++)
      noisy[j] = signal * clean[j] + rest * noise[j];
  }
}

void loom_diffusion_clean(loomReal* noise, const loomReal* x, int t, const loomDiffusion* d, size_t count) {
  double signal = sqrt(d->kept[t]), rest = sqrt(1 - d->kept[t]);

  // The same equation, solved for what is clean.
  for (size_t i = 0; i < count; i++) noise[i] = (loomReal)(((double)x[i] - rest * (double)noise[i]) / signal);
}

void loom_diffusion_hold(loomReal* x, loomBounds bounds, int dim, size_t rows) {
  for (size_t r = 0; bounds.least && r < rows; r++, x += dim)
    for (int i = 0; i < dim; i++)
      x[i] = (loomReal)fmax((double)bounds.least[i], fmin((double)x[i], (double)bounds.most[i]));
}

void loom_diffusion_step(loomReal* x, const loomReal* clean, int t, int to, const loomDiffusion* d,
                         size_t count) {
  double kept = d->kept[t], after = to < 0 ? 1 : d->kept[to];
  double share = sqrt((1 - after) / (1 - kept));  // of what is left of the noise

  // The guess, and as much of the noise as the earlier step has (Song et al., 2021, eq. 12 with sigma 0).
  for (size_t i = 0; i < count; i++)
    x[i] =
        (loomReal)(sqrt(after) * (double)clean[i] + share * ((double)x[i] - sqrt(kept) * (double)clean[i]));
}

double loom_diffusion_step_slope(int t, int to, const loomDiffusion* d) {
  double kept = d->kept[t], after = to < 0 ? 1 : d->kept[to];
  return sqrt(after) - sqrt((1 - after) / (1 - kept)) * sqrt(kept);
}

double loom_diffusion_clean_slope(int t, const loomDiffusion* d) {
  return -sqrt((1 - d->kept[t]) / d->kept[t]);
}
