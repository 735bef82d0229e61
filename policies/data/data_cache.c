// Demos in memory, the least recently used of them thrown out when room is needed.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/observe/framed.h"
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

static void not_finite(const loomData* data, int demo, const char* path, int64_t row, int64_t column,
                       loomError* err) {
  loom_error_set(
      err, LOOM_ERR_FORMAT,
      "%s: %s: %s: row %lld, entry %lld is no finite number; leave the demo out by a mask, or make "
      "the dataset anew",
      loom_data_demo_path(data, demo), loom_data_demo_name(data, demo), path, (long long)row,
      (long long)column);
}

// The demo's array, (rows x dim), all of it finite.
static int read_array(loomArray* a, const loomData* data, int demo, const char* path, int dim,
                      loomError* err) {
  const dataDemo* d = &data->demo[demo];
  const loomDataset* set = data->file[d->file].set;
  *a = (loomArray){0};
  int code = loom_dataset_doubles(a, set, loom_dataset_demo_path(set, d->index), path, err);
  if (code) return code;
  if (a->count != (int64_t)d->rows * dim)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: %s changed while it was read",
                          loom_dataset_path(set), loom_dataset_demo_name(set, d->index), path);
  const double* from = a->data;
  for (int64_t i = 0; i < a->count; i++) {
    if (isfinite((float)from[i])) continue;
    not_finite(data, demo, path, i / dim, i % dim, err);
    return LOOM_ERR_FORMAT;
  }
  return 0;
}

static int read_framed(float* out, int stride, const loomData* data, int demo, int k,
                       const loomFramed* framed, loomError* err) {
  const dataDemo* d = &data->demo[demo];
  const loomDataset* set = data->file[d->file].set;
  int64_t rows = d->rows;
  int code = loom_framed_read(out, stride, &rows, framed, set, loom_dataset_demo_path(set, d->index), err);
  for (int64_t i = 0; !code && i < rows * LOOM_FRAMED_DIM; i++) {
    if (isfinite(out[i / LOOM_FRAMED_DIM * stride + i % LOOM_FRAMED_DIM])) continue;
    not_finite(data, demo, data->key_name[k], i / LOOM_FRAMED_DIM, i % LOOM_FRAMED_DIM, err);
    code = LOOM_ERR_FORMAT;
  }
  return code;
}

// Into columns of out (rows x stride).
static int read_key(float* out, int stride, const loomData* data, int demo, const char* path, int dim,
                    loomError* err) {
  loomArray a;
  int code = read_array(&a, data, demo, path, dim, err);
  const double* from = a.data;
  for (int64_t i = 0; !code && i < a.count; i++) out[i / dim * stride + i % dim] = (float)from[i];
  loom_array_destroy(&a);
  return code;
}

// In the form that is asked for.
static int read_actions(float* out, const loomData* data, int demo, loomError* err) {
  loomArray a, goal = {0};
  int code = read_array(&a, data, demo, data->action_path, data->raw_dim, err);
  if (!code && data->goals) code = read_array(&goal, data, demo, LOOM_DATA_GOALS, 16 * data->arms, err);
  const double *actions = a.data, *goals = goal.data;
  for (int i = 0; !code && i < data->demo[demo].rows; i++)
    loom_action_encode(out + (ptrdiff_t)i * data->info.action_dim, data->def.form, data->arms, data->raw_dim,
                       actions + (ptrdiff_t)i * data->raw_dim,
                       goals ? goals + (ptrdiff_t)i * 16 * data->arms : NULL);
  loom_array_destroy(&a);
  loom_array_destroy(&goal);
  return code;
}

static int read_bytes(unsigned char* out, const loomData* data, int demo, const char* path, int dim,
                      loomError* err) {
  const dataDemo* d = &data->demo[demo];
  const loomDataset* set = data->file[d->file].set;
  loomArray a = {0};
  int code = loom_dataset_array(&a, set, loom_dataset_demo_path(set, d->index), path, err);
  if (!code && (a.type != LOOM_TYPE_U8 || a.count != (int64_t)d->rows * dim))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: %s changed while it was read",
                          loom_dataset_path(set), loom_dataset_demo_name(set, d->index), path);
  if (!code && a.count > 0) memcpy(out, a.data, (size_t)a.count);
  loom_array_destroy(&a);
  return code;
}

static int read_demo(loomData* data, int demo, loomError* err) {
  const loomDataInfo* info = &data->info;
  loomDataRows rows = loom_data_view(data, demo);
  int code = read_actions((float*)rows.actions, data, demo, err);
  for (int k = 0; !code && k < info->key_count; k++) {
    const loomDataKey* key = &info->key[k];
    loomFramed framed;
    if (loom_framed_parse(&framed, key->name))
      code = read_framed((float*)rows.low + key->offset, info->low_dim, data, demo, k, &framed, err);
    else if (rows.visual[k] && key->bytes)
      code = read_bytes((unsigned char*)rows.visual[k], data, demo, data->key_path[k], key->dim, err);
    else if (rows.visual[k])
      code = read_key((float*)rows.visual[k], key->dim, data, demo, data->key_path[k], key->dim, err);
    else
      code = read_key((float*)rows.low + key->offset, info->low_dim, data, demo, data->key_path[k], key->dim,
                      err);
  }
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
