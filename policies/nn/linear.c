#include "policies/nn/linear.h"

#include "policies/nn/blas.h"

// What the product is added to.
static void bias_rows(loomReal* y, const loomReal* b, int n, int out) {
  for (int i = 0; b && i < n; i++) memcpy(y + (ptrdiff_t)i * out, b, (size_t)out * sizeof *y);
}

void loom_linear_forward(loomReal* y, const loomReal* x, const loomReal* w, const loomReal* b, int n, int in,
                         int out) {
  bias_rows(y, b, n, out);
  loom_product(y, out, (loomMatrix){x, in, false}, (loomMatrix){w, in, true}, n, out, in, 1, b != NULL);
}

void loom_linear_forward_whole(loomReal* y, const loomReal* x, const loomReal* w, const loomReal* b, int n,
                               int in, int out) {
  bias_rows(y, b, n, out);
  loom_product_whole(y, out, (loomMatrix){x, in, false}, (loomMatrix){w, in, true}, n, out, in, 1, b != NULL);
}

void loom_linear_forward_apart(loomReal* y, const loomReal* x, const loomReal* w, const loomReal* b, int n,
                               int in, int out) {
  bias_rows(y, b, n, out);
  loom_product_apart(y, out, (loomMatrix){x, in, false}, (loomMatrix){w, in, true}, n, out, in, 1, b != NULL);
}

void loom_linear_backward(loomReal* dx, loomReal* dw, loomReal* db, const loomReal* dy, const loomReal* x,
                          const loomReal* w, int n, int in, int out) {
  if (dx) loom_product(dx, in, (loomMatrix){dy, out, false}, (loomMatrix){w, in, false}, n, in, out, 1, 0);

  if (dw) loom_product(dw, in, (loomMatrix){dy, out, true}, (loomMatrix){x, in, false}, out, in, n, 1, 1);
  if (db) loom_column_sum(db, dy, n, out);
}
