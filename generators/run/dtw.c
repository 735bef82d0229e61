#include "generators/run/dtw.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "engine/data/dataset.h"
#include "engine/data/one_arm.h"
#include "engine/task/task.h"

enum { MOST_DEMOS = 32, POINTS = 64 };

static double distance(const double* a, const double* b, int dim) {
  double sum = 0;
  for (int i = 0; i < dim; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sqrt(sum);
}

double loom_dtw(const double* a, int n, const double* b, int m, int dim, double* scratch, int* length) {
  double *sum = scratch, *sum_before = scratch + m + 1;
  int *pairs = length, *pairs_before = length + m + 1;

  // Row by row of the table of least sums: only the row before is looked at. Column 0 is before b begins.
  for (int j = 0; j <= m; j++) sum_before[j] = j ? INFINITY : 0, pairs_before[j] = 0;
  for (int i = 0; i < n; i++) {
    sum[0] = INFINITY;
    pairs[0] = 0;
    for (int j = 1; j <= m; j++) {
      double least = sum_before[j - 1];
      int before = pairs_before[j - 1];
      if (sum_before[j] < least) least = sum_before[j], before = pairs_before[j];
      if (sum[j - 1] < least) least = sum[j - 1], before = pairs[j - 1];

      sum[j] = least + distance(a + (ptrdiff_t)i * dim, b + (ptrdiff_t)(j - 1) * dim, dim);
      pairs[j] = before + 1;
    }

    double* swapped = sum_before;
    sum_before = sum, sum = swapped;
    int* swapped_pairs = pairs_before;
    pairs_before = pairs, pairs = swapped_pairs;
  }
  return pairs_before[m] ? sum_before[m] / pairs_before[m] : 0;
}

// POINTS places of all end effectors (POINTS x 3 arms), or *dim = 0 where the demo has none.
static int read_way(double* way, int* dim, const loomDataset* dataset, int demo, loomError* err) {
  const char* object = loom_dataset_demo_path(dataset, demo);
  *dim = 0;
  if (!loom_dataset_has(dataset, object, "datagen_info/eef_pose")) return 0;

  loomArray poses = {0};
  int code = loom_dataset_doubles(&poses, dataset, object, "datagen_info/eef_pose", err);
  loom_array_with_arms(&poses);
  int64_t rows = poses.shape[0], arms = poses.shape[1];
  if (!code && poses.rank == 4 && rows > 0 && arms > 0 && arms <= LOOM_MAX_ARMS && poses.shape[2] == 4 &&
      poses.shape[3] == 4) {
    *dim = 3 * (int)arms;
    const double* matrix = poses.data;

    for (int i = 0; i < POINTS; i++) {
      int64_t row = i * (rows - 1) / (POINTS - 1);
      for (int64_t a = 0; a < arms; a++)
        for (int k = 0; k < 3; k++)
          way[(size_t)i * (size_t)*dim + (size_t)(3 * a + k)] = matrix[16 * (row * arms + a) + 4 * k + 3];
    }
  }
  loom_array_destroy(&poses);
  return code;
}

int loom_dtw_spread(double* out, const char* path, loomError* err) {
  static const size_t room = (size_t)POINTS * 3 * LOOM_MAX_ARMS;
  *out = NAN;

  loomDataset* dataset = NULL;
  int code = loom_dataset_open(&dataset, path, err);
  if (code) return code;

  double* ways = malloc(MOST_DEMOS * room * sizeof *ways);
  if (!ways) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a report");

  // Demos spread evenly over the file; all of one dataset have as many arms.
  int all = loom_dataset_demo_count(dataset), n = all < MOST_DEMOS ? all : MOST_DEMOS, dim = 0, read = 0;
  for (int i = 0; !code && i < n; i++) {
    int found;
    code = read_way(ways + (size_t)read * room, &found, dataset, (int)((int64_t)i * all / n), err);
    if (code || !found || (dim && found != dim)) continue;
    dim = found;
    read++;
  }

  double sum = 0, scratch[2 * (POINTS + 1)];
  int length[2 * (POINTS + 1)], pairs = 0;
  for (int i = 0; !code && i < read; i++) {
    for (int j = 0; j < i; j++, pairs++)
      sum += loom_dtw(ways + (size_t)i * room, POINTS, ways + (size_t)j * room, POINTS, dim, scratch, length);
  }
  if (pairs) *out = sum / pairs;

  free(ways);
  loom_dataset_close(dataset);
  return code;
}
