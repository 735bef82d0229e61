#include "policies/data/normal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double least_deviation = 1e-3;  // robomimic's
static const double least_range = 1e-4;      // Diffusion Policy's

int loom_normal_create(loomNormal* n, int dim, loomError* err) {
  size_t d = (size_t)dim;
  *n = (loomNormal){.dim = dim};

  // One block, so that a policy's file can write it as it lies.
  n->mean = calloc(d + 1, 4 * sizeof(double) + 4 * sizeof(float));
  if (!n->mean)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for the statistics of %d numbers", dim);

  n->deviation = n->mean + d;
  n->low = n->deviation + d;
  n->high = n->low + d;
  n->factor = (float*)(n->high + d);
  n->offset = n->factor + d;
  n->least = n->offset + d;
  n->most = n->least + d;

  // Untouched until it is finished.
  for (size_t i = 0; i < d; i++) n->factor[i] = 1;
  return 0;
}

void loom_normal_destroy(loomNormal* n) {
  free(n->mean);
  *n = (loomNormal){0};
}

void loom_normal_add(loomNormal* n, const float* x, int64_t rows) {
  for (int64_t r = 0; r < rows; r++, x += n->dim) {
    bool first = n->count++ == 0;
    for (int i = 0; i < n->dim; i++) {
      // Welford's running mean and sum of squared deviations: one pass, no loss of digits.
      double value = x[i], off = value - n->mean[i];
      n->mean[i] += off / (double)n->count;
      n->deviation[i] += off * (value - n->mean[i]);

      if (first || value < n->low[i]) n->low[i] = value;
      if (first || value > n->high[i]) n->high[i] = value;
    }
  }
}

static void set_scaling(loomNormal* n, loomNormalKind kind) {
  for (int i = 0; i < n->dim; i++) {
    double factor = 1, center = 0;
    if (kind == LOOM_NORMAL_STANDARD) {
      factor = 1 / (n->deviation[i] + least_deviation);
      center = n->mean[i];
    } else if (kind == LOOM_NORMAL_RANGE) {
      double range = n->high[i] - n->low[i];
      factor = range < least_range ? 1 : 2 / range;
      center = 0.5 * (n->low[i] + n->high[i]);
    }

    n->factor[i] = (float)factor;
    n->offset[i] = (float)(-center * factor);
  }
}

void loom_normal_finish(loomNormal* n, loomNormalKind kind) {
  for (int i = 0; i < n->dim && n->count > 0; i++) n->deviation[i] = sqrt(n->deviation[i] / (double)n->count);
  set_scaling(n, kind);
}

// An end of the data's range, scaled.
static double scaled(const loomNormal* n, int i, double x) {
  return x * (double)n->factor[i] + (double)n->offset[i];
}

loomBounds loom_normal_bounds(loomNormal* n, double within, bool even) {
  if (!(within > 0)) return (loomBounds){NULL, NULL};

  for (int i = 0; i < n->dim; i++) {
    double low = even ? -1 : scaled(n, i, n->low[i]), high = even ? 1 : scaled(n, i, n->high[i]);
    double middle = (low + high) / 2, far = within * (high - low) / 2;
    n->least[i] = (float)(middle - far);
    n->most[i] = (float)(middle + far);
  }
  return (loomBounds){n->least, n->most};
}

void loom_normal_apply(float* x, int64_t rows, const loomNormal* n) {
  for (int64_t r = 0; r < rows; r++, x += n->dim)
    for (int i = 0; i < n->dim; i++) x[i] = x[i] * n->factor[i] + n->offset[i];
}

void loom_normal_undo(float* x, int64_t rows, const loomNormal* n) {
  for (int64_t r = 0; r < rows; r++, x += n->dim)
    for (int i = 0; i < n->dim; i++) x[i] = (x[i] - n->offset[i]) / n->factor[i];
}

// ---- in a policy's file

static const char* const parts[LOOM_NORMAL_TENSORS] = {"mean", "deviation", "low", "high"};

void loom_normal_tensors(loomSafeTensor out[LOOM_NORMAL_TENSORS], loomNormal* n, const char* prefix) {
  for (int i = 0; i < LOOM_NORMAL_TENSORS; i++) {
    snprintf(n->name[i], sizeof n->name[i], "%.80s.%s", prefix, parts[i]);
    out[i] = (loomSafeTensor){n->name[i], LOOM_SAFE_F64, 1, {n->dim}, n->mean + (size_t)i * (size_t)n->dim};
  }
}

int loom_normal_read(loomNormal* out, const loomSafetensors* file, const char* prefix, int dim,
                     loomNormalKind kind, loomError* err) {
  int code = loom_normal_create(out, dim, err);

  for (int i = 0; !code && i < LOOM_NORMAL_TENSORS; i++) {
    char name[96];
    snprintf(name, sizeof name, "%.80s.%s", prefix, parts[i]);

    const loomSafeTensor* t = loom_safetensors_find(file, name);
    if (!t || t->type != LOOM_SAFE_F64 || t->rank != 1 || t->shape[0] != dim)
      code = loom_error_set(err, LOOM_ERR_FORMAT, "the policy has no '%s' of %d numbers; train it anew", name,
                            dim);
    else if (dim > 0)
      memcpy(out->mean + (size_t)i * (size_t)dim, t->data, (size_t)dim * sizeof(double));
  }

  for (int i = 0; !code && i < LOOM_NORMAL_TENSORS * dim; i++)
    if (!isfinite(out->mean[i]))
      code = loom_error_set(err, LOOM_ERR_FORMAT, "the policy's '%s.%s' is not finite at %d; train it anew",
                            prefix, parts[i / dim], i % dim);

  if (code)
    loom_normal_destroy(out);
  else
    set_scaling(out, kind);
  return code;
}
