#include "policies/report/alignment.h"

#include <stdlib.h>

#include "engine/base/statistics.h"

// The nearest row of b; of equally near ones the first.
static int nearest(const loomReal* row, const loomAlignedDemo* b, int dim) {
  double least = INFINITY;
  int at = 0;

  for (int k = 0; k < b->n; k++) {
    const loomReal* other = b->row + (ptrdiff_t)k * dim;
    double sum = 0;
    for (int d = 0; d < dim; d++) sum += (double)((row[d] - other[d]) * (row[d] - other[d]));
    if (sum < least) {
      least = sum;
      at = k;
    }
  }
  return at;
}

static void add_direction(loomAlignment* sum, const double* there, const double* back, int n, int m,
                          double* time) {
  double cycle = 0, error = 0;

  for (int i = 0; i < n; i++) {
    time[i] = i;
    cycle += fabs(back[(int)there[i]] - i) / (n - 1) / n;
    error += fabs(there[i] / (m - 1) - (double)i / (n - 1)) / n;
  }
  sum->tau += loom_kendall(time, there, n);
  sum->cycle += cycle;
  sum->error += error;
  sum->pairs++;
}

int loom_alignment_add(loomAlignment* sum, const loomAlignedDemo* a, const loomAlignedDemo* b, int dim,
                       loomError* err) {
  size_t n = (size_t)a->n, m = (size_t)b->n;
  double* memory = calloc(2 * (n + m), sizeof *memory);
  if (!memory) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to align demos");

  double *there = memory, *back = there + n, *time = back + m;
  for (int i = 0; i < a->n; i++) there[i] = nearest(a->row + (ptrdiff_t)i * dim, b, dim);
  for (int i = 0; i < b->n; i++) back[i] = nearest(b->row + (ptrdiff_t)i * dim, a, dim);
  add_direction(sum, there, back, a->n, b->n, time);
  add_direction(sum, back, there, b->n, a->n, time);
  free(memory);
  return LOOM_OK;
}

void loom_alignment_close(loomAlignment* sum) {
  double n = sum->pairs > 0 ? sum->pairs : 1;
  sum->tau /= n;
  sum->cycle /= n;
  sum->error /= n;
}
