// Demos in memory, the least recently used of them thrown out when room is needed.
#include <stdlib.h>
#include <string.h>

#include "policies/data/data_internal.h"

static bool is_visual(const loomDataKey* key) {
  return key->offset < 0;
}

static int64_t visual_size(const loomDataKey* key) {
  return key->bytes ? 1 : (int64_t)sizeof(float);
}

int64_t loom_data_row_bytes(const loomData* data) {
  int64_t bytes = (data->info.low_dim + data->info.action_dim) * (int64_t)sizeof(float);

  for (int k = 0; k < data->info.key_count; k++) {
    const loomDataKey* key = &data->info.key[k];
    if (is_visual(key)) bytes += key->dim * visual_size(key);
  }
  return bytes;
}

// Floats before bytes, so that all of them are aligned.
loomDataRows loom_data_view(const loomData* data, int demo) {
  const dataDemo* d = &data->demo[demo];
  unsigned char* at = d->block;
  loomDataRows out = {.rows = d->rows};

  out.low = (const float*)at;
  at += (size_t)d->rows * (size_t)data->info.low_dim * sizeof(float);
  out.actions = (const float*)at;
  at += (size_t)d->rows * (size_t)data->info.action_dim * sizeof(float);

  for (int bytes = 0; bytes < 2; bytes++) {
    for (int k = 0; k < data->info.key_count; k++) {
      const loomDataKey* key = &data->info.key[k];
      if (!is_visual(key) || key->bytes != (bytes == 1)) continue;
      out.visual[k] = at;
      at += (size_t)d->rows * (size_t)key->dim * (size_t)visual_size(key);
    }
  }

  return out;
}

// ---- reading a demo

// In the form that is asked for.
static int read_actions(float* out, const loomData* data, int demo, loomError* err) {
  const dataDemo* d = &data->demo[demo];
  const loomDataset* set = data->file[d->file].set;
  loomArray a, goal = {0};

  int code = loom_obs_numbers(&a, data->action_path, data->raw_dim, set, d->index, d->rows, err);
  if (!code && data->goals)
    code = loom_obs_numbers(&goal, LOOM_DATA_GOALS, 16 * data->arms, set, d->index, d->rows, err);

  const double *actions = a.data, *goals = goal.data;
  for (int i = 0; !code && i < data->demo[demo].rows; i++)
    loom_action_encode(out + (ptrdiff_t)i * data->info.action_dim, data->def.form, data->arms, data->raw_dim,
                       actions + (ptrdiff_t)i * data->raw_dim,
                       goals ? goals + (ptrdiff_t)i * 16 * data->arms : NULL);

  loom_array_destroy(&a);
  loom_array_destroy(&goal);
  return code;
}

// Vectors into their columns of the rows side by side, pictures and clouds into blocks of their own.
static int read_key(const loomDataRows* rows, const loomData* data, int demo, int k, loomError* err) {
  const dataDemo* d = &data->demo[demo];
  const loomDataset* set = data->file[d->file].set;
  const loomDataKey* key = &data->info.key[k];
  const loomObsKey* seen = &data->seen[k];

  if (!rows->visual[k])
    return loom_obs_read((float*)rows->low + key->offset, data->info.low_dim, seen, set, d->index, d->rows,
                         err);
  return key->bytes ? loom_obs_read_bytes((unsigned char*)rows->visual[k], seen, set, d->index, d->rows, err)
                    : loom_obs_read((float*)rows->visual[k], key->dim, seen, set, d->index, d->rows, err);
}

static int read_demo(loomData* data, int demo, loomError* err) {
  loomDataRows rows = loom_data_view(data, demo);

  int code = read_actions((float*)rows.actions, data, demo, err);

  for (int k = 0; !code && k < data->info.key_count; k++) code = read_key(&rows, data, demo, k, err);
  return code;
}

// ---- the least recently used

static void take_out(loomData* data, int demo) {
  dataDemo* d = &data->demo[demo];

  if (d->older >= 0)
    data->demo[d->older].newer = d->newer;
  else
    data->cache.oldest = d->newer;

  if (d->newer >= 0)
    data->demo[d->newer].older = d->older;
  else
    data->cache.newest = d->older;
}

static void make_newest(loomData* data, int demo) {
  dataDemo* d = &data->demo[demo];

  d->older = data->cache.newest;
  d->newer = -1;

  if (d->older >= 0)
    data->demo[d->older].newer = demo;
  else
    data->cache.oldest = demo;

  data->cache.newest = demo;
}

static void drop(loomData* data, int demo) {
  take_out(data, demo);

  free(data->demo[demo].block);
  data->demo[demo].block = NULL;
  data->cache.use.bytes -= data->demo[demo].bytes;
}

int loom_data_cache_get(loomData* data, int demo, loomError* err) {
  dataDemo* d = &data->demo[demo];
  dataCache* cache = &data->cache;

  if (d->block) {
    take_out(data, demo);
    make_newest(data, demo);
    return 0;
  }

  while (cache->oldest >= 0 && cache->use.bytes + d->bytes > cache->limit) drop(data, cache->oldest);

  d->block = malloc((size_t)d->bytes);
  if (!d->block)
    return loom_error_set(
        err, LOOM_ERR_MEMORY, "%s: %s: no memory for its %lld bytes; make the cache smaller",
        loom_data_demo_path(data, demo), loom_data_demo_name(data, demo), (long long)d->bytes);

  int code = read_demo(data, demo, err);
  if (code) {
    free(d->block);
    d->block = NULL;
    return code;
  }

  make_newest(data, demo);
  cache->use.loads++;
  cache->use.bytes += d->bytes;
  if (cache->use.bytes > cache->use.peak) cache->use.peak = cache->use.bytes;
  return 0;
}

void loom_data_cache_clear(loomData* data) {
  while (data->cache.oldest >= 0) drop(data, data->cache.oldest);
}

// ---- what messages call a demo

const char* loom_data_demo_path(const loomData* data, int demo) {
  return loom_data_file_path(data, data->demo[demo].file);
}

const char* loom_data_demo_name(const loomData* data, int demo) {
  return loom_dataset_demo_name(data->file[data->demo[demo].file].set, data->demo[demo].index);
}

const char* loom_data_file_path(const loomData* data, int file) {
  return loom_dataset_path(data->file[file].set);
}
