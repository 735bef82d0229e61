// All matrix products go through here: OpenBLAS now, room for another library (cuBLAS) behind it later.
// Internal.
#ifndef LOOM_POLICIES_NN_BLAS_H
#define LOOM_POLICIES_NN_BLAS_H

#include <stdbool.h>

#include "policies/nn/real.h"

/// A row-major matrix inside a larger one: rows lie `stride` elements apart. Transposed means that the
/// product sees its transpose.
typedef struct loomMatrix {
  const loomReal* data;
  int stride;
  bool transposed;
} loomMatrix;

/// c (m x n, rows c_stride apart) = scale * a (m x k) * b (k x n) + keep * c, where keep is 0 (c may hold
/// anything, not a number too) or 1. The same bits on any number of threads.
void loom_product(loomReal* c, int c_stride, loomMatrix a, loomMatrix b, int m, int n, int k, loomReal scale,
                  int keep);
/// The same on the caller's thread alone, and without what sharing costs: for callers that share out products
/// among threads themselves. Bits may differ from those of loom_product.
void loom_product_whole(loomReal* c, int c_stride, loomMatrix a, loomMatrix b, int m, int n, int k,
                        loomReal scale, int keep);
/// The same of some rows by a transpose, each to the last bit what it is alone (m = 1): for a few decisions
/// at once, which read b from memory once. For many rows it is slower than loom_product.
void loom_product_apart(loomReal* c, int c_stride, loomMatrix a, loomMatrix b, int m, int n, int k,
                        loomReal scale, int keep);

/// out (width) += the sum of x's rows (n x width). Rows are added in one order, whatever the number of
/// threads.
void loom_column_sum(loomReal* out, const loomReal* x, int n, int width);

#endif
