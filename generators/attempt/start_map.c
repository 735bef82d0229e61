#include "generators/attempt/start_map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/random.h"

enum { POSE = LOOM_START_POSE, MOST_DIMS = LOOM_MAX_OBJECTS * (POSE + LOOM_MAX_VARIABLES) };

static const double least = 0.1;    // share of starts that is kept where nothing fails
static const double single = 1e-9;  // a spread no larger is one value

static const double prior = 5;  // starts that fail as all do, beside those around one

static int count_dims(const loomTask* task) {
  int dims = 0;
  for (int o = 0; o < task->object_count; o++) dims += POSE + task->objects[o].variable_count;
  return dims;
}

int loom_start_map_create(loomStartMap** out, const loomTask* task, int n, loomError* err) {
  loomStartMap* map = calloc(1, sizeof *map);
  *out = map;
  if (!map) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a map of starts");

  map->n = n;
  map->dims = count_dims(task);
  map->at = calloc((size_t)n * (size_t)map->dims + 1, sizeof *map->at);
  map->width = calloc((size_t)map->dims + 1, sizeof *map->width);
  map->joined = calloc((size_t)map->dims + 1, sizeof *map->joined);
  map->failed = calloc((size_t)n + 1, sizeof *map->failed);
  if (map->at && map->width && map->joined && map->failed) {
    for (int o = 0, k = 0; o < task->object_count; k += POSE + task->objects[o++].variable_count)
      map->joined[k + POSE - 1] = true;
    return 0;
  }

  loom_start_map_destroy(map);
  *out = NULL;
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a map of starts");
}

void loom_start_map_destroy(loomStartMap* map) {
  if (!map) return;
  free(map->at);
  free(map->width);
  free(map->joined);
  free(map->failed);
  free(map);
}

void loom_start_point(double* out, const loomEpisode* e) {
  const loomTask* task = e->scene->task;
  for (int o = 0; o < task->object_count; o++) {
    loomPose pose = loom_episode_object(e, o);
    double yaw = loom_quat_yaw(pose.quat);
    *out++ = pose.pos[0];
    *out++ = pose.pos[1];
    *out++ = sin(yaw);
    *out++ = cos(yaw);

    // A size that is not known says nothing.
    for (int v = 0; v < task->objects[o].variable_count; v++)
      *out++ = isfinite(e->variables[o][v]) ? e->variables[o][v] : 0;
  }
}

void loom_start_map_put(loomStartMap* map, int i, const loomEpisode* e, bool failed) {
  loom_start_point(map->at + (ptrdiff_t)i * map->dims, e);
  map->failed[i] = failed;
}

static double spread(const loomStartMap* map, int dim) {
  double sum = 0, squares = 0;
  for (int i = 0; i < map->n; i++) sum += map->at[(ptrdiff_t)i * map->dims + dim];

  double mean = map->n ? sum / map->n : 0;
  for (int i = 0; i < map->n; i++) {
    double off = map->at[(ptrdiff_t)i * map->dims + dim] - mean;
    squares += off * off;
  }
  return map->n > 1 ? sqrt(squares / (map->n - 1)) : 0;
}

void loom_start_map_finish(loomStartMap* map) {
  // Scott's rule for one coordinate: n^(-1/5) standard deviations.
  double share = map->n ? pow(map->n, -0.2) : 1;
  for (int k = 0; k < map->dims; k++) {
    double s = spread(map, k);
    map->width[k] = s > single ? s * share : 0;
  }

  map->failures = 0;
  for (int i = 0; i < map->n; i++) map->failures += map->failed[i];
  map->most = 0;
  for (int i = 0; i < map->n; i++)
    map->most = fmax(map->most, loom_start_map_rate(map, map->at + (ptrdiff_t)i * map->dims));

  map->digest = loom_hash(LOOM_HASH_SEED, map->at, sizeof *map->at * (size_t)map->n * (size_t)map->dims);
  map->digest = loom_hash(map->digest, map->failed, sizeof *map->failed * (size_t)map->n);
}

// By the numbers first .. first + n - 1, which are one coordinate.
static double rate_by_one(const loomStartMap* map, const double* point, int first, int n, double all) {
  double weights = prior, failed = prior * all;
  for (int i = 0; i < map->n; i++) {
    const double* at = map->at + (ptrdiff_t)i * map->dims;
    double far = 0;
    for (int k = first; k < first + n; k++) {
      double off = map->width[k] > 0 ? (point[k] - at[k]) / map->width[k] : 0;
      far += off * off;
    }

    double weight = exp(-far / 2);
    weights += weight;
    if (map->failed[i]) failed += weight;
  }
  return failed / weights;
}

double loom_start_map_rate_by(const loomStartMap* map, const double* point, int first, int n) {
  double all = map->n ? (double)map->failures / map->n : 0, rate = all;
  for (int k = first, numbers; k < first + n && all > 0; k += numbers) {
    numbers = k + 1 < map->dims && map->joined[k + 1] ? 2 : 1;
    rate *= rate_by_one(map, point, k, numbers, all) / all;
  }
  return fmin(1, rate);
}

double loom_start_map_rate(const loomStartMap* map, const double* point) {
  return loom_start_map_rate_by(map, point, 0, map->dims);
}

int loom_start_map_reset(loomEpisode* e, const loomStartMap* map, int reset, uint64_t seed, uint64_t number,
                         loomError* err) {
  double point[MOST_DIMS];
  for (int i = 0; i < LOOM_START_CANDIDATES; i++) {
    uint64_t candidate = number * LOOM_START_CANDIDATES + (uint64_t)i;
    int code = loom_episode_reset(e, reset, seed, candidate, err);
    if (code) return code;

    loomRandom random = loom_random(seed, candidate, LOOM_PURPOSE_WHERE);
    loom_start_point(point, e);
    double keep = map->most > 0 ? fmax(least, loom_start_map_rate(map, point) / map->most) : 1;
    if (loom_random_uniform(&random) < keep) break;
  }
  return 0;
}
