#include "policies/nn/attention.h"

#include "policies/nn/blas.h"
#include "policies/nn/dropout.h"

// Row t of the weights: softmax over the steps it may see.
static void softmax_row(loomReal* row, int seen, int length) {
  loomReal top = row[0], sum = 0;

  // The largest is taken off, so that no exponential overflows.
  for (int s = 1; s < seen; s++) top = row[s] > top ? row[s] : top;

#pragma omp simd
  for (int s = 0; s < seen; s++) row[s] = loom_real_exp(row[s] - top);

#pragma omp simd reduction(+ : sum)
  for (int s = 0; s < seen; s++) sum += row[s];
  for (int s = 0; s < seen; s++) row[s] /= sum;

  // What a step may not see yet.
  for (int s = seen; s < length; s++) row[s] = 0;
}

static void softmax_row_backward(loomReal* drow, const loomReal* row, int seen, int length) {
  loomReal dot = 0;

  // The softmax's: d_in = w (d_out - sum w d_out).
#pragma omp simd reduction(+ : dot)
  for (int s = 0; s < seen; s++) dot += drow[s] * row[s];

#pragma omp simd
  for (int s = 0; s < seen; s++) drow[s] = row[s] * (drow[s] - dot);
  for (int s = seen; s < length; s++) drow[s] = 0;
}

// One head's weights, or their gradients, with what dropout takes: head i of all sequences'.
static void drop(loomReal* out, const loomReal* in, int i, const loomAttention* a) {
  size_t count = (size_t)a->length * (size_t)a->length;

  // Each head has draws of its own, so that threads change nothing.
  loomRandom random = a->random;
  random.draw += (uint32_t)i * (uint32_t)((count + 3) / 4);
  loom_dropout(out, in, a->dropout, random, count);
}

// Sequences and heads are shared among threads; each head's small products then run on one.
void loom_attention_forward(loomReal* y, loomReal* weight, loomReal* dropped, const loomReal* qkv,
                            const loomAttention* a) {
  int t = a->length, size = a->width / a->heads, row = 3 * a->width;

  // softmax(q k' / sqrt(size)) v (Vaswani et al., "Attention is all you need", NeurIPS 2017, eq. 1).
  loomReal scale = 1 / loom_real_sqrt((loomReal)size);

#pragma omp parallel for schedule(static) if ((ptrdiff_t)a->n * t * a->width >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < a->n * a->heads; i++) {
    const loomReal* q = qkv + (ptrdiff_t)(i / a->heads) * t * row + (ptrdiff_t)(i % a->heads) * size;
    const loomReal *k = q + a->width, *v = k + a->width;
    loomReal* w = weight + (ptrdiff_t)i * t * t;
    loomReal* out = y + (ptrdiff_t)(i / a->heads) * t * a->width + (ptrdiff_t)(i % a->heads) * size;

    loom_product_whole(w, t, (loomMatrix){q, row, false}, (loomMatrix){k, row, true}, t, t, size, scale, 0);

    for (int s = 0; s < t; s++) softmax_row(w + (ptrdiff_t)s * t, a->causal ? s + 1 : t, t);

    if (a->dropout > 0) {
      drop(dropped + (ptrdiff_t)i * t * t, w, i, a);
      w = dropped + (ptrdiff_t)i * t * t;
    }

    loom_product_whole(out, a->width, (loomMatrix){w, t, false}, (loomMatrix){v, row, false}, t, size, t, 1,
                       0);
  }
}

void loom_attention_backward(loomReal* dqkv, loomReal* dweight, const loomReal* dy, const loomReal* weight,
                             const loomReal* dropped, const loomReal* qkv, const loomAttention* a) {
  int t = a->length, size = a->width / a->heads, row = 3 * a->width;

  loomReal scale = 1 / loom_real_sqrt((loomReal)size);

#pragma omp parallel for schedule(static) if ((ptrdiff_t)a->n * t * a->width >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < a->n * a->heads; i++) {
    ptrdiff_t at = (ptrdiff_t)(i / a->heads) * t * row + (ptrdiff_t)(i % a->heads) * size;
    const loomReal *q = qkv + at, *k = q + a->width, *v = k + a->width;
    loomReal *dq = dqkv + at, *dk = dq + a->width, *dv = dk + a->width;
    const loomReal *w = weight + (ptrdiff_t)i * t * t,
                   *used = a->dropout > 0 ? dropped + (ptrdiff_t)i * t * t : w;
    loomReal* dw = dweight + (ptrdiff_t)i * t * t;
    const loomReal* dout = dy + (ptrdiff_t)(i / a->heads) * t * a->width + (ptrdiff_t)(i % a->heads) * size;

    // Back through the product with the values, dropout and the softmax.
    loom_product_whole(dv, row, (loomMatrix){used, t, true}, (loomMatrix){dout, a->width, false}, t, size, t,
                       1, 0);
    loom_product_whole(dw, t, (loomMatrix){dout, a->width, false}, (loomMatrix){v, row, true}, t, t, size, 1,
                       0);

    if (a->dropout > 0) drop(dw, dw, i, a);
    for (int s = 0; s < t; s++)
      softmax_row_backward(dw + (ptrdiff_t)s * t, w + (ptrdiff_t)s * t, a->causal ? s + 1 : t, t);

    // Then to queries and keys.
    loom_product_whole(dq, row, (loomMatrix){dw, t, false}, (loomMatrix){k, row, false}, t, size, t, scale,
                       0);
    loom_product_whole(dk, row, (loomMatrix){dw, t, true}, (loomMatrix){q, row, false}, t, size, t, scale, 0);
  }
}
