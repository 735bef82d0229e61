#include "policies/nn/blas.h"

#include <assert.h>
#include <cblas.h>
#include <omp.h>
#include <stdlib.h>

#include "policies/nn/blas_core.h"

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

// The numbers of a register of AVX-512, as two halves (of AVX2's, for which gcc splits whole ones badly), and
// sums that do not wait for each other. On processors with narrower registers they are the same: so are the
// sums.
enum { LANES = 16, HALF = 8, CHAINS = 4, FEW = CHAINS };
typedef loomReal half __attribute__((vector_size(HALF * sizeof(loomReal))));
typedef loomReal quarter __attribute__((vector_size(HALF / 2 * sizeof(loomReal))));

// sum += a b, of so many numbers.
static inline void add_half(half* sum, const loomReal* a, const loomReal* b) {
  half x, y;
  memcpy(&x, a, sizeof x);
  memcpy(&y, b, sizeof y);
  *sum += x * y;
}

// All lanes into two, halves at a time.
static inline loomReal add_up(const half* low, const half* high) {
  half s = ((low[0] + low[1]) + (low[2] + low[3])) + ((high[0] + high[1]) + (high[2] + high[3]));
  quarter a, b;
  memcpy(&a, &s, sizeof a);
  memcpy(&b, (const char*)&s + sizeof a, sizeof b);
  a += b;
  return (a[0] + a[2]) + (a[1] + a[3]);
}

// y (m x rows) = scale * x (m x k) w^T + keep * y, where w is (rows x k). So many chains go along a row of w
// at once that m times as many fill the registers: m * chains = CHAINS, both constants where it is called. In
// what order a number's terms are added depends on neither.
static inline __attribute__((always_inline)) void dots(loomReal* y, int y_stride, const loomReal* x,
                                                       int x_stride, const loomReal* w, int stride, int rows,
                                                       int k, loomReal scale, int keep, int m, int chains) {
  enum { AHEAD = 1024 };  // numbers

  for (int i = 0; i < rows; i++) {
    const loomReal* row = w + (ptrdiff_t)i * stride;
    half low[FEW][CHAINS], high[FEW][CHAINS];

    for (int first = 0; first < CHAINS; first += chains) {
      half l[CHAINS] = {{0}}, h[CHAINS] = {{0}};

      // Several sums, so that one multiplication need not wait for the addition before it.
      int j = 0;
      for (; j + CHAINS * LANES <= k; j += CHAINS * LANES) {
#pragma GCC unroll 4
        for (int c = 0; c < chains; c++) {
          int at = j + (first + c) * LANES;
          __builtin_prefetch(row + at + AHEAD);
#pragma GCC unroll 4
          for (int r = 0; r < m; r++) {
            const loomReal* other = x + (ptrdiff_t)r * x_stride + at;
            add_half(&l[r * chains + c], row + at, other);
            add_half(&h[r * chains + c], row + at + HALF, other + HALF);
          }
        }
      }

      // What is left: whole registers, which go to the first of them.
      for (; !first && j + LANES <= k; j += LANES) {
#pragma GCC unroll 4
        for (int r = 0; r < m; r++) {
          add_half(&l[r * chains], row + j, x + (ptrdiff_t)r * x_stride + j);
          add_half(&h[r * chains], row + j + HALF, x + (ptrdiff_t)r * x_stride + j + HALF);
        }
      }

#pragma GCC unroll 4
      for (int c = 0; c < chains; c++) {
#pragma GCC unroll 4
        for (int r = 0; r < m; r++) {
          low[r][first + c] = l[r * chains + c];
          high[r][first + c] = h[r * chains + c];
        }
      }
    }

#pragma GCC unroll 4
    for (int r = 0; r < m; r++) {
      // And single numbers.
      loomReal rest = 0;
      for (int j = k / LANES * LANES; j < k; j++) rest += row[j] * x[(ptrdiff_t)r * x_stride + j];

      loomReal* out = &y[(ptrdiff_t)r * y_stride + i];
      *out = scale * (add_up(low[r], high[r]) + rest) + (keep ? *out : 0);
    }
  }
}

// All that takes time for a single row is w's way from memory, so it is read as it lies, one row after the
// other, and asked for ahead.
LOOM_CLONES static void dot_rows(loomReal* y, const loomReal* x, const loomReal* w, int stride, int rows,
                                 int k, loomReal scale, int keep) {
  dots(y, 0, x, 0, w, stride, rows, k, scale, keep, 1, CHAINS);
}

// For a few it is w's way to the registers: each line of it is multiplied with all of them.
LOOM_CLONES static void dot_few_rows(loomReal* y, int y_stride, const loomReal* x, int x_stride,
                                     const loomReal* w, int stride, int rows, int k, loomReal scale,
                                     int keep) {
  dots(y, y_stride, x, x_stride, w, stride, rows, k, scale, keep, FEW, 1);
}

// Columns [first, first + count) of c: its rows one after the other, while what they need of b is near.
static void column_dots(loomReal* c, int c_stride, loomMatrix a, loomMatrix b, int m, int first, int count,
                        int k, loomReal scale, int keep) {
  const loomReal* w = b.data + (ptrdiff_t)first * b.stride;
  ptrdiff_t r = 0;

  for (; r + FEW <= m; r += FEW)
    dot_few_rows(c + r * c_stride + first, c_stride, a.data + r * a.stride, a.stride, w, b.stride, count, k,
                 scale, keep);
  for (; r < m; r++)
    dot_rows(c + r * c_stride + first, a.data + r * a.stride, w, b.stride, count, k, scale, keep);
}

// Single rows by a transpose, which is all that a network does to act: as fast as memory gives w, where gemm
// manages a tenth of it and gemv three quarters.
static void row_dots(loomReal* c, int c_stride, loomMatrix a, loomMatrix b, int m, int n, int k,
                     loomReal scale, int keep) {
  enum { ROWS = 16, THREADED = 1 << 16 };  // numbers of w; below, starting a team costs more than it saves

  // Even a team of one costs as much as a small layer.
  if ((ptrdiff_t)n * k < THREADED) {
    column_dots(c, c_stride, a, b, m, 0, n, k, scale, keep);
    return;
  }

#pragma omp parallel for schedule(static)
  for (int i = 0; i < n; i += ROWS)
    column_dots(c, c_stride, a, b, m, i, n - i < ROWS ? n - i : ROWS, k, scale, keep);
}

// One call of OpenBLAS, which uses one thread where the caller has it so.
static void one_product(loomReal* c, int c_stride, loomMatrix a, loomMatrix b, int m, int n, int k,
                        loomReal scale, int keep) {
  GEMM(CblasRowMajor, side(a.transposed), side(b.transposed), m, n, k, scale, a.data, a.stride, b.data,
       b.stride, (loomReal)keep, c, c_stride);
}

// Other single rows: y = x B is y' = B' x', so the transposition turns round.
static void row_product(loomReal* c, loomMatrix a, loomMatrix b, int n, int k, loomReal scale, int keep) {
  int rows = b.transposed ? n : k, cols = b.transposed ? k : n;
  GEMV(CblasRowMajor, side(!b.transposed), rows, cols, scale, b.data, b.stride, a.data,
       a.transposed ? a.stride : 1, (loomReal)keep, c, 1);
}

// How many rows or columns of `size` a part has. It follows from the product's sizes alone: in what order a
// number's terms are added depends on the part that it is in, so no part may depend on the threads. An even
// count of parts, for two threads; few, since the other matrix is packed anew for each.
static int part_of(int size) {
  enum { GRAIN = 16, LEAST = 64, MOST = 512, SHARES = 4 };  // GRAIN: OpenBLAS's inner loops are full

  int shares = SHARES;
  while (size > shares * MOST) shares *= 2;

  int part = ((size + shares - 1) / shares + GRAIN - 1) / GRAIN * GRAIN;
  return part < LEAST ? LEAST : part;
}

// Parts of columns where there are more of them than rows, else of rows. OpenBLAS's own threads would hand
// each other packed blocks all along and wait for each other; over ten steps of an LSTM that takes longer
// than packing twice.
static void parted_product(loomReal* c, int c_stride, loomMatrix a, loomMatrix b, int m, int n, int k,
                           loomReal scale, int keep, int threads) {
  bool by_columns = n > m;
  int size = by_columns ? n : m, part = part_of(size);

#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
  for (int i = 0; i < size; i += part) {
    int count = size - i < part ? size - i : part;
    ptrdiff_t row = by_columns ? 0 : i, column = by_columns ? i : 0;
    loomMatrix mine = {a.data + (a.transposed ? row : row * a.stride), a.stride, a.transposed};
    loomMatrix other = {b.data + (b.transposed ? column * b.stride : column), b.stride, b.transposed};

    one_product(c + row * c_stride + column, c_stride, mine, other, by_columns ? m : count,
                by_columns ? count : n, k, scale, keep);
  }
}

static void product(loomReal* c, int c_stride, loomMatrix a, loomMatrix b, int m, int n, int k,
                    loomReal scale, int keep, bool whole) {
  enum { PARTED = 1 << 18 };  // multiplications; below, starting a team costs more than it saves

  // A decision's rows have a way of their own.
  if (m == 1 && b.transposed && !a.transposed) {
    row_dots(c, c_stride, a, b, m, n, k, scale, keep);
    return;
  }

  // OpenBLAS gets one thread, however many there are: how it would share out depends on their number.
  int threads = omp_get_max_threads();
  omp_set_num_threads(1);

  if (m == 1)
    row_product(c, a, b, n, k, scale, keep);
  else if (whole || (ptrdiff_t)m * n * k < PARTED)
    one_product(c, c_stride, a, b, m, n, k, scale, keep);
  else
    parted_product(c, c_stride, a, b, m, n, k, scale, keep, omp_in_parallel() ? 1 : threads);

  omp_set_num_threads(threads);
}

void loom_product(loomReal* c, int c_stride, loomMatrix a, loomMatrix b, int m, int n, int k, loomReal scale,
                  int keep) {
  product(c, c_stride, a, b, m, n, k, scale, keep, false);
}

void loom_product_whole(loomReal* c, int c_stride, loomMatrix a, loomMatrix b, int m, int n, int k,
                        loomReal scale, int keep) {
  product(c, c_stride, a, b, m, n, k, scale, keep, true);
}

void loom_product_apart(loomReal* c, int c_stride, loomMatrix a, loomMatrix b, int m, int n, int k,
                        loomReal scale, int keep) {
  assert(b.transposed && !a.transposed);
  row_dots(c, c_stride, a, b, m, n, k, scale, keep);
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

#ifdef __x86_64__
// How OpenBLAS sets itself up where it is built for many processors. Its headers have neither; what is
// linked may be built for one, or be another library's.
__attribute__((weak)) void gotoblas_dynamic_init(void);
__attribute__((weak)) void gotoblas_dynamic_quit(void);

// Before main and after OpenBLAS's own beginning, when nothing else runs yet. Who names kernels has them.
__attribute__((constructor)) static void choose_kernels(void) {
  static const char variable[] = "OPENBLAS_CORETYPE";

  if (getenv(variable) || !gotoblas_dynamic_init || !gotoblas_dynamic_quit) return;
  __builtin_cpu_init();
  const char* core =
      loom_blas_core(openblas_get_corename(), __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"),
                     __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"));
  if (!core || setenv(variable, core, 1)) return;

  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv(variable);
}
#endif
