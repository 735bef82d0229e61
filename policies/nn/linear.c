#include "policies/nn/linear.h"

#include "policies/nn/blas.h"

void loom_linear_forward(loomReal* y, const loomReal* x, const loomReal* w, const loomReal* b, int n, int in,
                         int out) {
  if (b)
    for (int i = 0; i < n; i++) memcpy(y + (ptrdiff_t)i * out, b, (size_t)out * sizeof *y);

  // With a bias the product is added to it.
  loom_product(y, out, (loomMatrix){x, in, false}, (loomMatrix){w, in, true}, n, out, in, 1, b != NULL);
}

void loom_linear_backward(loomReal* dx, loomReal* dw, loomReal* db, const loomReal* dy, const loomReal* x,
                          const loomReal* w, int n, int in, int out) {
  if (dx) loom_product(dx, in, (loomMatrix){dy, out, false}, (loomMatrix){w, in, false}, n, in, out, 1, 0);

  if (dw) loom_product(dw, in, (loomMatrix){dy, out, true}, (loomMatrix){x, in, false}, out, in, n, 1, 1);
  if (db) loom_column_sum(db, dy, n, out);
}
