// Copying samples into batches, and the thread that does it ahead of time.
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "policies/data/data_internal.h"

// ---- one batch

// robosuite stores images row by row with the colors of a pixel together; networks want one plane a color.
void loom_data_picture(float* out, const void* from, bool bytes, int64_t colors, int64_t pixels) {
  for (int64_t p = 0; p < pixels; p++) {
    for (int64_t c = 0; c < colors; c++) {
      int64_t i = p * colors + c;
      out[c * pixels + p] = bytes ? (float)((const unsigned char*)from)[i] / 255 : ((const float*)from)[i];
    }
  }
}

static void put_visual(float* out, const loomDataRows* rows, int k, const loomDataKey* key, int first,
                       int length) {
  size_t size = (size_t)key->dim * (key->bytes ? 1 : sizeof(float));
  int64_t colors = key->rank == 3 ? key->shape[0] : 1;

  for (int i = 0; i < length; i++) {
    size_t row = (size_t)loom_data_held(first + i, rows->rows);
    loom_data_picture(out + (size_t)i * (size_t)key->dim, (const unsigned char*)rows->visual[k] + row * size,
                      key->bytes, colors, key->dim / colors);
  }
}

static void put_rows(float* out, const float* from, int dim, int rows, int first, int length) {
  for (int i = 0; i < length; i++)
    memcpy(out + (size_t)i * (size_t)dim, from + (size_t)loom_data_held(first + i, rows) * (size_t)dim,
           (size_t)dim * sizeof *out);
}

// Arms whose grippers are told something else than in the demo's first row: hands begin open.
static unsigned shut_arms(const loomDataRows* rows, int row, const loomData* data) {
  int arms = data->info.arms, dim = data->info.action_dim, pose = data->def.form.columns ? 9 : 6;
  int told = arms < LOOM_MAX_ARMS ? arms : LOOM_MAX_ARMS;
  const float *now = rows->actions + (size_t)loom_data_held(row, rows->rows) * (size_t)dim,
              *first = rows->actions;
  unsigned shut = 0;

  for (int a = 0; a < told; a++)
    for (int i = a * (dim / arms) + pose; i < (a + 1) * (dim / arms); i++)
      if (fabsf(now[i] - first[i]) > 1) shut |= 1U << a;
  return shut;
}

static void put_sample(loomBatch* out, size_t b, dataSample sample, const loomData* data) {
  const loomDataInfo* info = &data->info;

  loomDataRows rows = loom_data_view(data, sample.demo);
  loomWindow obs = data->def.obs, actions = data->def.actions;
  int seen = sample.row - obs.before, done = sample.row - actions.before;
  size_t obs_rows = b * (size_t)obs.length, action_rows = b * (size_t)actions.length;

  if (out->low && info->low_dim)
    put_rows(out->low + obs_rows * (size_t)info->low_dim, rows.low, info->low_dim, rows.rows, seen,
             obs.length);

  for (int k = 0; k < info->key_count; k++) {
    const loomDataKey* key = &info->key[k];
    if (rows.visual[k] && out->visual[k])
      put_visual(out->visual[k] + obs_rows * (size_t)key->dim, &rows, k, key, seen, obs.length);
  }

  if (out->actions)
    put_rows(out->actions + action_rows * (size_t)info->action_dim, rows.actions, info->action_dim, rows.rows,
             done, actions.length);

  // Padded rows count for nothing in the loss.
  for (int i = 0; out->real && i < actions.length; i++)
    out->real[action_rows + (size_t)i] = done + i >= 0 && done + i < rows.rows;

  if (out->demo) out->demo[b] = sample.demo;
  if (out->row) out->row[b] = sample.row;
  if (out->shut) out->shut[b] = shut_arms(&rows, sample.row, data);
}

int loom_data_fill(loomBatch* out, dataSample* sample, loomData* data, int64_t number, loomError* err) {
  int64_t parts = data->def.parts > 1 ? data->def.parts : 1, part = number % parts;
  int n = 0, code = loom_data_order_batch(sample, &n, data, number / parts, err);
  int first = (int)(part * n / parts);
  out->n = (int)((part + 1) * n / parts) - first;

  for (int b = 0; !code && b < out->n; b++) {
    code = loom_data_cache_get(data, sample[first + b].demo, err);
    if (!code) put_sample(out, (size_t)b, sample[first + b], data);
  }
  return code;
}

// ---- blocks for one batch

// Numbers a sample has in each part of a batch.
typedef struct batchSizes {
  size_t low, actions, real, visual[LOOM_DATA_KEYS];
} batchSizes;

static batchSizes sizes_of(const loomData* data) {
  size_t seen = (size_t)data->def.obs.length, done = (size_t)data->def.actions.length;
  batchSizes s = {seen * (size_t)data->info.low_dim, done * (size_t)data->info.action_dim, done, {0}};

  for (int k = 0; k < data->info.key_count; k++)
    if (data->info.key[k].offset < 0) s.visual[k] = seen * (size_t)data->info.key[k].dim;
  return s;
}

int loom_batch_create(loomBatch* batch, const loomData* data, loomError* err) {
  batchSizes s = sizes_of(data);

  size_t n = (size_t)data->def.batch;
  bool lacks = false;

  *batch = (loomBatch){0};
  batch->low = calloc(n * s.low + 1, sizeof(float));
  batch->actions = calloc(n * s.actions + 1, sizeof(float));
  batch->real = calloc(n * s.real + 1, sizeof(float));
  batch->demo = calloc(n, sizeof(int));
  batch->row = calloc(n, sizeof(int));
  batch->shut = calloc(n, sizeof *batch->shut);

  for (int k = 0; k < data->info.key_count; k++) {
    if (s.visual[k]) batch->visual[k] = calloc(n * s.visual[k], sizeof(float));
    lacks = lacks || (s.visual[k] && !batch->visual[k]);
  }

  if (!lacks && batch->low && batch->actions && batch->real && batch->demo && batch->row && batch->shut)
    return 0;
  loom_batch_destroy(batch);
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a batch of %d samples", data->def.batch);
}

void loom_batch_destroy(loomBatch* batch) {
  free(batch->low);
  free(batch->actions);
  free(batch->real);
  free(batch->demo);
  free(batch->row);
  free(batch->shut);

  for (int k = 0; k < LOOM_DATA_KEYS; k++) free(batch->visual[k]);
  *batch = (loomBatch){0};
}

static void copy_part(void* to, const void* from, size_t bytes) {
  if (to && from && bytes) memcpy(to, from, bytes);
}

static void copy_batch(loomBatch* to, const loomBatch* from, const loomData* data) {
  batchSizes s = sizes_of(data);
  size_t n = (size_t)from->n;
  to->n = from->n;

  copy_part(to->low, from->low, n * s.low * sizeof(float));
  copy_part(to->actions, from->actions, n * s.actions * sizeof(float));
  copy_part(to->real, from->real, n * s.real * sizeof(float));
  copy_part(to->demo, from->demo, n * sizeof(int));
  copy_part(to->row, from->row, n * sizeof(int));
  copy_part(to->shut, from->shut, n * sizeof *to->shut);

  for (int k = 0; k < data->info.key_count; k++)
    copy_part(to->visual[k], from->visual[k], n * s.visual[k] * sizeof(float));
}

// ---- the thread

// While step `wanted` is not `made`, the batch and all of loomData that changes belong to the thread; else to
// whoever calls.
typedef struct dataThread {
  pthread_t id;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool stop;
  int64_t wanted, made;  // -1 = none
  loomBatch batch;
  dataSample* sample;
  int code;  // what making the batch gave
  loomError err;
} dataThread;

static void* prefetch(void* arg) {
  loomData* data = arg;
  dataThread* t = data->thread;

  pthread_mutex_lock(&t->lock);
  while (!t->stop) {
    if (t->wanted == t->made) {
      pthread_cond_wait(&t->changed, &t->lock);
      continue;
    }

    // The batch is made without the lock: nobody else touches it meanwhile.
    int64_t step = t->wanted;
    pthread_mutex_unlock(&t->lock);
    int code = loom_data_fill(&t->batch, t->sample, data, step, &t->err);

    pthread_mutex_lock(&t->lock);
    t->code = code;
    t->made = step;
    pthread_cond_broadcast(&t->changed);
  }

  pthread_mutex_unlock(&t->lock);
  return NULL;
}

int loom_data_thread_create(loomData* data, loomError* err) {
  dataThread* t = calloc(1, sizeof *t);
  if (!t) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for prefetching");

  t->wanted = t->made = -1;
  t->sample = calloc((size_t)data->def.batch, sizeof *t->sample);
  int code = t->sample ? loom_batch_create(&t->batch, data, err)
                       : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for prefetching");

  pthread_mutex_init(&t->lock, NULL);
  pthread_cond_init(&t->changed, NULL);

  data->thread = t;
  if (!code && pthread_create(&t->id, NULL, prefetch, data))
    code =
        loom_error_set(err, LOOM_ERR_MEMORY, "no thread for prefetching; do without it (prefetch = false)");

  if (!code) return 0;

  pthread_cond_destroy(&t->changed);
  pthread_mutex_destroy(&t->lock);
  loom_batch_destroy(&t->batch);
  free(t->sample);
  free(t);
  data->thread = NULL;
  return code;
}

void loom_data_thread_destroy(loomData* data) {
  dataThread* t = data->thread;

  if (!t) return;

  pthread_mutex_lock(&t->lock);
  t->stop = true;
  pthread_cond_broadcast(&t->changed);
  pthread_mutex_unlock(&t->lock);

  pthread_join(t->id, NULL);

  pthread_cond_destroy(&t->changed);
  pthread_mutex_destroy(&t->lock);
  loom_batch_destroy(&t->batch);
  free(t->sample);
  free(t);
  data->thread = NULL;
}

static void wait_locked(dataThread* t) {
  while (t->wanted != t->made) pthread_cond_wait(&t->changed, &t->lock);
}

void loom_data_thread_wait(loomData* data) {
  dataThread* t = data->thread;

  if (!t) return;

  pthread_mutex_lock(&t->lock);
  wait_locked(t);
  pthread_mutex_unlock(&t->lock);
}

int loom_data_thread_batch(loomBatch* out, loomData* data, int64_t step, int64_t next, loomError* err) {
  dataThread* t = data->thread;

  pthread_mutex_lock(&t->lock);
  wait_locked(t);

  // Usually it has been made already, while the batch before was in use.
  if (t->made != step) {
    t->wanted = step;
    pthread_cond_broadcast(&t->changed);
    wait_locked(t);
  }

  int code = t->code;

  if (code) {
    if (err) *err = t->err;
    t->wanted = t->made = -1;  // asked for again, it is tried again
  } else {
    copy_batch(out, &t->batch, data);
    t->wanted = next;
    pthread_cond_broadcast(&t->changed);
  }

  pthread_mutex_unlock(&t->lock);
  return code;
}
