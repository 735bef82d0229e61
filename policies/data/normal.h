// Normalization: what is known of a vector's entries over a training set, and the scaling made of it. Stored
// with the policy, so that what it is shown and what it says mean the same wherever it runs.
#ifndef LOOM_POLICIES_DATA_NORMAL_H
#define LOOM_POLICIES_DATA_NORMAL_H

#include "engine/base/api.h"
#include "policies/data/data.h"
#include "policies/nn/diffusion.h"
#include "policies/nn/safetensors.h"

LOOM_C_BEGIN

typedef enum loomNormalKind {
  LOOM_NORMAL_NONE,      // left as it is
  LOOM_NORMAL_STANDARD,  // mean 0, deviation 1, as robomimic: (x - mean) / (deviation + 1e-3)
  LOOM_NORMAL_RANGE,     // smallest to -1, largest to 1, as Diffusion Policy (Chi et al., 2023)
} loomNormalKind;

enum { LOOM_NORMAL_TENSORS = 4 };

/// Free with loom_normal_destroy.
typedef struct loomNormal {
  int dim;
  int64_t count;  // rows seen
  double* mean;   // (dim), the owner of all that follows
  double* deviation;
  double *low, *high;
  float *factor, *offset;  // (dim) scaled = x * factor + offset
  float *least, *most;     // (dim) scaled, how far one may go while acting (loom_normal_bounds)
  char name[LOOM_NORMAL_TENSORS][96];
} loomNormal;

/// LOOM_ERR_MEMORY.
int loom_normal_create(loomNormal* normal, int dim, loomError* err);
void loom_normal_destroy(loomNormal* normal);
/// Take in rows of x (rows x dim), by Welford's (1962) streaming mean and variance. Until
/// loom_normal_finish, `deviation` holds the sum of squares.
void loom_normal_add(loomNormal* normal, const float* x, int64_t rows);
void loom_normal_finish(loomNormal* normal, loomNormalKind kind);
/// x (rows x dim) in place, there and back. An entry that never changed has 0 on the scaled side.
void loom_normal_apply(float* x, int64_t rows, const loomNormal* normal);
void loom_normal_undo(float* x, int64_t rows, const loomNormal* normal);

/// As far from the middle of each entry's range in the data as `within` halves of it, on the scaled side: an
/// entry that never changed stays as it is. even: as if all ranges were from -1 to 1 there. within 0:
/// anywhere.
loomBounds loom_normal_bounds(loomNormal* normal, double within, bool even);

/// The tensors PREFIX.mean, .deviation, .low and .high; they point into *normal.
void loom_normal_tensors(loomSafeTensor out[LOOM_NORMAL_TENSORS], loomNormal* normal, const char* prefix);
/// From a policy's file, to be scaled as `kind`. LOOM_ERR_FORMAT: one is missing or not (dim).
int loom_normal_read(loomNormal* out, const loomSafetensors* file, const char* prefix, int dim,
                     loomNormalKind kind, loomError* err);

LOOM_C_END

#endif
