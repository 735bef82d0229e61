#include "policies/data/cloud_noise.h"

#include <string.h>

#include "engine/base/random.h"

enum { AXES = 3 };  // of a point, which come first; what else it has (colors) stays

// The points that are dropped lie on the first that is not, and so on to the end: (points x dim).
static void drop_points(float* cloud, int points, int dim, double share, loomRandom* random) {
  int kept = -1;
  for (int p = 0; p < points; p++) {
    bool dropped = loom_random_uniform(random) < share;
    if (!dropped && kept < 0) kept = p;
    if (!dropped) continue;

    // Those before the first that stays wait for it.
    if (kept >= 0)
      memcpy(cloud + (size_t)p * (size_t)dim, cloud + (size_t)kept * (size_t)dim,
             (size_t)dim * sizeof *cloud);
  }

  // Where all are dropped the last one stays.
  if (kept < 0) kept = points - 1;
  for (int p = 0; p < kept; p++)
    memcpy(cloud + (size_t)p * (size_t)dim, cloud + (size_t)kept * (size_t)dim, (size_t)dim * sizeof *cloud);
}

static void move_points(float* cloud, int points, int dim, double jitter, const double shift[AXES],
                        loomRandom* random) {
  for (int p = 0; p < points; p++) {
    for (int i = 0; i < AXES; i++) {
      double off = jitter > 0 ? jitter * loom_random_normal(random) : 0;
      cloud[(size_t)p * (size_t)dim + (size_t)i] += (float)(shift[i] + off);
    }
  }
}

static void disturb_key(float* clouds, int samples, int rows, const loomDataKey* key,
                        const loomCloudNoise* noise, loomRandom* random) {
  int points = (int)key->shape[0], dim = (int)key->shape[1];
  if (dim < AXES) return;

  for (int b = 0; b < samples; b++) {
    double shift[AXES];
    for (int i = 0; i < AXES; i++) shift[i] = loom_random_range(random, -noise->shift, noise->shift);

    // Rows of a sample are of one camera, but each is seen anew.
    for (int r = 0; r < rows; r++) {
      float* cloud = clouds + ((size_t)b * (size_t)rows + (size_t)r) * (size_t)key->dim;
      if (noise->dropout > 0) drop_points(cloud, points, dim, noise->dropout, random);
      move_points(cloud, points, dim, noise->jitter, shift, random);
    }
  }
}

void loom_cloud_noise(loomBatch* batch, const loomDataInfo* info, int rows, const loomCloudNoise* noise,
                      uint64_t seed, int64_t step) {
  loomRandom random = loom_random(seed, (uint64_t)step, LOOM_PURPOSE_CLOUD);
  if (!loom_cloud_noise_any(noise)) return;

  for (int k = 0; k < info->key_count; k++)
    if (info->key[k].rank == 2 && batch->visual[k])
      disturb_key(batch->visual[k], batch->n, rows, &info->key[k], noise, &random);
}
