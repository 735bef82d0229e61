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

// One row: gemm is slow at it (2.5 GFLOP/s against 20). y = x B is y' = B' x', so the transposition turns
// round.
static void row_product(loomReal* c, loomMatrix a, loomMatrix b, int n, int k, loomReal scale, int keep) {
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
static void strip_sum(loomReal* out, const loomReal* x, int n, int width, int columns) {
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
