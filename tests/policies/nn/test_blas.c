// Matrix products against sums in double, however the matrices lie and on any number of threads; sums of
// columns likewise. Rows that are told apart are what each is alone.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cblas.h>
#include <cmocka.h>
#include <omp.h>

#include "engine/base/random.h"
#include "policies/nn/blas.h"
#include "policies/nn/blas_core.h"

enum { GAP = 3, TEAMS = 4 };                  // GAP: numbers between rows that no product may touch
static const int team[TEAMS] = {1, 2, 3, 5};  // threads; whatever they are, the bits are the same

static loomReal* numbers(size_t count, loomRandom* random) {
  loomReal* x = malloc(count * sizeof *x);
  assert_non_null(x);
  for (size_t i = 0; i < count; i++) x[i] = (loomReal)(2 * loom_random_uniform(random) - 1);
  return x;
}

static double at(loomMatrix a, int i, int j) {
  return (double)(a.transposed ? a.data[(ptrdiff_t)j * a.stride + i] : a.data[(ptrdiff_t)i * a.stride + j]);
}

typedef struct size {
  int m, n, k;
} size;

// One product on as many threads. c has what it is to begin with; before: as much, to be kept.
static void check(loomReal* c, const loomReal* before, loomMatrix a, loomMatrix b, size s, int keep) {
  const double scale = 0.5;
  int stride = s.n + GAP;

  loom_product(c, stride, a, b, s.m, s.n, s.k, (loomReal)scale, keep);
  for (int i = 0; i < s.m; i++) {
    const loomReal* row = c + (ptrdiff_t)i * stride;
    for (int j = 0; j < s.n; j++) {
      // In double, entry by entry.
      double sum = 0;
      for (int l = 0; l < s.k; l++) sum += at(a, i, l) * at(b, l, j);
      double expected = scale * sum + (keep ? (double)before[(ptrdiff_t)i * stride + j] : 0);
      assert_true(fabs((double)row[j] - expected) < 2e-6 * (1 + sqrt(s.k)));
    }

    // What lies between rows stays.
    for (int j = s.n; j < stride; j++) assert_true(row[j] == before[(ptrdiff_t)i * stride + j]);
  }
}

// All ways that the matrices may lie. What was in c where it is not kept is no number, and stays out of it.
static void products_of(size s, loomRandom* random) {
  for (int way = 0; way < 8; way++) {
    bool ta = way & 1, tb = way & 2;

    int keep = way >> 2, a_rows = ta ? s.k : s.m, a_stride = (ta ? s.m : s.k) + GAP, b_rows = tb ? s.n : s.k,
        b_stride = (tb ? s.k : s.n) + GAP;
    size_t count = (size_t)s.m * (size_t)(s.n + GAP);

    loomReal* a = numbers((size_t)a_rows * (size_t)a_stride, random);
    loomReal* b = numbers((size_t)b_rows * (size_t)b_stride, random);
    loomReal* before = numbers(count, random);

    // One result for each number of threads.
    loomReal* c = malloc(TEAMS * count * sizeof *c);
    assert_non_null(c);
    for (int t = 0; t < TEAMS; t++) {
      loomReal* mine = c + (size_t)t * count;
      memcpy(mine, before, count * sizeof *mine);
      for (int i = 0; !keep && i < s.m; i++)
        for (int j = 0; j < s.n; j++) mine[(ptrdiff_t)i * (s.n + GAP) + j] = NAN;

      omp_set_num_threads(team[t]);
      check(mine, before, (loomMatrix){a, a_stride, ta}, (loomMatrix){b, b_stride, tb}, s, keep);

      assert_memory_equal(mine, c, count * sizeof *mine);
    }

    free(a);
    free(b);
    free(before);
    free(c);
  }
}

static void products(void** state) {
  (void)state;
  static const size sizes[] = {{3, 4, 5},      {70, 67, 61},   {5, 701, 90},  {701, 5, 90}, {2, 3, 50000},
                               {1, 33, 1},     {1, 33, 15},    {1, 33, 16},   {1, 33, 63},  {1, 33, 64},
                               {1, 17, 100},   {1, 1, 129},    {1, 301, 511}, {1, 7, 1007}, {17, 1, 300},
                               {100, 601, 70}, {601, 100, 70}, {2049, 3, 70}};

  loomRandom random = loom_random(1, 0, LOOM_PURPOSE_WEIGHTS);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) products_of(sizes[i], &random);
}

// Rows beside each other are to the last bit what each is alone, kept or not, and leave what is between them.
static void apart_of(size s, loomRandom* random) {
  int stride = s.k + GAP, out = s.n + GAP;
  size_t count = (size_t)s.m * (size_t)out;
  loomReal* x = numbers((size_t)s.m * (size_t)stride, random);
  loomReal* w = numbers((size_t)s.n * (size_t)stride, random);
  loomReal* before = numbers(count, random);
  loomReal* alone = malloc(2 * count * sizeof *alone);
  assert_non_null(alone);
  loomReal* together = alone + count;

  for (int way = 0; way < 2 * TEAMS; way++) {
    int keep = way % 2;
    omp_set_num_threads(team[way / 2]);
    memcpy(alone, before, count * sizeof *alone);
    memcpy(together, before, count * sizeof *alone);

    for (ptrdiff_t r = 0; r < s.m; r++)
      loom_product(alone + r * out, out, (loomMatrix){x + r * stride, stride, false},
                   (loomMatrix){w, stride, true}, 1, s.n, s.k, (loomReal)0.7, keep);
    loom_product_apart(together, out, (loomMatrix){x, stride, false}, (loomMatrix){w, stride, true}, s.m, s.n,
                       s.k, (loomReal)0.7, keep);
    assert_memory_equal(alone, together, count * sizeof *alone);
  }

  free(x);
  free(w);
  free(before);
  free(alone);
}

static void rows_apart(void** state) {
  (void)state;
  static const int widths[] = {1, 2, 15, 16, 17, 63, 64, 65, 79, 81, 129, 482, 1024},
                   heights[] = {1, 3, 16, 17};
  loomRandom random = loom_random(3, 0, LOOM_PURPOSE_WEIGHTS);

  for (int m = 1; m <= 9; m++) {
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
      for (size_t j = 0; j < sizeof heights / sizeof *heights; j++)
        apart_of((size){m, heights[j], widths[i]}, &random);

    // So much that threads share it out.
    apart_of((size){m, 301, 511}, &random);
  }
}

static void column_sums(void** state) {
  (void)state;
  enum { ROWS = 700, WIDTH = 131 };
  loomRandom random = loom_random(2, 0, LOOM_PURPOSE_WEIGHTS);
  loomReal *x = numbers((size_t)ROWS * WIDTH, &random), sum[TEAMS][WIDTH];

  // Added to what is there, one each.
  for (int t = 0; t < TEAMS; t++) {
    for (int j = 0; j < WIDTH; j++) sum[t][j] = 1;
    omp_set_num_threads(team[t]);
    loom_column_sum(sum[t], x, ROWS, WIDTH);
    assert_memory_equal(sum[t], sum[0], sizeof sum[0]);
  }

  for (int j = 0; j < WIDTH; j++) {
    double expected = 1;
    for (int i = 0; i < ROWS; i++) expected += (double)x[i * WIDTH + j];
    assert_true(fabs((double)sum[0][j] - expected) < 1e-4);
  }

  free(x);
}

// Kernels by what OpenBLAS has chosen and what the processor has.
static void kernels(void** state) {
  (void)state;
  static const struct {
    const char* chosen;
    bool avx2, avx512;
    const char* instead;
  } cases[] = {
      {"Prescott", true, true, "SkylakeX"}, {"Prescott", true, false, "Haswell"},
      {"Prescott", false, false, NULL},     {"Sandybridge", true, false, "Haswell"},
      {"Haswell", true, true, NULL},        {"Zen", true, true, NULL},
      {"SkylakeX", true, true, NULL},       {"armv8", true, true, NULL},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char* instead = loom_blas_core(cases[i].chosen, cases[i].avx2, cases[i].avx512);
    if (cases[i].instead)
      assert_string_equal(instead ? instead : "", cases[i].instead);
    else
      assert_null(instead);
  }

#ifdef __x86_64__
  // This processor has what it can do by now, unless somebody named others.
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (!getenv("OPENBLAS_CORETYPE")) assert_null(loom_blas_core(openblas_get_corename(), avx2, false));
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(kernels), cmocka_unit_test(products),
                                     cmocka_unit_test(rows_apart), cmocka_unit_test(column_sums)};
  return cmocka_run_group_tests_name("blas", tests, NULL, NULL);
}
