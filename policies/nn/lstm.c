#include "policies/nn/lstm.h"

#include "policies/nn/blas.h"

// gates (4 hidden) hold their sums when this begins and their values when it ends.
LOOM_CLONES static void cell_forward(loomReal* gates, loomReal* c, loomReal* h, const loomReal* before,
                                     int hidden) {
  loomReal *in = gates, *forget = in + hidden, *cell = forget + hidden, *out = cell + hidden;

  // Hochreiter and Schmidhuber (1997) with forget gates (Gers et al., 2000), gates in PyTorch's order.
#pragma omp simd
  for (int j = 0; j < hidden; j++) {
    in[j] = loom_real_sigmoid(in[j]);
    forget[j] = loom_real_sigmoid(forget[j]);
    cell[j] = loom_real_tanh(cell[j]);
    out[j] = loom_real_sigmoid(out[j]);

    c[j] = forget[j] * before[j] + in[j] * cell[j];
    h[j] = out[j] * loom_real_tanh(c[j]);
  }
}

// dc: gradient of this step's cell from the step after, then of the cell before.
LOOM_CLONES static void cell_backward(loomReal* dgates, loomReal* dc, const loomReal* dh,
                                      const loomReal* gates, const loomReal* c, const loomReal* before,
                                      int hidden) {
  const loomReal *in = gates, *forget = in + hidden, *cell = forget + hidden, *out = cell + hidden;

  loomReal *din = dgates, *dforget = din + hidden, *dcell = dforget + hidden, *dout = dcell + hidden;

#pragma omp simd
  for (int j = 0; j < hidden; j++) {
    loomReal t = loom_real_tanh(c[j]);
    loomReal d = dc[j] + dh[j] * out[j] * (1 - t * t);

    dout[j] = dh[j] * t * out[j] * (1 - out[j]);
    din[j] = d * cell[j] * in[j] * (1 - in[j]);
    dforget[j] = d * before[j] * forget[j] * (1 - forget[j]);
    dcell[j] = d * in[j] * (1 - cell[j] * cell[j]);

    dc[j] = d * forget[j];
  }
}

// Sequences that begin in a state of zero, as in training: a tenth of the recurrent products of ten steps.
static bool begins_at_zero(const loomLstmState* state, ptrdiff_t count) {
  ptrdiff_t i = 0;

  while (i < count && state->h[i] == 0) i++;
  return i == count;
}

void loom_lstm_forward(loomLstmState* state, const loomReal* x, const loomLstmWeights* w,
                       const loomLstmShape* s) {
  int n = s->n, hidden = s->hidden, width = 4 * hidden;
  ptrdiff_t step = (ptrdiff_t)n * hidden;

  // The inputs of all steps at once; only what depends on the step before is left to the loop.
  for (int i = 0; i < s->steps * n; i++) {
    loomReal* row = state->gates + (ptrdiff_t)i * width;
#pragma omp simd
    for (int j = 0; j < width; j++) row[j] = w->bi[j] + w->bh[j];
  }

  loom_product(state->gates, width, (loomMatrix){x, s->in, false}, (loomMatrix){w->wi, s->in, true},
               s->steps * n, width, s->in, 1, 1);

  for (int t = 0; t < s->steps; t++) {
    loomReal *gates = state->gates + 4 * t * step, *c = state->c + t * step, *h = state->h + t * step;
    if (t || !begins_at_zero(state, step))
      loom_product(gates, width, (loomMatrix){h, hidden, false}, (loomMatrix){w->wh, hidden, true}, n, width,
                   hidden, 1, 1);

#pragma omp parallel for schedule(static) if (4 * step >= LOOM_PARALLEL_MIN)
    for (int i = 0; i < n; i++) {
      ptrdiff_t at = (ptrdiff_t)i * hidden;
      cell_forward(gates + 4 * at, c + step + at, h + step + at, c + at, hidden);
    }
  }
}

void loom_lstm_backward(loomReal* dx, loomReal* dh0, loomReal* dc, loomReal* dgates, loomReal* dh,
                        const loomLstmGradients* dw, const loomLstmState* state, const loomReal* x,
                        const loomLstmWeights* w, const loomLstmShape* s) {
  int n = s->n, hidden = s->hidden, width = 4 * hidden, rows = s->steps * n;

  ptrdiff_t step = (ptrdiff_t)n * hidden;

  memset(dc, 0, (size_t)step * sizeof *dc);

  // From the last step to the first; each hands its cells' and outputs' gradients to the one before.
  for (int t = s->steps - 1; t >= 0; t--) {
    loomReal *dg = dgates + 4 * t * step, *d = dh + t * step;
    const loomReal *gates = state->gates + 4 * t * step, *c = state->c + t * step;

#pragma omp parallel for schedule(static) if (4 * step >= LOOM_PARALLEL_MIN)
    for (int i = 0; i < n; i++) {
      ptrdiff_t at = (ptrdiff_t)i * hidden;
      cell_backward(dg + 4 * at, dc + at, d + at, gates + 4 * at, c + step + at, c + at, hidden);
    }

    loomReal* earlier = t ? d - step : dh0;
    if (earlier)
      loom_product(earlier, hidden, (loomMatrix){dg, width, false}, (loomMatrix){w->wh, hidden, false}, n,
                   hidden, width, 1, t > 0);
  }

  // Weights have the same part in every step: one product over all of them.
  loom_product(dw->wi, s->in, (loomMatrix){dgates, width, true}, (loomMatrix){x, s->in, false}, width, s->in,
               rows, 1, 1);

  // Rows whose state before was zero give recurrent weights no gradient.
  int skipped = begins_at_zero(state, step) ? n : 0;
  if (rows > skipped)
    loom_product(dw->wh, hidden, (loomMatrix){dgates + (ptrdiff_t)skipped * width, width, true},
                 (loomMatrix){state->h + (ptrdiff_t)skipped * hidden, hidden, false}, width, hidden,
                 rows - skipped, 1, 1);

  loom_column_sum(dw->bi, dgates, rows, width);
  loom_column_sum(dw->bh, dgates, rows, width);

  if (dx)
    loom_product(dx, s->in, (loomMatrix){dgates, width, false}, (loomMatrix){w->wi, s->in, false}, rows,
                 s->in, width, 1, 0);
}
