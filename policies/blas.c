#include "policies/blas.h"

#include <cblas.h>

#ifdef LOOM_DOUBLE
#define GEMM cblas_dgemm
#define GEMV cblas_dgemv
#else
#define GEMM cblas_sgemm
#define GEMV cblas_sgemv
#endif

static CBLAS_TRANSPOSE side(bool transposed) {
  return transposed ? CblasTrans : CblasNoTrans;
}

enum { DOT_ROWS = 8 };  // rows of w at once, so that their sums do not wait for each other

// y (rows) = scale * w (rows x k) x + keep * y.
LOOM_CLONES static void dot_rows(loomReal* y, const loomReal* x, const loomReal* w, int stride, int rows,
                                 int k, loomReal scale, int keep) {
  loomReal s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
  // A block that is cut short reads its last row again.
  const loomReal* at[DOT_ROWS];
  for (int i = 0; i < DOT_ROWS; i++) at[i] = w + (ptrdiff_t)(i < rows ? i : rows - 1) * stride;
  const loomReal *w0 = at[0], *w1 = at[1], *w2 = at[2], *w3 = at[3], *w4 = at[4], *w5 = at[5], *w6 = at[6],
                 *w7 = at[7];
#pragma omp simd reduction(+ : s0, s1, s2, s3, s4, s5, s6, s7)
  for (int j = 0; j < k; j++) {
    s0 += w0[j] * x[j];
    s1 += w1[j] * x[j];
    s2 += w2[j] * x[j];
    s3 += w3[j] * x[j];
    s4 += w4[j] * x[j];
    s5 += w5[j] * x[j];
    s6 += w6[j] * x[j];
    s7 += w7[j] * x[j];
  }
  const loomReal sum[DOT_ROWS] = {s0, s1, s2, s3, s4, s5, s6, s7};
  for (int i = 0; i < rows; i++) y[i] = scale * sum[i] + (keep ? y[i] : 0);
}

// One row by a transpose, which is all that a network does to act: as fast as memory gives w, where gemm
// manages a tenth of it and gemv three quarters.
static void row_dots(loomReal* c, const loomReal* x, loomMatrix b, int n, int k, loomReal scale, int keep) {
  enum { THREADED = 1 << 18 };  // numbers of w; below, starting a team costs more than it saves
  int blocks = (n + DOT_ROWS - 1) / DOT_ROWS;
#pragma omp parallel for schedule(static) if ((ptrdiff_t)n * k >= THREADED)
  for (int i = 0; i < blocks; i++) {
    int first = i * DOT_ROWS, rows = n - first < DOT_ROWS ? n - first : DOT_ROWS;
    dot_rows(c + first, x, b.data + (ptrdiff_t)first * b.stride, b.stride, rows, k, scale, keep);
  }
}

// Other single rows: y = x B is y' = B' x', so the transposition turns round.
static void row_product(loomReal* c, loomMatrix a, loomMatrix b, int n, int k, loomReal scale, int keep) {
  if (b.transposed && !a.transposed) {
    row_dots(c, a.data, b, n, k, scale, keep);
    return;
  }
  int rows = b.transposed ? n : k, cols = b.transposed ? k : n;
  GEMV(CblasRowMajor, side(!b.transposed), rows, cols, scale, b.data, b.stride, a.data,
       a.transposed ? a.stride : 1, (loomReal)keep, c, 1);
}

void loom_product(loomReal* c, int c_stride, loomMatrix a, loomMatrix b, int m, int n, int k, loomReal scale,
                  int keep) {
  if (m == 1)
    row_product(c, a, b, n, k, scale, keep);
  else
    GEMM(CblasRowMajor, side(a.transposed), side(b.transposed), m, n, k, scale, a.data, a.stride, b.data,
         b.stride, (loomReal)keep, c, c_stride);
}

enum { SUM_STRIP = 64, SUM_BLOCK = 256 };  // columns a thread takes, rows added up before they join the total

// Blocks of rows first, so that rounding grows with n / SUM_BLOCK + SUM_BLOCK and not with n.
LOOM_CLONES static void strip_sum(loomReal* out, const loomReal* x, int n, int width, int columns) {
  for (int begin = 0; begin < n; begin += SUM_BLOCK) {
    loomReal part[SUM_STRIP] = {0};
    int end = begin + SUM_BLOCK < n ? begin + SUM_BLOCK : n;
    for (int i = begin; i < end; i++) {
      const loomReal* row = x + (ptrdiff_t)i * width;
#pragma omp simd
      for (int j = 0; j < columns; j++) part[j] += row[j];
    }
    for (int j = 0; j < columns; j++) out[j] += part[j];
  }
}

void loom_column_sum(loomReal* out, const loomReal* x, int n, int width) {
  int strips = (width + SUM_STRIP - 1) / SUM_STRIP;
#pragma omp parallel for schedule(static) if ((ptrdiff_t)n * width >= LOOM_PARALLEL_MIN)
  for (int s = 0; s < strips; s++) {
    int first = s * SUM_STRIP, columns = width - first < SUM_STRIP ? width - first : SUM_STRIP;
    strip_sum(out + first, x + first, n, width, columns);
  }
}
